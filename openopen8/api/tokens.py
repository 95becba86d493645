"""Tokens: the credentials of programs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from openopen8.api.answers import (
    answer,
    created_schema,
    list_of,
    listed,
    nothing,
    page_of,
    schema_of,
    tells,
    with_value,
)
from openopen8.api.body import StrictRoute
from openopen8.api.caller import Caller, With
from openopen8.api.query import AnyId, Id, SearchQuery, UserQuery, Word
from openopen8.core.rules.pricing import MAX_CREDITS
from openopen8.core.services import charts, tokens
from openopen8.core.services.charts import DayRow
from openopen8.core.services.forms import Form
from openopen8.core.services.tokens import TokenFields, TokenPatch, TokenView

router = APIRouter(prefix="/api/tokens", tags=["tokens"], route_class=StrictRoute)


class TokenQuery(SearchQuery):
    """Which tokens; users see their own, admins all, or those of one user."""

    status: Word = Field("", description="enabled, disabled, expired or exhausted.")
    sort: Word = Field("-created_at", description="A field's name, with - in front for descending.")
    user_id: AnyId | None = Field(None, description="Admins: only the tokens of this user.")


class Rotation(Form):
    """How long the old value goes on working."""

    grace_seconds: int = Field(0, ge=0, le=tokens.LONGEST_GRACE)


class TopUp(Form):
    """Credits to raise the quota by."""

    amount: int = Field(ge=1, le=MAX_CREDITS)


class Selection(Form):
    """Several tokens at once."""

    ids: list[Annotated[int, Field(ge=1)]] = Field(min_length=1, max_length=tokens.MOST_AT_ONCE)


@router.get("", summary="List tokens", **tells(page_of(TokenView)))
def find(tools: With, actor: Caller, query: Annotated[TokenQuery, Query()]) -> Response:
    page = tokens.find(
        tools,
        actor,
        query.search,
        query.status,
        query.sort,
        query.page,
        query.page_size,
        query.user_id,
        everyone=actor.is_admin,
    )
    return answer(page)


@router.post("", summary="Make a token; the value is shown only here", **tells(created_schema(TokenView), 201))
def create(tools: With, actor: Caller, fields: TokenFields, query: Annotated[UserQuery, Query()]) -> Response:
    made = tokens.create(tools, actor, fields, query.user_id)
    return with_value(made.token, made.value)


@router.post("/disable", summary="Disable several tokens", **tells(None, 204))
def disable(tools: With, actor: Caller, selection: Selection) -> Response:
    tokens.set_enabled(tools, actor, selection.ids, False)
    return nothing()


@router.post("/enable", summary="Enable several tokens", **tells(None, 204))
def enable(tools: With, actor: Caller, selection: Selection) -> Response:
    tokens.set_enabled(tools, actor, selection.ids, True)
    return nothing()


@router.post("/delete", summary="Delete several tokens", **tells(None, 204))
def delete_many(tools: With, actor: Caller, selection: Selection) -> Response:
    tokens.delete_many(tools, actor, selection.ids)
    return nothing()


@router.get("/{id}", summary="One token", **tells(schema_of(TokenView)))
def get(tools: With, actor: Caller, id: Id) -> Response:
    return answer(tokens.get(tools, actor, id))


@router.patch("/{id}", summary="Change a token", **tells(schema_of(TokenView)))
def update(tools: With, actor: Caller, id: Id, patch: TokenPatch) -> Response:
    return answer(tokens.update(tools, actor, id, patch))


@router.delete("/{id}", summary="Delete a token", **tells(None, 204))
def delete(tools: With, actor: Caller, id: Id) -> Response:
    tokens.delete(tools, actor, id)
    return nothing()


@router.post("/{id}/rotate", summary="A new value, shown only here", **tells(created_schema(TokenView), 201))
def rotate(tools: With, actor: Caller, id: Id, rotation: Rotation | None = None) -> Response:
    made = tokens.rotate(tools, actor, id, rotation.grace_seconds if rotation else 0)
    return with_value(made.token, made.value)


@router.post("/{id}/top-up", summary="Raise a token's quota", **tells(schema_of(TokenView), 201))
def top_up(tools: With, actor: Caller, id: Id, fields: TopUp) -> Response:
    return answer(tokens.top_up(tools, actor, id, fields.amount), 201)


@router.get("/{id}/days", summary="A token's use by UTC day and model", **tells(list_of(DayRow)))
def days(tools: With, actor: Caller, id: Id, days: Annotated[int, Query(ge=1, le=charts.MOST_DAYS)] = 30) -> Response:
    return listed(charts.token_days(tools, actor, id, days))
