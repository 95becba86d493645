"""Arguments of tools as servers of the Model Context Protocol and agents declare them, as people have them.

JSON Schema out of zod, pydantic and by hand, with what each of them adds.
"""

from __future__ import annotations

from typing import Any

S: dict[str, Any] = {"type": "string"}
N: dict[str, Any] = {"type": "number"}
I: dict[str, Any] = {"type": "integer"}  # noqa: E741
B: dict[str, Any] = {"type": "boolean"}
DRAFT = {"$schema": "http://json-schema.org/draft-07/schema#"}
DRAFT_2020 = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


def array(items: Any, **more: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **more}


def maybe(schema: dict[str, Any]) -> dict[str, Any]:
    """As pydantic writes optional fields."""
    return {"anyOf": [schema, {"type": "null"}], "default": None, "title": "Maybe"}


def take(*required: str, more: Any = None, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), **(more or {})}


CLOSED = {"additionalProperties": False}
POINT = take("x", "y", x=N, y=N)

SCHEMAS: dict[str, dict[str, Any]] = {
    # files
    "read_file": take("path", path=S, more={**CLOSED, **DRAFT}),
    "read_many": take("paths", paths=array(S, minItems=1, description="Paths"), more=CLOSED),
    "write_file": take("path", "content", path=S, content=S, mode={"type": "string", "pattern": "^0[0-7]{3}$"}),
    "edit_file": take(
        "path",
        "edits",
        path=S,
        edits=array(take("old", "new", old=S, new=S, more=CLOSED)),
        dryRun={"type": "boolean", "default": False},
        more={**CLOSED, **DRAFT},
    ),
    "list": take(path={"type": "string", "default": "."}, depth={"type": "integer", "minimum": 0, "maximum": 9}),
    "search": take("q", q={"type": "string", "minLength": 1, "maxLength": 256}, exclude=array(S, uniqueItems=True)),
    "tree": take(
        "root",
        root=S,
        node={"$ref": "#/$defs/node"},
        more={"$defs": {"node": take(name=S, children=array({"$ref": "#/$defs/node"}))}},
    ),
    "watch": take("glob", glob=S, events=array({"type": "string", "enum": ["add", "change", "unlink"]})),
    "stat": take("path", path=S, follow={"const": True}),
    "archive": take("files", files={"type": ["array", "string"], "items": S}),
    # code hosting
    "create_issue": take("owner", "repo", "title", owner=S, repo=S, title=S, body=S, labels=array(S), milestone=N),
    "list_issues": take(
        "owner",
        owner=S,
        state={"type": "string", "enum": ["open", "closed", "all"], "default": "open"},
        since={"type": "string", "format": "date-time"},
        per_page={**I, "exclusiveMinimum": 0},
    ),
    "push_files": take(
        "branch", "files", branch=S, files=array(take("path", "content", path=S, content=S)), more=DRAFT
    ),
    "merge": take("number", number={"anyOf": [I, S]}, method={"enum": ["merge", "squash", "rebase"]}),
    "review": take(
        "event",
        event={"type": "string", "enum": ["APPROVE", "COMMENT"]},
        comments=array({"anyOf": [take("path", "position", path=S, position=N), take("path", "line", path=S, line=N)]}),
    ),
    "search_code": take("q", q=S, order={"oneOf": [{"const": "asc"}, {"const": "desc"}]}),
    "gist": take("files", files={"type": "object", "additionalProperties": take("content", content=S)}),
    "labels": take(labels={"type": "object", "patternProperties": {"^[a-z]+$": S}, "additionalProperties": False}),
    # messages and calendars
    "post_message": take("channel", "text", channel=S, text=S, blocks=array({}), thread_ts=maybe(S)),
    "react": take("emoji", emoji={"type": "string", "examples": ["+1", "tada"]}, more={"title": "ReactArguments"}),
    "history": take("channel", channel=S, limit={**I, "default": 10, "title": "Limit"}, cursor=maybe(S)),
    "create_event": take(
        "start",
        start={"type": "string", "format": "date-time"},
        end=maybe({**S, "format": "date-time"}),
        attendees=array({"type": "string", "format": "email"}),
    ),
    "free_busy": take("window", window=array({**S, "format": "date"}, minItems=2, maxItems=2)),
    "send_mail": take(
        "to", to={"anyOf": [{**S, "format": "email"}, array({**S, "format": "email"})]}, cc=maybe(array(S))
    ),
    "rsvp": take("answer", answer={"type": "string", "enum": ["yes", "no", None]}),
    "remind": take("at", at={"type": "string", "format": "time"}, repeat={"allOf": [S, {"minLength": 1}]}),
    # data
    "query": take("sql", sql=S, params=array({"type": ["string", "number", "boolean", "null"]})),
    "insert": take("table", "rows", table=S, rows=array({"type": "object"})),
    "describe": take(schema={"type": "string", "default": "public"}, more={"description": "Tables"}),
    "aggregate": take("pipeline", pipeline=array({"type": "object", "additionalProperties": True})),
    "upsert": take("vectors", vectors=array(take("id", "values", id=S, values=array(N), metadata={"type": "object"}))),
    "filter": take(
        where={"$ref": "#/definitions/Filter"},
        more={
            "definitions": {
                "Filter": {
                    "anyOf": [
                        take("field", "op", field=S, op={"enum": ["=", "<", ">"]}, value={}),
                        take("and", **{"and": array({"$ref": "#/definitions/Filter"})}),
                    ]
                }
            }
        },
    ),
    "sheet": take("range", range={"type": "string", "pattern": "^[A-Z]+[0-9]+$"}, values=array(array({}))),
    "chart": take("kind", kind={"enum": ["bar", "line", 3]}, size={"type": "object", "properties": {"w": I, "h": I}}),
    # browsers and machines
    "navigate": take("url", url={"type": "string", "format": "uri"}, timeout={"type": "number", "multipleOf": 0.5}),
    "click": take(at={"oneOf": [POINT, S]}, button={"type": "string", "enum": ["left", "right"], "default": "left"}),
    "drag": take("path", path=array(POINT, minItems=2), more=CLOSED),
    "fill": take("form", form={"type": "object", "propertyNames": {"minLength": 1}, "additionalProperties": S}),
    "screenshot": take(clip=maybe(take("x", x=N, y=N)), quality={**I, "minimum": 0, "maximum": 100}),
    "evaluate": take("fn", fn=S, args={"type": "array"}),
    "shell": take(
        "command", command=S, timeout_ms=maybe(I), env={"type": "object", "additionalProperties": {"type": "string"}}
    ),
    "run": take("argv", argv={"type": "array", "prefixItems": [S], "items": S}, more=DRAFT_2020),
    "kill": take("pid", pid={"type": "integer", "exclusiveMinimum": 1}, signal={"type": ["integer", "string"]}),
    # by hand, and by nobody
    "nothing": {"type": "object"},
    "empty": {"type": "object", "properties": {}},
    "bare": {},
    "none": take(more={"additionalProperties": {}}),
    "untyped": {"properties": {"a": {"description": "anything"}}, "required": ["a", "b"]},
    "condition": take(
        "kind", kind=S, more={"if": {"properties": {"kind": {"const": "x"}}}, "then": {"required": ["y"]}}
    ),
    "excluding": take(a={"not": {"type": "null"}}, b=True),
    "thinking": take(
        "thought", "n", thought={**S, "description": "é 🙂"}, n={**I, "minimum": 1}, more={"x-origin": "me"}
    ),
    "deprecated": take(old={**S, "deprecated": True, "readOnly": True}, blob={**S, "contentEncoding": "base64"}),
    "dependent": take(a=S, b=S, more={"dependentRequired": {"a": ["b"]}, "unevaluatedProperties": False}),
}
