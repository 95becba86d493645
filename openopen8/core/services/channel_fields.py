"""What admins set on a channel; keys go in and never come out."""

from __future__ import annotations

import contextlib
import json
import re
from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from openopen8.core.rules.routing import ENDPOINTS
from openopen8.core.services.forms import (
    Form,
    ModelName,
    ModelNames,
    Names,
    Note,
    Patch,
    ShortName,
    distinct,
    plain_text,
)
from openopen8.core.services.user_fields import Password

ENV_PREFIX = "env:"
_ENV_NAME = re.compile(r"OO8_KEY_[A-Z0-9_]{1,80}")
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_CREDENTIALS = frozenset(
    {"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key", "cookie", "set-cookie"}
)
_CONNECTION = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "te", "trailer", "upgrade", "keep-alive", "expect"}
)
_START = re.compile(r"\S")
_REST = re.compile(r"[^\r\n]*")
_LARGEST_OVERRIDE = 65_536
_DEEPEST = 20


def _type(text: str) -> str:
    if text not in ENDPOINTS:
        raise ValueError(f"The type must be one of {', '.join(ENDPOINTS)}.")
    return text


def _key(key: SecretStr) -> SecretStr:
    text = key.get_secret_value().strip()
    if text.startswith("{"):
        text = _file(text)
    if not text:
        raise ValueError("A key must not be empty.")
    if len(text) > 8_192 or not text.isascii() or not text.isprintable():
        raise ValueError("A key has at most 8,192 printable ASCII characters.")
    if text.startswith(ENV_PREFIX) and not _ENV_NAME.fullmatch(text.removeprefix(ENV_PREFIX)):
        raise ValueError("An environment variable for keys is named env:OO8_KEY_ and capitals, digits or _.")
    return SecretStr(text)


def _file(text: str) -> str:
    """A vendor's JSON of an account, on one line."""
    try:
        return json.dumps(json.loads(text), separators=(",", ":"))
    except (ValueError, RecursionError):
        raise ValueError("A key that begins with { must be the whole JSON of an account.") from None


def split_keys(text: str) -> list[str]:
    """One key a line; a JSON object is one, however many lines it has."""
    keys: list[str] = []
    at = 0
    while start := _START.search(text, at):
        key, at = _first_key(text, start.start())
        keys.append(key)
    return keys


def _first_key(text: str, at: int) -> tuple[str, int]:
    """The key that begins ``at``, and where it ends."""
    if text[at] == "{":
        with contextlib.suppress(ValueError, RecursionError):
            found, end = json.JSONDecoder().raw_decode(text, at)
            return json.dumps(found, separators=(",", ":")), end
        return text[at:].rstrip(), len(text)
    line = _REST.match(text, at)
    assert line is not None  # it may be empty
    return line[0].rstrip(), line.end()


def _lines(value: Any) -> Any:
    return split_keys(value) if isinstance(value, str) else value


def _each_once(keys: list[SecretStr]) -> list[SecretStr]:
    return [SecretStr(text) for text in distinct([key.get_secret_value() for key in keys])]


def _plain_json(value: Any, depth: int = 0) -> Any:
    if depth > _DEEPEST:
        raise ValueError(f"This is nested more than {_DEEPEST} levels deep.")
    if isinstance(value, dict):
        return {str(name): _plain_json(inner, depth + 1) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain_json(inner, depth + 1) for inner in value]
    return float(value) if isinstance(value, Decimal) else value


