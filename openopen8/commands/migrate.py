"""`openopen8 migrate`"""

from __future__ import annotations

import argparse
from typing import Any

from openopen8.commands.answer import Answer
from openopen8.commands.verb import show
from openopen8.core.config import load_settings
from openopen8.core.errors import Problem
from openopen8.core.migrate import migrate, needed
from openopen8.core.tools import Tools, open_tools


def add_to(nouns: Any) -> None:
    found = nouns.add_parser("migrate", help="bring the database to this version (every command does)")
    found.add_argument("--check", action="store_true", help="only say whether there is something to do (exit code 1)")
    found.add_argument("--json", action="store_true", help="show the answer as JSON")
    found.set_defaults(run=_migrate)


def _migrate(given: argparse.Namespace) -> int:
    tools = open_tools(load_settings())
    try:
        if given.check:
            return _check(tools)
        revision = migrate(tools)
    finally:
        tools.close()
    text = f"The database was brought to revision {revision}." if revision else "The database is at this version."
    show(Answer({"migrated_to": revision}, text), given.json)
    return 0


def _check(tools: Tools) -> int:
    if not needed(tools):
        return 0
    raise Problem(409, "migration_needed", "The database must be migrated; stop the server and start it again.")
