"""Prices of models, for admins."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response
from pydantic import Field

from openopen8.api.answers import answer, list_of, listed, nothing, page_of, schema_of, tells
from openopen8.api.body import StrictRoute
from openopen8.api.caller import Admin, With
from openopen8.api.query import Id, SearchQuery, Word
from openopen8.api.query import Query as Known
from openopen8.core.services import catalogue, prices
from openopen8.core.services.catalogue import Choice, Filled, FillFields, Proposal
from openopen8.core.services.forms import read
from openopen8.core.services.price_fields import PriceFields, PricePatch
from openopen8.core.services.prices import PriceView

router = APIRouter(prefix="/api/prices", tags=["prices"], route_class=StrictRoute)


class PriceQuery(SearchQuery):
    """Which prices."""

    history: bool = Field(False, description="Also prices that hold no longer.")
    sort: Word = "model"


class CatalogueQuery(Known):
    """Which list prices."""

    provider: Word = Field("", description="Of the list, such as openai, anthropic, google.")
    models: str = Field("", max_length=20_000, description="Names as callers send them, with commas.")
    served: bool = Field(False, description="Every model that an enabled channel serves.")
    search: Word = Field("", description="A part of the model's name.")


@router.get("", summary="List prices", **tells(page_of(PriceView)))
def find(tools: With, actor: Admin, query: Annotated[PriceQuery, Query()]) -> Response:
    page = prices.find(tools, actor, query.search, query.page, query.page_size, query.history, query.sort)
    return answer(page)


@router.post("", summary="Set a model's price", **tells(schema_of(PriceView), 201))
def create(tools: With, actor: Admin, fields: PriceFields) -> Response:
    return answer(prices.create(tools, actor, fields), 201)


@router.get("/catalogue", summary="Preview prices of the public list", **tells(list_of(Proposal)))
def look_up(tools: With, actor: Admin, query: Annotated[CatalogueQuery, Query()]) -> Response:
    return listed(catalogue.preview(tools, actor, read(Choice, query.model_dump())))


@router.post("/catalogue", summary="Fill in list prices, from now on and as announced", **tells(schema_of(Filled)))
def fill(tools: With, actor: Admin, fields: FillFields) -> Response:
    return answer(catalogue.fill(tools, actor, fields))


@router.get("/{id}", summary="One price", **tells(schema_of(PriceView)))
def get(tools: With, actor: Admin, id: Id) -> Response:
    return answer(prices.get(tools, actor, id))


@router.patch("/{id}", summary="Change a price; answers the new row", **tells(schema_of(PriceView)))
def update(tools: With, actor: Admin, id: Id, patch: PricePatch) -> Response:
    return answer(prices.update(tools, actor, id, patch))


@router.delete("/{id}", summary="Delete a price", **tells(None, 204))
def delete(tools: With, actor: Admin, id: Id) -> Response:
    prices.delete(tools, actor, id)
    return nothing()
