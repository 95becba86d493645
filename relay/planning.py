"""From a call and a chosen channel to the request that goes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from openopen8.core.rules.routing import Attempt
from openopen8.core.rules.snapshot import Provider
from relay import splice
from relay.admission import Call
from relay.channels import TYPES, ChannelType, filled
from relay.endpoints import Endpoint
from relay.formats import FORMATS
from relay.formats.format import Format, Glance
from relay.framing import SSE, Decoder
from relay.signing.sign import Sign
from relay.templates import Templates, channel_type
from relay.upstream import Outgoing

_NOT_OVERRIDDEN = frozenset({"stream"})


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """A request ready to go. ``same``: caller and channel speak one format, so the answer passes through."""

    outgoing: Outgoing
    format: Format
    upstream_model: str
    losses: tuple[str, ...]
    same: bool
    sign: Sign | None = None
    decoder: Callable[[], Decoder] = SSE
    answered: Callable[[bytes], bytes] | None = None
    """From the vendor's own form of a whole answer to ours; raises Garbage."""


def upstream_model(provider: Provider, model: str) -> str:
    """The provider's name of a public model."""
    return provider.model_mapping.get(model, model)


def counts_itself(provider: Provider, endpoint: Endpoint) -> bool:
    """True for a channel that speaks the endpoint's format and knows the endpoint."""
    kind = TYPES.get(provider.type)
    return kind is not None and kind.format == endpoint.spoken and endpoint.name in kind.paths


def prepare(call: Call, attempt: Attempt, templates: Templates) -> Prepared:
    """The request for this attempt. Raises Problem 400 for what can't be converted, Failure without a key."""
    provider = attempt.provider
    kind = channel_type(provider)
    model = upstream_model(provider, call.glance.model)
    if call.route.endpoint is not None:
        return _asked(call, call.route.endpoint, attempt, kind, model, templates)
    dialect = None if kind.dialect is None else kind.dialect(model)
    spoken, path = kind.chat(call.route.format.name) if dialect is None else dialect.place(call.glance.stream)
    format = FORMATS[spoken] if dialect is None else dialect.format
    same = format is call.route.format and format.patch_request is not None
    body, losses = _passed(call, format, model) if same else _converted(call.route.format, call.glance, format, model)
    if kind.quirks is not None:
        body, dropped = kind.quirks.applied(body, model)
        losses += dropped
    if provider.parameter_override:
        body = overridden(body, provider.parameter_override)
    if dialect is not None and dialect.dress is not None:
        body, dropped = dialect.dress(body, call.beta)
        losses += dropped
    if "{" in path:
        path = filled(path, model, call.glance.stream)
    if call.beta and spoken == "anthropic" and (dialect is None or dialect.beta_header):
        template = templates.with_beta(provider, attempt.key, kind, path, call.glance.stream, call.beta)
    else:
        template = templates.get(provider, attempt.key, kind, path, call.glance.stream)
    outgoing = Outgoing(template, body)
    if dialect is None:
        return Prepared(outgoing, format, model, losses, same, kind.sign)
    return Prepared(outgoing, format, model, losses, same, kind.sign, dialect.decoder)


def _asked(
    call: Call, endpoint: Endpoint, attempt: Attempt, kind: ChannelType, model: str, templates: Templates
) -> Prepared:
    provider, format = attempt.provider, endpoint.format
    body, losses = _passed(call, format, model)
    if endpoint.losses is not None:
        losses = endpoint.losses(call.glance)
    if provider.parameter_override:
        body = overridden(body, provider.parameter_override)
    bridge, answered = kind.bridges.get(endpoint.name), None
    if bridge is not None:
        bridged = bridge(body)
        body, losses, answered = bridged.body, losses + bridged.losses, bridged.answer
    path = filled(kind.paths.get(endpoint.name, endpoint.path), model, call.glance.stream)
    template = templates.get(provider, attempt.key, kind, path, call.glance.stream)
    return Prepared(Outgoing(template, body), format, model, losses, True, kind.sign, answered=answered)


def _passed(call: Call, format: Format, model: str) -> tuple[bytes, tuple[str, ...]]:
    assert format.patch_request is not None
    return format.patch_request(call.body, call.glance, model), ()


def _converted(caller: Format, glance: Glance, format: Format, model: str) -> tuple[bytes, tuple[str, ...]]:
    request = msgspec.structs.replace(caller.parse_request(glance), model=model)
    rendered = format.render_request(request)
    return rendered.body, rendered.losses


def overridden(body: bytes, override: dict[str, Any]) -> bytes:
    """The body with the channel's own top-level fields; null takes a field's value away."""
    changes = {name: msgspec.json.encode(value) for name, value in override.items() if name not in _NOT_OVERRIDDEN}
    return splice.edited(body, splice.top_level(body), changes)


def body_of(value: dict[str, Any]) -> bytes:
    """A body of our own making, for probes."""
    return json.dumps(value, separators=(",", ":")).encode()
