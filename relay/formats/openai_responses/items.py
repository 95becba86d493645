"""Input items -> turns. An item is a message, a call, its result, or a thought; a turn here is all of one side.

Source: https://platform.openai.com/docs/api-reference/responses/create#responses-create-input
"""

from __future__ import annotations

from collections.abc import Callable

from openopen8.core.errors import invalid
from relay.formats.fields import Fields, not_carried
from relay.formats.marks import attached
from relay.formats.openai_responses.citations import FORMAT_NAME
from relay.formats.openai_responses.offered import joined
from relay.formats.openai_responses.output import parse_image
from relay.formats.openai_responses.parts import needed, parse_content
from relay.formats.openai_responses.thoughts import parse_reasoning
from relay.neutral import Block, Message, Opaque, Part, Role, Text, ToolResult, ToolUse

_ROLES: dict[str, Role] = {"system": "system", "developer": "system", "user": "user", "assistant": "assistant"}

_Found = tuple[Part | Opaque, ...]


def parse_input(fields: Fields) -> tuple[tuple[Text, ...], tuple[Message, ...]]:
    """The instructions before the first turn, and the turns."""
    instructions = fields.text("instructions")
    given = fields.take("input")
    turns = [Message("user", (Text(given),))] if isinstance(given, str) else _turns(fields, given)
    head = (Text(instructions),) if instructions else ()
    first = next((at for at, turn in enumerate(turns) if turn.role != "system"), len(turns))
    if turns and first == len(turns):
        # Nothing but instructions: other formats want a turn to answer.
        turns = [*turns[:-1], Message("user", turns[-1].parts)]
        first = len(turns) - 1
    system = tuple(part for turn in turns[:first] for part in turn.parts if isinstance(part, Text))
    return (*head, *system), tuple(turns[first:])


def _turns(fields: Fields, given: object) -> list[Message]:
    turns: list[Message] = []
    spoken: list[Part | Opaque] = []  # the model's turn so far
    for item in fields.of("input", given):
        role, found = _item(item)
        if role == "assistant":
            spoken += found
            continue
        if spoken:
            turns.append(Message("assistant", attached(spoken)))
            spoken = []
        parts = attached(found)
        if turns and _of_results(parts) and _of_results(turns[-1].parts):
            turns[-1] = Message("user", (*turns[-1].parts, *parts))
        else:
            turns.append(Message(role, parts))
    return [*turns, Message("assistant", attached(spoken))] if spoken else turns


def _of_results(parts: tuple[Part, ...]) -> bool:
    return bool(parts) and all(isinstance(part, ToolResult) for part in parts)


def _item(fields: Fields) -> tuple[Role, _Found]:
    kind = fields.text("type") or "message"
    read = _KINDS.get(kind)
    if read is not None:
        for echoed in ("id", "status") if kind not in ("reasoning", "image_generation_call") else ("status",):
            fields.take(echoed)  # of an answer that is sent back
        role, found = read(fields)
        fields.drop_rest()
        return role, found
    if kind == "item_reference":
        what = "A reference to an item that the vendor keeps"
        raise not_carried(f"{what} is", fields.path)
    role = "user" if kind.endswith(("_output", "_response")) else "assistant"
    return role, (Block(FORMAT_NAME, kind, {"type": kind, **fields.whole()}),)


def _message(fields: Fields) -> tuple[Role, _Found]:
    name = fields.text("role") or ""
    role = _ROLES.get(name)
    if role is None:
        raise not_carried(f"Messages of the role {name!r} are", f"{fields.path}.role")
    parts = parse_content(fields)
    if role == "system" and not all(isinstance(part, Text) for part in parts):
        raise not_carried("An instruction that is not text is", f"{fields.path}.content")
    return role, parts


def _call(fields: Fields) -> tuple[Role, _Found]:
    return "assistant", (ToolUse(needed(fields, "call_id"), _name(fields), needed(fields, "arguments")),)


def _custom_call(fields: Fields) -> tuple[Role, _Found]:
    return "assistant", (ToolUse(needed(fields, "call_id"), _name(fields), needed(fields, "input"), True),)


def _name(fields: Fields) -> str:
    """The tool that was called, under its one name."""
    space, name = fields.text("namespace"), needed(fields, "name")
    return joined(space, name) if space else name


def _result(fields: Fields) -> tuple[Role, _Found]:
    fields.take("namespace")
    result = ToolResult(needed(fields, "call_id"), parse_content(fields, "output"), name=fields.text("name") or "")
    return "user", (result,)


def _custom_result(fields: Fields) -> tuple[Role, _Found]:
    return "user", (ToolResult(needed(fields, "call_id"), parse_content(fields, "output"), freeform=True),)


def _reasoning(fields: Fields) -> tuple[Role, _Found]:
    id, encrypted = fields.text("id") or "", fields.text("encrypted_content") or ""
    shown, plain = ([item.text("text") or "" for item in fields.items(name)] for name in ("summary", "content"))
    text = "\n\n".join(text for text in shown or plain if text)
    return "assistant", parse_reasoning(id, text, encrypted)


def _picture(fields: Fields) -> tuple[Role, _Found]:
    raw = fields.whole()
    if not isinstance(raw.get("result"), str):
        raise invalid(f"{fields.path}.result must be a string.", f"{fields.path}.result")
    return "assistant", (parse_image(raw),)


_KINDS: dict[str, Callable[[Fields], tuple[Role, _Found]]] = {
    "message": _message,
    "function_call": _call,
    "function_call_output": _result,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _custom_result,
    "reasoning": _reasoning,
    "image_generation_call": _picture,
}
