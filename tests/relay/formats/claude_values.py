"""Made-up values that Claude's format can say in full."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import settings
from hypothesis import strategies as st

from openopen8.core.rules.pricing import Counts
from relay.formats import FORMATS
from relay.neutral import (
    CacheMark,
    Citation,
    Document,
    Further,
    Image,
    Message,
    Opaque,
    Place,
    Reasoning,
    Request,
    Shape,
    Source,
    Text,
    Thinking,
    Tool,
    ToolChoice,
    ToolResult,
    ToolUse,
    Usage,
)

FORMAT = FORMATS["anthropic"]
USAGE = Usage(Counts(50, 2, 7, 3), further=Further(cache_write_5m=20, cache_write_1h=10))

quick = settings(max_examples=50, deadline=None)
words = st.text(min_size=1, max_size=8)
names = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
ids = st.from_regex(r"toolu_[a-zA-Z0-9]{1,8}", fullmatch=True)
states = st.from_regex(r"[A-Za-z0-9+/]{1,12}={0,2}", fullmatch=True)
arguments = st.dictionaries(words, st.integers(-9, 9) | words, max_size=2).map(
    lambda it: msgspec.json.encode(it).decode()
)
gemini = st.none() | st.builds(Opaque, st.just("gemini"), states)
places = st.builds(Place, st.sampled_from(("char", "page", "block")), st.integers(0, 3), st.integers(4, 9))
citations = st.builds(Citation, title=words, quote=words, document=st.integers(0, 3), place=places)
texts = st.builds(Text, words, st.lists(citations, max_size=2).map(tuple), signature=gemini)
own = st.builds(Opaque, st.just("anthropic"), states)
thoughts = (
    st.builds(Thinking, words)
    | st.builds(Thinking, words | st.just(""), own)
    | st.builds(Thinking, words, st.builds(Opaque, st.just("gemini"), states))
    | st.builds(Thinking, st.just(""), own, st.just(True))
    | st.builds(Thinking, words | st.just(""), st.builds(Opaque, st.just("openai"), states), id=names)
)
calls = st.builds(ToolUse, ids, names, arguments, signature=gemini)
parts = st.lists(texts | thoughts | calls, max_size=6).map(tuple)

cache = st.none() | st.builds(CacheMark, st.sampled_from(("", "5m", "1h")))
bytes_of = [st.builds(Source, st.just("base64"), states, st.just(kind)) for kind in ("image/png", "application/pdf")]
files = st.builds(Source, st.just("file"), names, maker=st.just("anthropic"))
images = st.builds(
    Image, st.builds(Source, st.just("url"), st.just("https://example.com/a.png")) | bytes_of[0] | files, cache=cache
)
papers = (
    st.builds(Source, st.just("url"), st.just("https://example.com/a"), st.just("application/pdf"))
    | st.builds(Source, st.just("text"), words, st.just("text/plain"))
    | bytes_of[1]
    | files
)
documents = st.builds(Document, papers, title=words, context=words, cite=st.booleans(), cache=cache)
plain = st.builds(Text, names, cache=cache)
shown = st.one_of(plain, images, documents)
results = st.builds(ToolResult, ids, st.lists(shown, max_size=2).map(tuple), st.booleans(), cache=cache)
user_turns = st.builds(
    lambda first, then: Message("user", (*first, *then)),
    st.lists(results, max_size=2),
    st.lists(shown, min_size=1, max_size=3),
)
said = st.one_of(
    st.builds(Text, names, st.lists(citations, max_size=1).map(tuple), cache),
    st.builds(ToolUse, ids, names, arguments, cache=cache),
    st.builds(Thinking, words, own),
    st.builds(Thinking, st.just(""), own, st.just(True)),
)
model_turns = st.builds(Message, st.just("assistant"), st.lists(said, min_size=1, max_size=3).map(tuple))
SCHEMA: dict[str, Any] = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
CLOSED: dict[str, Any] = {**SCHEMA, "additionalProperties": False}
tools = st.builds(Tool, names, words, st.none() | st.just(SCHEMA), cache=cache) | st.builds(
    Tool, names, words, st.just(CLOSED), st.just(True)
)
base: dict[str, Any] = {
    "messages": st.lists(st.tuples(user_turns, model_turns), max_size=2).flatmap(
        lambda turns: st.builds(lambda last: (*(turn for pair in turns for turn in pair), last), user_turns)
    ),
    "system": st.lists(plain, max_size=2).map(tuple),
    "stream": st.booleans(),
    "stop": st.lists(names, max_size=2).map(tuple),
    "tools": st.lists(tools, min_size=1, max_size=2).map(tuple),
    "user": st.none() | words,
    "service_tier": st.sampled_from((None, "auto", "default")),
    "cache": cache,
}
requests = st.one_of(
    st.builds(
        Request,
        st.just("claude-sonnet-4-5"),
        **base,
        max_tokens=st.integers(1, 10_000),
        temperature=st.none() | st.floats(0, 1),
        top_k=st.none() | st.integers(1, 9),
        tool_choice=st.builds(ToolChoice, st.sampled_from(("auto", "required"))),
        parallel_tools=st.none() | st.just(False),
        shape=st.none() | st.just(Shape("schema", CLOSED, strict=True)),
        reasoning=st.none() | st.just(Reasoning("none")),
    ),
    st.builds(
        Request,
        st.just("claude-opus-5-5"),
        **base,
        max_tokens=st.integers(1, 10_000),
        tool_choice=st.none() | st.just(ToolChoice("auto")),
        reasoning=st.builds(
            Reasoning, st.sampled_from((None, "low", "max")), summary=st.sampled_from((None, "none", "auto"))
        ),
    ),
)
