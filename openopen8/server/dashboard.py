"""The dashboard process: Reflex on a unix socket that only the relay workers reach."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import uvicorn

from openopen8.server import door
from openopen8.server.parts import SERVED
from openopen8.server.wire import READY, Wire


def run(listener_fd: int, wire: Wire) -> None:
    """Serve the dashboard's events on the inherited unix socket until told to stop."""
    listener = socket.socket(fileno=listener_fd)
    _settle_reflex(Path(listener.getsockname()).parent)
    from reflex_base.registry import RegistrationContext

    from openopen8.server.reflex_config import config

    # from here, not from an rxconfig.py of whatever folder the server was started in
    RegistrationContext.ensure_context()._set_config(config)
    from openopen8.openopen8 import app

    # Everything on this socket comes from our own workers, which name the caller's address:
    # without it Reflex fails, since a unix socket has no peer address.
    options = door.options() | {"proxy_headers": True, "forwarded_allow_ips": "*", "timeout_graceful_shutdown": 2}
    DashboardServer(uvicorn.Config(app(), loop=door.loop(), **options), wire).run(sockets=[listener])


class DashboardServer(uvicorn.Server):
    """Says when it serves."""

    def __init__(self, config: uvicorn.Config, wire: Wire) -> None:
        super().__init__(config)
        self._wire = wire

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._wire.say(READY)


def _settle_reflex(folder: Path) -> None:
    """Reflex reads these when it is imported; what it writes goes into ``folder``, not where we were started."""
    os.environ.update({SERVED: "1", "REFLEX_ENV_MODE": "prod", "__REFLEX_SKIP_COMPILE": "true"})
    places = {"REFLEX_WEB_WORKDIR": ".web", "REFLEX_STATES_WORKDIR": ".states", "REFLEX_UPLOADED_FILES_DIR": "uploads"}
    os.environ.update({name: str(folder / place) for name, place in places.items()})
