"""What stands between gateway and provider: an HTTP proxy, a SOCKS proxy, and a provider that speaks HTTP/2 only."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.events

from tests.fakes.raw import Peer


@dataclass
class HttpProxy:
    """A script: forwards `http` requests, tunnels what CONNECT asks for; everything goes to ``port`` on loopback."""

    port: int
    password: str = ""
    asked: list[str] = field(default_factory=list)

    async def __call__(self, peer: Peer) -> None:
        request = await peer.request()
        method, target, _ = request.line.split(" ")
        self.asked.append(f"{method} {target}")
        given = request.headers.get("proxy-authorization", "").removeprefix("Basic ")
        if self.password and base64.b64decode(given) != self.password.encode():
            return await peer.answer(b"who are you", 407)
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        if method == "CONNECT":
            await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        else:
            path = "/" + target.split("/", 3)[3]
            lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
            writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + request.body)
        await _joined(peer, reader, writer)


@dataclass
class SocksProxy:
    """A script: SOCKS 5 (RFC 1928, 1929); everything goes to ``port`` on loopback. ``then`` answers the request."""

    port: int
    password: str = ""
    then: bytes = b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00"
    asked: list[str] = field(default_factory=list)

    async def __call__(self, peer: Peer) -> None:
        read = peer.reader.readexactly
        _, count = await read(2)
        methods = await read(count)
        if self.password:
            if 2 not in methods:
                return await peer.send(b"\x05\xff")
            await peer.send(b"\x05\x02")
            _, size = await read(2)
            name = await read(size)
            word = await read((await read(1))[0])
            fits = f"{name.decode()}:{word.decode()}" == self.password
            await peer.send(b"\x01\x00" if fits else b"\x01\x01")
            if not fits:
                return
        else:
            await peer.send(b"\x05\x00")
        _, _, _, kind = await read(4)
        host = (await read((await read(1))[0])).decode() if kind == 3 else (await read(4 if kind == 1 else 16)).hex()
        self.asked.append(f"{host}:{int.from_bytes(await read(2), 'big')}")
        await peer.send(self.then)
        if self.then[1:2] == b"\x00":
            await _joined(peer, *await asyncio.open_connection("127.0.0.1", self.port))


async def _joined(peer: Peer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
        target.write_eof()

    try:
        await asyncio.gather(copy(peer.reader, writer), copy(reader, peer.writer))
    finally:
        writer.transport.abort()


class Http2:
    """A script: HTTP/2 and nothing else. Answers each request with the beginning of its body, in two pieces."""

    def __init__(self) -> None:
        self.requests: list[dict[str, str]] = []

    async def __call__(self, peer: Peer) -> None:
        wire = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        wire.initiate_connection()
        await peer.send(wire.data_to_send())
        bodies: dict[int, bytes] = {}
        while data := await peer.reader.read(65536):
            for event in wire.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    self.requests.append(dict(event.headers))
                    bodies[event.stream_id] = b""
                elif isinstance(event, h2.events.DataReceived):
                    bodies[event.stream_id] += event.data
                    wire.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    wire.send_headers(event.stream_id, [(":status", "200"), ("x-kind", "h2")])
                    wire.send_data(event.stream_id, b"heard: ")
                    wire.send_data(event.stream_id, bodies.pop(event.stream_id)[:10_000], end_stream=True)
            await peer.send(wire.data_to_send())
