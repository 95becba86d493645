"""Writes ``docs/formats.md`` out of the golden cases: ``make formats``.

What the tables say is tried, not looked up: every request and answer goes through the converters.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from golden_cases import ALL_CASES, MODELS, NAMES, asked, content, events, exists, neutral, view

from openopen8.core.errors import Problem
from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.neutral import Usage, fold

PAGE = Path(__file__).parents[3] / "docs" / "formats.md"

LABELS = {"openai_chat": "Chat", "openai_responses": "Responses", "anthropic": "Claude", "gemini": "Gemini"}

TOPICS = {
    "Text and turns": "text multi_turn system system_mid developer speakers empty",
    "Pictures, sound, files": """image_url image_base64 image_detail image_out audio_in audio_out pdf pdf_url
                                 document_text""",
    "Citations": "citations document_citations",
    "Tools": """tool_call tool_without_arguments parallel_tools parallel_off tool_choice_required tool_choice_named
                tool_choice_allowed tool_choice_none strict_tool freeform_tool tool_result tool_result_error
                tool_result_image parallel_tool_results""",
    "Tools that the vendor runs": """server_tool_openai_chat server_tool_openai_responses server_tool_anthropic
                                     server_tool_gemini""",
    "Thinking": """reasoning_effort reasoning_budget reasoning_off thinking thinking_signature redacted_thinking
                   encrypted_reasoning thought_signature multi_turn_tools_thinking multi_turn_thought_signature""",
    "Structured output": "json_object json_schema",
    "Options": "sampling seed_penalties n_choices logprobs openai_options metadata_user service_tier",
    "Caching and counts": "cache_marks cache_usage cache_write_usage",
    "How an answer ends": "stop_length stop_sequence pause content_filter refusal refusal_words error_midstream",
}

ENDS = TOPICS["How an answer ends"].split() + TOPICS["Caching and counts"].split()

INTRODUCTION = """# What is carried between the formats

<!-- Written by `make formats` out of tests/golden; a test fails when it is stale. -->

A caller picks a format by its path, a channel has the one of its provider:

| here | caller's path |
| --- | --- |
| Chat | OpenAI's `/v1/chat/completions` |
| Responses | OpenAI's `/v1/responses` |
| Claude | Anthropic's `/v1/messages` |
| Gemini | Google's `/v1beta/models/{model}:generateContent` and `:streamGenerateContent` |

- **Same format on both sides:** the request and the answer pass byte for byte, but for the model's name and what the
  channel overrides. What the vendor invents tomorrow works at once. One exception: Claude's message threads (`thread`)
  are refused, since the next turn may go to another provider; the official clients then send the whole conversation.
- **Other formats:** the request is read into a neutral form and written anew. What would change what is asked is
  refused with a 400 that names the field. What can be left out is left out and named: in the header `x-openopen8-loss`,
  and in the log entry, which also has what a stream lost after its first event.
- **State of a provider** (signatures of thoughts, encrypted reasoning, ids of calls) travels through callers of every
  format and comes back to its maker as it was, so that loops of tools go on. No other provider ever sees it.

Each row below is a folder in `tests/golden`. In the tables of requests a column is the provider's format, in those of
answers the caller's:

| sign | meaning |
| --- | --- |
| ✓ | carried, with all that the case is about |
| ≈ | shown in the form that this format has for it |
| − `x` | carried without `x`, which is reported |
| ✗ `x` | refused with a 400 that names `x` |
| blank | this format has nothing of the kind |

