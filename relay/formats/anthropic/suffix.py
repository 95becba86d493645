"""A Claude request that passes through, with the thinking that the suffix of its model's name asks for."""

from __future__ import annotations

from typing import Any

import msgspec

from openopen8.core.errors import Problem
from relay import splice
from relay.formats.anthropic.models import model_of
from relay.formats.anthropic.reasoning import render_reasoning, render_sampling
from relay.formats.anthropic.request import parse_request
from relay.formats.fields import fields_of, typed
from relay.formats.format import Glance, Rendered
from relay.neutral import Reasoning, Request, over

_BOUND = ("max_tokens", "temperature", "top_p", "top_k", "thinking")
"""What thinking decides, or binds."""

_decode = msgspec.json.Decoder(dict[str, Any] | None).decode


def patch_reasoning(body: bytes, glance: Glance, wish: Reasoning, model: str) -> Rendered:
    """``body`` with the fields about thinking as ``model`` takes them; all other fields stay."""
    given, known, losses = _read(glance), model_of(model), dict[str, None]()
    request = msgspec.structs.replace(given, model=model, reasoning=over(wish, given.reasoning))
    thinks = render_reasoning(request, known)
    losses.update(dict.fromkeys(thinks.losses))
    found = {"max_tokens": thinks.limit, "thinking": thinks.thinking}
    found |= render_sampling(request, known, thinks, losses)
    fields: dict[str, Any] = {name: raw for name, raw in splice.top_level(body).items() if name not in _BOUND}
    found["output_config"] = _config(fields.pop("output_config", None), thinks.effort)
    fields |= {name: value for name, value in found.items() if value is not None}
    return Rendered(msgspec.json.encode(fields), tuple(losses))


def _read(glance: Glance) -> Request:
    """The caller's request as far as it can be read: what only Claude knows must not be refused here."""
    try:
        return parse_request(glance)
    except Problem:
        seen = fields_of({name: raw for name, raw in glance.fields.items() if name in _BOUND}, {})
        request = Request(glance.model, (), max_tokens=glance.max_output, temperature=seen.number("temperature"))
        return msgspec.structs.replace(request, top_p=seen.number("top_p"), top_k=seen.integer("top_k"))


def _config(raw: msgspec.Raw | None, effort: str | None) -> dict[str, Any] | None:
    config = (None if raw is None else typed(raw, _decode, "output_config")) or {}
    config.pop("effort", None)
    return ({**config, "effort": effort} if effort else config) or None
