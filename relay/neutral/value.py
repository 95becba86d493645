"""The base of all neutral values: frozen, small in JSON, strict about names."""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """A neutral value. Its JSON form is what golden files and stores hold: defaults are left out.

    Objects of a vendor inside (schemas, raw blocks) are never changed.
    """


class Opaque(Value, frozen=True):
    """State that only the vendor who made it can read: signatures, encrypted reasoning.

    ``maker`` is that vendor: ``openai``, ``anthropic``, ``gemini``; empty where it is not known. It goes
    back to its maker byte for byte, and through callers of every format (``relay/formats/carrier.py``).
    """

    maker: str
    data: str


class CacheMark(Value, frozen=True):
    """Says: cache the prompt up to here. ``ttl`` as vendors write it (``5m``, ``1h``); empty: the vendor's default."""

    ttl: str = ""
