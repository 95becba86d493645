"""The relay's front door for ASGI servers: a plain callable, without a framework on the hot path."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from dataclasses import replace

from sqlalchemy import text

from openopen8.core.errors import Problem
from openopen8.core.rules import routing
from openopen8.core.rules.admission import Ask
from openopen8.core.services.ledger import Ledger
from openopen8.core.tools import Tools
from relay import routes
from relay.admission import Call, looked_at
from relay.caller import AsgiCaller, Gone, Receive, Scope, Send
from relay.counting import count_text
from relay.credentials import address_of, key_hash
from relay.formats.format import Format
from relay.gate import Gate, Turns
from relay.healing import EVERY_SECONDS, keep_healing
from relay.health import Health
from relay.intake import check_head, declared_length, read_body
from relay.operations import OPERATIONS
from relay.routes import CLAUDE, RELAY_PATHS, Route
from relay.serve import failed, serve
from relay.upstream import HttpxUpstream, Upstream

log = logging.getLogger("openopen8.relay")

__all__ = ["RELAY_PATHS", "Relay"]

_CORS = (
    ("access-control-allow-origin", "*"),
    ("access-control-expose-headers", "*"),
)
HeaderMap = dict[bytes, bytes]
_JSON = ("content-type", "application/json")


class Relay:
    """One worker's gateway. ``await start()`` first, ``await stop()`` last."""

    def __init__(
        self,
        tools: Tools,
        upstream: Upstream | None = None,
        random: routing.Random = random.random,
        heal_every: float = EVERY_SECONDS,
    ) -> None:
        self.gate: Gate | None = None
        self._tools = tools
        self._given = upstream
        self._random = random
        self._heal_every = heal_every
        self._healing: asyncio.Task[None] | None = None
        self._running = 0

    async def start(self) -> None:
        """Open ledger and upstream pool."""
        # most models' vocabulary takes a while to load: not while the first requests wait
        await asyncio.to_thread(count_text, "warm")
        ledger = await Ledger.open(self._tools)
        upstream = self._given or HttpxUpstream(self._tools.settings)
        self.gate = Gate(self._tools, ledger, upstream, Health(self._tools), self._random, Turns())
        self._healing = asyncio.create_task(keep_healing(self._tools, upstream, self._heal_every))

    async def recover(self) -> None:
        """Settle what a worker left that has just died."""
        if self.gate is not None:
            await self.gate.ledger.recover()

    async def stop(self) -> None:
        """Settle what waits and close."""
        if self._healing is not None:
            self._healing.cancel()
            await asyncio.gather(self._healing, return_exceptions=True)
        gate, self.gate = self.gate, None
        if gate is not None:
            await gate.ledger.close()
            await gate.upstream.close()

    def handles(self, path: str, method: str = "GET") -> bool:
        """True for paths that belong to the relay."""
        return routes.reserved(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        gate = self.gate
        request_id = gate.ledger.next_request_id() if gate else "req_none"
        headers = dict(scope["headers"])
        format = routes.error_format(scope["path"], headers)
        caller = AsgiCaller(receive, send, _base_headers(request_id, format))
        try:
            if gate is None:
                raise Problem(503, "not_ready", "The gateway is starting or stopping.", headers={"retry-after": "1"})
            await self._answer(gate, scope, receive, caller, request_id, headers)
        except Gone:
            pass
        except Problem as problem:
            await _refuse(caller, format, problem, request_id)
        except Exception:
            log.exception("request %s failed", request_id)
            await _refuse(caller, format, failed(), request_id)

    async def _answer(
        self, gate: Gate, scope: Scope, receive: Receive, caller: AsgiCaller, request_id: str, headers: HeaderMap
    ) -> None:
        check_head(scope)
        if scope["method"] == "OPTIONS":
            return await _preflight(caller, headers)
        route = routes.find(scope["method"], scope["path"])
        if route.operation in ("alive", "ready"):
            return await _health(gate, caller, route)
        ask = _ask(gate, scope, route, request_id)
        try:
            if route.operation == "chat":
                await self._chat(gate, scope, receive, caller, route, ask)
            else:
                await _look(gate, caller, routes.in_format(route, headers), ask)
        except Problem as problem:
            shown = route.format if route.operation == "chat" else routes.in_format(route, headers).format
            await _refuse(caller, shown, problem, request_id)

    async def _chat(
        self, gate: Gate, scope: Scope, receive: Receive, caller: AsgiCaller, route: Route, ask: Ask
    ) -> None:
        if self._running >= gate.settings.max_requests_in_flight:
            raise Problem(503, "overloaded", "Too many requests are in flight. Try again.", None, {"retry-after": "1"})
        self._running += 1
        try:
            call = await _call(gate, scope, receive, route, ask)
            await serve(gate, call, caller)
        finally:
            self._running -= 1


async def _call(gate: Gate, scope: Scope, receive: Receive, route: Route, ask: Ask) -> Call:
    """The request, read and looked at; what is wrong with it is judged (and logged) in its place."""
    began = asyncio.get_running_loop().time()
    declared = declared_length(scope["headers"], gate.settings.max_body_bytes)
    glance, body = None, b""
    try:
        body = await read_body(gate, receive, ask, declared)
    except Problem as problem:
        if problem.status not in (408, 413):
            raise
        ask = replace(ask, problem=problem)
    else:
        ask, glance = await looked_at(ask, route, body)
    if glance is None:
        await gate.ledger.admit(ask)  # raises
        raise RuntimeError("a request with a problem was admitted")
    array = bool(route.stream) and b"alt=sse" not in scope.get("query_string", b"")
    return Call(route, ask, body, glance, array, began)


def _ask(gate: Gate, scope: Scope, route: Route, request_id: str) -> Ask:
    peer = scope.get("client")
    return Ask(
        request_id=request_id,
        key_hash=key_hash(scope["headers"], scope.get("query_string", b""), gate.tools.keyring),
        address=address_of(peer[0] if peer else "", scope["headers"], gate.settings.trusted_proxies),
        started_at=gate.tools.now(),
        path=route.path,
    )


async def _look(gate: Gate, caller: AsgiCaller, route: Route, ask: Ask) -> None:
    listing = await gate.ledger.identify(ask)
    body = OPERATIONS[route.operation](listing, route, gate.tools.now())
    await _reply(caller, 200, body)


async def _reply(caller: AsgiCaller, status: int, body: bytes) -> None:
    await caller.start(status, [_JSON, ("content-length", str(len(body))), ("cache-control", "no-store")])
    await caller.finish(body)


async def _health(gate: Gate, caller: AsgiCaller, route: Route) -> None:
    ready = route.operation == "alive" or await _database_answers(gate)
    body = b'{"status":"ok"}' if ready else b'{"status":"the database does not answer"}'
    await _reply(caller, 200 if ready else 503, body)


async def _database_answers(gate: Gate) -> bool:
    def ask() -> None:
        with gate.tools.db.read() as session:
            session.connection().execute(text("SELECT 1"))

    with contextlib.suppress(Exception):
        async with asyncio.timeout(3):
            await asyncio.to_thread(ask)
            return True
    return False


async def _preflight(caller: AsgiCaller, headers: HeaderMap) -> None:
    """Browsers may call from anywhere, without cookies: the token is what counts."""
    wanted = headers.get(b"access-control-request-headers", b"*").decode("latin-1")
    allowed = wanted if len(wanted) < 2000 and wanted.isprintable() else "*"
    pairs = [
        ("access-control-allow-methods", "GET, POST, DELETE, OPTIONS"),
        ("access-control-allow-headers", allowed),
        ("access-control-max-age", "86400"),
        ("vary", "access-control-request-headers"),
    ]
    await caller.start(204, pairs)
    await caller.finish()


def _base_headers(request_id: str, format: Format) -> list[tuple[str, str]]:
    pairs = [("x-request-id", request_id), *_CORS]
    if format is CLAUDE:
        pairs.append(("request-id", request_id))
    return pairs


async def _refuse(caller: AsgiCaller, format: Format, problem: Problem, request_id: str) -> None:
    """The error in the caller's format; once something was sent, all that is left is to cut the connection."""
    if caller.started:
        return
    body = format.render_error(problem, request_id)
    pairs = [_JSON, ("content-length", str(len(body))), ("x-openopen8-error", problem.code), *problem.headers.items()]
    with contextlib.suppress(Gone):
        await caller.start(problem.status, pairs)
        await caller.finish(body)
