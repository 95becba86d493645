"""The dashboard process: Reflex on a unix socket that only the relay workers reach."""

from __future__ import annotations

import asyncio
import gc
import importlib
import os
import socket
from pathlib import Path
from typing import Any

import uvicorn

from openopen8.core.config import load_settings
from openopen8.core.tools import open_keyring
from openopen8.server import door, view_store
from openopen8.server.parts import SERVED
from openopen8.server.store_watch import PATIENCE_SECONDS, StoreWatch
from openopen8.server.wire import READY, Wire


def run(listener_fd: int, wire: Wire) -> None:
    """Serve the dashboard's events on the inherited unix socket until told to stop."""
    listener = socket.socket(fileno=listener_fd)
    settings = load_settings()
    _settle_reflex(Path(listener.getsockname()).parent)
    from reflex_base.registry import RegistrationContext

    from openopen8.server.reflex_config import config

    if settings.redis_url:
        view_store.use(config, settings.redis_url, open_keyring(settings))
    # from here, not from an rxconfig.py of whatever folder the server was started in, which the app would run
    RegistrationContext.ensure_context()._set_config(config)
    importlib.import_module("reflex.app").reload_config = lambda: config  # type: ignore[attr-defined]
    from openopen8.openopen8 import app

    served = _watched(app, settings.redis_url) if settings.redis_url else app()
    # Everything on this socket comes from our own workers, which name the caller's address:
    # without it Reflex fails, since a unix socket has no peer address.
    options = door.options() | {"proxy_headers": True, "forwarded_allow_ips": "*", "timeout_graceful_shutdown": 2}
    DashboardServer(uvicorn.Config(served, loop=door.loop(), **options), wire).run(sockets=[listener])


def _watched(app: Any, url: str) -> StoreWatch:
    """The app for as long as Redis answers."""
    from redis.asyncio import Redis

    asking: Any = Redis.from_url(url, socket_timeout=PATIENCE_SECONDS, socket_connect_timeout=PATIENCE_SECONDS)

    async def break_off() -> None:
        for client in (*view_store.clients(app), asking):
            await client.connection_pool.disconnect(inuse_connections=True)

    return StoreWatch(app(), asking.ping, break_off)


class DashboardServer(uvicorn.Server):
    """Says when it serves."""

    def __init__(self, config: uvicorn.Config, wire: Wire) -> None:
        super().__init__(config)
        self._wire = wire
        self._watching: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if isinstance(self.config.app, StoreWatch):
            await self.config.app.look()  # the first tabs must not be sent away for want of a look
            self._watching = asyncio.create_task(self.config.app.keep_looking())
        gc.collect()
        gc.freeze()  # what is here stays, and is not looked at again
        self._wire.say(READY)


def _settle_reflex(folder: Path) -> None:
    """Reflex reads these when it is imported; what it writes goes into ``folder``, not where we were started."""
    os.environ.update({SERVED: "1", "REFLEX_ENV_MODE": "prod", "__REFLEX_SKIP_COMPILE": "true"})
    # hosted Redis often forbids CONFIG; its owner sets notify-keyspace-events then
    os.environ["REFLEX_IGNORE_REDIS_CONFIG_ERROR"] = "true"
    places = {"REFLEX_WEB_WORKDIR": ".web", "REFLEX_STATES_WORKDIR": ".states", "REFLEX_UPLOADED_FILES_DIR": "uploads"}
    os.environ.update({name: str(folder / place) for name, place in places.items()})
