"""`openopen8 reload`"""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from typing import Any

from openopen8.commands.answer import Answer
from openopen8.commands.verb import show
from openopen8.core.config import load_settings
from openopen8.server.control import ask_to_reload


def add_to(nouns: Any) -> None:
    help = "replace the running server's processes one by one, without losing a request"
    found = nouns.add_parser("reload", help=help, description=help)
    found.add_argument("--json", action="store_true", help="show the outcome as JSON")
    found.set_defaults(run=_reload)


def _reload(given: argparse.Namespace) -> int:
    outcome = ask_to_reload(load_settings().data_dir, lambda line: print(line, file=sys.stderr, flush=True))
    show(Answer(asdict(outcome), outcome.text), given.json)
    return 0 if outcome.ok else 1
