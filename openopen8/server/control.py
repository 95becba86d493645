"""How `openopen8 reload` reaches the running server: by a lock that only a living one holds, and a unix socket.

The kernel takes the lock back however the server ends. So a file that was left behind is known as such,
and no process id in it is ever signalled: it might be a stranger's by now.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from openopen8.core.errors import Problem
from openopen8.server.reloads import Outcome, Reloads

FILE = "serve.json"
RELOAD = b"reload\n"
TRIES = 5


@contextlib.asynccontextmanager
async def reachable(data_dir: Path, folder: Path, reloads: Reloads) -> AsyncIterator[str]:
    """Take commands on a socket in ``folder`` for as long as this runs; says why not, when it can't."""
    with _claimed(data_dir / FILE) as file:
        if isinstance(file, str):
            yield file
            return
        path = str(folder / "control")
        server = await asyncio.start_unix_server(lambda reader, writer: _serve(reloads, reader, writer), path)
        file.write(json.dumps({"pid": os.getpid(), "control": path}) + "\n")
        file.flush()
        try:
            yield ""
        finally:
            server.close()


def ask_to_reload(data_dir: Path, hear: Callable[[str], None]) -> Outcome:
    """Have the server of ``data_dir`` reload; each step is told to ``hear``. A Problem when none runs there."""
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(_place(data_dir))
        except OSError:
            raise Problem(
                503, "out_of_reach", f"The server of {data_dir} is out of reach: another container's or machine's?"
            ) from None
        connection.sendall(RELOAD)
        for line in connection.makefile("rb"):
            told = json.loads(line)
            if "step" not in told:
                return Outcome(told["ok"], told["text"], told.get("workers", 0), told.get("leaving", 0))
            hear(told["step"])
    raise Problem(503, "server_ended", "The server ended before it had reloaded.")


def _place(data_dir: Path) -> str:
    nobody = Problem(
        404, "no_server", f"No server runs on {data_dir}. (DATA_DIR must be the one that it was started with.)"
    )
    try:
        with (data_dir / FILE).open() as file:
            if _lock(file):
                raise nobody
            return str(json.load(file)["control"])
    except FileNotFoundError:
        raise nobody from None
    except (json.JSONDecodeError, KeyError):
        raise Problem(503, "starting", "The server is starting. Try again.") from None


@contextlib.contextmanager
def _claimed(path: Path) -> Iterator[TextIO | str]:
    """The file, emptied and locked; else the reason."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = open(path, "a+", opener=_private)  # noqa: SIM115 (closed below)
    except OSError as error:
        yield f"{path} can't be written: {error.strerror}"
        return
    with file:
        for _ in range(TRIES):  # `reload` itself holds it for a moment
            if locked := _lock(file):
                break
            time.sleep(0.05)
        if not locked:
            yield "another server runs on this DATA_DIR"
            return
        file.truncate(0)
        yield file
        file.truncate(0)


def _lock(file: TextIO) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _private(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)


async def _serve(reloads: Reloads, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    def tell(**values: Any) -> None:
        writer.write(json.dumps(values).encode() + b"\n")

    try:
        if await reader.readline() == RELOAD:
            with reloads.told_to(lambda line: tell(step=line)):
                outcome = await reloads.ask()
            tell(**asdict(outcome))
            await writer.drain()
    except (OSError, asyncio.CancelledError):
        pass  # whoever asked has gone, and the reload goes on; or this server ends
    finally:
        writer.close()
