"""What one request of the Responses API goes on from, and what is kept of its answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence

import msgspec

from openopen8.core.clock import DAY
from openopen8.core.rules.admission import Grant
from openopen8.core.rules.routing import Attempt
from openopen8.core.services import responses
from openopen8.core.services.responses import Content, Kept
from relay.channels import TYPES
from relay.formats.format import Tap
from relay.framing import SSE, FramingError
from relay.gate import Gate
from relay.responses.terms import terms_of
from relay.responses.wish import Fields, Wish, nameable

log = logging.getLogger("openopen8.relay")

LARGE = 100_000
"""Bytes beyond which an answer is sealed and written in a thread."""

RUNNING = frozenset(("queued", "in_progress"))


class _Head(msgspec.Struct, gc=False):
    id: str = ""
    store: bool | None = None
    status: str | None = None


class _Event(msgspec.Struct, gc=False):
    type: str = ""
    response: msgspec.Raw = msgspec.Raw()


_head = msgspec.json.Decoder(_Head).decode
_event = msgspec.json.Decoder(_Event).decode


class Memory:
    """Filled as the request goes on, like its tab; requests of other APIs have none."""

    __slots__ = ("_attempt", "_chain", "_gate", "_given", "_native", "_upstream_model", "_written", "wish")

    def __init__(self, gate: Gate, wish: Wish, given: list[msgspec.Raw], chain: Sequence[Kept] = ()) -> None:
        self.wish = wish
        self._gate = gate
        self._given = given
        self._chain = chain
        self._native = False
        self._attempt: Attempt | None = None
        self._upstream_model = ""
        self._written: asyncio.Future[None] | None = None

    # -- where it goes -----------------------------------------------------------------------------

    @property
    def ours(self) -> bool:
        """True where the request goes on from what we keep: then no vendor could know it under its id."""
        return bool(self._chain) and self._chain[-1].ours

    @property
    def home(self) -> Kept | None:
        """The vendor's answer or conversation that it goes on from."""
        return self._chain[-1] if self._chain and not self._chain[-1].ours else None

    def fitting(self, attempts: Iterable[Attempt]) -> Iterable[Attempt]:
        """Those of the attempts that can know what the request goes on from."""
        home = self.home
        if home is not None:
            return (a for a in attempts if (a.provider.id, a.key.id) == (home.channel_id, home.key_id))
        if self.wish.elsewhere:
            planned = tuple(attempts)
            return [a for a in planned if keeps_itself(a)] or planned
        return attempts

    @property
    def remembers(self) -> bool:
        """True where what was asked is needed to the end: it is written down with the answer."""
        return bool(self._given)

    def tries(self, attempt: Attempt, native: bool, upstream_model: str) -> None:
        """An attempt begins; ``native``: it passes through in its own format."""
        self._attempt, self._native, self._upstream_model = attempt, native, upstream_model

    # -- what the caller sees ----------------------------------------------------------------------

    def echoed(self, fields: Fields) -> Fields:
        """The request's fields for its answer to repeat."""
        told = {"store": msgspec.Raw(b"true" if self._keeps else b"false")}
        if self.wish.previous:
            told["previous_response_id"] = msgspec.Raw(msgspec.json.encode(self.wish.previous))
        return {**fields, **told}

    # -- what is kept ------------------------------------------------------------------------------

    def whole(self, grant: Grant, body: bytes) -> None:
        """A complete answer, on its way to the caller."""
        self._keep(grant, body)

    def waits(self, body: bytes) -> bool:
        """True for a vendor's answer that is kept and that it goes on making in the background."""
        if not (self._native and self.wish.background) or self._written is None:
            return False
        return (_of(body).status or "") in RUNNING

    def begun(self, grant: Grant, tap: Tap) -> bool:
        """A stream begins; a vendor's answer can be asked for from now on. True when it will be charged by its row."""
        head = getattr(tap, "head", None)
        if self._native or not self._keeps:
            self._given = []
        if not (self._native and head):
            return False
        self._keep(grant, msgspec.json.encode({**head, "status": "in_progress"}))
        return self.wish.background and self._written is not None

    def ended(self, grant: Grant, ending: bytes) -> None:
        """The last bytes of a stream, with the whole answer in them."""
        if self._written is None and (response := _response(ending)) is not None:
            self._keep(grant, response)

    async def written(self) -> None:
        """Return when all is kept that is to be kept."""
        if self._written is None:
            return
        try:
            await self._written
        except Exception as error:  # the caller has paid for its answer and gets it
            log.warning("an answer could not be kept: %s", type(error).__name__)

    @property
    def _keeps(self) -> bool:
        days = self._gate.ledger.snapshot.options.response_retention_days
        return self.wish.store and (self._native or days > 0)

    def _keep(self, grant: Grant, body: bytes) -> None:
        head = _of(body)
        if not self._keeps or not nameable(head.id) or head.store is False:
            return
        if self._native:
            self._written = self._gate.ledger.keep(self._elsewhere(grant, head), self._before())
        elif len(body) + sum(map(len, self._given)) <= LARGE:
            self._written = self._gate.ledger.keep(self._here(grant, head, body), self._before())
        else:
            self._written = asyncio.ensure_future(asyncio.to_thread(self._in_thread, grant, head, body))

    def _in_thread(self, grant: Grant, head: _Head, body: bytes) -> None:
        responses.save(self._gate.tools, self._here(grant, head, body), self._before())

    def _here(self, grant: Grant, head: _Head, body: bytes) -> Kept:
        tools = self._gate.tools
        content = responses.sealed(tools, Content(self._given, msgspec.Raw(body)))
        previous = self.wish.previous if self.ours else None
        return _row(grant, head.id, tools.now(), previous_id=previous, sealed=content)

    def _elsewhere(self, grant: Grant, head: _Head) -> Kept:
        assert self._attempt is not None
        channel, key = self._attempt.provider.id, self._attempt.key.id
        row = _row(grant, head.id, self._gate.tools.now(), channel_id=channel, key_id=key)
        if not (self.wish.background and (head.status or "") in RUNNING):
            return row
        terms = terms_of(grant, channel, self._upstream_model).sealed()
        return msgspec.structs.replace(row, hold_id=grant.hold_id, terms=terms)

    def _before(self) -> list[str]:
        """Those that it goes on from, unless their time has begun anew just before."""
        now = self._gate.tools.now()
        return [row.id for row in self._chain if row.used_at < now - DAY]


def keeps_itself(attempt: Attempt) -> bool:
    """True for a channel that speaks the Responses API."""
    kind = TYPES.get(attempt.provider.type)
    return kind is not None and kind.chat("openai_responses")[0] == "openai_responses"


def _row(grant: Grant, id: str, now: int, **more: object) -> Kept:
    head = Kept(grant.holder.user_id, id, grant.holder.token_id, grant.ask.model, None, None, None, now, None)
    return msgspec.structs.replace(head, **more)


def _of(body: bytes) -> _Head:
    try:
        return _head(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return _Head()


def _response(ending: bytes) -> bytes | None:
    """The answer in the event that ended well."""
    try:
        frames = SSE().feed(ending)
        found = [_event(frame.data) for frame in frames if frame.data.startswith(b"{")]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, FramingError):
        return None
    well = (event for event in found if event.type in ("response.completed", "response.incomplete"))
    return next((bytes(event.response) for event in well), None)
