"""From a call and a chosen channel to the request that goes out."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec

from openopen8.core.rules.routing import Attempt
from openopen8.core.rules.snapshot import Provider
from relay import model_names, splice
from relay.admission import Call
from relay.channels import TYPES, ChannelType, filled
from relay.endpoints import Endpoint
from relay.endpoints.spoken import Spoken, Written
from relay.formats import FORMATS
from relay.formats.format import Format
from relay.framing import SSE, Decoder
from relay.neutral import Reasoning
from relay.signing.sign import Sign
from relay.spool import Embedded
from relay.tasks.errands import outgoing
from relay.tasks.submission import submission, vendor_of
from relay.tasks.vendor import Errand
from relay.templates import Templates, channel_type
from relay.upstream import Body, Outgoing
from relay.volley import Volley

_NOT_OVERRIDDEN = frozenset({"stream"})


class Prepared(msgspec.Struct, frozen=True, gc=False):
    """A request ready to go. ``same``: caller and channel speak one format, so the answer passes through."""

    outgoing: Outgoing
    format: Format
    upstream_model: str
    losses: tuple[str, ...]
    same: bool
    spoken: Spoken | None = None
    """How the answer of a channel of another format becomes the caller's, where that is no chat."""
    action: str = ""
    """Of a task, for later look-ups."""
    sign: Sign | None = None
    decoder: Callable[[], Decoder] = SSE
    volley: Volley | None = None
    """``outgoing`` and others, whose answers make one; also one alone that is to be read in the vendor's own form."""


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
    model = upstream_model(provider, call.ask.model)
    if call.route.endpoint is not None:
        return _asked(call, call.route.endpoint, attempt, kind, model, templates)
    dialect = None if kind.dialect is None else kind.dialect(model)
    spoken, path = kind.chat(call.route.format.name) if dialect is None else dialect.place(call.glance.stream)
    format = FORMATS[spoken] if dialect is None else dialect.format
    same = format is call.route.format and format.patch_request is not None
    if call.memory is not None:
        same = same and not call.memory.ours  # what we keep is told in the neutral form: no vendor knows its ids
        call.memory.tries(attempt, same, model)
    wish = model_names.wish(call.glance.model, call.ask.model)
    body, losses = _passed(call, format, model, wish) if same else _converted(call, format, model, wish)
    if kind.quirks and spoken == kind.format:
        for quirks in kind.quirks:
            body, dropped = quirks.applied(body, model)
            losses += dropped
    if provider.parameter_override:
        grown = frozenset[str]() if dialect is None else dialect.grown
        body = overridden(body, provider.parameter_override, grown)
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
        return Prepared(outgoing, format, model, losses, same, sign=kind.sign)
    return Prepared(outgoing, format, model, losses, same, sign=kind.sign, decoder=dialect.decoder)


def _asked(
    call: Call, endpoint: Endpoint, attempt: Attempt, kind: ChannelType, model: str, templates: Templates
) -> Prepared:
    if endpoint.task:
        return _submitted(call, endpoint, attempt, model, templates)
    provider, format, bridge = attempt.provider, endpoint.format, kind.bridges.get(endpoint.name)
    spoken = None if bridge is not None else endpoint.also.get(kind.format)
    where = kind.paths.get(endpoint.name) or (endpoint.path if spoken is None else spoken.path)
    if spoken is not None:
        return _spoken(call, spoken, attempt, kind, where, model, templates)
    accept = {"accept": "*/*"} if endpoint.media else {}
    if call.upload is not None:
        headers = {"content-type": call.upload.content_type, **accept}
        template = templates.apart(provider, attempt.key, kind, filled(where, model, call.glance.stream), headers)
        return Prepared(Outgoing(template, call.upload.under(model)), format, model, (), True, sign=kind.sign)
    body, losses = _passed(call, format, model)
    losses = losses if endpoint.losses is None else endpoint.losses(call.glance)
    if provider.parameter_override:
        body = overridden(body, provider.parameter_override)
    bridged = None if bridge is None else bridge(body)
    path = filled((bridged.path if bridged is not None else "") or where, model, call.glance.stream)
    if accept:
        template = templates.apart(provider, attempt.key, kind, path, accept)
    else:
        template = templates.get(provider, attempt.key, kind, path, call.glance.stream)
    if bridged is None:
        return Prepared(Outgoing(template, body), format, model, losses, True, sign=kind.sign)
    requests = tuple(Outgoing(template, one) for one in bridged.bodies)
    volley, losses = Volley(requests, bridged.joined), losses + bridged.losses
    return Prepared(requests[0], format, model, losses, True, sign=kind.sign, volley=volley)


