"""`openopen8 serve`"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from openopen8.core.config import Settings, load_settings
from openopen8.core.migrate import migrate
from openopen8.core.services import clocks, setup
from openopen8.core.tools import open_tools
from openopen8.server import journal
from openopen8.server.listener import bind
from openopen8.server.parts import supervise_command


def add_to(nouns: Any) -> None:
    found = nouns.add_parser("serve", help="run the gateway: relay, management API and dashboard")
    found.add_argument("--host", help="address to listen on (HOST, 127.0.0.1)")
    found.add_argument("--port", type=int, help="port to listen on (PORT, 3000)")
    found.add_argument("--workers", type=int, help="relay processes (WORKERS, 1)")
    found.add_argument("--no-build", action="store_true", help="serve the dashboard as it is compiled, even if old")
    help = "serve /v1 and /api alone (DASHBOARD=false)"
    found.add_argument("--no-dashboard", action="store_false", dest="dashboard", default=None, help=help)
    found.set_defaults(run=_serve)


def _serve(given: argparse.Namespace) -> int:
    options = ("host", "port", "workers", "dashboard")
    chosen = {name: getattr(given, name) for name in options if getattr(given, name) is not None}
    settings = load_settings(**chosen)
    journal.begin("serve", settings.log_level)
    listener = bind(settings.host, settings.port)
    _prepare(settings)
    may_compile = "no" if given.no_build else "yes"
    # the supervisor in a fresh image: what migrations need would stay in memory for as long as the server runs
    os.execv(sys.executable, supervise_command(listener.detach(), chosen, may_compile))


def _prepare(settings: Settings) -> None:
    """Migrate, check secret key and clock, show the set-up code where one is needed."""
    tools = open_tools(settings)
    try:
        revision = migrate(tools)
        if revision:
            _say(f"The database is at revision {revision}.")
        if warning := clocks.check(tools):
            _say(warning)
        if setup.needed(tools) and setup.code_needed(tools):
            _say(f"Set-up code for the first account: {setup.new_code(tools)}")
    finally:
        tools.close()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
