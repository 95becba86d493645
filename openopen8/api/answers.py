"""Answers: views as JSON (times in RFC 3339), and the same as schemas for the API's description."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import datetime
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, create_model

from openopen8.api.problems import GUARDS, ErrorAnswer
from openopen8.core.clock import to_rfc3339

_TIMES = frozenset({"time", "at", "valid_from", "rest_until"})


def shown(value: Any) -> Any:
    """A view, or a page or mapping of them, as plain JSON values."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _member(field.name, getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, list | tuple):
        return [shown(item) for item in value]
    return value


def answer(value: Any, status: int = 200) -> JSONResponse:
    """``value`` as a JSON answer that nobody stores."""
    return JSONResponse(shown(value), status, GUARDS)


def with_value(view: Any, value: str) -> JSONResponse:
    """201 with a view and the secret value that is shown only now."""
    return JSONResponse({**shown(view), "value": value}, 201, GUARDS)


def nothing() -> Response:
    """204."""
    return Response(status_code=204, headers=GUARDS)


def tells(schema: type[BaseModel] | None, status: int = 200) -> dict[str, Any]:
    """Arguments of a route: its status and the schemas of its answers; views are rendered by :func:`answer`."""
    told: dict[int | str, dict[str, Any]] = {"4XX": {"model": ErrorAnswer, "description": "What is wrong"}}
    if schema is not None:
        told[status] = {"model": schema}
    return {"status_code": status, "response_model": None, "responses": told}


@cache
def schema_of(view: Any) -> type[BaseModel]:
    """The schema of a view (a dataclass) as it is answered."""
    hints = get_type_hints(view)
    members: dict[str, Any] = {
        field.name: (_timely(hints[field.name]) if _is_time(field.name) else _answered(hints[field.name]), ...)
        for field in fields(view)
    }
    return create_model(view.__name__, __doc__=view.__doc__, **members)


@cache
def created_schema(view: Any) -> type[BaseModel]:
    """The schema of a view with the secret value that is shown once."""
    return create_model(f"Created{view.__name__}", __base__=schema_of(view), value=(str, ...))


@cache
def page_of(view: Any) -> type[BaseModel]:
    """The schema of a page of views."""
    items: Any = (types.GenericAlias(list, (schema_of(view),)), ...)
    whole = (int, ...)
    return create_model(f"PageOf{view.__name__}", items=items, total=whole, page=whole, page_size=whole)


@cache
def list_of(view: Any) -> type[BaseModel]:
    """The schema of a short list of views, in ``items``."""
    items: Any = (types.GenericAlias(list, (schema_of(view),)), ...)
    return create_model(f"ListOf{view.__name__}", items=items)


def listed(views: tuple[Any, ...]) -> JSONResponse:
    """A short list, whole."""
    return JSONResponse({"items": shown(views)}, 200, GUARDS)


def _member(name: str, value: Any) -> Any:
    if _is_time(name) and isinstance(value, int):
        return to_rfc3339(value)
    if name == "last_test" and isinstance(value, Mapping):
        return {key: _member(key, inner) for key, inner in value.items()}
    return shown(value)


def _is_time(name: str) -> bool:
    return name in _TIMES or name.endswith("_at")


def _timely(hint: Any) -> Any:
    return datetime | None if type(None) in get_args(hint) else datetime


def _answered(hint: Any) -> Any:
    if isinstance(hint, type) and is_dataclass(hint):
        return schema_of(hint)
    if get_origin(hint) is tuple:
        return types.GenericAlias(list, (_answered(get_args(hint)[0]),))
    if get_origin(hint) in (Union, types.UnionType):
        return Union[tuple(_answered(part) for part in get_args(hint))]  # noqa: UP007
    return hint
