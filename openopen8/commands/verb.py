"""How a verb of the command line runs: database migrated, one answer, shown as text or as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from openopen8.commands.answer import Answer, plain
from openopen8.core.config import load_settings
from openopen8.core.migrate import migrate
from openopen8.core.tools import Tools, open_tools

Work = Callable[[Tools, argparse.Namespace], Answer]


def noun(nouns: Any, name: str, help: str) -> Any:
    """A command with verbs below it: ``user create``."""
    found = nouns.add_parser(name, help=help, description=help)
    return found.add_subparsers(metavar="VERB", required=True)


def verb(verbs: Any, name: str, help: str, work: Work) -> argparse.ArgumentParser:
    """A verb that does ``work`` and shows its answer; the caller adds its arguments."""
    found: argparse.ArgumentParser = verbs.add_parser(name, help=help, description=help)
    found.add_argument("--json", action="store_true", help="show the answer as JSON")
    found.set_defaults(run=lambda given: _run(work, given))
    return found


@contextmanager
def opened() -> Iterator[Tools]:
    """The tools of this installation, with the database at this version."""
    tools = open_tools(load_settings())
    try:
        migrate(tools)
        yield tools
    finally:
        tools.close()


def show(answer: Answer, as_json: bool) -> None:
    """Print ``answer``."""
    text = json.dumps(plain(answer.data), ensure_ascii=False, indent=2) if as_json else answer.text
    if text:
        print(text)
    sys.stdout.flush()


def _run(work: Work, given: argparse.Namespace) -> int:
    with opened() as tools:
        answer = work(tools, given)
    show(answer, given.json)
    return answer.code
