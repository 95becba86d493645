"""Login and logout of browsers, and the first start. The cookie is the only thing that goes out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import BaseModel, Field

from openopen8.api.answers import answer, tells
from openopen8.api.body import StrictRoute
from openopen8.api.caller import COOKIE, Address, SessionHash, With, check_same_site
from openopen8.api.problems import GUARDS
from openopen8.core.rules.roles import Actor
from openopen8.core.services import sessions, setup
from openopen8.core.services.forms import Form
from openopen8.core.services.user_fields import Password

router = APIRouter(prefix="/api", tags=["session"], route_class=StrictRoute)


class Login(Form):
    """Name (or e-mail address) and password."""

    username: Annotated[str, Field(max_length=254)]
    password: Password


class Setup(Form):
    """The first account; the code is needed where the server listens to others."""

    username: Annotated[str, Field(max_length=254)]
    password: Password
    code: Annotated[str, Field(max_length=64)] = ""


class Who(BaseModel):
    """Who is logged in now."""

    user_id: int
    name: str
    role: str


@router.post("/session", summary="Log in: sets the session's cookie", **tells(Who))
def log_in(request: Request, tools: With, fields: Login, address: Address) -> Response:
    check_same_site(request, required=False)
    agent = request.headers.get("user-agent", "")
    value, actor = sessions.log_in(tools, fields.username, fields.password.get_secret_value(), address, agent)
    return _with_cookie(request, _who(actor), value)


@router.post("/session/end", summary="Log out", **tells(None, 204))
def log_out(request: Request, tools: With, session: SessionHash) -> Response:
    check_same_site(request)
    if session:
        sessions.end(tools, session)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    by_form = kind in ("application/x-www-form-urlencoded", "multipart/form-data")
    response = RedirectResponse("/login", 303, GUARDS) if by_form else Response(status_code=204, headers=GUARDS)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=_is_https(request))
    return response


@router.post("/setup", summary="Make the first account and log in", **tells(Who, 201))
def set_up(request: Request, tools: With, fields: Setup, address: Address) -> Response:
    check_same_site(request, required=False)
    password = fields.password.get_secret_value()
    setup.create_root(tools, fields.username, password, fields.code, address)
    agent = request.headers.get("user-agent", "")
    value, actor = sessions.log_in(tools, fields.username, password, address, agent)
    return _with_cookie(request, _who(actor, 201), value)


def _who(actor: Actor, status: int = 200) -> Response:
    return answer({"user_id": actor.user_id, "name": actor.name, "role": actor.role}, status)


def _with_cookie(request: Request, response: Response, value: str) -> Response:
    response.set_cookie(
        COOKIE,
        value,
        max_age=sessions.LIFE // 1000,
        path="/",
        httponly=True,
        samesite="lax",
        secure=_is_https(request),
    )
    return response


def _is_https(request: Request) -> bool:
    return request.headers.get("origin", "").startswith("https://") or request.scope.get("scheme") == "https"
