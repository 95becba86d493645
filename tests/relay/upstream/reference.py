"""What another parser makes of an answer: h11, which httpx uses."""

from __future__ import annotations

import h11


def reference(raw: bytes, method: str = "POST") -> tuple[int, bytes] | None:
    """Status and body of the whole answer at the beginning of ``raw``; None when h11 does not take it for one."""
    wire = h11.Connection(h11.CLIENT)
    headers = [("host", "provider.test"), ("content-length", "0")]
    wire.send(h11.Request(method=method, target="/", headers=headers))
    wire.send(h11.EndOfMessage())
    status, body = 0, b""
    try:
        wire.receive_data(raw)
        wire.receive_data(b"")
        while True:
            event = wire.next_event()
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                return status, body
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.ProtocolError:
        return None
