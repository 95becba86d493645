"""Clients of both kinds in both kinds of event loop: what is tested here holds in each of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
import uvloop

from relay.upstream import FastUpstream, HttpxUpstream, Upstream
from tests.conftest import settings_for

Loop = Callable[[], asyncio.AbstractEventLoop]
Open = Callable[..., Upstream]


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Loop]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def open_fast(tmp_path: Any) -> AsyncIterator[Callable[..., FastUpstream]]:
    """``open_fast(streaming_timeout=…, resolve=…)``: the fast client, closed afterwards."""
    opened: list[FastUpstream] = []

    def make(
        resolve: Any = None, authorities: str | None = None, idle_seconds: float = 20.0, **settings: Any
    ) -> FastUpstream:
        given = {"resolve": resolve} if resolve else {}
        values = settings_for(tmp_path, **settings)
        opened.append(FastUpstream(values, authorities=authorities, idle_seconds=idle_seconds, **given))
        return opened[-1]

    yield make
    for upstream in opened:
        await upstream.close()


@pytest.fixture(params=["fast", "httpx"])
async def open(request: pytest.FixtureRequest, tmp_path: Any, open_fast: Open) -> AsyncIterator[Open]:
    """``open(streaming_timeout=…, resolve=…)``: a client of each kind in turn, closed afterwards."""
    opened: list[HttpxUpstream] = []

    def make(resolve: Any = None, authorities: str | None = None, **settings: Any) -> HttpxUpstream:
        given = {"resolve": resolve} if resolve else {}
        opened.append(HttpxUpstream(settings_for(tmp_path, **settings), authorities=authorities, **given))
        return opened[-1]

    yield make if request.param == "httpx" else open_fast
    for upstream in opened:
        await upstream.close()
