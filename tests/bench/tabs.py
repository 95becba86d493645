"""Open dashboards: ``python -m tests.bench.tabs PORT COUNT PAGE`` with the sessions' cookies on standard input.

Each tab does what a browser's does: opens the events' websocket, sends the page's first event, answers pings.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from openopen8.server.handshake import SESSION_COOKIE
from tests.bench.servers import ROOT

NAMESPACE = "/_event"
REFLEX = Subprotocol("0.10.1")
FIRST = "reflex___state____state.hydrate_and_load"
HYDRATED = '"is_hydrated_rx_state_":true'
READY = "ready"


async def tab(port: int, cookie: str, page: str, shown: asyncio.Semaphore) -> None:
    """One tab until it is ended; ``shown`` is released once its page has its numbers."""
    async with connect(
        f"ws://127.0.0.1:{port}{NAMESPACE}/?token={uuid4()}&EIO=4&transport=websocket",
        origin=f"http://127.0.0.1:{port}",  # type: ignore[arg-type]
        additional_headers={"cookie": f"{SESSION_COOKIE}={cookie}"},
        subprotocols=[REFLEX],
        compression=None,
        ping_interval=None,
        max_size=None,
        proxy=None,
    ) as socket:
        event = {"name": FIRST, "payload": {}, "router_data": {"pathname": page, "asPath": page, "query": {}}}
        await socket.recv()  # engine.io's handshake
        await socket.send(f"40{NAMESPACE},{json.dumps({'event': event})}")
        await _watch(socket, shown)


async def _watch(socket: ClientConnection, shown: asyncio.Semaphore) -> None:
    told = False
    async for message in socket:
        if message == "2":
            await socket.send("3")
        elif not told and HYDRATED in str(message):
            told = True
            shown.release()


async def main(port: int, count: int, page: str, cookies: Sequence[str]) -> None:
    shown = asyncio.Semaphore(0)
    tabs = [asyncio.create_task(tab(port, cookies[number % len(cookies)], page, shown)) for number in range(count)]
    for _ in tabs:
        await asyncio.wait_for(shown.acquire(), 60)
    print(READY, flush=True)
    await asyncio.gather(*tabs)


@contextmanager
def open_tabs(port: int, count: int, cookies: Sequence[str], page: str = "/tokens") -> Iterator[None]:
    """``count`` tabs in a process of their own."""
    if not count:
        yield
        return
    words = [sys.executable, "-m", "tests.bench.tabs", str(port), str(count), page]
    process = subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None
    try:
        process.stdin.write("\n".join(cookies))
        process.stdin.close()
        if process.stdout.readline().strip() != READY:
            raise SystemExit("the dashboards do not open")
        yield
    finally:
        process.kill()
        process.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.stdin.read().split()))
