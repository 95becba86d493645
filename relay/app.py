"""The relay of one worker: two front doors, one way through. Plain callables, no framework on the hot path."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random

from sqlalchemy import text

from openopen8.core.errors import Problem
from openopen8.core.rules import routing
from openopen8.core.services.ledger import Ledger
from openopen8.core.tools import Tools
from relay import routes
from relay.caller import AsgiCaller, Caller, Gone, Pairs, Receive, Scope, Send
from relay.counting import count_text
from relay.credentials import address_of, key_hash, key_hash_of
from relay.delivery import pairs_of
from relay.formats.format import Format
from relay.gate import Gate, Turns
from relay.healing import EVERY_SECONDS, keep_healing
from relay.health import Health
from relay.hot import Exchange
from relay.incoming import Incoming, asgi_part, incoming
from relay.intake import check_head, check_length, declared_length
from relay.log_keeping import keep_log
from relay.operations import OPERATIONS
from relay.realtime.entrance import enter, refuse
from relay.reception import received
from relay.responses.conversations import converse
from relay.responses.following import Follower
from relay.responses.look_up import look_up, query_of
from relay.room import Room
from relay.routes import CLAUDE, OPENAI, RELAY_PATHS, Route
from relay.serve import failed, serve
from relay.signer import Signer
from relay.tasks import asked
from relay.tasks.polling import EVERY_SECONDS as POLL_SECONDS
from relay.tasks.polling import keep_tasks
from relay.templates import Templates
from relay.ticker import Ticker
from relay.upstream import Upstream, open_upstream
from relay.upstream.sockets import Sockets

log = logging.getLogger("openopen8.relay")

__all__ = ["RELAY_PATHS", "Relay"]

HeaderMap = dict[bytes, bytes]
_CORS = ((b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", b"*"))
_BETA = b"anthropic-beta"
_DISK = 16
"""So many times the memory that bodies may take is what uploads may take on disk."""
_JSON = (b"content-type", b"application/json")
_NOT_READY = Problem(503, "not_ready", "The gateway is starting or stopping.", headers={"retry-after": "1"})


class Relay:
    """One worker's gateway. ``await start()`` first, ``await stop()`` last."""

    def __init__(
        self,
        tools: Tools,
        upstream: Upstream | None = None,
        random: routing.Random = random.random,
        heal_every: float = EVERY_SECONDS,
        poll_every: float = POLL_SECONDS,
    ) -> None:
        self.gate: Gate | None = None
        self.running = 0
        """Requests in flight."""
        self.follower: Follower | None = None
        """Charges what is made in the background."""
        self._tools = tools
        self._given = upstream
        self._random = random
        self._heal_every = heal_every
        self._poll_every = poll_every
        self._rounds: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open ledger and upstream pool."""
        # most models' vocabulary takes a while to load: not while the first requests wait
        await asyncio.to_thread(count_text, "warm")
        ledger = await Ledger.open(self._tools)
        settings = self._tools.settings
        upstream = self._given or open_upstream(settings)
        abroad = open_upstream(settings.model_copy(update={"allow_private_upstreams": False}))
        ticker, templates = Ticker.of(settings), Templates(self._tools.keyring)
        clock = asyncio.get_running_loop().time
        room, health = Room(settings.max_bodies_bytes), Health(self._tools)
        disk = Room(_DISK * settings.max_bodies_bytes, "disk")
        sockets = Sockets(settings)
        signer = Signer(self._tools.keyring, upstream, self._tools.now)
        self.gate = Gate(
            self._tools, ledger, upstream, abroad, health, self._random, Turns(), ticker, room, disk, templates,
            sockets, signer, clock,
        )  # fmt: skip
        self.follower = Follower(self.gate)
        ticker.start()
        self._rounds = [
            asyncio.create_task(keep_healing(self._tools, upstream, self._heal_every)),
            asyncio.create_task(keep_log(self._tools)),
            asyncio.create_task(self.follower.keep_following()),
            asyncio.create_task(keep_tasks(self._tools, upstream, self._poll_every)),
        ]

    async def recover(self) -> None:
        """Settle what a worker left that has just died."""
        if self.gate is not None:
            await self.gate.ledger.recover()

    async def stop(self) -> None:
        """Settle what waits and close."""
        for task in self._rounds:
            task.cancel()
        await asyncio.gather(*self._rounds, return_exceptions=True)
        gate, self.gate = self.gate, None
        if gate is not None:
            gate.ticker.stop()
            await gate.ledger.close()
            await gate.upstream.close()
            await gate.abroad.close()

    # -- the front door for ASGI servers ----------------------------------------------------------------

    def handles(self, path: str, method: str = "GET") -> bool:
        """True for paths that belong to the relay."""
        return routes.reserved(path)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            return await self._socket(scope, receive, send)
        gate = self.gate
        request_id = gate.ledger.next_request_id() if gate else "req_none"
        headers = dict(scope["headers"])
        format = routes.error_format(scope["path"], headers)
        caller = AsgiCaller(receive, send, _base_pairs(request_id, format))
        try:
            await self._answer(gate, scope, receive, caller, request_id, headers)
        except Gone:
            pass
        except Problem as problem:
            _refuse(caller, format, problem, request_id)
        except Exception:
            log.exception("request %s failed", request_id)
            _refuse(caller, format, failed(), request_id)
        finally:
            await caller.close()

    async def _answer(
        self, gate: Gate | None, scope: Scope, receive: Receive, caller: AsgiCaller, request_id: str, headers: HeaderMap
    ) -> None:
        if gate is None:
            raise _NOT_READY
        check_head(scope)
        if scope["method"] == "OPTIONS":
            return _preflight(caller, headers)
        route = routes.find(scope["method"], scope["path"], scope.get("query_string", b""))
        if route.operation == "realtime":
            raise Problem(426, "upgrade_required", "This endpoint is a WebSocket.", headers={"upgrade": "websocket"})
        if route.operation in ("alive", "ready"):
            return await _health(gate, caller, route)
        request = _of_scope(gate, scope, receive, route, request_id)
        try:
            if route.operation == "task_again":
                route = request.route = await asked.continued(gate, request)
            if route.served:
                await self._serve(gate, request, caller)
            elif route.operation in OPERATIONS:
                await _look(gate, caller, routes.in_format(route, headers), request)
            else:
                request.route = routes.in_format(route, headers)
                await self._ask_about(gate, request, caller, scope, headers)
        except Problem as problem:
            shown = route.format if route.served else routes.in_format(route, headers).format
            _refuse(caller, shown, problem, request_id)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # websocket.connect
        query, scope["query_string"] = scope.get("query_string", b""), b""  # the server logs it, with the token
        gate = self.gate
        request_id = gate.ledger.next_request_id() if gate else "req_none"
        try:
            if gate is None:
                raise _NOT_READY
            if scope["path"] not in routes.SOCKETS:
                raise Problem(404, "not_found", "There is no WebSocket here. Check the base URL and the path.")
            self._check_room(gate)
            self.running += 1
            try:
                await enter(gate, scope, query, receive, send)
            finally:
                self.running -= 1
        except Problem as problem:
            pairs = [(b"x-openopen8-error", problem.code.encode()), *pairs_of(problem.headers)]
            body = OPENAI.render_error(problem, request_id)
            await refuse(send, problem.status, [*_base_pairs(request_id, OPENAI), *pairs], body)

    # -- the front door at the HTTP protocol ----------------------------------------------------------------

    def hot(self, url: bytes) -> tuple[Route, bytes] | None:
        """The route and the query of a hot path, None for every other address."""
        return routes.hot(url)

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request; raises nothing but CancelledError."""
        gate, format = self.gate, exchange.route.format
        request_id = gate.ledger.next_request_id() if gate else "req_none"
        exchange.pairs = _base_pairs(request_id, format)
        try:
            if gate is None:
                raise _NOT_READY
            check_length(exchange.declared, gate.settings.max_body_bytes)
            await self._serve(gate, _of_exchange(gate, exchange, request_id), exchange)
        except Gone:
            pass
        except Problem as problem:
            _refuse(exchange, format, problem, request_id)
        except Exception:
            log.exception("request %s failed", request_id)
            _refuse(exchange, format, failed(), request_id)
        finally:
            exchange.close()

    # -- one way through ------------------------------------------------------------------------------------

    async def _serve(self, gate: Gate, request: Incoming, caller: Caller) -> None:
        self._check_room(gate)
        self.running += 1
        try:
            await serve(gate, await received(gate, request), caller)
        finally:
            self.running -= 1
            request.kept.give_back()
            if request.upload is not None:
                request.upload.close()

    async def _ask_about(
        self, gate: Gate, request: Incoming, caller: AsgiCaller, scope: Scope, headers: HeaderMap
    ) -> None:
        """What is kept here or at a provider."""
        self._check_room(gate)
        self.running += 1
        try:
            if request.route.operation == "conversation":
                await converse(gate, caller, request, query_of(scope))
            elif request.route.operation == "response":
                await look_up(gate, caller, request, query_of(scope))
            else:
                who = await gate.ledger.identify(request.ask())
                await asked.answer(gate, caller, request, who, scope.get("query_string", b""), headers)
        finally:
            self.running -= 1

    def _check_room(self, gate: Gate) -> None:
        if self.running >= gate.settings.max_requests_in_flight:
            raise Problem(503, "overloaded", "Too many requests are in flight. Try again.", None, {"retry-after": "1"})


