"""`reflex run`: relay and API in front of Reflex's own backend, with the same handshake as in production."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from openopen8.core.config import load_settings
from openopen8.core.tools import open_tools
from openopen8.server.dev import api


class Reflex:
    """Stands for Reflex's backend; keeps the last scope."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = dict(scope)
        if scope["type"] == "http":
            await PlainTextResponse("reflex")(scope, receive, send)


@pytest.fixture(autouse=True)
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DATA_DIR", str(tmp_path / "data"))
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("REFLEX_FRONTEND_PORT", "9")  # nobody listens there


async def test_relay_and_api_answer_and_reflex_keeps_its_own_paths() -> None:
    transport = httpx.ASGITransport(app=api(Reflex()))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as client:
        assert (await client.get("/healthz")).json() == {"status": "ok"}
        assert (await client.get("/api/status")).json()["setup_needed"] is True
        assert (await client.get("/v1/models")).status_code == 401
        assert (await client.get("/ping")).text == "reflex"
        assert (await client.get("/tokens")).status_code == 502


async def test_reflex_gets_the_session_as_a_hash_here_too() -> None:
    reflex = Reflex()
    headers = [(b"host", b"localhost:8000"), (b"upgrade", b"websocket"), (b"sec-websocket-version", b"13")]
    headers += [(b"cookie", b"oo8_session=value"), (b"authorization", b"forged")]
    scope = {"type": "websocket", "path": "/_event", "headers": headers, "client": ("127.0.0.1", 1)}
    await api(reflex)(scope, None, None)  # type: ignore[arg-type]
    tools = open_tools(load_settings())
    seen = dict(reflex.scope["headers"])
    assert seen[b"authorization"] == tools.keyring.hash("value").encode()
    assert b"cookie" not in seen
    assert seen[b"upgrade"] == b"websocket"
    tools.close()