def _override(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    value = _plain_json(value)
    try:
        text = json.dumps(value, allow_nan=False)
    except (ValueError, TypeError):
        raise ValueError("This must be plain JSON.") from None
    if len(text) > _LARGEST_OVERRIDE or "\\u0000" in text:
        raise ValueError(f"This may have at most {_LARGEST_OVERRIDE:,} characters, and no NUL.")
    if "model" in value:
        raise ValueError("'model' belongs into the model mapping.")
    return value


def _headers(value: dict[str, str]) -> dict[str, str]:
    for name, text in value.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name[:40]!r} is no header name.")
        if name.lower() in _CREDENTIALS:
            raise ValueError(f"{name} is a credential: put it into the keys, where it is encrypted.")
        if name.lower() in _CONNECTION:
            raise ValueError(f"{name} belongs to the connection and can't be set.")
        if len(text) > 1_000 or not text.isascii() or not text.isprintable():
            raise ValueError(f"The value of {name} must be printable ASCII without line breaks.")
    return value


def _statuses(value: dict[str, int]) -> dict[str, int]:
    for seen, told in value.items():
        if not re.fullmatch(r"[45]\d\d", seen) or not 400 <= told <= 599:
            raise ValueError('This maps statuses from 400 to 599, for example {"404": 503}.')
    return value


ChannelType = Annotated[str, AfterValidator(_type), Field(max_length=32, json_schema_extra={"enum": list(ENDPOINTS)})]
BaseUrl = Annotated[str, Field(max_length=500)]
Key = Annotated[Password, AfterValidator(_key)]
Keys = Annotated[list[Key], BeforeValidator(_lines), AfterValidator(_each_once), Field(max_length=200)]
Priority = Annotated[int, Field(ge=-1_000_000, le=1_000_000)]
Weight = Annotated[int, Field(ge=0, le=1_000_000)]
Mapping = Annotated[dict[ModelName, ModelName], Field(max_length=1000)]
Override = Annotated[dict[str, Any], BeforeValidator(_override), Field(max_length=200)]
Headers = Annotated[dict[str, str], AfterValidator(_headers), Field(max_length=50)]
StatusMap = Annotated[dict[str, int], AfterValidator(_statuses), Field(max_length=100)]
Tag = Annotated[str, AfterValidator(plain_text), Field(max_length=64)]


class ChannelFields(Form):
    """A channel as the admin describes it."""

    name: ShortName
    type: ChannelType
    base_url: BaseUrl = Field(description="http or https, with or without /v1.")
    keys: Keys = Field([], description="Provider keys, or env:OO8_KEY_…; never shown again. Empty = none is needed.")
    key: Key | None = Field(None, description="For a channel with one key: the same as `keys` with that one.")
    models: ModelNames = Field([], description="Public names of the models that it serves.")
    groups: Names = Field(["default"], description="Groups that it serves.")
    priority: Priority = Field(0, description="The highest is tried first.")
    weight: Weight = Field(1, description="Share among channels of the same priority.")
    key_mode: Literal["random", "round_robin"] = "random"
    model_mapping: Mapping = Field({}, description="Public name → the provider's name.")
    parameter_override: Override = Field({}, description="Fields set in every request body.")
    header_override: Headers = Field({}, description="Headers set on every request; no credentials.")
    status_map: StatusMap = Field({}, description="The provider's status → the one to act on.")
    proxy: Password | None = Field(
        None, description="http, https, socks5 or socks5h URL of a proxy; shown without its password. null = none."
    )
    http2: bool = Field(False, description="For hosts that speak HTTP/2 only; slower where HTTP/1.1 would do.")
    auto_disable: bool = True
    test_model: Annotated[str, AfterValidator(plain_text), Field(max_length=256)] = ""
    note: Note = ""
    tags: list[Tag] = Field([], max_length=50)
    enabled: bool = True

    def all_keys(self) -> list[SecretStr] | None:
        """The keys that were given, each once; None when neither field was."""
        if not {"key", "keys"} & self.model_fields_set:
            return None
        return _each_once([*self.keys, *([self.key] if self.key is not None else [])])


class ChannelPatch(ChannelFields, Patch):
    """A change of a channel: absent fields stay; ``keys`` replaces all keys."""

    name: ShortName = ""
    type: ChannelType = ""
    base_url: BaseUrl = ""
