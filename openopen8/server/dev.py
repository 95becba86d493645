"""For developers of pages: relay and management API inside Reflex's own backend, under plain `reflex run`.

Open the backend's address (port 8000): what is not ours is fetched from Vite on port 3000, so that
pages, `/api`, `/v1` and the websocket share one origin as they do in `openopen8 serve`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os

import httpx
from starlette.types import ASGIApp, Receive, Scope, Send

from openopen8.core.config import load_settings
from openopen8.core.migrate import migrate
from openopen8.core.tools import Tools, open_tools
from openopen8.server.handshake import passed_on
from openopen8.server.worker import EVENTS, RelayApp, of
from relay.routes import SOCKETS

# Of one hop, not of the answer.
_HOP = frozenset(b"connection keep-alive transfer-encoding content-encoding content-length".split())
_SOCKET = (b"host", b"connection", b"upgrade", b"sec-websocket-")
_REFLEX = (EVENTS, "/ping", "/_health", "/_upload", "/_all_routes")


def api(reflex: ASGIApp) -> ASGIApp:
    """The transformer for ``rx.App(api_transformer=api)``."""
    return Development(reflex)


class Development:
    """The ASGI root of `reflex run`; opens database and relay at the first request."""

    def __init__(self, reflex: ASGIApp) -> None:
        self._reflex = reflex
        self._opening = asyncio.Lock()
        self._parts: tuple[Tools, RelayApp, ASGIApp] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self._reflex(scope, receive, send)
        tools, relay, rest = await self._open()
        if scope["type"] == "websocket" and scope["path"] in SOCKETS:
            return await relay(scope, receive, send)
        if scope["type"] == "websocket":
            peer = (scope.get("client") or ("127.0.0.1", 0))[0]
            headers = passed_on(scope["headers"], peer, tools.keyring, ())
            kept = [(key, value) for key, value in scope["headers"] if key.startswith(_SOCKET)]
            return await self._reflex({**scope, "headers": headers + kept}, receive, send)
        if any(of(root, scope["path"]) for root in _REFLEX):
            return await self._reflex(scope, receive, send)
        if relay.handles(scope["path"], scope["method"]):
            return await relay(scope, receive, send)
        await (rest if of("/api", scope["path"]) else from_vite)(scope, receive, send)

    async def _open(self) -> tuple[Tools, RelayApp, ASGIApp]:
        async with self._opening:
            if self._parts is None:
                from openopen8.api.app import create_api
                from relay.app import Relay

                tools = open_tools(load_settings())
                await asyncio.to_thread(migrate, tools)
                relay = Relay(tools)
                await relay.start()
                self._parts = (tools, relay, create_api(tools))
            return self._parts


async def from_vite(scope: Scope, receive: Receive, send: Send) -> None:
    """Fetch a page or script from the development server of the pages."""
    port = os.environ.get("REFLEX_FRONTEND_PORT", "3000")
    query = scope["query_string"].decode("latin-1")
    url = f"http://localhost:{port}{scope['raw_path'].decode('latin-1')}" + (f"?{query}" if query else "")
    headers = [(key, value) for key, value in scope["headers"] if key not in (b"host", b"cookie", b"authorization")]
    answer = httpx.Response(502, text="The pages are not served yet.")
    with contextlib.suppress(httpx.HTTPError):
        async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
            answer = await client.request(scope["method"], url, headers=headers)
    kept = [(key.lower(), value) for key, value in answer.headers.raw if key.lower() not in _HOP]
    await send({"type": "http.response.start", "status": answer.status_code, "headers": kept})
    await send({"type": "http.response.body", "body": answer.content})