def _spoken(
    call: Call, spoken: Spoken, attempt: Attempt, kind: ChannelType, where: str, model: str, templates: Templates
) -> Prepared:
    """A request in the words of a channel of another format."""
    provider, times = attempt.provider, 1 if spoken.joined is None else call.glance.n
    stream = call.glance.stream and times == 1
    if call.upload is None:
        written = Written(spoken.request(call.body, call.glance, model), ())
    else:
        assert spoken.form is not None
        written = spoken.form(call.upload.form, call.glance, model)
    text = written.text.body
    if provider.parameter_override:
        text = overridden(text, provider.parameter_override)
    body: bytes | Body = Embedded.put(text, written.files) if written.files else text
    template = templates.get(provider, attempt.key, kind, filled(where, model, stream), stream)
    outgoing = Outgoing(template, body)
    volley = Volley((outgoing,) * times, spoken.joined, True) if times > 1 and spoken.joined is not None else None
    losses = written.text.losses
    return Prepared(outgoing, spoken.format, model, losses, False, spoken, sign=kind.sign, volley=volley)


def _submitted(call: Call, endpoint: Endpoint, attempt: Attempt, model: str, templates: Templates) -> Prepared:
    provider, vendor = attempt.provider, vendor_of(attempt.provider.type)
    override = provider.parameter_override
    made = submission(call, vendor, model, (lambda body: overridden(body, override)) if override else None)
    errand = Errand("POST", made.path, made.body, made.content_type, call.beta)
    sent = outgoing(templates.keyring, provider, attempt.key, vendor.authorize, errand, call.ask.started_at)
    return Prepared(sent, endpoint.format, model, made.losses, True, action=made.action)


def _passed(call: Call, format: Format, model: str, wish: Reasoning | None = None) -> tuple[bytes, tuple[str, ...]]:
    assert format.patch_request is not None
    body = format.patch_request(call.body, call.glance, model)
    if wish is None or format.patch_reasoning is None:
        return body, ()
    patched = format.patch_reasoning(body, call.glance, wish, model)
    return patched.body, patched.losses


def _converted(call: Call, format: Format, model: str, wish: Reasoning | None) -> tuple[bytes, tuple[str, ...]]:
    request = msgspec.structs.replace(call.route.format.parse_request(call.glance), model=model)
    rendered = format.render_request(request if wish is None else model_names.with_reasoning(request, wish))
    return rendered.body, rendered.losses


def overridden(body: bytes, override: dict[str, Any], grown: frozenset[str] = frozenset()) -> bytes:
    """The body with the channel's own top-level fields; null takes a field's value away.

    Objects that are ``grown`` keep those of their fields that the override does not name.
    """
    fields = splice.top_level(body)
    wanted = {name: value for name, value in override.items() if name not in _NOT_OVERRIDDEN}
    for name in grown & wanted.keys() & fields.keys():
        if isinstance(wanted[name], dict):
            wanted[name] = msgspec.json.decode(fields[name], type=dict[str, Any]) | wanted[name]
    return splice.edited(body, fields, {name: msgspec.json.encode(value) for name, value in wanted.items()})


def body_of(value: dict[str, Any]) -> bytes:
    """A body of our own making, for probes."""
    return json.dumps(value, separators=(",", ":")).encode()
