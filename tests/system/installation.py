"""A database with a channel to a fake provider, and servers started on it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from openopen8.core.models import Option
from openopen8.core.rules.roles import Actor
from openopen8.core.services.snapshot import bump
from openopen8.core.tools import Tools
from tests.conftest import SECRET
from tests.fakes.upstream import FakeUpstream
from tests.server.processes import Server, serving
from tests.world import World

CHAT = "/v1/chat/completions"


class Installation:
    """What a test arranges before and looks at afterwards; ``serve`` runs the real server on it."""

    def __init__(self, tools: Tools, folder: Path, fake: FakeUpstream) -> None:
        self.tools, self.folder, self.fake, self.world = tools, folder, fake, World(tools)
        self.hot_path = True
        self._runs = 0
        self.user: Actor = self.world.user("owner", balance=1_000_000_000)
        self.world.channel(fake.url, name="fake")
        self.world.price("m", "5", "15")

    @contextmanager
    def serve(self, workers: int = 1, **more: str) -> Iterator[Server]:
        """`openopen8 serve` on this database."""
        data = self.folder / "data"
        env = {"DATABASE_URL": self.tools.settings.database, "SECRET_KEY": SECRET, "DATA_DIR": str(data)}
        env |= {"HOT_PATH": str(self.hot_path).lower(), **more}
        self._runs += 1
        folder = self.folder / f"run-{self._runs}"  # each run writes a log of its own
        folder.mkdir()
        with serving(folder, "--no-dashboard", "--workers", str(workers), **env) as server:
            yield server

    def option(self, name: str, value: Any) -> None:
        with self.tools.db.write() as session:
            session.add(Option(name=name, value=value))
            bump(session)

    def token(self, **fields: Any) -> tuple[int, str]:
        return self.world.token(self.user, **fields)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a caller got: the status (0: no answer), what came of the body, and whether it came to its end."""

    status: int
    body: bytes
    complete: bool
    request_id: str = ""

    @property
    def code(self) -> str:
        return str(json.loads(self.body)["error"]["code"]) if self.status >= 400 else ""

    @property
    def text(self) -> str:
        """The text of a streamed answer as far as it came."""
        words = []
        for line in self.body.split(b"\n"):
            if line.startswith(b"data: {"):
                for choice in json.loads(line[6:]).get("choices", []):
                    words.append(choice["delta"].get("content") or "")
        return "".join(words)


@asynccontextmanager
async def calling(address: str, value: str) -> AsyncIterator[Caller]:
    """Calls to a server with one token."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(
        base_url=address, headers={"authorization": f"Bearer {value}"}, limits=limits, timeout=60, trust_env=False
    ) as client:
        yield Caller(client)


class Caller:
    """Asks for chat answers and keeps what came, whatever happens in between."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def chat(self, stream: bool = False, **fields: Any) -> Heard:
        body = {"model": "m", "messages": [{"role": "user", "content": "hello"}], "stream": stream, **fields}
        got, status, request_id = bytearray(), 0, ""
        try:
            async with self._client.stream("POST", CHAT, json=body) as answer:
                status, request_id = answer.status_code, answer.headers.get("x-request-id", "")
                async for piece in answer.aiter_raw():
                    got += piece
        except httpx.HTTPError:
            return Heard(status, bytes(got), False, request_id)
        ended = not stream or status >= 400 or bytes(got).rstrip().endswith(b"data: [DONE]")
        return Heard(status, bytes(got), ended, request_id)
