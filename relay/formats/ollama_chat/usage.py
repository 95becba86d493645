"""Ollama's counts, which stand beside the message. Source: https://docs.ollama.com/api/usage"""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.vendor import Tally
from relay.neutral import Usage

_TOLD = ("prompt_eval_count", "eval_count")


def parse_usage(value: dict[str, Any]) -> Usage | None:
    """The counts of an answer, or of the last line of a stream.

    None without those of the prompt, which older versions leave out where they had all of it in their cache: no
    prompt is free, so the gateway counts. Where nothing was generated there is no ``eval_count``.
    """
    tally = Tally()
    taken, made = (tally.count(value.get(name)) for name in _TOLD)
    if not taken:
        return None
    return Usage(Counts(taken, 0, made), tally.inconsistent, {name: value[name] for name in _TOLD if name in value})
