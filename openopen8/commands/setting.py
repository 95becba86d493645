"""`openopen8 setting …`"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import Any

from openopen8.commands.answer import Answer, table
from openopen8.commands.verb import noun, verb
from openopen8.core.rules.options import NAMES
from openopen8.core.rules.roles import COMMAND_LINE
from openopen8.core.services import options
from openopen8.core.tools import Tools


def add_to(nouns: Any) -> None:
    verbs = noun(nouns, "setting", "settings of the installation")
    verb(verbs, "list", "list the settings", _list)
    found = verb(verbs, "set", "change a setting", _set)
    found.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    found.add_argument("value", metavar="VALUE", help="a number, a text, true, false, or none for no limit")


def _list(tools: Tools, _given: argparse.Namespace) -> Answer:
    values = asdict(options.get(tools, COMMAND_LINE))
    return Answer(values, table(["setting", "value"], [[name, _word(value)] for name, value in values.items()]))


def _set(tools: Tools, given: argparse.Namespace) -> Answer:
    values = asdict(options.set(tools, COMMAND_LINE, {given.name: _value(given.value)}))
    return Answer({given.name: values[given.name]}, f"Set {given.name} to {_word(values[given.name])}.")


def _value(word: str) -> Any:
    """``90``, ``true``, ``none`` as the service takes them; anything else is a text."""
    known: dict[str, Any] = {"none": None, "true": True, "false": False}
    if word.lower() in known:
        return known[word.lower()]
    try:
        return int(word)
    except ValueError:
        return word


def _word(value: Any) -> str:
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value) or "-"
