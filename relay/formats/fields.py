"""Reads a caller's JSON field by field: wrong types are 400 with the caller's own path, the rest is loss."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TypeVar

import msgspec

from openopen8.core.errors import Problem, invalid
from relay.neutral import Block, Part, kind_of

T = TypeVar("T")

MAX_MODEL = 256
"""Longest model name in characters."""

MAX_TOKENS = 2**31
"""Largest token limit that is taken for real."""

MAX_CHOICES = 128
"""Most answers to one request, as OpenAI has it."""

_NAMES = {str: "a string", int: "an integer", bool: "true or false", list: "a list", dict: "an object"}


def typed(raw: bytes | msgspec.Raw, decode: Callable[[bytes | msgspec.Raw], T], path: str) -> T:
    """``raw`` decoded; Problem 400 with the path of the first wrong value below ``path``."""
    try:
        return decode(raw)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$")
        param = _join(path, where.rstrip("`").replace("[...]", "").replace("[", ".").replace("]", "").lstrip("."))
        raise invalid(f"{param}: {what.replace('`', '')}.", param) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise invalid(f"{path}: not valid JSON.", path) from None
    except RecursionError:
        raise invalid(f"{path}: nested too deeply.", path) from None


def model_name(value: object, param: str | None = "model") -> str:
    """A model name fit for look-ups and logs; Problem 400 otherwise."""
    if not isinstance(value, str) or not value:
        raise invalid("The model is missing: name it as a non-empty string.", param)
    if len(value) > MAX_MODEL:
        raise invalid(f"The model name is longer than {MAX_MODEL} characters.", param)
    if not value.isprintable():
        raise invalid("The model name holds characters that can't be shown.", param)
    return value


def within(value: int | None, path: str, low: int, high: int) -> int | None:
    """``value`` when it is missing or in ``low``..``high``; Problem 400 otherwise."""
    if value is not None and not low <= value <= high:
        raise invalid(f"{path} must be an integer from {low} to {high}.", path)
    return value


def not_carried(what: str, path: str) -> Problem:
    """400 for what can't be converted to the channel's format without changing the request's meaning."""
    return invalid(f"{what} not carried to this kind of channel.", path)


def no_place(part: Part) -> Problem:
    """400 for a part of a message that the channel's format has no form for."""
    what = f"{part.format}'s part {part.kind!r}" if isinstance(part, Block) else f"A part of the kind {kind_of(part)}"
    return not_carried(f"{what} is", "messages")


class Fields:
    """One object of the caller's. Each reading takes a field away; ``drop_rest`` reports what is left.

    Names are tried in order, so that aliases come after the name proper. All raise Problem 400 for a
    wrong type; null counts as missing. ``losses`` is shared by all objects of one body.
    """

    __slots__ = ("_left", "_losses", "_place", "path")

    def __init__(self, value: dict[str, Any], path: str, losses: dict[str, None], place: str = "") -> None:
        self._left = dict(value)
        self._losses = losses
        self._place = place  # as ``path``, without indexes: one loss per kind of field
        self.path = path

    def take(self, *names: str) -> Any:
        """The first of ``names`` that is there and not null, whatever its type."""
        return self._taken(names)[1]

    def text(self, *names: str) -> str | None:
        """A string field."""
        return self._typed(names, str)

    def flag(self, *names: str) -> bool | None:
        """A boolean field."""
        return self._typed(names, bool)

    def integer(self, *names: str, low: int = -(2**63), high: int = 2**63) -> int | None:
        """A whole number from ``low`` to ``high``."""
        name, value = self._taken(names)
        if isinstance(value, bool) or not isinstance(value, int | None):
            self._refuse(name, "an integer")
        return within(value, _join(self.path, name), low, high)

    def number(self, *names: str) -> float | None:
        """A number, whole or not."""
        name, value = self._taken(names)
        if isinstance(value, bool) or not isinstance(value, int | float | None):
            self._refuse(name, "a number")
        return value

    def texts(self, *names: str) -> tuple[str, ...]:
        """A list of strings."""
        name, value = self._taken(names)
        if not isinstance(value, list | None):
            self._refuse(name, "a list of strings")
        for at, item in enumerate(value or ()):
            if not isinstance(item, str):
                self._refuse(f"{name}.{at}", "a string")
        return tuple(value or ())

    def object(self, *names: str) -> dict[str, Any] | None:
        """An object field whose inside is not ours to read: schemas, a vendor's own options."""
        return self._typed(names, dict)

    def whole(self) -> dict[str, Any]:
        """All that is left, taken at once, as it came: objects that only one format knows."""
        left = {name: value for name, value in self._left.items() if value is not None}
        self._left.clear()
        return left

    def inner(self, *names: str) -> Fields | None:
        """An object field."""
        name, value = self._taken(names)
        if not isinstance(value, dict | None):
            self._refuse(name, "an object")
        return None if value is None else self._below(name, value, name)

    def items(self, *names: str) -> Iterator[Fields]:
        """A list of objects."""
        name, value = self._taken(names)
        return self.of(name, value)

    def of(self, name: str, value: Any) -> Iterator[Fields]:
        """``value``, taken from the field ``name``, as a list of objects."""
        if not isinstance(value, list | None):
            self._refuse(name, "a list")
        for at, item in enumerate(value or ()):
            if not isinstance(item, dict):
                self._refuse(f"{name}.{at}", "an object")
            yield self._below(f"{name}.{at}", item, name)

    def as_object(self, name: str, value: Any) -> Fields:
        """``value``, taken from the field ``name``, as an object."""
        if not isinstance(value, dict):
            self._refuse(name, "an object")
        return self._below(name, value, name)

    def spelling(self, *names: str) -> str:
        """The path of the first of ``names`` that is there; of the first one when none is."""
        return _join(self.path, next((name for name in names if self._left.get(name) is not None), names[0]))

    def refuse(self, *names: str, what: str) -> None:
        """Problem 400 when one of ``names`` is there with something in it."""
        name, value = self._taken(names)
        if value not in (None, [], {}, "", False):
            raise not_carried(what, _join(self.path, name))

    def lose(self, name: str) -> None:
        """Reports ``name`` as a loss."""
        self._losses[_join(self._place, name)] = None

    def drop_rest(self) -> None:
        """Reports every field that was not read and is not null."""
        for name, value in self._left.items():
            if value is not None:
                self.lose(name)

    def _taken(self, names: tuple[str, ...]) -> tuple[str, Any]:
        for name in names:
            value = self._left.pop(name, None)
            if value is not None:
                return name, value
        return names[0], None

    def _typed(self, names: tuple[str, ...], kind: type[T]) -> T | None:
        name, value = self._taken(names)
        if value is not None and not isinstance(value, kind):
            self._refuse(name, _NAMES[kind])
        return value

    def _below(self, name: str, value: dict[str, Any], place: str) -> Fields:
        return Fields(value, _join(self.path, name), self._losses, _join(self._place, place))

    def _refuse(self, name: str, wanted: str) -> NoReturn:
        path = _join(self.path, name)
        raise invalid(f"{path} must be {wanted}.", path)


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


_any = msgspec.json.Decoder().decode


def fields_of(raw_fields: dict[str, msgspec.Raw], losses: dict[str, None]) -> Fields:
    """The whole body for reading field by field."""
    return Fields({key: typed(raw, _any, key) for key, raw in raw_fields.items()}, "", losses)
