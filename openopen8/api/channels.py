"""Channels: upstream provider accounts, for admins. Keys go in and never come out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from openopen8.api.answers import answer, nothing, page_of, schema_of, tells
from openopen8.api.body import StrictRoute
from openopen8.api.caller import Admin, With
from openopen8.api.query import Id, SearchQuery, Word
from openopen8.core.services import channels
from openopen8.core.services.channels import ChannelFields, ChannelPatch, ChannelView
from openopen8.core.services.forms import Patch

router = APIRouter(prefix="/api/channels", tags=["channels"], route_class=StrictRoute)


class ChannelQuery(SearchQuery):
    """Which channels."""

    status: Word = Field("", description="enabled or disabled.")
    sort: Word = "-created_at"


class KeyPatch(Patch):
    """What can be changed on one key."""

    enabled: bool


@router.get("", summary="List channels", **tells(page_of(ChannelView)))
def find(tools: With, actor: Admin, query: Annotated[ChannelQuery, Query()]) -> Response:
    page = channels.find(tools, actor, query.search, query.status, query.sort, query.page, query.page_size)
    return answer(page)


@router.post("", summary="Connect a provider", **tells(schema_of(ChannelView), 201))
def create(tools: With, actor: Admin, fields: ChannelFields) -> Response:
    return answer(channels.create(tools, actor, fields), 201)


@router.get("/{id}", summary="One channel", **tells(schema_of(ChannelView)))
def get(tools: With, actor: Admin, id: Id) -> Response:
    return answer(channels.get(tools, actor, id))


@router.patch("/{id}", summary="Change a channel", **tells(schema_of(ChannelView)))
def update(tools: With, actor: Admin, id: Id, patch: ChannelPatch) -> Response:
    return answer(channels.update(tools, actor, id, patch))


@router.delete("/{id}", summary="Delete a channel", **tells(None, 204))
def delete(tools: With, actor: Admin, id: Id) -> Response:
    channels.delete(tools, actor, id)
    return nothing()


@router.patch("/{id}/keys/{key_id}", summary="Enable or disable one key", **tells(schema_of(ChannelView)))
def update_key(tools: With, actor: Admin, id: Id, key_id: Id, patch: KeyPatch) -> Response:
    return answer(channels.set_key_enabled(tools, actor, id, key_id, patch.enabled))
