"""A provider inside the process, for tests of what one request leaves behind or of very many."""

from __future__ import annotations

import json
from typing import Any

from relay.upstream import Outgoing
from tests.fakes.scripts import USAGE, answer, chunk

USED = {**chunk({}), "choices": [], "usage": USAGE}
EVENTS = [chunk({"content": "Hel"}), chunk({"content": "lo!"}), chunk({}, "stop"), USED]
STREAM = b"".join(b"data: " + json.dumps(event).encode() + b"\n\n" for event in EVENTS) + b"data: [DONE]\n\n"


class Prompt:
    """Answers at once; keeps what it was sent."""

    def __init__(self, keep: bool = True) -> None:
        self.bodies: list[bytes] = []
        self._keep = keep

    async def send(self, outgoing: Outgoing) -> Any:
        if self._keep:
            self.bodies.append(outgoing.body)
        return _Answer(bool(json.loads(outgoing.body).get("stream")))

    async def close(self) -> None: ...


class _Answer:
    status = 200

    def __init__(self, streams: bool) -> None:
        self.headers = {"content-type": "text/event-stream" if streams else "application/json"}

    async def read(self, limit: int) -> bytes:
        return json.dumps(answer()).encode()

    def flow(self, sink: Any) -> None:
        sink.data(STREAM)
        sink.end(None)

    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def close(self) -> None: ...
