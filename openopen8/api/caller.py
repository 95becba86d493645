"""Who calls: a personal access token or a session's cookie. Each endpoint asks for the caller itself."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security.utils import get_authorization_scheme_param

from openopen8.core.errors import Problem
from openopen8.core.rules.access import client_address
from openopen8.core.rules.roles import Actor, require_admin
from openopen8.core.security.secrets import TOKEN_PREFIX
from openopen8.core.services import access_tokens, sessions
from openopen8.core.tools import Tools

COOKIE = "oo8_session"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})


def tools_of(request: Request) -> Tools:
    """The process's tools."""
    tools: Tools = request.app.state.tools
    return tools


def address_of(request: Request) -> str:
    """The caller's address, behind trusted proxies the one that they name."""
    peer = request.client.host if request.client else ""
    forwarded = ",".join(request.headers.getlist("x-forwarded-for"))
    return client_address(peer, forwarded, tools_of(request).settings.trusted_proxies)


def session_hash(request: Request) -> str:
    """Hash of the session's cookie; empty when there is none."""
    value = request.cookies.get(COOKIE, "")
    return tools_of(request).keyring.hash(value) if value else ""


def caller(request: Request) -> Actor:
    """The caller, or a 401. An ``Authorization`` header goes before a cookie."""
    given = request.headers.getlist("authorization")
    if len(given) > 1:
        raise _refused("Send one Authorization header, not several.")
    if given:
        return _by_header(request, given[0])
    hash = session_hash(request)
    actor = sessions.who(tools_of(request), hash, address_of(request)) if hash else None
    if actor is None:
        raise _refused("Log in, or send a personal access token as 'Authorization: Bearer oo8-…'.")
    if request.method not in _READING:
        check_same_site(request)
    return actor


def admin(actor: Annotated[Actor, Depends(caller)]) -> Actor:
    """The caller, if it is an admin."""
    require_admin(actor)
    return actor


def check_same_site(request: Request, required: bool = True) -> None:
    """Refuse what another site made a browser send. ``required``: nothing said about the site is refused too."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        same = site in ("same-origin", "none")
    elif origin is not None:
        same = urlsplit(origin).netloc.lower() == request.headers.get("host", "").lower() != ""
    else:
        same = not required
    if not same:
        raise Problem(403, "cross_site", "This request came from another site. Call from the dashboard itself.")


def _by_header(request: Request, header: str) -> Actor:
    scheme, value = get_authorization_scheme_param(header)
    if scheme.lower() != "bearer" or not value:
        raise _refused("Send a personal access token as 'Authorization: Bearer oo8-…'.")
    if value.startswith(TOKEN_PREFIX):
        raise _refused(
            "An sk- token is for calls of models. The management API takes a personal access token (oo8-…), "
            "which your profile page makes."
        )
    actor = access_tokens.who(tools_of(request), value.strip(), address_of(request))
    if actor is None:
        raise _refused("This personal access token is unknown, or its account is disabled.")
    return actor


def _refused(message: str) -> Problem:
    return Problem(401, "not_authenticated", message, headers={"www-authenticate": "Bearer"})


With = Annotated[Tools, Depends(tools_of)]
Caller = Annotated[Actor, Depends(caller)]
Admin = Annotated[Actor, Depends(admin)]
SessionHash = Annotated[str, Depends(session_hash)]
Address = Annotated[str, Depends(address_of)]
