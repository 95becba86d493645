"""How long a sound is, for what is charged by the second where a provider does not say."""

from __future__ import annotations

import math

from tinytag import TinyTag

from relay.form import Part
from relay.spool import Window
from relay.upstream import Body

BYTES_A_SECOND = 16_000
"""128 kbit/s, for files that can't be read: what most music has, and more than speech needs."""

LONGEST = 24 * 3_600


def seconds_of(body: Body, part: Part) -> int:
    """Whole seconds, rounded up; at least one."""
    try:
        found = TinyTag.get(file_obj=Window(body, part.start, part.size), tags=False).duration  # type: ignore[arg-type]
    except Exception:  # files are the caller's: anything may be in them
        found = None
    if not found or not math.isfinite(found) or found < 0:
        found = part.size / BYTES_A_SECOND
    return whole_seconds(found)


def whole_seconds(seconds: float) -> int:
    """Rounded up, but for what the arithmetic of floats adds."""
    return min(LONGEST, max(1, math.ceil(round(seconds, 3))))
