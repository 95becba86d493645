"""How some of a channel's models are spoken to, where that depends on the model: clouds that host many vendors."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from relay import splice
from relay.channels.quirks import Quirks
from relay.formats.format import Format
from relay.framing import SSE, Decoder

_encode = msgspec.json.Encoder().encode

Dress = Callable[[bytes, str], tuple[bytes, tuple[str, ...]]]
"""``(body, the caller's anthropic-beta)`` → the body as the cloud wants it, and what it lost. Raises Problem 400."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """A wire format, and where and how the cloud takes it. Paths may hold ``{model}``."""

    format: Format
    whole: str
    streamed: str
    dress: Dress | None = None
    decoder: Callable[[], Decoder] = SSE
    """How its streams are framed."""
    beta_header: bool = True
    """The caller's ``anthropic-beta`` goes along as the header that it is."""
    grown: frozenset[str] = frozenset()
    """Objects of the body that a channel's override adds to; it replaces all others."""

    def place(self, stream: bool) -> tuple[str, str]:
        """The format's name and the path."""
        return self.format.name, self.streamed if stream else self.whole


def without(*fields: str) -> Dress:
    """The body without fields that only the maker's own API knows."""
    quirks = Quirks(refused=frozenset(fields))
    return lambda body, _: quirks.applied(body, "")


_NO_TIERS = without("service_tier")
"""Claude's service tiers are those of its own API: https://platform.claude.com/docs/en/api/service-tiers"""


def claude_in_a_cloud(version: str, gone: tuple[str, ...], beta: bool) -> Dress:
    """Claude's body without the fields ``gone``, whose place is the address, and with the cloud's ``version``.

    ``beta``: the names of beta features stand in the body.
    """

    def dress(body: bytes, features: str) -> tuple[bytes, tuple[str, ...]]:
        body, losses = _NO_TIERS(body, "")
        fields = {name: raw for name, raw in splice.top_level(body).items() if name not in gone}
        fields.setdefault("anthropic_version", msgspec.Raw(_encode(version)))
        names = [name for one in features.split(",") if (name := one.strip())]
        if beta and names:
            fields.setdefault("anthropic_beta", msgspec.Raw(_encode(names)))
        return _encode(fields), losses

    return dress