After a semicolon stands what is different where the format on the other side is the one that is named.
"""


def page() -> str:
    """The whole page."""
    return INTRODUCTION + "".join(_topic(title, cases.split()) for title, cases in TOPICS.items())


def _topic(title: str, cases: list[str]) -> str:
    asking = [row for case in cases if (row := _row(case, {name: _asked(case, name) for name in LABELS}))]
    answering = [row for case in cases if (row := _row(case, {name: _answered(case, name) for name in LABELS}))]
    out = f"\n## {title}\n"
    for kind, rows in (("request, to", asking), ("answer, for", answering)):
        if rows:
            out += f"\n| {kind} | {' | '.join(LABELS.values())} |\n|{' --- |' * 5}\n" + "".join(rows)
    return out


def _row(case: str, cells: dict[str, str]) -> str:
    if not any(cells.values()):
        return ""
    about = neutral(case)["about"].rstrip(".")
    return f"| {about} | {' | '.join(cells[name] for name in LABELS)} |\n"


def _plain(case: str, side: str) -> bool:
    """True for a question, or an answer, in nothing but words: cases that are about the other side."""
    value = neutral(case).get(side, {})
    if side == "request":
        words = all(part.keys() == {"type", "text"} for turn in value["messages"] for part in turn["parts"])
        unnamed = len(value["messages"]) == 1 and "name" not in value["messages"][0]
        return case != "text" and words and unnamed and value.keys() <= {"messages", "max_tokens"}
    (first, *others) = value.get("choices", ({},))
    plain = [part.keys() for part in first.get("parts", ())] == [{"type", "text"}] and first.get("stop") == "stop"
    return case not in ("text", *ENDS) and plain and not others and first.keys() <= {"index", "parts", "stop"}


def _asked(case: str, target: str) -> str:
    """What becomes of the request on its way to a provider, from callers of every format that can ask it."""
    if _plain(case, "request"):
        return ""
    callers = [name for name in LABELS if exists(case, f"{name}.request.json") and name != target]
    own = exists(case, f"{target}.request.json")
    found = {name: _request(case, name, target) for name in callers}
    return _told(found) or ("✓" if own else "")


def _request(case: str, source: str, target: str) -> str:
    first = FORMATS[source]
    try:
        glance = first.glance(content(case, f"{source}.request.json"), MODELS[source], False)
        parsed = msgspec.structs.replace(first.parse_request(glance), model=MODELS[target])
        rendered = FORMATS[target].render_request(parsed)
    except Problem as problem:
        return f"✗ `{problem.param}`"
    return _lost(rendered.losses) or "✓"


def _answered(case: str, target: str) -> str:
    """What becomes of the answer on its way to a caller, from providers of every format that can give it."""
    if _plain(case, "answer"):
        return ""
    sources = [name for name in LABELS if exists(case, f"{name}.stream.txt") and name != target]
    own = exists(case, f"{target}.stream.txt")
    return _told({name: _answer(case, name, target) for name in sources}) or ("✓" if own else "")


def _answer(case: str, source: str, target: str) -> str:
    happened = events(source, content(case, f"{source}.stream.txt"))
    writer = FORMATS[target].writer(asked())
    for event in happened:
        writer.feed(event)
    writer.end(fold(happened).usage or Usage(Counts()))
    losses = set(writer.losses)
    if exists(case, f"{source}.response.json"):
        whole = FORMATS[source].parse_response(content(case, f"{source}.response.json"))
        losses |= set(FORMATS[target].render_response(whole, asked()).losses)
    return _lost(losses) or ("≈" if view(case, target).shows else "✓")


def _lost(losses: Iterable[str]) -> str:
    return "− " + ", ".join(f"`{name}`" for name in sorted(losses)) if losses else ""


def _told(found: dict[str, str]) -> str:
    """One word where all agree, else who says what."""
    said = list(dict.fromkeys(found.values()))
    if len(said) <= 1:
        return said[0] if said else ""
    most = max(said, key=list(found.values()).count)
    others = [f"{LABELS[name]}: {outcome}" for name, outcome in found.items() if outcome != most]
    return "; ".join([most, *others])


assert set(LABELS) == set(NAMES)
assert sorted(" ".join(TOPICS.values()).split()) == sorted(ALL_CASES), "every case has its topic"

if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
