"""Contents of a request <-> neutral turns. Source: https://ai.google.dev/api/caching#Content"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from relay.formats import ids
from relay.formats.fields import Fields, not_carried
from relay.formats.gemini.parts import call_part, data_part, parse_part, render_part
from relay.formats.gemini.thoughts import PLACEHOLDER, Found, attached, own, signature, thought_part
from relay.formats.gemini.words import third
from relay.neutral import (
    Audio,
    Document,
    Image,
    Message,
    Part,
    Refusal,
    Request,
    Role,
    Text,
    Thinking,
    ToolResult,
    ToolUse,
    Video,
    tool_names,
)

_ROLES: dict[str, Role] = {"user": "user", "function": "user", "tool": "user", "model": "assistant"}


def parse_contents(fields: Fields) -> tuple[Message, ...]:
    """All turns. Calls and results without an id get one by their place.

    Contents of the model in a row are one turn: Google's client keeps every chunk of a stream as one.
    """
    turns: list[Message] = []
    said: list[Found] = []  # the model's turn so far
    waiting: list[ToolUse] = []  # calls whose result is still to come
    for item in fields.items("contents"):
        name = item.text("role") or "user"
        role = _ROLES.get(name)
        if role is None:
            raise not_carried(f"Contents of the role {name!r} are", f"{item.path}.role")
        if role == "assistant":
            said += [parse_part(part) for part in item.items("parts")]
        else:
            _spoken(turns, said, waiting)
            found = (_asked(part) for part in item.items("parts"))
            turns.append(Message(role, tuple(_answered(part, waiting) for part in attached(found))))
        item.drop_rest()
    _spoken(turns, said, waiting)
    return tuple(turns)


def _spoken(turns: list[Message], said: list[Found], waiting: list[ToolUse]) -> None:
    """The model's turn is over."""
    if said:
        parts = _called(attached(said), len(turns))
        waiting += [part for part in parts if isinstance(part, ToolUse)]
        turns.append(Message("assistant", parts))
        said.clear()


def parse_system(fields: Fields | None) -> tuple[Text, ...]:
    """The instructions: a content of texts."""
    if fields is None:
        return ()
    fields.take("role")
    parts = [parse_part(part)[0] for part in fields.items("parts")]
    fields.drop_rest()
    if not all(isinstance(part, Text) for part in parts):
        raise not_carried("An instruction that is not text is", fields.path)
    return tuple(part for part in parts if isinstance(part, Text))


def _asked(fields: Fields) -> Found:
    """A part of the user's, who neither thinks nor signs."""
    if fields.take("thought"):
        fields.lose("thought")
    if fields.take("thoughtSignature", "thought_signature"):
        fields.lose("thoughtSignature")
    return parse_part(fields)


def _called(parts: tuple[Part, ...], at: int) -> tuple[Part, ...]:
    found: list[Part] = []
    called = 0
    for part in parts:
        if isinstance(part, ToolUse):
            part = part if part.id else msgspec.structs.replace(part, id=ids.placed(at, called))
            called += 1
        found.append(part)
    return tuple(found)


def _answered(part: Part, waiting: list[ToolUse]) -> Part:
    """A result under the id of its call: clients leave it out, and keep to the order of the calls."""
    if not isinstance(part, ToolResult):
        return part
    call = next((call for call in waiting if (call.id == part.id if part.id else call.name == part.name)), None)
    if call is None:
        return part if part.id else msgspec.structs.replace(part, id=f"call_{part.name}")
    waiting.remove(call)
    return msgspec.structs.replace(part, id=call.id, name="" if part.name == call.name else part.name)


def render_contents(request: Request, losses: dict[str, None]) -> list[dict[str, Any]]:
    """All turns but those of the system, which go to the front."""
    turns = [turn for turn in request.messages if turn.role != "system"]
    rendering = _Rendering(request, _current(turns), losses)
    contents: list[dict[str, Any]] = []
    for at, turn in enumerate(turns):
        if turn.name:
            losses["name"] = None
        if any(getattr(part, "cache", None) is not None for part in turn.parts):
            losses["cache_control"] = None
        if turn.role == "assistant":
            if parts := rendering.model(turn, at):
                contents.append({"role": "model", "parts": parts})
        else:
            contents += [{"role": "user", "parts": parts} for parts in rendering.user(turn)]
    return contents


