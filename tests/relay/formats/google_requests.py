"""What Google's own client could send: its types know every field of a request."""

from __future__ import annotations

import json
from typing import Any

from google.genai import types as google
from pydantic import TypeAdapter

_FIELDS: dict[str, Any] = {
    "contents": TypeAdapter(list[google.Content]),
    "systemInstruction": TypeAdapter(google.Content),
    "tools": TypeAdapter(list[google.Tool]),
    "toolConfig": TypeAdapter(google.ToolConfig),
    "generationConfig": TypeAdapter(google.GenerationConfig),
    "serviceTier": TypeAdapter(google.ServiceTier),
    "labels": TypeAdapter(dict[str, str]),
    "store": TypeAdapter(bool),
}


def takes_request(body: bytes) -> None:
    """Raises unless the body is one that Google's own client could send."""
    for name, value in json.loads(body).items():
        _FIELDS[name].validate_json(json.dumps(value))
