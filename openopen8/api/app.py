"""The management API as one ASGI application."""

from __future__ import annotations

from fastapi import FastAPI

from openopen8 import __version__
from openopen8.api import (
    channels,
    description,
    groups,
    logs,
    me,
    prices,
    problems,
    sessions,
    settings,
    status,
    tokens,
    users,
)
from openopen8.core.tools import Tools

ROUTERS = (
    status.router,
    sessions.router,
    me.router,
    tokens.router,
    logs.router,
    channels.router,
    groups.router,
    prices.router,
    users.router,
    settings.router,
)


def create_api(tools: Tools) -> FastAPI:
    """Everything under `/api`; the caller of it owns ``tools``."""
    app = FastAPI(
        title="OpenOpen8 management API",
        version=__version__,
        description=description.ABOUT,
        openapi_url=description.OPENAPI_PATH,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.tools = tools
    for router in ROUTERS:
        app.include_router(router)
    description.install(app)
    problems.install(app)
    return app
