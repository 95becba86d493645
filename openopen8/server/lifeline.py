"""The pipe that ends the children when the supervisor is gone, however it went.

Every child holds the read end; only the supervisor holds the write end. When the supervisor dies,
kill -9 included, the kernel closes it, the read returns, and the child ends itself: otherwise
orphans would keep the port.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable

GRACE_SECONDS = 5.0
"""What a child has for its requests in flight after the supervisor died."""


def hold_on_to(pipe: int, at_end: Callable[[], None] | None = None, grace: float = GRACE_SECONDS) -> None:
    """Watch ``pipe`` from a thread; at its end run ``at_end``, ask this process to stop, then make it stop."""
    threading.Thread(target=_watch, args=(pipe, at_end, grace), name="lifeline", daemon=True).start()


def _watch(pipe: int, at_end: Callable[[], None] | None, grace: float) -> None:
    while os.read(pipe, 64):
        pass
    if at_end is not None:
        at_end()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(grace)
    os._exit(1)
