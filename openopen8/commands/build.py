"""`openopen8 build`"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from openopen8.server.compiler import compile_dashboard


def add_to(nouns: Any) -> None:
    found = nouns.add_parser("build", help="compile the dashboard, if its source changed")
    found.add_argument("--force", action="store_true", help="compile even when nothing changed")
    found.set_defaults(run=_build)


def _build(given: argparse.Namespace) -> int:
    if not compile_dashboard(lambda line: print(line, file=sys.stderr, flush=True), given.force):
        print("The compiled dashboard is up to date.", file=sys.stderr)
    return 0
