"""Command-line agents as they speak to the gateway: their headers, their tools with odd schemas, their loops.

Made after what Claude Code 2.1, Codex 0.169 and Gemini CLI 0.61 send. Each runs its session to the end and gives
back the calls that it was asked for, and the last words.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.relay.driving import Caller
from tests.relay.reply import Reply

Called = list[tuple[str, Any]]
Session = tuple[Called, str]

ODD: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "path": {"type": "string", "minLength": 1, "pattern": "^/", "description": "Absolute path"},
        "mode": {"anyOf": [{"const": "text"}, {"enum": ["binary", "hex"]}], "default": "text"},
        "limit": {"type": ["integer", "null"], "exclusiveMinimum": 0},
        "url": {"type": "string", "format": "uri"},
        "edits": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/edit"}},
        "more": {"type": "object", "propertyNames": {"type": "string"}, "additionalProperties": {}},
    },
    "required": ["path"],
    "additionalProperties": False,
    "$defs": {"edit": {"type": "object", "properties": {"old": {"type": "string"}, "new": {"type": "string"}}}},
}
"""What schemas of tools hold that some vendors do not take."""

EMPTY: dict[str, Any] = {"type": "object", "properties": {}, "additionalProperties": False}
PATCH = '*** Begin Patch\n*** Update File: a.py\n-x = "1"\n+x = "2"\n*** End Patch\n'


def opened(reply: Reply) -> list[Any]:
    """The events of a stream that began well."""
    assert reply.status == 200, reply.body
    assert reply.whole and not any(event.get("type") == "error" for event in reply.events if isinstance(event, dict))
    return reply.events


async def claude_code(caller: Caller) -> Session:
    """Claude Code over Messages."""
    headers = {
        "user-agent": "claude-cli/2.1.197 (external, cli)",
        "x-app": "cli",
        "anthropic-version": "2023-06-01",
        "anthropic-dangerous-direct-browser-access": "true",
        "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,context-management-2025-06-27,"
        "prompt-caching-scope-2026-01-05,mid-conversation-system-2026-04-07,effort-2025-11-24",
    }
    mark = {"cache_control": {"type": "ephemeral"}}
    tools = [{"name": name, "description": name, "input_schema": schema} for name, schema in
             (("Bash", ODD), ("Read", ODD), ("mcp__docs__search", ODD), ("TaskList", EMPTY))]  # fmt: skip
    messages: list[Any] = [
        {"role": "user", "content": [{"type": "text", "text": "<system-reminder>Today.</system-reminder>"},
                                     {"type": "text", "text": "Fix it.", **mark}]},
        {"role": "system", "content": "Agents that there are: one."},
    ]  # fmt: skip
    body = {
        "model": "m",
        "max_tokens": 32000,
        "stream": True,
        "system": [{"type": "text", "text": "You are an agent."}, {"type": "text", "text": "Be short.", **mark}],
        "thinking": {"type": "adaptive"},
        "output_config": {"effort": "high"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "metadata": {"user_id": '{"device_id":"0","session_id":"1"}'},
        "tools": tools,
    }
    models = await caller.get("/v1/models", query="limit=1000", headers=headers)
    assert [model["id"] for model in models.json["data"]] == ["m"]
    counted = {"model": "m", "messages": messages[:1], "tools": tools}
    count = await caller.post("/v1/messages/count_tokens", counted, query="beta=true", headers=headers)
    assert count.status == 200 and count.json["input_tokens"] > 0
    called: Called = []
    for _ in range(9):
        asked = {**body, "messages": messages}
        events = opened(await caller.post("/v1/messages", asked, query="beta=true", headers=headers))
        blocks = _blocks(events)
        messages.append({"role": "assistant", "content": blocks})
        calls = [block for block in blocks if block["type"] == "tool_use"]
        if not calls:
            return called, "".join(block["text"] for block in blocks if block["type"] == "text")
        called += [(call["name"], call["input"]) for call in calls]
        results = [{"type": "tool_result", "tool_use_id": call["id"], "content": "done", "is_error": False}
                   for call in reversed(calls)]  # as they finish  # fmt: skip
        messages.append({"role": "user", "content": [*results[:-1], {**results[-1], **mark}]})
    raise AssertionError("the session does not end")


def _blocks(events: list[Any]) -> list[Any]:
    blocks: list[Any] = []
    for event in events:
        if event["type"] == "content_block_start":
            blocks.append({**event["content_block"]})
        elif event["type"] == "content_block_delta":
            delta, block = event["delta"], blocks[event["index"]]
            for name in ("text", "thinking", "signature", "partial_json"):
                if name in delta:
                    block[name] = block.get(name, "") + delta[name]
    for block in blocks:
        if "partial_json" in block:
            block["input"] = json.loads(block.pop("partial_json"))
    return blocks


async def codex(caller: Caller) -> Session:
    """Codex over Responses, with ``web_search = "disabled"``."""
    headers = {"user-agent": "codex_exec/0.169.0", "originator": "codex_exec", "openai-beta": "responses=experimental",
               "x-codex-beta-features": "remote_compaction_v2"}  # fmt: skip
    grammar = {"type": "grammar", "syntax": "lark", "definition": "start: /(.|\\n)+/"}
    spawn = {"type": "function", "name": "spawn_agent", "description": "Begin", "strict": False, "parameters": ODD}
    tools = [
        {"type": "function", "name": "exec_command", "description": "Run", "strict": False, "parameters": ODD},
        {"type": "custom", "name": "apply_patch", "description": "Edit files", "format": grammar},
        {"type": "namespace", "name": "multi_agent_v1", "description": "Other agents.", "tools": [spawn]},
        {"type": "function", "name": "get_goal", "description": "", "strict": False, "parameters": EMPTY},
    ]
    items: list[Any] = [
        {"type": "message", "id": "msg_0", "role": "developer", "content": [{"type": "input_text", "text": "Agent."}]},
        {"type": "message", "id": "msg_1", "role": "user", "content": [{"type": "input_text", "text": "Fix it."}]},
    ]
    body = {
        "model": "m",
        "stream": True,
        "store": False,
        "tools": tools,
        "tool_choice": "auto",
        "parallel_tool_calls": True,
        "reasoning": {"effort": "medium", "summary": "auto"},
        "include": ["reasoning.encrypted_content"],
        "prompt_cache_key": "01a21200-76a9-77e0-875d-116fa1d0590a",
        "client_metadata": {"session_id": "0"},
    }
    called: Called = []
    for _ in range(9):
        events = opened(await caller.post("/v1/responses", {**body, "input": items}, headers=headers))
        output = events[-1]["response"]["output"]
        assert events[-1]["type"] == "response.completed"
        assert [event["item"] for event in events if event["type"] == "response.output_item.done"] == output
        for item in output:
            items.append({**item, "content": None} if item["type"] == "reasoning" else item)
        calls = [item for item in output if item["type"].endswith("_call")]
        if not calls:
            return called, output[-1]["content"][0]["text"]
        for call in calls:
            space = f"{call['namespace']}." if "namespace" in call else ""
            free = call["type"] == "custom_tool_call"
            called.append((space + call["name"], call["input"] if free else json.loads(call["arguments"])))
            kind = "custom_tool_call_output" if free else "function_call_output"
            items.append({"type": kind, "id": "fco_1", "call_id": call["call_id"], "output": "Exit code: 0\ndone"})
    raise AssertionError("the session does not end")


async def gemini_cli(caller: Caller) -> Session:
    """Gemini CLI over generateContent."""
    key = caller.headers["authorization"].removeprefix("Bearer ")
    headers = {"user-agent": "GeminiCLI-tui/0.61.0/m (linux; x64; terminal)", "x-goog-api-key": key,
               "x-goog-api-client": "google-genai-sdk/1.30.0 gl-node/v20.20.2"}  # fmt: skip
    caller = Caller(caller.relay, headers=headers, lobby=caller.lobby)
    names = ("run_shell_command", "read_file", "update_topic")
    declared = [{"name": name, "description": name, "parametersJsonSchema": ODD} for name in names]
    contents: list[Any] = [{"role": "user", "parts": [{"text": "<session_context>Linux.</session_context>"},
                                                      {"text": "Fix it."}]}]  # fmt: skip
    body = {
        "systemInstruction": {"role": "user", "parts": [{"text": "You are an agent."}]},
        "tools": [{"functionDeclarations": declared}],
        "generationConfig": {"temperature": 1, "topP": 0.95, "topK": 64, "thinkingConfig": {"includeThoughts": True}},
    }
    count = await caller.post("/v1beta/models/m:countTokens", {"contents": contents})
    assert count.status == 200 and count.json["totalTokens"] > 0
    called: Called = []
    for _ in range(9):
        path = "/v1beta/models/m:streamGenerateContent"
        events = opened(await caller.post(path, {**body, "contents": contents}, query="alt=sse"))
        found = [part for event in events for one in event["candidates"] for part in one["content"].get("parts", ())]
        parts = [part for part in found if not part.get("thought")]
        calls = [part["functionCall"] for part in parts if "functionCall" in part]
        if not calls:
            return called, "".join(part.get("text", "") for part in parts)
        called += [(call["name"], call["args"]) for call in calls]
        named = [{**part, "functionCall": {"id": f"{call['name']}_{at}", **call}} if (call := part.get("functionCall"))
                 else part for at, part in enumerate(parts)]  # the client names what has no id  # fmt: skip
        contents.append({"role": "model", "parts": named})
        results = [{"id": part["functionCall"]["id"], "name": part["functionCall"]["name"],
                    "response": {"output": "done"}} for part in named if "functionCall" in part]  # fmt: skip
        contents.append({"role": "user", "parts": [{"functionResponse": result} for result in results]})
    raise AssertionError("the session does not end")


AGENTS: dict[str, tuple[Callable[[Caller], Awaitable[Session]], tuple[Called, ...], Called]] = {
    "Claude Code": (
        claude_code,
        (
            [("Bash", {"path": "/a"})],
            [("Read", {"path": "/a.py", "limit": 5}), ("mcp__docs__search", {"path": "/", "mode": "hex"})],
            [("TaskList", {})],
        ),
        [],
    ),
    "Codex": (
        codex,
        (
            [("exec_command", {"path": "/a"})],
            [("multi_agent_v1__spawn_agent", {"path": "/b"}), ("exec_command", {"path": "/c"})],
            [("apply_patch", {"input": PATCH}), ("get_goal", {})],
        ),
        [
            ("exec_command", {"path": "/a"}),
            ("multi_agent_v1.spawn_agent", {"path": "/b"}),
            ("exec_command", {"path": "/c"}),
            ("apply_patch", PATCH),
            ("get_goal", {}),
        ],
    ),
    "Gemini CLI": (
        gemini_cli,
        (
            [("run_shell_command", {"path": "/a"})],
            [("read_file", {"path": "/a.py", "limit": 5}), ("update_topic", {"path": "/", "edits": [{"old": "é"}]})],
            [("run_shell_command", {"path": "/d"})],
        ),
        [],
    ),
}
"""The agent, what the provider asks it to call in each round, and what it hears (empty: just that)."""
