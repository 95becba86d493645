"""What SIGHUP means: "reload" from whoever sends it, "end" when the terminal that the server runs in was closed."""

from __future__ import annotations

import os
import select
import signal


class Terminal:
    """The terminal at start; made before handlers are installed.

    It is kept open, since an open file tells that its terminal is gone before SIGHUP says so, however busy the machine.
    """

    def __init__(self) -> None:
        self._file = _open()
        self._detached = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        """Started with nohup: outlives its terminal."""

    def closed(self) -> bool:
        """True when it was there and is gone."""
        if self._file is None:
            return False
        poll = select.poll()
        poll.register(self._file, 0)
        return any(events & select.POLLHUP for _, events in poll.poll(0))

    @property
    def outlived(self) -> bool:
        return self._detached


def _open() -> int | None:
    try:
        return os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY)
    except OSError:
        return None