def _current(turns: list[Message]) -> int:
    """Where the turn that is under way begins: at the last word of the user's that is no result."""
    said = [at for at, turn in enumerate(turns) if turn.role == "user" and not _results(turn)]
    return said[-1] if said else 0


def _results(turn: Message) -> bool:
    return any(isinstance(part, ToolResult) for part in turn.parts)


class _Rendering:
    """What rendering a turn depends on."""

    __slots__ = ("_current", "_losses", "_model", "_names", "_order", "_third")

    def __init__(self, request: Request, current: int, losses: dict[str, None]) -> None:
        self._losses = losses
        self._current = current
        self._model = request.model
        self._third = third(request.model)
        self._names = tool_names(request.messages)
        self._order = {id: at for at, id in enumerate(self._names)}

    def model(self, turn: Message, at: int) -> list[dict[str, Any]]:
        """The parts of the model's turn; empty where nothing of it can be told."""
        out: list[dict[str, Any]] = []
        called = False
        for part in turn.parts:
            if isinstance(part, Thinking):
                out += self._thought(part)
            elif isinstance(part, ToolUse):
                out.append(self._call(part, not called and at >= self._current))
                called = True
            else:
                out += self._said(part)
        return out

    def user(self, turn: Message) -> Iterator[list[dict[str, Any]]]:
        """The parts of the user's turn: results first, in a content of their own and in the order of their calls.

        Agents that run several tools at once send results as they come.
        """
        results: list[tuple[int, dict[str, Any]]] = []
        rest: list[Part] = []
        for part in turn.parts:
            if isinstance(part, ToolResult):
                results.append((self._place(part), self._result(part, rest)))
            elif not isinstance(part, Thinking):
                rest.append(part)
        if results:
            yield [result for _, result in sorted(results, key=lambda placed: placed[0])]
        told = [part for part in rest if part != Text("")]
        if told or not results:
            yield [render_part(part, self._model, self._losses) for part in told or [Text("")]]

    def _place(self, result: ToolResult) -> int:
        """The place of the call that was answered."""
        return self._order.get(result.id, len(self._order))

    def _thought(self, part: Thinking) -> Iterator[dict[str, Any]]:
        if part.signature is None or not own(part.signature):
            self._losses["thinking"] = None
            return
        yield {**thought_part(part.text), **signature(part.signature)}

    def _call(self, part: ToolUse, first: bool) -> dict[str, Any]:
        rendered = call_part(part, part.id)
        if part.signature is not None and own(part.signature):
            return {**rendered, **signature(part.signature)}
        if part.signature is not None or (first and self._third):
            self._losses["signature"] = None
        return {**rendered, "thoughtSignature": PLACEHOLDER} if first and self._third else rendered

    def _said(self, part: Part) -> Iterator[dict[str, Any]]:
        if isinstance(part, Audio) and part.source is None:
            self._losses["assistant.audio"] = None
            part = Text(part.transcript)
        state = part.signature if isinstance(part, Text | Image) else None
        if state is not None and not own(state):
            self._losses["signature"] = None
            state = None
        if isinstance(part, Text | Refusal) and not part.text and state is None:
            return
        rendered = render_part(part, self._model, self._losses)
        yield rendered if state is None else {**rendered, **signature(state)}

    def _result(self, part: ToolResult, rest: list[Part]) -> dict[str, Any]:
        """A result. What is no text can stand in it since Gemini 3, before it only beside it, as the user's."""
        texts = [inner.text for inner in part.parts if isinstance(inner, Text | Refusal)]
        shown = [inner for inner in part.parts if not isinstance(inner, Text | Refusal)]
        name = part.name or self._names.get(part.id) or part.id
        text = "\n\n".join(texts) or ("error" if part.is_error else "")
        body: dict[str, Any] = {"name": name, "response": {"error" if part.is_error else "output": text}}
        if part.id:
            body = {"id": part.id, **body}
        if shown and self._third and all(_fits(inner) for inner in shown):
            body["parts"] = [render_part(inner, self._model, self._losses) for inner in shown]
        elif shown:
            self._losses["tool_result_image"] = None
            rest += [Text(f"Of the result of {part.id or name}:"), *shown]
        return {"functionResponse": body}


def _fits(part: Part) -> bool:
    """True for what a result may hold."""
    if isinstance(part, Image | Audio | Video | Document) and part.source is not None:
        return part.source.kind == "base64" and "inlineData" in data_part(part.source, "")
    return False
