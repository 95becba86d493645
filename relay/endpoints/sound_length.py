"""How long a sound is, for what is charged by the second where a provider does not say."""

from __future__ import annotations

import math

from tinytag import TinyTag

from relay.form import Part
from relay.spool import Window
from relay.upstream import Body

BYTES_A_SECOND = 16_000
"""128 kbit/s, for files that can't be read: what most music has, and more than speech needs."""

LOSSY, LOSSLESS = 64_000, 576_000
"""Bytes a second that usual sounds have at most (512 kbit/s; 24 bits at 96 kHz): what a file says may be a lie."""

LOOKS = 100_000
"""Reads after which a file is given up. Honest ones need some thousands; others have a header in every byte."""

LONGEST = 24 * 3_600


def seconds_of(body: Body, part: Part) -> int:
    """Whole seconds, rounded up; at least one."""
    window = Window(body, part.start, part.size, LOOKS)
    try:
        sound = TinyTag.get(file_obj=window, tags=False)  # type: ignore[arg-type]
    except Exception:  # files are the caller's: anything may be in them
        return whole_seconds(part.size / BYTES_A_SECOND)
    found = sound.duration
    if not found or not math.isfinite(found) or found < 0:
        return whole_seconds(part.size / BYTES_A_SECOND)
    return whole_seconds(max(found, part.size / (LOSSLESS if sound.bitdepth else LOSSY)))


def whole_seconds(seconds: float) -> int:
    """Rounded up, but for what the arithmetic of floats adds."""
    return min(LONGEST, max(1, math.ceil(round(seconds, 3))))
