"""Groups: price ratio, limit and channels under one name, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from openopen8.api.answers import answer, nothing, page_of, schema_of, tells
from openopen8.api.body import StrictRoute
from openopen8.api.caller import Admin, With
from openopen8.api.query import Id, SearchQuery
from openopen8.core.services import groups
from openopen8.core.services.groups import GroupFields, GroupPatch, GroupView

router = APIRouter(prefix="/api/groups", tags=["groups"], route_class=StrictRoute)


@router.get("", summary="List groups", **tells(page_of(GroupView)))
def find(tools: With, actor: Admin, query: Annotated[SearchQuery, Query()]) -> Response:
    return answer(groups.find(tools, actor, query.search, query.page, query.page_size))


@router.post("", summary="Make a group", **tells(schema_of(GroupView), 201))
def create(tools: With, actor: Admin, fields: GroupFields) -> Response:
    return answer(groups.create(tools, actor, fields), 201)


@router.get("/{id}", summary="One group", **tells(schema_of(GroupView)))
def get(tools: With, actor: Admin, id: Id) -> Response:
    return answer(groups.get(tools, actor, id))


@router.patch("/{id}", summary="Change a group", **tells(schema_of(GroupView)))
def update(tools: With, actor: Admin, id: Id, patch: GroupPatch) -> Response:
    return answer(groups.update(tools, actor, id, patch))


@router.delete("/{id}", summary="Delete a group that has no users", **tells(None, 204))
def delete(tools: With, actor: Admin, id: Id) -> Response:
    groups.delete(tools, actor, id)
    return nothing()
