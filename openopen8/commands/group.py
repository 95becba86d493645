"""`openopen8 group …`"""

from __future__ import annotations

import argparse
from typing import Any

from openopen8.commands.answer import Answer, every, listed
from openopen8.commands.verb import noun, verb
from openopen8.core.rules.roles import COMMAND_LINE
from openopen8.core.services import groups
from openopen8.core.services.forms import read
from openopen8.core.services.groups import GroupFields, GroupPatch
from openopen8.core.tools import Tools

_COLUMNS = {
    "name": "name",
    "ratio": "ratio",
    "selectable": "selectable",
    "rate limit": "rate_limit",
    "users": "users",
    "note": "note",
}
_NAMES = ("ratio", "selectable", "rate_limit", "note")


def add_to(nouns: Any) -> None:
    verbs = noun(nouns, "group", "groups: price ratio, rate limit and channels under one name")
    for name, help, work in (("create", "make a group", _create), ("set", "change a group", _set)):
        found = verb(verbs, name, help, work)
        found.add_argument("name")
        found.add_argument("--ratio", help="every price is multiplied by it, for example 0.5")
        found.add_argument("--selectable", action=argparse.BooleanOptionalAction, help="any user may choose it")
        found.add_argument("--rate-limit", type=int, help="requests per minute of the whole group")
        found.add_argument("--note")
    verb(verbs, "list", "list the groups", _list)


def _create(tools: Tools, given: argparse.Namespace) -> Answer:
    group = groups.create(tools, COMMAND_LINE, read(GroupFields, {"name": given.name} | _given(given)))
    return Answer(group, f"Made group {group.name} with ratio {group.ratio}.")


def _set(tools: Tools, given: argparse.Namespace) -> Answer:
    group = groups.named(tools, COMMAND_LINE, given.name)
    group = groups.update(tools, COMMAND_LINE, group.id, read(GroupPatch, _given(given)))
    return Answer(group, f"Group {group.name} has ratio {group.ratio}.")


def _list(tools: Tools, _given: argparse.Namespace) -> Answer:
    return listed(every(lambda page, size: groups.find(tools, COMMAND_LINE, "", page, size)), _COLUMNS)


def _given(given: argparse.Namespace) -> dict[str, Any]:
    return {name: getattr(given, name) for name in _NAMES if getattr(given, name) is not None}
