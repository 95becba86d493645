"""The handshake: who calls, which model, may it; then a provider that opens a session. Until then errors are HTTP."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from urllib.parse import parse_qsl

from websockets.asyncio.client import ClientConnection

from openopen8.core.errors import Problem
from openopen8.core.rules.admission import Ask
from openopen8.core.rules.routing import Attempt, plan
from relay import verdict
from relay.caller import Receive, Scope, Send
from relay.channels import filled
from relay.credentials import address_of, socket_key_hash
from relay.formats.fields import model_name
from relay.formats.openai_chat import FORMAT
from relay.gate import Gate
from relay.planning import upstream_model
from relay.realtime.account import Account
from relay.realtime.session import Session
from relay.tab import Tab
from relay.templates import channel_type, headers_of, key_of, proxy_of
from relay.upstream import Failure, Template

PATH = "/v1/realtime"
_PLACE = "/realtime?model={model}"
"""Where channels have it that say nothing else in their ``paths``."""
_PROTOCOL = "realtime"
_BETA = b"openai-beta"


async def enter(gate: Gate, scope: Scope, query: bytes, receive: Receive, send: Send) -> None:
    """Answer one WebSocket, from its handshake to its end. Raises a Problem as long as it is not accepted."""
    account = Account(gate, _ask(gate, scope, query))
    provider: ClientConnection | None = None
    try:
        provider = await _begun(gate, scope, account)
        offered = _PROTOCOL if _PROTOCOL in scope.get("subprotocols", ()) else None
        pairs = [(b"x-request-id", account.ask.request_id.encode())]
        await send({"type": "websocket.accept", "subprotocol": offered, "headers": pairs})
        await Session(receive, send, provider, account).run()
    finally:
        account.drop()
        if provider is not None:
            with contextlib.suppress(Exception):
                await provider.close()


async def _begun(gate: Gate, scope: Scope, account: Account) -> ClientConnection:
    """The provider's session; raises a Problem."""
    tab = await account.open()
    try:
        return await _joined(gate, account, tab, _beta(scope))
    except Problem as problem:
        await tab.settle(problem.status, problem)
        raise


def _ask(gate: Gate, scope: Scope, query: bytes) -> Ask:
    headers, peer = scope["headers"], scope.get("client")
    key = socket_key_hash(headers, query, scope.get("subprotocols", ()), gate.tools.keyring)
    address = address_of(peer[0] if peer else "", headers, gate.settings.trusted_proxies)
    given = dict(parse_qsl(query.decode("latin-1"))).get("model")
    model, problem = "", None
    try:
        model = model_name(given)
    except Problem as wrong:
        problem = wrong
    return Ask(
        request_id=gate.ledger.next_request_id(),
        key_hash=key,
        address=address,
        started_at=gate.tools.now(),
        path=PATH,
        endpoint="realtime",
        model=model,
        stream=True,
        problem=problem,
    )


def _beta(scope: Scope) -> str:
    """The caller's wish for the older form of the events."""
    value = bytes(dict(scope["headers"]).get(_BETA, b""))
    older = value == b"realtime=v1" or "openai-beta.realtime-v1" in scope.get("subprotocols", ())
    return "realtime=v1" if older else ""


async def _joined(gate: Gate, account: Account, tab: Tab, beta: str) -> ClientConnection:
    """The session of the first attempt that succeeds; raises a Problem when none did."""
    failures: list[Failure] = []
    providers = tab.grant.providers
    for attempt in plan(providers, gate.tools.now(), gate.random, gate.turns):
        if len(failures) > tab.grant.options.retries:
            break
        if attempt.provider.rest_until and not await gate.health.may_try(attempt):
            continue
        account.served_by(attempt, upstream_model(attempt.provider, account.ask.model))
        try:
            provider = await _opened(gate, attempt, tab.upstream_model, beta)
        except Failure as failure:
            failures.append(failure)
            tab.failed(attempt, failure)
            await gate.health.failed(attempt, failure)
            continue
        await gate.health.succeeded(attempt)
        return provider
    raise verdict.final(failures, providers, gate.tools.now())


async def _opened(gate: Gate, attempt: Attempt, model: str, beta: str) -> ClientConnection:
    """Raises Failure, or a Problem that no other provider would change."""
    answer = await gate.sockets.open(_template(gate, attempt, model, beta))
    if isinstance(answer, tuple):
        status, headers, body = answer
        raise verdict.judged(status, headers, body, FORMAT, gate.tools.now())
    return answer


def _template(gate: Gate, attempt: Attempt, model: str, beta: str) -> Template:
    provider, keyring = attempt.provider, gate.tools.keyring
    kind = channel_type(provider)
    secret = key_of(attempt.key, keyring)
    headers = headers_of(provider, kind, secret, stream=False)
    if beta:
        headers["openai-beta"] = beta
    url = kind.url(provider.base_url, filled(kind.paths.get("realtime", _PLACE), model, False), secret)
    return Template.make(url, headers, "GET", proxy_of(provider, keyring))


async def refuse(send: Send, status: int, pairs: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
    """The error in place of a handshake."""
    headers = [*pairs, (b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})
