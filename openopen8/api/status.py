"""What anybody may know: version, and whether the gateway is ready or still waits for its first account."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import Response
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError

from openopen8 import __version__
from openopen8.api.answers import answer, tells
from openopen8.api.body import StrictRoute
from openopen8.api.caller import With
from openopen8.core.services import setup

router = APIRouter(prefix="/api", tags=["status"], route_class=StrictRoute)


class Status(BaseModel):
    """The gateway's state."""

    version: str
    ready: bool
    setup_needed: bool
    code_needed: bool


@router.get("/status", summary="Version and readiness; public", **tells(Status))
def status(tools: With) -> Response:
    try:
        needed, ready = setup.needed(tools), True
    except SQLAlchemyError:
        needed, ready = False, False
    code = needed and setup.code_needed(tools)
    return answer({"version": __version__, "ready": ready, "setup_needed": needed, "code_needed": code})
