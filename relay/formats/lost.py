"""What a request asks for and a format has not: refused where it would change the meaning, else told."""

from __future__ import annotations

from collections.abc import Mapping

from relay.formats.fields import not_carried
from relay.neutral import Request

AN_OBJECT = "Answer with one JSON object and nothing else: no words around it, no code fence."
"""An instruction instead of a mode, for formats that want a schema, or words."""


def one_text(request: Request) -> None:
    """For formats whose answer is one text. Raises Problem 400."""
    if request.n > 1:
        raise not_carried("More than one answer (n) is", "n")
    if any(kind != "text" for kind in request.modalities):
        raise not_carried("Output other than text is", "modalities")


def lose(request: Request, names: Mapping[str, str], losses: dict[str, None]) -> None:
    """Tells what of ``names`` the request has, as its caller calls it. A penalty of 0 is none, a seed of 0 is one."""
    for name, called in names.items():
        value = getattr(request, name)
        if value not in (None, False, (), {}) or (name == "seed" and value == 0):
            losses[called] = None


def clamped(value: float | None, low: float, high: float, name: str, losses: dict[str, None]) -> float | None:
    """``value`` in a range that is smaller than others'."""
    if value is None or low <= value <= high:
        return value
    losses[name] = None
    return min(max(value, low), high)
