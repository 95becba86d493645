"""`openopen8 price …`"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from openopen8.commands.answer import Answer, cell, every, table
from openopen8.commands.verb import noun, verb
from openopen8.core.rules.rates import NAMES
from openopen8.core.rules.roles import COMMAND_LINE
from openopen8.core.services import catalogue, prices
from openopen8.core.services.catalogue import Choice, FillFields, Proposal
from openopen8.core.services.forms import read
from openopen8.core.services.price_fields import BY_NAME, VALUES, PriceFields
from openopen8.core.services.prices import PriceView
from openopen8.core.tools import Tools

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
_HELP = {
    "long": "ratios by bucket of requests with more input than --long-above: input=R,output=R,cache_read=R,…",
    "tiers": "factors by the service tier that answers name: flex=0.5,priority=2",
    "calls": "credits per call of a provider's tool: web_search=R,file_search=R,code_interpreter=R",
    "units": "credits for what is no token: seconds=R,characters=R,images=R,pages=R",
    "per_call": "credits per call, instead of all others",
    "cache_write_1h": "credits per token written to a cache that keeps it an hour or longer",
}


def add_to(nouns: Any) -> None:
    verbs = noun(nouns, "price", "prices of models, in credits")
    found = verb(verbs, "set", "set a model's price, per token (--input and --output) or --per-call", _set)
    found.add_argument("model")
    for name in (*NAMES, "per_call"):
        help = _HELP.get(name, f"credits per {name.replace('_', ' ')} token")
        found.add_argument(_option(name), metavar="R", help=help)
    found.add_argument("--long-above", metavar="N", type=int, help="input tokens beyond which --long counts")
    for name in BY_NAME:
        found.add_argument(_option(name), metavar="NAME=R,…", help=_HELP[name])
    found.add_argument("--valid-from", metavar="TIME", help="RFC 3339 with zone; from now on if left out")
    verb(verbs, "list", "list the prices", _list).add_argument("--history", action="store_true", help="past ones too")
    shown = verb(verbs, "catalogue", "public list prices, and what importing them would change", _catalogue)
    taken = verb(verbs, "import", "set prices from the catalogue, from now on and as announced", _import)
    for each in (shown, taken):
        each.add_argument("--provider", default="", help="openai, anthropic, google, …")
        each.add_argument("--models", default="", metavar="A,B", help="names as callers send them")
        each.add_argument("--served", action="store_true", help="every model that an enabled channel serves")
        each.add_argument("--search", default="", metavar="WORD", help="a part of the model's name")
    taken.add_argument("--new-only", action="store_true", help="leave models alone that have a price")


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _set(tools: Tools, given: argparse.Namespace) -> Answer:
    names = (*VALUES, "valid_from")
    values = {name: getattr(given, name) for name in names if getattr(given, name) is not None}
    fields = read(PriceFields, {"model": given.model} | values)
    price = prices.create(tools, COMMAND_LINE, fields)
    lines = [f"Set the price of {price.model}: {_told(price)}."]
    far = catalogue.far_off(tools, price.model, {"input": fields.input, "output": fields.output})
    for name, list_price in far.items():
        lines.append(f"Is that the right unit? The list price for {name} is {list_price} credits per token.")
    return Answer(price, "\n".join(lines))


def _told(price: PriceView) -> str:
    values = {name: getattr(price, name) for name in VALUES}
    return ", ".join(f"{name} {_text(value)}" for name, value in values.items() if value not in (None, {}))


def _text(value: Any) -> str:
    return " ".join(f"{name}={ratio}" for name, ratio in value.items()) if isinstance(value, Mapping) else str(value)


def _list(tools: Tools, given: argparse.Namespace) -> Answer:
    rows = every(lambda page, size: prices.find(tools, COMMAND_LINE, "", page, size, given.history))
    cells = [[cell(getattr(row, name), name) for name in _COLUMNS.values()] + [_also(row)] for row in rows]
    return Answer(rows, table([*_COLUMNS, "also"], cells))


def _also(price: PriceView) -> str:
    """The names of what has no column of its own; --json has all."""
    names = [name for name in VALUES if name not in _COLUMNS.values() and getattr(price, name) not in (None, {})]
    return ", ".join(names) or "-"


def _catalogue(tools: Tools, given: argparse.Namespace) -> Answer:
    if not (given.provider or given.models or given.served):
        known = catalogue.providers(tools, COMMAND_LINE)
        rows = [{"provider": name, "models": models} for name, models in known]
        return Answer(rows, table(["provider", "models"], [[name, f"{models:,}"] for name, models in known]))
    found = catalogue.preview(tools, COMMAND_LINE, read(Choice, _chosen(given)))
    titles = ["model", "provider", "state", "price", "until now", "not in it"]
    return Answer(found, table(titles, [_row(each) for each in found]))


def _row(each: Proposal) -> list[str]:
    before = [name for name in each.differs if (each.before or {})[name] not in (None, {})]
    return [
        each.model,
        each.provider,
        each.state,
        _values(each.price, VALUES),
        _values(each.before or {}, before) or "-",
        ", ".join(each.left_out) or "-",
    ]


def _values(price: Mapping[str, Any], names: Any) -> str:
    given = ((name, price.get(name)) for name in names)
    return ", ".join(f"{name} {_text(value)}" for name, value in given if value not in (None, {}))


def _import(tools: Tools, given: argparse.Namespace) -> Answer:
    done = catalogue.fill(tools, COMMAND_LINE, read(FillFields, _chosen(given) | {"new_only": given.new_only}))
    return Answer(done, f"{done.new} new, {done.changed} changed, {done.unchanged} left as they are.")


def _chosen(given: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(given, name) for name in ("provider", "models", "served", "search")}
