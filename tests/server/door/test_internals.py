"""What the door uses of uvicorn's inside, each by name: none of it is promised, so a new version has to show it."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from importlib.metadata import version
from typing import Any

import httptools
import pytest
import uvicorn
from uvicorn.protocols.http import flow_control, httptools_impl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import Server, ServerState

from openopen8.server import door
from relay.hot import Exchange
from tests.relay.wire import Line, Lobby
from tests.server.door.echo import Echo


def test_the_minor_version_is_the_one_that_these_tests_were_written_for() -> None:
    assert version("uvicorn").startswith("0.54.") and version("httptools").startswith("0.9.")


def connected(written: list[bytes] | None = None) -> tuple[Any, Lobby]:
    lobby = Lobby(Echo())  # type: ignore[arg-type]
    found: list[bytes] = [] if written is None else written
    line = Line("192.0.2.1", found.append)
    protocol = lobby.connect(line)
    line.lost = protocol.connection_lost
    return protocol, lobby


async def test_a_connection_keeps_what_the_door_counts_on() -> None:
    protocol, lobby = connected()
    assert protocol.cycle is None and isinstance(protocol.pipeline, deque) and not protocol.pipeline
    assert isinstance(protocol.flow, flow_control.FlowControl)
    assert protocol.flow.read_paused is False and protocol.flow.write_paused is False
    assert isinstance(protocol.transport, Line) and protocol.client == ("192.0.2.1", 12345)
    assert isinstance(protocol.parser, httptools.HttpRequestParser)
    assert protocol.limit_concurrency is None and protocol.timeout_keep_alive == 75
    assert protocol.server_state is lobby.state and protocol in lobby.state.connections
    assert protocol.tasks is lobby.state.tasks and protocol.app is not None
    assert flow_control.HIGH_WATER_LIMIT == 65536


def test_the_server_keeps_what_the_door_counts_on() -> None:
    state = ServerState()
    assert (state.connections, state.tasks, state.default_headers, state.total_requests) == (set(), set(), [], 0)
    assert {"pause_reading", "resume_reading", "pause_writing", "resume_writing"} <= set(dir(flow_control.FlowControl))


def test_a_cycle_has_what_an_exchange_stands_in_for() -> None:
    """Everything that uvicorn reads of its ``cycle``, and that the door sets on it."""
    given = set(inspect.signature(RequestResponseCycle).parameters)
    assert {"keep_alive", "on_response", "transport", "message_event", "expect_100_continue"} <= given
    source = inspect.getsource(RequestResponseCycle.__init__)
    for name in ("disconnected", "keep_alive", "response_started", "response_complete", "message_event", "transport"):
        assert f"self.{name} = " in source
    for name in ("disconnected", "keep_alive", "response_complete", "message_event"):
        assert hasattr(Exchange, name)
    used = inspect.getsource(HttpToolsProtocol.connection_lost) + inspect.getsource(HttpToolsProtocol.shutdown)
    assert set(named(used, "self.cycle.")) == {"disconnected", "response_complete", "message_event", "keep_alive"}
    assert set(named(inspect.getsource(RequestResponseCycle), "self.transport.")) == {"write", "close", "is_closing"}


def test_uvicorn_calls_what_the_door_overrides() -> None:
    source = inspect.getsource(HttpToolsProtocol)
    assert "self._start_asgi_task(self.cycle, app)" in source
    assert "self.pipeline.appendleft((self.cycle, app))" in source
    assert "on_response=self.on_response_complete" in source
    assert "self.handle_websocket_upgrade()" in source
    for name in ("on_message_begin", "on_header", "on_headers_complete", "on_body", "on_message_complete", "on_url",
                 "data_received", "pause_writing", "resume_writing", "_should_upgrade", "shutdown"):  # fmt: skip
        assert callable(getattr(HttpToolsProtocol, name))
    begin = inspect.getsource(HttpToolsProtocol.on_message_begin)
    assert "self.headers = []" in begin and '"headers": self.headers' in begin
    assert "self.url" in begin and "self.expect_100_continue" in begin


def test_the_server_waits_for_connections_and_tasks() -> None:
    waiting = inspect.getsource(Server._wait_tasks_to_complete)
    assert "self.server_state.connections" in waiting and "self.server_state.tasks" in waiting
    assert "connection.shutdown()" in inspect.getsource(Server.shutdown)


async def test_a_hot_request_is_the_connections_cycle_and_one_of_the_servers_tasks() -> None:
    written: list[bytes] = []
    protocol, lobby = connected(written)
    protocol.data_received(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{")
    assert type(protocol.cycle) is Exchange and len(lobby.state.tasks) == 1
    protocol.data_received(b"}")
    while lobby.state.tasks:
        await asyncio.sleep(0)
    assert protocol.cycle.response_complete and lobby.state.total_requests == 1
    assert written[0].startswith(b"HTTP/1.1 200 OK\r\n")


async def test_default_headers_of_the_server_are_in_every_hot_answer() -> None:
    written: list[bytes] = []
    protocol, lobby = connected(written)
    lobby.state.default_headers = [(b"date", b"today")]
    protocol.data_received(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n")
    while lobby.state.tasks:
        await asyncio.sleep(0)
    assert b"\r\ndate: today\r\n" in written[0]


async def test_a_shutdown_lets_a_hot_request_end_and_closes_what_idles() -> None:
    protocol, lobby = connected()
    protocol.data_received(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n")
    protocol.shutdown()
    assert not protocol.transport.is_closing() and protocol.cycle.keep_alive is False
    protocol.data_received(b"{}")
    while lobby.state.tasks:
        await asyncio.sleep(0)
    assert protocol.transport.is_closing()
    idle, _ = connected()
    idle.shutdown()
    assert idle.transport.is_closing()


async def test_uvicorn_starts_the_next_of_its_pipeline_through_the_door() -> None:
    protocol, lobby = connected()
    hot = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n"
    protocol.data_received(b"GET /v1/models HTTP/1.1\r\nhost: x\r\n\r\n" + hot)
    assert type(protocol.cycle) is Exchange and len(protocol.pipeline) == 1
    while lobby.state.tasks:
        await asyncio.sleep(0)
    assert lobby.state.total_requests == 2 and protocol.cycle.response_complete


async def test_a_lost_connection_is_told_to_the_exchange_and_forgotten() -> None:
    protocol, lobby = connected()
    protocol.data_received(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n")
    exchange = protocol.cycle
    protocol.connection_lost(None)
    assert exchange.left and exchange.disconnected and protocol not in lobby.state.connections
    while lobby.state.tasks:
        await asyncio.sleep(0)


async def test_each_parser_of_a_connection_is_strict() -> None:
    """uvicorn's own takes data after a request that ends the connection."""
    closing = b"GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    for renewed in (False, True):
        protocol, _ = connected()
        if renewed:  # after an upgrade that was not taken
            protocol._new_parser()
        with pytest.raises(httptools.HttpParserError, match="Connection: close"):
            protocol.parser.feed_data(closing + b"GET")


def test_options_leave_uvicorns_own_limits_as_they_are_documented() -> None:
    config = uvicorn.Config(Echo(), **door.options())
    assert (config.timeout_keep_alive, config.timeout_graceful_shutdown, config.limit_concurrency) == (75, 30, None)
    assert httptools_impl.HIGH_WATER_LIMIT == flow_control.HIGH_WATER_LIMIT


def named(source: str, prefix: str) -> list[str]:
    """The attributes that follow ``prefix``."""
    parts = source.split(prefix)[1:]
    return ["".join(c if c.isidentifier() else " " for c in part).split(" ")[0] for part in parts]
