"""Tests a channel with what a relay would send, and asks providers which models they have. Callers check rights."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, replace
from typing import Any

import msgspec
from sqlmodel import select

from openopen8.core.errors import Problem, invalid, not_found
from openopen8.core.models import Channel, ChannelKey
from openopen8.core.rules.admission import Ask
from openopen8.core.rules.outbound import checked_base_url
from openopen8.core.rules.routing import Attempt
from openopen8.core.rules.snapshot import Provider, ProviderKey
from openopen8.core.tools import Tools
from relay import routes, verdict
from relay.admission import Call
from relay.channels import TYPES, ChannelType
from relay.conversion import Converting
from relay.formats import FORMATS
from relay.formats.format import Asked, Format, Garbage, Tap
from relay.framing import Decoder, Frame, FramingError
from relay.planning import Prepared, body_of, prepare
from relay.probe_questions import body_for, films, path_for
from relay.routes import OPENAI
from relay.signer import Signer
from relay.signing.sign import Sign
from relay.streaming import QUIET
from relay.tasks.trial import tried
from relay.templates import Templates, channel_type, headers_of, key_of, proxy_of
from relay.upstream import LARGEST_ERROR, Answer, Failure, Outgoing, Template, Upstream, open_upstream, too_large
from relay.volley import Came

LONGEST_TEST = 60.0
"""Seconds that a test may take."""

LARGEST_LIST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Probe:
    """How a test went; ``answer`` is the model's text, ``error`` has neither keys nor addresses."""

    at: int
    ok: bool
    model: str
    latency_ms: int
    first_token_ms: int | None = None
    answer: str = ""
    error: str = ""

    def as_dict(self) -> dict[str, Any]:
        """As ``channels.last_test`` keeps it."""
        return asdict(self)


async def test_channel(
    tools: Tools,
    channel_id: int,
    model: str = "",
    stream: bool = True,
    key_id: int | None = None,
    upstream: Upstream | None = None,
) -> Probe:
    """Ask the channel's test model (or ``model``) one short question; with its first key, or ``key_id``."""
    provider, test_model = await asyncio.to_thread(stored, tools, channel_id, key_id)
    model = model or test_model or min(provider.models, default="")
    if films(provider.type, provider.model_mapping.get(model, model)):
        return await _tried(tools, provider, upstream)
    if not model:
        raise invalid("The channel has no model to test. Add one first.", "models")
    if not provider.keys:
        raise invalid("The channel has no key. Add one first.", "keys")
    async with _calling(tools, upstream) as used:
        return await _tested(tools, Attempt(provider, provider.keys[0]), model, stream, used)


async def _tried(tools: Tools, provider: Provider, upstream: Upstream | None) -> Probe:
    """A channel that makes videos alone is asked for a task that is none: free, and its key shows all the same."""
    clock = asyncio.get_running_loop().time
    began = clock()
    async with _calling(tools, upstream) as used:
        try:
            async with asyncio.timeout(LONGEST_TEST):
                error = await tried(tools.keyring, provider, used, tools.now())
        except TimeoutError:
            error = "The provider did not answer in time."
    return Probe(tools.now(), not error, "", round((clock() - began) * 1000), error=error)


async def list_models(
    tools: Tools, type: str, base_url: str, key: str, upstream: Upstream | None = None
) -> tuple[str, ...]:
    """The models that a provider offers, for a channel that is being entered. Raises a Problem."""
    kind = TYPES.get(type)
    if kind is None:
        raise invalid("There is no such type of channel.", "type")
    base_url = checked_base_url(base_url, tools.settings.allow_private_upstreams)
    provider = _unsaved(kind, base_url)
    return await _models(tools, provider, ProviderKey(0, tools.keyring.seal(key) if key else "", "", 0), upstream)


async def list_models_of(tools: Tools, channel_id: int, upstream: Upstream | None = None) -> tuple[str, ...]:
    """The models that a stored channel's provider offers. Raises a Problem."""
    provider, _ = await asyncio.to_thread(stored, tools, channel_id, None)
    if not provider.keys:
        raise invalid("The channel has no key. Add one first.", "keys")
    return await _models(tools, provider, provider.keys[0], upstream)


