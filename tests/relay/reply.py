"""What a caller got."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Headers = dict[str, str]
Watch = Callable[[Any], None]


@dataclass
class Reply:
    """What the caller got. ``whole``: the answer was ended properly."""

    status: int = 0
    headers: Headers = field(default_factory=dict)
    body: bytes = b""
    whole: bool = False

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """Data of the server-sent events; ``[DONE]`` as text."""
        blocks = [line[6:] for line in self.body.split(b"\n") if line.startswith(b"data: ")]
        return [data.decode() if data == b"[DONE]" else json.loads(data) for data in blocks]

    @property
    def text(self) -> str:
        """The text of a streamed OpenAI answer."""
        found = [event for event in self.events if isinstance(event, dict)]
        return "".join((c["delta"].get("content") or "") for event in found for c in event.get("choices", ()))
