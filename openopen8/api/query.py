"""What lists take in their query: pages, search and order. An unknown name is a 400, so that no filter is lost."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field

from openopen8.core.services.page import LARGEST_ID, LARGEST_PAGE, LAST_PAGE

Id = Annotated[int, Path(ge=1, le=LARGEST_ID)]
AnyId = Annotated[int, Field(ge=0, le=LARGEST_ID)]
Word = Annotated[str, Field(max_length=256, pattern=r"^[^\x00-\x1f\x7f]*$")]


class Query(BaseModel):
    """Known names only."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class PageQuery(Query):
    """A page, from 1."""

    page: int = Field(1, ge=1, le=LAST_PAGE)
    page_size: int = Field(50, ge=1, le=LARGEST_PAGE)


class SearchQuery(PageQuery):
    """A page of what matches a search word."""

    search: Word = ""


class UserQuery(Query):
    """For whom an admin acts."""

    user_id: AnyId | None = Field(None, description="Admins: another user.")
