"""Channels: upstream provider accounts, for admins. Keys go in and never come out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from openopen8.api.answers import answer, nothing, page_of, schema_of, tells
from openopen8.api.body import StrictRoute
from openopen8.api.caller import Admin, With
from openopen8.api.query import Id, SearchQuery, Word
from openopen8.core.services import channels
from openopen8.core.services.channels import ChannelFields, ChannelPatch, ChannelView
from openopen8.core.services.forms import Form, Patch
from relay import probe
from relay.probe import Probe

router = APIRouter(prefix="/api/channels", tags=["channels"], route_class=StrictRoute)


class ChannelQuery(SearchQuery):
    """Which channels."""

    status: Word = Field("", description="enabled or disabled.")
    sort: Word = "-created_at"


class KeyPatch(Patch):
    """What can be changed on one key."""

    enabled: bool


class Trial(Form):
    """What to ask; the channel's test model when none is named."""

    model: Annotated[str, Field(max_length=256)] = ""
    stream: bool = True


class Models(BaseModel):
    """Names of models, as the provider spells them."""

    models: list[str]


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


@router.post("/{id}/test", summary="Ask the provider one short question", **tells(schema_of(Probe)))
async def test(tools: With, actor: Admin, id: Id, trial: Trial | None = None) -> Response:
    trial = trial or Trial()
    result = await probe.test_channel(tools, id, trial.model, trial.stream)
    await run_in_threadpool(channels.record_test, tools, id, result.as_dict())
    return answer(result)


@router.post("/{id}/models", summary="The models that the provider offers", **tells(Models))
async def offered(tools: With, actor: Admin, id: Id) -> Response:
    return answer({"models": list(await probe.list_models_of(tools, id))})
