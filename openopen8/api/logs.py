"""The log: entries, sums, CSV, and corrections of single requests."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response, StreamingResponse
from pydantic import Field, create_model

from openopen8.api.answers import answer, page_of, schema_of, tells
from openopen8.api.body import StrictRoute
from openopen8.api.caller import Admin, Caller, With
from openopen8.api.problems import GUARDS
from openopen8.api.query import AnyId, Id, PageQuery, Word
from openopen8.api.query import Query as Names
from openopen8.core.clock import to_ms
from openopen8.core.services import credits, logs
from openopen8.core.services.credits import CorrectionFields
from openopen8.core.services.forms import Moment
from openopen8.core.services.logs import EntryView, LogFilter, Summary

router = APIRouter(prefix="/api", tags=["logs"], route_class=StrictRoute)


_PAGE = create_model("PageOfLogEntries", __base__=page_of(EntryView), next=(int | None, ...))
"""``next`` given as ``after`` continues; null at the end of the log."""


class LogQuery(Names):
    """Which entries: from ≤ time < to."""

    token_id: AnyId | None = None
    model: Word = ""
    from_: Moment | None = Field(None, alias="from")
    to: Moment | None = None
    status: Word = Field("", description="An HTTP status, ok or error.")
    request_id: Word = ""
    kind: Word = Field("", description="request, correction, credit, admin or login.")
    user_id: AnyId | None = Field(None, description="Admins.")
    channel_id: AnyId | None = Field(None, description="Admins.")
    group: Word = Field("", description="Admins: a group's name.")

    def wanted(self) -> LogFilter:
        """The query as the service takes it."""
        return LogFilter(
            token_id=self.token_id,
            model=self.model,
            from_ms=None if self.from_ is None else to_ms(self.from_),
            to_ms=None if self.to is None else to_ms(self.to),
            status=self.status,
            request_id=self.request_id,
            user_id=self.user_id,
            channel_id=self.channel_id,
            group=self.group,
            kind=self.kind,
        )


class LogPageQuery(LogQuery, PageQuery):
    """A page of entries; ``page`` reaches the first 10,001, ``after`` is quick at any depth."""

    after: AnyId | None = Field(
        None,
        description="Only entries older than the one with this id. A page may have fewer than page_size while next "
        "is not null: so far has been searched in the time that a call may take.",
    )


@router.get("/logs", summary="The log, newest first; total counts up to 10,001", **tells(_PAGE))
def find(tools: With, actor: Caller, query: Annotated[LogPageQuery, Query()]) -> Response:
    return answer(logs.find(tools, actor, query.wanted(), query.page, query.page_size, query.after))


@router.get("/logs/summary", summary="Sums of a filter", **tells(schema_of(Summary)))
def summary(tools: With, actor: Caller, query: Annotated[LogQuery, Query()]) -> Response:
    return answer(logs.summary(tools, actor, query.wanted()))


@router.get("/logs.csv", summary="The log as CSV", response_class=StreamingResponse, **tells(None))
def export(tools: With, actor: Caller, query: Annotated[LogQuery, Query()]) -> Response:
    rows = logs.csv_rows(tools, actor, query.wanted())
    headers = {**GUARDS, "content-disposition": 'attachment; filename="openopen8-log.csv"'}
    return StreamingResponse(_csv(rows), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/logs/{id}", summary="One entry", **tells(schema_of(EntryView)))
def get(tools: With, actor: Caller, id: Id) -> Response:
    return answer(logs.get(tools, actor, id))


@router.post("/logs/{request_id}/correction", summary="Give credits back", **tells(schema_of(EntryView), 201))
def correct(
    tools: With, actor: Admin, request_id: Annotated[str, Path(pattern=r"^[!-~]{1,64}$")], fields: CorrectionFields
) -> Response:
    id = credits.correct(tools, actor, request_id, fields.credits, fields.reason)
    return answer(logs.get(tools, actor, id), 201)


def _csv(rows: Iterator[list[str]]) -> Iterator[str]:
    for row in rows:
        line = io.StringIO()
        csv.writer(line).writerow(row)
        yield line.getvalue()