def _of_scope(gate: Gate, scope: Scope, receive: Receive, route: Route, request_id: str) -> Incoming:
    headers = scope["headers"]
    declared = declared_length(headers, gate.settings.max_body_bytes) if route.served else None
    peer = scope.get("client")
    query = scope.get("query_string", b"")
    key = key_hash(headers, query, gate.tools.keyring)
    address = address_of(peer[0] if peer else "", headers, gate.settings.trusted_proxies)
    beta = dict(headers).get(_BETA) if route.takes_beta else None
    kind = dict(headers).get(b"content-type") if route.uploads else None
    return incoming(
        gate, request_id, route, key, address, query, declared, asgi_part(receive), beta=beta, content_type=kind
    )


def _of_exchange(gate: Gate, exchange: Exchange, request_id: str) -> Incoming:
    query = exchange.query
    key = key_hash_of(dict(exchange.headers), query, gate.tools.keyring)
    address = address_of(exchange.peer, exchange.headers, gate.settings.trusted_proxies)
    beta = dict(exchange.headers).get(_BETA) if exchange.route.takes_beta else None
    kind = dict(exchange.headers).get(b"content-type") if exchange.route.uploads else None
    return incoming(
        gate, request_id, exchange.route, key, address, query, exchange.declared, exchange.part, exchange.complete,
        beta, kind,
    )  # fmt: skip


