"""Who is behind an event: the session's hash travels in the websocket's handshake, put there by the bridge."""

from __future__ import annotations

import asyncio
import os
from http.cookies import SimpleCookie
from typing import Any

from openopen8.core.rules.roles import Actor
from openopen8.core.services import sessions
from openopen8.state.tools import tools

COOKIE = "oo8_session"
DEVELOPMENT = "REFLEX_ENV_MODE"


def session_of(state: Any) -> str:
    """The hash of the caller's session, or ``""``."""
    headers = state.router.headers.raw_headers
    given: str = headers.get("authorization", "")
    return given or _from_cookie(headers.get("cookie", ""))


def _from_cookie(cookie: str) -> str:
    """Under plain `reflex run` there is no bridge; the cookie itself arrives. Never in production."""
    if not cookie or os.environ.get(DEVELOPMENT) == "prod":
        return ""
    jar = SimpleCookie(cookie)
    return tools().keyring.hash(jar[COOKIE].value) if COOKIE in jar else ""


async def caller(state: Any) -> Actor | None:
    """The logged-in caller as of now; None when the session ended or the user was disabled."""
    session = session_of(state)
    return await asyncio.to_thread(sessions.who, tools(), session) if session else None
