"""Ollama's counts, which stand beside the message. Source: https://docs.ollama.com/api/usage"""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.vendor import Tally
from relay.neutral import Usage

_TOLD = ("prompt_eval_count", "prompt_eval_cached_count", "eval_count")


def parse_usage(value: dict[str, Any]) -> Usage | None:
    """The counts of an answer, or of the last line of a stream. Cached tokens are a part of the prompt's.

    None without those of the prompt, which older versions leave out where they had all of it in their cache
    (https://github.com/ollama/ollama/issues/2068): no prompt is free, so the gateway counts. Where nothing was
    generated there is no ``eval_count``.
    """
    tally = Tally()
    taken, found, made = (tally.count(value.get(name)) for name in _TOLD)
    if not taken:
        return None
    cached = tally.at_most(taken, found)
    told = {name: value[name] for name in _TOLD if name in value}
    return Usage(Counts(taken - cached, cached, made), tally.inconsistent, told)
