"""`openopen8 serve` as a process of its own, and a look at what it started."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
READY = re.compile(r"OpenOpen8 is ready(?:, without a dashboard)?: (http://\S+)")


def environment(folder: Path, **more: str) -> dict[str, str]:
    """An installation of its own in ``folder``; nothing of the developer's settings."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
    return kept | {"PYTHONPATH": str(ROOT), "DATA_DIR": str(folder / "data"), **more}


class Server:
    """A running server; its lines on standard error are in ``log``."""

    def __init__(self, folder: Path, arguments: tuple[str, ...], start: dict[str, Any], **more: str) -> None:
        self.log = folder / "serve.log"
        self.folder, self.env = folder, environment(folder, **more)
        command = [sys.executable, "-m", "openopen8", "serve", "--port", "0", *arguments]
        with self.log.open("ab") as file:
            self.process = subprocess.Popen(command, cwd=folder, env=self.env, stdout=file, stderr=file, **start)
        self._known = [psutil.Process(self.process.pid)]

    @property
    def text(self) -> str:
        return self.log.read_text()

    @property
    def address(self) -> str:
        """Known once the server says that it is ready."""
        until(lambda: READY.search(self.text) or self.process.poll() is not None, lambda: self.text)
        found = READY.findall(self.text)
        assert found, self.text
        return str(found[-1])

    def part(self, name: str) -> list[int]:
        """Process ids of the living children whose name begins so: ``relay``, ``dashboard``."""
        return [child.pid for child in self.family()[1:] if child.pid and _is_part(child, name)]

    def family(self) -> list[psutil.Process]:
        """The server and all that it started and that lives."""
        children = self._known[0].children(recursive=True) if self._known[0].is_running() else []
        self._known += [child for child in children if child not in self._known]
        return [process for process in self._known if alive(process)]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.family()
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@contextmanager
def serving(folder: Path, *arguments: str, start: dict[str, Any] | None = None, **more: str) -> Iterator[Server]:
    """A server for the time of a test; whatever is left of it is ended. ``start``: how its process is started."""
    server = Server(folder, arguments, start or {}, **more)
    try:
        yield server
    finally:
        left = server.family()
        if server.process.poll() is None:
            server.process.kill()
        server.process.wait(PATIENCE)
        for process in left:
            if alive(process):
                process.kill()


def command(server: Server, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`openopen8 …` in the server's folder, with its environment."""
    words = [sys.executable, "-m", "openopen8", *arguments]
    return subprocess.run(words, cwd=server.folder, env=server.env, capture_output=True, text=True, timeout=PATIENCE)


def until(condition: Callable[[], object], told: Callable[[], str] = str) -> None:
    """Wait for ``condition``; what was told so far is in the failure."""
    latest = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < latest, told()
        time.sleep(0.05)


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _is_part(process: psutil.Process, name: str) -> bool:
    try:
        words = process.cmdline()
    except psutil.Error:
        return False
    return "openopen8.server" in words and words[words.index("openopen8.server") + 1] == name
