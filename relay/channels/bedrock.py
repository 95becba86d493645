"""Amazon Bedrock: Claude as Claude speaks, all other models through Converse.

Sources: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_InvokeModelWithResponseStream.html,
https://platform.claude.com/docs/en/build-with-claude/claude-on-amazon-bedrock (version, beta features),
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html
"""

from __future__ import annotations

import base64
import binascii
from typing import Any

import msgspec

from relay.channels import auth
from relay.channels.bedrock_vectors import INVOKE, embed
from relay.channels.channel_type import ChannelType
from relay.channels.dialect import Dialect, claude_in_a_cloud
from relay.eventstream import EventStream, Message
from relay.formats import FORMATS, bedrock_converse
from relay.formats.bedrock_converse.reader import status_of
from relay.formats.vendor import message_of
from relay.framing import Frame, FramingError, sse
from relay.signing.aws import for_bedrock, is_access_key

_ERRORS = {
    400: "invalid_request_error",
    403: "permission_error",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
"""Claude's words for what AWS calls exceptions."""

_LIST = "/foundation-models"
"""Of the host that manages models, not of the one that runs them."""


class _Chunk(msgspec.Struct):
    bytes: str = ""


class _Typed(msgspec.Struct):
    type: str = ""


_chunk = msgspec.json.Decoder(_Chunk).decode
_typed = msgspec.json.Decoder(_Typed).decode
_any = msgspec.json.Decoder().decode


def claude_frame(message: Message) -> Frame | None:
    """Claude's own event inside a message, as Claude itself would have sent it."""
    if message.kind != "event":
        return _frame("error", _error(message))
    if message.name != "chunk":
        return None
    try:
        data = base64.b64decode(_chunk(message.payload).bytes, validate=True)
        return _frame(_typed(data).type, data) if data else None
    except (msgspec.MsgspecError, UnicodeDecodeError, binascii.Error, ValueError, RecursionError):
        raise FramingError("An event's content can't be read.") from None


def converse_frame(message: Message) -> Frame | None:
    """A message as the reader of Converse takes it."""
    return Frame(message.name if message.kind != "error" else "error", message.payload, b"")


def _frame(name: str, data: bytes) -> Frame:
    return Frame(name, data, sse(data, name))


def _error(message: Message) -> bytes:
    try:
        told: Any = _any(message.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        told = None
    kind = _ERRORS.get(status_of(message.name), "api_error")
    error = {"type": kind, "message": message_of(told) or "The provider reported an error."}
    return msgspec.json.encode({"type": "error", "error": error})


_CLAUDE = Dialect(
    FORMATS["anthropic"],
    "/model/{model}/invoke",
    "/model/{model}/invoke-with-response-stream",
    claude_in_a_cloud("bedrock-2023-05-31", ("model", "stream"), beta=True),
    lambda: EventStream(claude_frame),
    beta_header=False,
)

_CONVERSE = Dialect(
    bedrock_converse.FORMAT,
    "/model/{model}/converse",
    "/model/{model}/converse-stream",
    decoder=lambda: EventStream(converse_frame),
)


def dialect_of(model: str) -> Dialect:
    """By the model's name, which may begin with a region's or be an ARN."""
    return _CLAUDE if "anthropic.claude" in model else _CONVERSE


def placed(base_url: str, path: str, version: str) -> str:
    """The URL of ``path``."""
    base = base_url.rstrip("/")
    if path == _LIST:
        base = base.replace("://bedrock-runtime", "://bedrock", 1)
    return base + path


def shown(key: str) -> dict[str, str]:
    """API keys in their header; access keys sign."""
    return {} if is_access_key(key) else auth.bearer(key)


BEDROCK = ChannelType(
    "bedrock", "Amazon Bedrock", "anthropic", "https://bedrock-runtime.us-east-1.amazonaws.com", key_needed=True,
    paths={"chat": _CLAUDE.whole, "embeddings": INVOKE}, bridges={"embeddings": embed},
    models_path=_LIST, models_at=("modelSummaries", "modelId"),
    auth=shown, version="", place=placed, dialect=dialect_of, sign=for_bedrock,
)  # fmt: skip
