"""A vendor's whole answer under the name that the caller knows the model by."""

from __future__ import annotations

import json

import msgspec

from openopen8.core.errors import Problem
from relay import splice
from relay.formats.vendor import loads

_encode = msgspec.json.Encoder().encode


def patch_response(body: bytes, model: str, field: str = "model") -> bytes:
    """A whole answer under the name ``model``; unchanged where it names none."""
    try:
        fields = splice.top_level(body)
        return splice.edited(body, fields, {field: _encode(model)}) if field in fields else body
    except Problem:
        return _renamed(body, model, field)


def _renamed(body: bytes, model: str, field: str) -> bytes:
    """For what strict parsers refuse: encoded anew, since the upstream's name must not show."""
    try:
        value = loads(body)
    except ValueError:
        return body
    if not isinstance(value, dict) or field not in value:
        return body
    return json.dumps({**value, field: model}, ensure_ascii=False, separators=(",", ":")).encode()