@asynccontextmanager
async def _calling(tools: Tools, upstream: Upstream | None) -> AsyncIterator[Upstream]:
    """The given way to call providers, or one of our own for this test."""
    if upstream is not None:
        yield upstream
        return
    own = open_upstream(tools.settings)
    try:
        yield own
    finally:
        await own.close()


async def _tested(tools: Tools, attempt: Attempt, model: str, stream: bool, upstream: Upstream) -> Probe:
    clock = asyncio.get_running_loop().time
    call = _call(tools, attempt.provider.type, model, stream, clock())
    first: list[int] = []

    def spoke() -> None:
        first.append(round((clock() - call.began) * 1000))

    answer, error = "", ""
    try:
        async with asyncio.timeout(LONGEST_TEST):
            answer = await _asked(tools, call, attempt, upstream, spoke)
    except (Failure, Problem) as problem:
        error = problem.message
    except Garbage as garbage:
        error = str(garbage)
    except TimeoutError:
        error = "The provider did not answer in time."
    latency = round((clock() - call.began) * 1000)
    return Probe(tools.now(), not error, model, latency, first[0] if first else None, answer[:2000], error)


def _call(tools: Tools, type: str, model: str, stream: bool, began: float) -> Call:
    path = path_for(type, model)
    route = routes.find("POST", path)
    stream = stream and route.operation == "chat"
    body = body_of(body_for(path, model, stream))
    ask = Ask(request_id="probe", key_hash=None, address="", started_at=tools.now(), model=model, stream=stream)
    return Call(route, ask, body, route.format.glance(body, None, None), False, began)


async def _asked(tools: Tools, call: Call, attempt: Attempt, upstream: Upstream, spoke: Callable[[], None]) -> str:
    """The model's answer, as text; raises Failure, Garbage or Problem."""
    prepared = prepare(call, attempt, Templates(tools.keyring))
    answer = await _sent(tools, upstream, prepared.sign, prepared.outgoing, attempt)
    try:
        if not 200 <= answer.status < 300:
            body = await answer.read(LARGEST_ERROR)
            raise verdict.judged(answer.status, answer.headers, body, prepared.format, tools.now())
        if call.glance.stream:
            return await _heard(answer, prepared, call.glance.model, spoke)
        body = await answer.read(LARGEST_LIST)
        body = body if prepared.volley is None else prepared.volley.joined([Came(answer.headers, body)])
        return "".join(prepared.format.parse_response(body).texts)
    finally:
        answer.close()


async def _sent(tools: Tools, upstream: Upstream, sign: Sign | None, outgoing: Outgoing, attempt: Attempt) -> Answer:
    if sign is None:
        return await upstream.send(outgoing)
    return await Signer(tools.keyring, upstream, tools.now).send(sign, outgoing, attempt.provider, attempt.key)


