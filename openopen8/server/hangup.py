"""What SIGHUP means: "reload" from whoever sends it, "end" when the terminal that the server runs in was closed."""

from __future__ import annotations

import os
import signal


class Terminal:
    """The terminal at start; made before handlers are installed."""

    def __init__(self) -> None:
        self._there = _is_there()
        self._detached = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        """Started with nohup: outlives its terminal."""

    def closed(self) -> bool:
        """True when it was there and is gone."""
        return self._there and not _is_there()

    @property
    def outlived(self) -> bool:
        return self._detached


def _is_there() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY))
    except OSError:
        return False
    return True
