"""An answer that a vendor keeps: asked for at the channel and with the key that made it."""

from __future__ import annotations

import asyncio
from urllib.parse import quote, urlencode

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from openopen8.core.rules.routing import Attempt
from openopen8.core.rules.snapshot import Provider, ProviderKey, Snapshot
from openopen8.core.services import responses
from openopen8.core.services.ledger import Progress
from openopen8.core.services.responses import Kept
from relay import verdict
from relay.caller import AsgiCaller, Presence
from relay.formats.openai_responses import FORMAT
from relay.gate import Gate
from relay.metering import StreamMeter
from relay.responses.closing import close
from relay.responses.terms import grant_of, opened
from relay.routes import Route
from relay.streaming import Streaming
from relay.templates import channel_type, headers_of, key_of, proxy_of
from relay.upstream import LARGEST_ANSWER, LARGEST_ERROR, Answer, Failure, Outgoing, Template

_PASSED = frozenset(
    ("include", "include[]", "include_obfuscation", "stream", "starting_after", "limit", "order", "after", "before")
)
"""What of the query goes to the vendor."""

_JSON = (b"content-type", b"application/json")
_SSE = ((b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-cache"))

Query = list[tuple[str, str]]

RESPONSES, CONVERSATIONS = "/responses", "/conversations"


async def asked(gate: Gate, attempt: Attempt, method: str, path: str, body: bytes, stream: bool = False) -> Answer:
    """The vendor's word about what it keeps at ``path``. Raises Failure."""
    provider, keyring = attempt.provider, gate.tools.keyring
    kind = channel_type(provider)
    root = kind.chat("openai_responses")[1].removesuffix(RESPONSES)
    secret = key_of(attempt.key, keyring)
    headers = headers_of(provider, kind, secret, stream)
    url = kind.url(provider.base_url, root + path.partition("?")[0], secret) + "".join(path.partition("?")[1:])
    template = Template.make(url, headers, method, proxy_of(provider, keyring), provider.http2)
    return await gate.upstream.send(Outgoing(template, body))


async def accepted(gate: Gate, answer: Answer) -> Answer:
    """The answer, unless it is a refusal: raises a Problem or a Failure."""
    if 200 <= answer.status < 300:
        return answer
    body = await answer.read(LARGEST_ERROR)
    answer.close()
    raise verdict.judged(answer.status, answer.headers, body, FORMAT, gate.tools.now())


class _Ahead:
    """The meter of a stream that is told again: silent as long as it tells less than was told before."""

    def __init__(self, meter: StreamMeter, told: Counts) -> None:
        self._meter = meter
        self._told = told.total_output

    def progress(self) -> Progress | None:
        made = self._meter.progress()
        return made if made is not None and made.counts.total_output > self._told else None


class Elsewhere:
    """One vendor's answer, or conversation."""

    def __init__(self, gate: Gate, snapshot: Snapshot, row: Kept, root: str = RESPONSES) -> None:
        self._root = root
        self._what = "Response" if root == RESPONSES else "Conversation"
        self._gate = gate
        self._snapshot = snapshot
        self._row = row

    async def pass_on(self, route: Route, query: Query, caller: AsgiCaller) -> None:
        """The vendor's answer goes to the caller; raises a Problem. What it says to be over is charged."""
        part = route.path.removeprefix("/v1/responses/{id}")
        stream = not part and route.method == "GET" and ("stream", "true") in query
        try:
            if route.method == "DELETE" and self._row.hold_id is not None:
                await self._ended_early()
            answer = await self.ask(route.method, part, query, stream)
            if stream:
                return await self._streamed(answer, caller)
            body = await answer.read(LARGEST_ANSWER)
            answer.close()
        except Failure as failure:
            raise verdict.problem_of(failure) from None
        if part != "/input_items" and route.method != "DELETE":
            await close(self._gate, self._snapshot, self._row, body)
            assert FORMAT.patch_response is not None
            body = FORMAT.patch_response(body, self._row.model)
        if route.method == "DELETE":
            await asyncio.to_thread(responses.delete, self._gate.tools, self._row.user_id, self._row.id)
        caller.start(200, (_JSON, (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")))
        caller.finish(body)

    async def ask(
        self, method: str, part: str = "", query: Query | None = None, stream: bool = False, body: bytes = b""
    ) -> Answer:
        """Raises Failure, or a Problem for what the vendor refuses."""
        provider, key = self._home()
        passed = [(name, value) for name, value in query or () if name in _PASSED]
        path = f"{self._root}/{quote(self._row.id, safe='')}{part}" + (f"?{urlencode(passed)}" if passed else "")
        answer = await asked(self._gate, Attempt(provider, key), method, path, body, stream)
        if answer.status != 404:
            return await accepted(self._gate, answer)
        answer.close()
        raise Problem(404, "not_found", f"{self._what} with id '{self._row.id}' not found.")

    def _home(self) -> tuple[Provider, ProviderKey]:
        for provider in self._snapshot.providers:
            for key in provider.keys if provider.id == self._row.channel_id else ():
                if key.id == self._row.key_id:
                    return provider, key
        told = f"{self._what} with id '{self._row.id}' not found: the channel that keeps it is not available."
        raise Problem(404, "response_not_found", told)

    async def _streamed(self, answer: Answer, caller: AsgiCaller) -> None:
        """A stream that is told again; how it ended is seen by whoever charges it."""
        assert FORMAT.tap is not None
        gate = self._gate
        tap = FORMAT.tap(self._row.model, True)
        stream = Streaming(answer, tap, gate.settings, gate.ticker)
        presence = Presence(caller, gate.clock() + gate.settings.request_timeout)
        gate.ticker.add(presence)
        hearing = gate.ledger.next_request_id()
        try:
            await self._track(hearing, stream)
            await stream.begin()
            caller.start(200, _SSE)
            stream.attach(caller)
            await stream.ended()
            caller.finish(tap.end(None))
        except asyncio.CancelledError:
            if not presence.owns():
                raise
            if presence.late and caller.started:
                caller.finish(tap.fail(Problem(504, "upstream_timeout", "The request took too long.")))
        except Failure as failure:
            if not caller.started:
                raise
            caller.finish(tap.fail(verdict.problem_of(failure)))
        finally:
            gate.ledger.leave(hearing)
            gate.ticker.discard(presence)
            caller.attend(None)
            stream.close()

    async def _track(self, hearing: str, stream: Streaming) -> None:
        """Who hears an answer while it is made, and cancels it then, pays for what it heard."""
        gate, row = self._gate, self._row
        if row.hold_id is None or row.terms is None:
            return
        terms = opened(row.terms)
        grant = grant_of(terms, self._snapshot, gate.tools.now())
        meter = StreamMeter(grant, stream, terms, gate.clock())
        gate.ledger.track(hearing, _Ahead(meter, await gate.ledger.delivered(row.hold_id)), row.hold_id)

    async def _ended_early(self) -> None:
        """What is to be deleted while it is made is cancelled, so that its end can be charged."""
        try:
            answer = await self.ask("POST", "/cancel")
        except Problem:
            answer = await self.ask("GET")
        body = await answer.read(LARGEST_ANSWER)
        answer.close()
        await close(self._gate, self._snapshot, self._row, body, last=True)
