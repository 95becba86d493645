"""The installation's settings, for admins."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Body
from fastapi.responses import Response

from openopen8.api.answers import answer, schema_of, tells
from openopen8.api.body import StrictRoute
from openopen8.api.caller import Admin, With
from openopen8.core.rules.options import Options
from openopen8.core.services import options

router = APIRouter(prefix="/api/settings", tags=["settings"], route_class=StrictRoute)


@router.get("", summary="All settings", **tells(schema_of(Options)))
def get(tools: With, actor: Admin) -> Response:
    return answer(asdict(options.get(tools, actor)))


@router.patch("", summary="Change settings", **tells(schema_of(Options)))
def update(tools: With, actor: Admin, changes: Annotated[dict[str, Any], Body()]) -> Response:
    return answer(asdict(options.set(tools, actor, changes)))