async def _look(gate: Gate, caller: AsgiCaller, route: Route, request: Incoming) -> None:
    listing = await gate.ledger.identify(request.ask())
    _reply(caller, 200, OPERATIONS[route.operation](listing, route, gate.tools.now()))


def _reply(caller: Caller, status: int, body: bytes) -> None:
    caller.start(status, (_JSON, (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")))
    caller.finish(body)


async def _health(gate: Gate, caller: Caller, route: Route) -> None:
    ready = route.operation == "alive" or await _database_answers(gate)
    body = b'{"status":"ok"}' if ready else b'{"status":"the database does not answer"}'
    _reply(caller, 200 if ready else 503, body)


async def _database_answers(gate: Gate) -> bool:
    def ask() -> None:
        with gate.tools.db.read() as session:
            session.connection().execute(text("SELECT 1"))

    with contextlib.suppress(Exception):
        async with asyncio.timeout(3):
            await asyncio.to_thread(ask)
            return True
    return False


def _preflight(caller: Caller, headers: HeaderMap) -> None:
    """Browsers may call from anywhere, without cookies: the token is what counts."""
    wanted = headers.get(b"access-control-request-headers", b"*")
    allowed = wanted if len(wanted) < 2000 and wanted.decode("latin-1").isprintable() else b"*"
    pairs = (
        (b"access-control-allow-methods", b"GET, POST, DELETE, OPTIONS"),
        (b"access-control-allow-headers", allowed),
        (b"access-control-max-age", b"86400"),
        (b"vary", b"access-control-request-headers"),
    )
    caller.start(204, pairs)
    caller.finish()


def _base_pairs(request_id: str, format: Format) -> Pairs:
    id = request_id.encode()
    if format is CLAUDE:
        return ((b"x-request-id", id), (b"request-id", id), *_CORS)
    return ((b"x-request-id", id), *_CORS)


def _refuse(caller: Caller, format: Format, problem: Problem, request_id: str) -> None:
    """The error in the caller's format; once something was sent, all that is left is to cut the connection."""
    # the frames it came through know the future that brought it: with them it would be garbage for the collector
    problem.__traceback__ = None
    if caller.started:
        return
    body = format.render_error(problem, request_id)
    pairs = [_JSON, (b"content-length", b"%d" % len(body)), (b"x-openopen8-error", problem.code.encode())]
    caller.start(problem.status, pairs + pairs_of(problem.headers))
    caller.finish(body)