class Ear:
    """Listens to a streamed answer until it has said all that a test wants to know."""

    def __init__(self, tap: Tap, decoder: Decoder, spoke: Callable[[], None]) -> None:
        self.failure: Failure | None = None
        self.over = asyncio.Event()
        self._tap = tap
        self._spoke = spoke
        self._decoder = decoder
        self._size = 0

    def data(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > LARGEST_LIST:
            return self._stop(too_large())
        try:
            self._heard(self._decoder.feed(data))
        except FramingError:
            self._stop(Failure("broken", "The provider sent an event that is too large, or damaged."))

    def end(self, failure: Failure | None) -> None:
        if not self.over.is_set():
            self._heard(self._decoder.close())
            self._stop(failure)

    def _stop(self, failure: Failure | None) -> None:
        self.failure = failure
        self.over.set()

    def _heard(self, frames: list[Frame]) -> None:
        for frame in frames:
            if not self.over.is_set():
                self._tap.feed(frame)
        if self._tap.first_token:
            self._spoke()
        if self._tap.finished or self._tap.error is not None:
            self.over.set()
        elif self._tap.stop_seen and frames:
            asyncio.get_running_loop().call_later(QUIET, self.over.set)


async def _heard(answer: Answer, prepared: Prepared, model: str, spoke: Callable[[], None]) -> str:
    tap = _tap(prepared.format, model)
    ear = Ear(tap, prepared.decoder(), spoke)
    answer.flow(ear)
    await ear.over.wait()
    if tap.error is not None:
        raise verdict.judged_event(tap.error)
    if not (tap.finished or tap.stop_seen):
        raise ear.failure or Failure("broken", "The provider's answer ended in the middle.")
    answer.finish()
    return "".join(tap.text)


def _tap(format: Format, model: str) -> Tap:
    """Listens to the format's streams; formats that no caller speaks are heard as OpenAI's."""
    if format.tap is not None:
        return format.tap(model, False)
    return Converting(format.reader(), OPENAI.writer(Asked(model, 0, "probe")))


async def _models(tools: Tools, provider: Provider, key: ProviderKey, upstream: Upstream | None) -> tuple[str, ...]:
    try:
        kind = channel_type(provider)
        secret, proxy = key_of(key, tools.keyring), proxy_of(provider, tools.keyring)
        headers = headers_of(provider, kind, secret, False)
        url = kind.url(provider.base_url, kind.models_path, secret)
        outgoing = Outgoing(Template.make(url, headers, "GET", proxy, provider.http2))
        async with _calling(tools, upstream) as used, asyncio.timeout(LONGEST_TEST):
            return await _fetched(kind, _sent(tools, used, kind.sign, outgoing, Attempt(provider, key)))
    except Failure as failure:
        raise Problem(502, "upstream_error", failure.message) from None
    except TimeoutError:
        raise Problem(504, "upstream_timeout", "The provider did not answer in time.") from None


async def _fetched(kind: ChannelType, sending: Awaitable[Answer]) -> tuple[str, ...]:
    answer = await sending
    try:
        body = await answer.read(LARGEST_LIST)
    finally:
        answer.close()
    if not 200 <= answer.status < 300:
        raise Failure("other", FORMATS[kind.format].parse_error(answer.status, body), answer.status)
    try:
        names = _names(msgspec.json.decode(body), *kind.models_at)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError):
        raise Failure("broken", "The provider's list of models can't be read.") from None
    return tuple(sorted(names))


def _names(listed: Any, place: str, field: str) -> set[str]:
    """The names in a list of models; a few vendors send the list alone, Google writes folders before its names."""
    rows = listed if isinstance(listed, list) else listed[place]
    found = {row[field] for row in rows if isinstance(row[field], str)}
    names = {name.removeprefix("publishers/google/").removeprefix("models/") for name in found}
    return {name for name in names if 0 < len(name) <= 256}


def stored(tools: Tools, channel_id: int, key_id: int | None) -> tuple[Provider, str]:
    """A channel with its keys, switched off or not, enabled ones first."""
    with tools.db.read() as session:
        channel = session.get(Channel, channel_id)
        if channel is None or channel.deleted_at is not None:
            raise not_found("The channel")
        rows = session.exec(select(ChannelKey).where(ChannelKey.channel_id == channel_id)).all()
    rows = sorted(rows, key=lambda row: (not row.enabled, row.id or 0))
    keys = [ProviderKey(row.id or 0, row.sealed, row.env_name, 0) for row in rows if key_id in (None, row.id)]
    provider = replace(
        _unsaved(TYPES.get(channel.type) or ChannelType(channel.type, channel.type), channel.base_url),
        id=channel_id,
        name=channel.name,
        models=frozenset(channel.models),
        keys=tuple(keys),
        model_mapping=channel.model_mapping,
        parameter_override=channel.parameter_override,
        header_override=channel.header_override,
        status_map=channel.status_map,
        proxy=channel.proxy_sealed,
        http2=channel.http2,
    )
    return provider, channel.test_model


def _unsaved(kind: ChannelType, base_url: str) -> Provider:
    return Provider(
        id=0,
        name="",
        type=kind.name,
        base_url=base_url,
        models=frozenset(),
        groups=frozenset(),
        priority=0,
        weight=1,
        key_mode="random",
        keys=(),
        model_mapping={},
        parameter_override={},
        header_override={},
        status_map={},
        auto_disable=False,
        rest_until=0,
    )
