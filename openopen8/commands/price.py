"""`openopen8 price …`"""

from __future__ import annotations

import argparse
from typing import Any

from openopen8.commands.answer import Answer, every, listed
from openopen8.commands.verb import noun, verb
from openopen8.core.rules.roles import COMMAND_LINE
from openopen8.core.services import prices
from openopen8.core.services.forms import read
from openopen8.core.services.price_fields import PriceFields
from openopen8.core.tools import Tools

_RATIOS = ("input", "output", "cache_read", "cache_write", "reasoning", "per_call")
_COLUMNS = {
    "model": "model",
    "input": "input",
    "output": "output",
    "cache read": "cache_read",
    "cache write": "cache_write",
    "reasoning": "reasoning",
    "per call": "per_call",
    "valid from": "valid_from",
    "status": "status",
}


def add_to(nouns: Any) -> None:
    verbs = noun(nouns, "price", "prices of models, in credits")
    found = verb(verbs, "set", "set a model's price, per token (--input and --output) or --per-call", _set)
    found.add_argument("model")
    for name in _RATIOS:
        per = "call" if name == "per_call" else "token"
        found.add_argument(f"--{name.replace('_', '-')}", metavar="R", help=f"credits per {per}")
    found.add_argument("--valid-from", metavar="TIME", help="RFC 3339 with zone; from now on if left out")
    verb(verbs, "list", "list the prices", _list).add_argument("--history", action="store_true", help="past ones too")


def _set(tools: Tools, given: argparse.Namespace) -> Answer:
    names = (*_RATIOS, "valid_from")
    values = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    price = prices.create(tools, COMMAND_LINE, read(PriceFields, {"model": given.model} | values))
    told = ", ".join(f"{name} {getattr(price, name)}" for name in _RATIOS if getattr(price, name) is not None)
    return Answer(price, f"Set the price of {price.model}: {told}.")


def _list(tools: Tools, given: argparse.Namespace) -> Answer:
    rows = every(lambda page, size: prices.find(tools, COMMAND_LINE, "", page, size, given.history))
    return listed(rows, _COLUMNS)
