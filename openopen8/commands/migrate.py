"""`openopen8 migrate`"""

from __future__ import annotations

import argparse
from typing import Any

from openopen8.commands.answer import Answer
from openopen8.commands.verb import show
from openopen8.core.config import load_settings
from openopen8.core.migrate import migrate
from openopen8.core.tools import open_tools


def add_to(nouns: Any) -> None:
    found = nouns.add_parser("migrate", help="bring the database to this version (every command does)")
    found.add_argument("--json", action="store_true", help="show the answer as JSON")
    found.set_defaults(run=_migrate)


def _migrate(given: argparse.Namespace) -> int:
    tools = open_tools(load_settings())
    try:
        revision = migrate(tools)
    finally:
        tools.close()
    text = f"The database was brought to revision {revision}." if revision else "The database is at this version."
    show(Answer({"migrated_to": revision}, text), given.json)
    return 0
