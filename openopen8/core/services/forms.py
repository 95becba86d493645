"""Forms: what people and programs send. One model per form serves dashboard, API and command line."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from openopen8.core.errors import Problem, invalid
from openopen8.core.rules.access import normal_range, split_list
from openopen8.core.rules.pricing import MAX_CREDITS, plain

F = TypeVar("F", bound="Form")

LARGEST_RATIO = Decimal(10) ** 9
RATIO_DECIMALS = 12
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)?")
_LOST_PLUS = re.compile(r" (\d\d:\d\d)$")
_DECIMAL = re.compile(r"-?\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,2})?")


class Form(BaseModel):
    """Strict: no conversion between kinds, no unknown fields; what is wrong is told without its value."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


def _without_defaults(schema: dict[str, Any]) -> None:
    # an absent field of a PATCH stays as it is, so a default in its documentation would mislead
    schema.pop("required", None)
    for field in schema.get("properties", {}).values():
        field.pop("default", None)


class Patch(Form):
    """A form whose absent fields stay as they are; defaults of its fields mean nothing."""

    model_config = ConfigDict(json_schema_extra=_without_defaults)

    def changes(self) -> dict[str, Any]:
        """The fields that were given, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


def read(form: type[F], data: Mapping[str, Any]) -> F:
    """``data`` as ``form``, or a 400 that names each wrong field."""
    try:
        return form.model_validate(dict(data))
    except ValidationError as error:
        raise problem_of(error.errors(include_url=False, include_context=False, include_input=False)) from None


def problem_of(errors: Iterable[Mapping[str, Any]]) -> Problem:
    """Pydantic's errors as one 400; ``param`` is the first wrong field, ``fields`` has all."""
    fields: dict[str, str] = {}
    for error in errors:
        path = ".".join(str(part)[:64] for part in error["loc"])
        fields.setdefault(path, _sentence(str(error["type"]), str(error["msg"])))
    param = next(iter(fields), "")
    message = f"{param}: {fields[param]}" if param else fields.get("", "The request is not as expected.")
    return Problem(400, "invalid_request", message, param or None, fields=fields)


_SENTENCES = {
    "missing": "This field is required.",
    "extra_forbidden": "There is no such field, or it can't be changed.",
    "int_type": "This must be a whole number.",
    "int_parsing": "This must be a whole number.",
    "int_from_float": "This must be a whole number.",
    "string_type": "This must be a text.",
    "bool_type": "This must be true or false.",
    "list_type": "This must be a list.",
    "dict_type": "This must be an object.",
    "model_type": "This must be an object.",
    "model_attributes_type": "This must be an object.",
    "string_unicode": "This text has characters that can't be stored.",
}


def _sentence(kind: str, message: str) -> str:
    text = _SENTENCES.get(kind) or message.removeprefix("Value error, ")
    return text if text.endswith(".") else text + "."


def plain_text(text: str) -> str:
    """``text`` trimmed, without control characters; raises ValueError."""
    text = text.strip()
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in text):
        raise ValueError("This text must not hold control characters.")
    return text


def some_text(text: str) -> str:
    """Like :func:`plain_text`, and not empty."""
    text = plain_text(text)
    if not text:
        raise ValueError("This must not be empty.")
    return text


def _lines(text: str) -> str:
    plain_text(text.replace("\n", " ").replace("\r", " ").replace("\t", " "))
    return text.strip()


def _moment(value: Any) -> Any:
    if isinstance(value, str):
        value = _parsed(value)
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("This time needs a zone, for example 2030-01-31T12:00:00Z.")
        if not 1970 <= value.year <= 9998:
            raise ValueError("This time must lie between 1970 and 9998.")
        return value.astimezone(UTC)
    return value


def _parsed(text: str) -> datetime:
    # in a query an unescaped + arrives as a space
    text = _LOST_PLUS.sub(r"+\1", text.strip())
    if _RFC3339.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper().replace(" ", "T"))
        except ValueError:
            pass
    raise ValueError("This must be a time like 2030-01-31T12:00:00Z.")


def _decimal(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError("This must be a decimal number.")
    text = str(value).strip()
    if len(text) > 60 or not _DECIMAL.fullmatch(text):
        raise ValueError("This must be a decimal number.")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError("This must be a decimal number.") from None


def _ratio(value: Decimal) -> Decimal:
    if not 0 <= value <= LARGEST_RATIO:
        raise ValueError(f"This must lie between 0 and {LARGEST_RATIO:,}.")
    short = Decimal(plain(value))
    if -int(short.as_tuple().exponent) > RATIO_DECIMALS:
        raise ValueError(f"This may have at most {RATIO_DECIMALS} decimals.")
    return short


def _split(value: Any) -> Any:
    return split_list(value) if isinstance(value, str) else value


def _by_comma(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return [part for part in value.replace("\n", ",").split(",") if part.strip()]


def _range(text: str) -> str:
    try:
        return normal_range(text)
    except ValueError:
        raise ValueError("This must be an IP address or a range like 10.0.0.0/8.") from None


def distinct(values: list[str]) -> list[str]:
    """``values`` in their order, each once."""
    return list(dict.fromkeys(values))


Name = Annotated[str, AfterValidator(some_text), Field(max_length=100)]
"""Label of a token: 1 to 100 characters, trimmed."""
ShortName = Annotated[str, AfterValidator(some_text), Field(max_length=64)]
"""Unique name of a channel or group."""
Names = Annotated[list[ShortName], BeforeValidator(_by_comma), AfterValidator(distinct), Field(max_length=100)]
"""List of unique names, or a text with commas or new lines."""
ModelName = Annotated[str, AfterValidator(some_text), Field(max_length=256)]
ModelNames = Annotated[list[ModelName], BeforeValidator(_split), AfterValidator(distinct), Field(max_length=1000)]
"""List of model names, or a text with commas or new lines."""
Ranges = Annotated[
    list[Annotated[str, Field(max_length=64), AfterValidator(_range)]],
    BeforeValidator(_split),
    AfterValidator(distinct),
    Field(max_length=1000),
]
"""IP addresses and ranges in their one spelling; a list, or a text with commas or new lines."""
Note = Annotated[str, AfterValidator(_lines), Field(max_length=500)]
Reason = Annotated[str, AfterValidator(some_text), Field(max_length=500)]
Moment = Annotated[AwareDatetime, BeforeValidator(_moment)]
"""A time with its zone, as RFC 3339 text or an aware datetime."""
Credits = Annotated[int, Field(ge=0, le=MAX_CREDITS)]
Change = Annotated[int, Field(ge=-MAX_CREDITS, le=MAX_CREDITS)]
Ratio = Annotated[
    Decimal,
    AfterValidator(_ratio),
    BeforeValidator(_decimal, json_schema_input_type=str | float),
]
"""A decimal from 0 to 10^9 with at most 12 decimals, as text or number."""
RateLimit = Annotated[int, Field(ge=1, le=1_000_000)]
"""Requests per minute; no limit is null, and 0 is an error."""


def check_text(value: str, param: str, longest: int = 200) -> str:
    """A search word or filter: bounded, without characters that a database refuses."""
    if len(value) > longest or any(unicodedata.category(letter) in ("Cc", "Cs") for letter in value):
        raise invalid(f"{param} must be a text of at most {longest} characters without control characters.", param)
    return value.strip()
