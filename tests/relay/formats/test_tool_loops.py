"""The second turn of a tool loop gives each vendor its own state back, whichever format the caller speaks."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from golden_cases import asked

from relay.formats import FORMATS
from relay.neutral import Answer, Choice, Opaque, Part, Reasoning, Request, Thinking, Tool, ToolUse

CALL = ToolUse("toolu_1", "f", '{"a":"b"}')
CLAUDES = Thinking("I need the tool.", Opaque("anthropic", "EqQBCgIYAhIM1gbc"))
HIDDEN = Thinking("", Opaque("anthropic", "EmwKAhgBEgy3va3p"), redacted=True)
OPENAIS = Thinking("I need it.", Opaque("openai", "gAAAAABoISQ24Oyw"), id="rs_1")
GEMINIS = msgspec.structs.replace(CALL, signature=Opaque("gemini", "CsYBAdHtim9zhdlm"))
LOOPS: list[tuple[str, str, tuple[Part, ...]]] = [
    ("anthropic", "claude-sonnet-4-5", (CLAUDES, CALL)),
    ("anthropic", "claude-sonnet-4-5", (CLAUDES, HIDDEN, CALL)),
    ("anthropic", "claude-opus-5", (HIDDEN, CALL)),
    ("openai_responses", "gpt-5", (OPENAIS, CALL)),
    ("openai_chat", "gemini-3-pro", (GEMINIS,)),
    ("gemini", "gemini-3-pro", (GEMINIS,)),
]
CALLERS = pytest.mark.parametrize("caller", ["openai_chat", "openai_responses", "anthropic", "gemini"])


def second_turn(caller: str, parts: tuple[Part, ...]) -> Request:
    """What a caller sends who got ``parts``, keeps them as they are, and ran the tool."""
    body = json.loads(FORMATS[caller].render_response(Answer("", "", (Choice(0, parts, "tools"),)), asked()).body)
    user: Any = {"role": "user", "content": "Go."}
    if caller == "openai_chat":
        message = body["choices"][0]["message"]
        result = {"role": "tool", "tool_call_id": message["tool_calls"][0]["id"], "content": "ok"}
        sent: dict[str, Any] = {"messages": [user, message, result]}
    elif caller == "openai_responses":
        id = next(item["call_id"] for item in body["output"] if item["type"] == "function_call")
        result = {"type": "function_call_output", "call_id": id, "output": "ok"}
        sent = {"input": [user, *body["output"], result]}
    elif caller == "gemini":
        said = body["candidates"][0]["content"]
        id = next(part["functionCall"]["id"] for part in said["parts"] if "functionCall" in part)
        given = {"functionResponse": {"id": id, "name": "f", "response": {"result": "ok"}}}
        sent = {"contents": [{"role": "user", "parts": [{"text": "Go."}]}, said, {"role": "user", "parts": [given]}]}
    else:
        id = next(block["id"] for block in body["content"] if block["type"] == "tool_use")
        result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": "ok"}]}
        sent = {"max_tokens": 9, "messages": [user, {"role": "assistant", "content": body["content"]}, result]}
    named = {} if caller == "gemini" else {"model": "m"}
    glance = FORMATS[caller].glance(json.dumps({**named, **sent}).encode(), "m", None)
    return FORMATS[caller].parse_request(glance)


@CALLERS
@pytest.mark.parametrize(("upstream", "model", "parts"), LOOPS)
def test_state_and_ids_come_back_to_their_maker(
    caller: str, upstream: str, model: str, parts: tuple[Part, ...]
) -> None:
    request = msgspec.structs.replace(
        second_turn(caller, parts), model=model, max_tokens=9_000, tools=(Tool("f"),), reasoning=Reasoning("low")
    )
    rendered = FORMATS[upstream].render_request(request)
    assert rendered.losses == ()
    body = rendered.body.decode()
    states = [part.signature.data for part in parts if isinstance(part, Thinking | ToolUse) and part.signature]
    assert states and all(body.count(state) == 1 for state in states)
    assert body.count('"toolu_1"') == 2 and "oo8." not in body
    if upstream == "anthropic":
        said = json.loads(body)["messages"][1]["content"]
        assert [block["type"] for block in said][-1] == "tool_use" and "thinking" in json.loads(body)


@CALLERS
@pytest.mark.parametrize(("upstream", "model", "parts"), LOOPS)
def test_no_vendor_gets_anothers_state(caller: str, upstream: str, model: str, parts: tuple[Part, ...]) -> None:
    others = {"anthropic": "claude-sonnet-4-5", "openai_responses": "gpt-5", "openai_chat": "gpt-4o",
              "gemini": "gemini-2.5-flash"}  # fmt: skip
    makers = {part.signature.maker for part in parts if isinstance(part, Thinking | ToolUse) and part.signature}
    for other in others.keys() - {upstream} - makers:
        request = msgspec.structs.replace(second_turn(caller, parts), model=others[other], tools=(Tool("f"),))
        rendered = FORMATS[other].render_request(request)
        states = [part.signature.data for part in parts if isinstance(part, Thinking | ToolUse) and part.signature]
        assert not any(state in rendered.body.decode() for state in states)
        assert set(rendered.losses) & {"thinking", "signature"}
