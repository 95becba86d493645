"""What a type of channel is: which wire format it speaks, and where and how it is called."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

_VERSION = re.compile(r"/v\d+[a-z0-9]*$")


def bearer(key: str) -> dict[str, str]:
    """OpenAI's way to show a key; without a key nothing is sent."""
    return {"authorization": f"Bearer {key}"} if key else {}


@dataclass(frozen=True, slots=True)
class ChannelType:
    """One row of the catalogue. ``format`` names the wire format, ``paths`` says where an endpoint lives."""

    name: str
    label: str
    format: str = "openai_chat"
    base_url: str = ""
    """Suggested in the form."""
    key_needed: bool = False
    paths: dict[str, str] = field(default_factory=lambda: {"chat": "/chat/completions"})
    models_path: str = "/models"
    auth: Callable[[str], dict[str, str]] = bearer


def address(base_url: str, path: str) -> str:
    """The URL of ``path``; a base URL without a version gets ``/v1``, as people enter it both ways."""
    base = base_url.rstrip("/")
    base = base.removesuffix(path)
    return base + path if _VERSION.search(base) else base + "/v1" + path
