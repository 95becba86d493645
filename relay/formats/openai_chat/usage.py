"""OpenAI's usage object <-> disjoint counts: cached tokens are inside the prompt, reasoning inside the completion."""

from __future__ import annotations

from typing import Any

from openopen8.core.rules.pricing import Counts
from relay.formats.vendor import MAX_COUNT, Tally
from relay.neutral import Further, Usage
from relay.neutral.usage import NOTHING

_TIERS = frozenset(("", "auto", "default", "standard"))
"""The usual tier under its names."""

_USUAL = {"prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details"}


def parse_usage(raw: object, tier: object = "") -> Usage | None:
    """Disjoint counts; None where nothing was counted. Contradictions are clamped and marked.

    ``tier`` is the answer's ``service_tier``. Source: https://platform.openai.com/docs/api-reference/chat/object,
    and vendors' variations: DeepSeek's ``prompt_cache_hit_tokens``, Moonshot's ``cached_tokens``, prompt missing
    beside a total.
    """
    if not isinstance(raw, dict):
        return None
    charged = tier if isinstance(tier, str) and tier not in _TIERS else ""
    usual = _usual(raw, charged)
    if usual is not None:
        return usual
    tally = Tally()
    completion, total = tally.count(raw.get("completion_tokens")), tally.count(raw.get("total_tokens"))
    prompt = tally.count(raw.get("prompt_tokens"))
    if not prompt and total > completion:
        prompt, tally.inconsistent = total - completion, True
    if not prompt and not completion:
        return None  # some vendors send zeros for "unknown"; no request costs nothing
    tally.inconsistent |= not prompt
    cached = tally.at_most(prompt, tally.count(_cached(raw)))
    output, reasoning = _outputs(raw, tally, completion, total - prompt - completion)
    further = _further(raw, tally, prompt, cached, output)
    return Usage(Counts(prompt - cached, cached, output, reasoning), tally.inconsistent, raw, further, charged)


def _usual(raw: dict[str, Any], tier: str) -> Usage | None:
    """The report of a vendor that keeps to OpenAI's form and adds up; None for every other."""
    prompt, completion = raw.get("prompt_tokens"), raw.get("completion_tokens")
    if type(prompt) is not int or type(completion) is not int or raw.get("total_tokens") != prompt + completion:
        return None
    if not (0 < prompt <= MAX_COUNT and 0 <= completion <= MAX_COUNT and raw.keys() <= _USUAL):
        return None
    cached = reasoning = 0
    details = raw.get("prompt_tokens_details")
    if details is not None:
        cached = details.get("cached_tokens", 0) if type(details) is dict and _text_only(details) else -1
    details = raw.get("completion_tokens_details")
    if details is not None:
        reasoning = details.get("reasoning_tokens", 0) if type(details) is dict and _text_only(details) else -1
    if type(cached) is not int or type(reasoning) is not int:
        return None
    if not (0 <= cached <= prompt and 0 <= reasoning <= completion):
        return None
    return Usage(Counts(prompt - cached, cached, completion - reasoning, reasoning), False, raw, NOTHING, tier)


def _text_only(details: dict[str, Any]) -> bool:
    return not (details.get("audio_tokens") or details.get("image_tokens") or details.get("cache_write_tokens"))


def _cached(raw: dict[str, Any]) -> object:
    inside = _details(raw, "prompt").get("cached_tokens")
    return inside or raw.get("prompt_cache_hit_tokens") or raw.get("cached_tokens")


def _details(raw: dict[str, Any], side: str) -> dict[str, Any]:
    details = raw.get(f"{side}_tokens_details")
    return details if isinstance(details, dict) else {}


def _outputs(raw: dict[str, Any], tally: Tally, completion: int, beyond: int) -> tuple[int, int]:
    """Output and reasoning. ``beyond`` is what the total holds more than prompt and completion.

    Reasoning that only the total holds is outside the completion: xAI names it, Google's compatible
    endpoint leaves it out (https://discuss.ai.google.dev/t/98760).
    """
    reasoning = tally.count(_details(raw, "completion").get("reasoning_tokens"))
    if beyond > 0 and reasoning in (0, beyond):
        tally.inconsistent |= not reasoning
        return completion, beyond
    reasoning = tally.at_most(completion, reasoning)
    return completion - reasoning, reasoning


def _further(raw: dict[str, Any], tally: Tally, prompt: int, cached: int, output: int) -> Further:
    """Audio, images and cache writes. Where a part was cached and no split is given, text was cached first."""
    inside, made = _details(raw, "prompt"), _details(raw, "completion")
    audio = tally.at_most(prompt, tally.count(inside.get("audio_tokens")))
    image = tally.at_most(prompt - audio, tally.count(inside.get("image_tokens")))
    left = max(0, cached - (prompt - audio - image))
    cached_image = min(left, image)
    cached_audio = min(left - cached_image, audio)
    fresh = prompt - cached - (audio - cached_audio) - (image - cached_image)
    spoken = tally.at_most(output, tally.count(made.get("audio_tokens")))
    return Further(
        cache_write_5m=tally.at_most(max(0, fresh), tally.count(inside.get("cache_write_tokens"))),
        input_audio=audio - cached_audio,
        input_image=image - cached_image,
        cached_audio=cached_audio,
        cached_image=cached_image,
        output_audio=spoken,
        output_image=tally.at_most(output - spoken, tally.count(made.get("image_tokens"))),
    )


def render_usage(usage: Usage) -> dict[str, Any]:
    """The usage object of an answer or of a stream's last chunk."""
    counts, further = usage.counts, usage.further
    prompt = {
        "audio_tokens": further.input_audio + further.cached_audio,
        "image_tokens": further.input_image + further.cached_image,
        "cache_write_tokens": further.cache_write_5m + further.cache_write_1h,
    }
    made = {"audio_tokens": further.output_audio, "image_tokens": further.output_image}
    return {
        "prompt_tokens": counts.total_input,
        "completion_tokens": counts.total_output,
        "total_tokens": counts.total_input + counts.total_output,
        "prompt_tokens_details": {"cached_tokens": counts.cache_read, **_some(prompt)},
        "completion_tokens_details": {"reasoning_tokens": counts.reasoning, **_some(made)},
    }


def _some(numbers: dict[str, int]) -> dict[str, int]:
    return {name: number for name, number in numbers.items() if number}
