"""`openopen8 token …`: a token is named by id, or by its name where only one has it."""

from __future__ import annotations

import argparse
from typing import Any

from openopen8.commands.answer import Answer, every, listed
from openopen8.commands.verb import noun, verb
from openopen8.core.errors import Problem, invalid, not_found
from openopen8.core.rules.roles import COMMAND_LINE
from openopen8.core.services import tokens, users
from openopen8.core.services.forms import read
from openopen8.core.services.token_fields import TokenFields
from openopen8.core.services.token_view import TokenView
from openopen8.core.tools import Tools

_COLUMNS = {
    "id": "id",
    "name": "name",
    "user": "user",
    "token": "hint",
    "status": "status",
    "quota": "quota",
    "used": "used",
    "group": "effective_group",
    "expires": "expires_at",
    "last used": "last_used_at",
}
_FIELDS = {
    "quota": "quota",
    "quota_period": "quota_period",
    "expires": "expires_at",
    "models": "allowed_models",
    "ips": "ip_whitelist",
    "group": "group",
    "rate_limit": "rate_limit",
}


def add_to(nouns: Any) -> None:
    verbs = noun(nouns, "token", "tokens that programs call the gateway with")
    create = verb(verbs, "create", "make a token and print its value, which is shown only now", _create)
    create.add_argument("name")
    create.add_argument("--user", required=True, help="whose credits it uses")
    create.add_argument("--quota", type=int, help="credits that it may use; 0 = unlimited")
    create.add_argument("--quota-period", choices=("none", "daily", "weekly", "monthly"))
    create.add_argument("--expires", metavar="TIME", help="RFC 3339 with zone, for example 2030-01-31T12:00:00Z")
    create.add_argument("--models", metavar="A,B", help="models that it may call; any if left out")
    create.add_argument("--ips", metavar="A,B", help="addresses and ranges that it may be used from")
    create.add_argument("--group", help="the user's own if left out")
    create.add_argument("--rate-limit", type=int, metavar="N", help="requests per minute")
    verb(verbs, "list", "list the tokens", _list).add_argument("--user", help="only this user's")
    for name, help, work in (
        ("disable", "refuse the token", _disable),
        ("enable", "accept the token again", _enable),
        ("delete", "remove the token; its log stays", _delete),
    ):
        found = verb(verbs, name, help, work)
        found.add_argument("token", metavar="NAME-OR-ID")
        found.add_argument("--user", help="whose token, when several have this name")


def _create(tools: Tools, given: argparse.Namespace) -> Answer:
    user = users.named(tools, COMMAND_LINE, given.user)
    values = {field: getattr(given, name) for name, field in _FIELDS.items() if getattr(given, name) is not None}
    made = tokens.create(tools, COMMAND_LINE, read(TokenFields, {"name": given.name} | values), user.id)
    return Answer({"token": made.token, "value": made.value}, made.value)


def _list(tools: Tools, given: argparse.Namespace) -> Answer:
    return listed(_all(tools, given.user), _COLUMNS)


def _disable(tools: Tools, given: argparse.Namespace) -> Answer:
    return _switch(tools, given, False)


def _enable(tools: Tools, given: argparse.Namespace) -> Answer:
    return _switch(tools, given, True)


def _switch(tools: Tools, given: argparse.Namespace, enabled: bool) -> Answer:
    token = named(tools, given.token, given.user)
    tokens.set_enabled(tools, COMMAND_LINE, [token.id], enabled)
    token = tokens.get(tools, COMMAND_LINE, token.id)
    return Answer(token, f"Token {token.name} ({token.hint}) is {token.status}.")


def _delete(tools: Tools, given: argparse.Namespace) -> Answer:
    token = named(tools, given.token, given.user)
    tokens.delete(tools, COMMAND_LINE, token.id)
    return Answer({"deleted": token.id}, f"Deleted token {token.name} ({token.hint}).")


def named(tools: Tools, word: str, user: str | None = None) -> TokenView:
    """The token of that id or name; a Problem lists the ids when several have the name."""
    found = [token for token in _all(tools, user, word) if token.name == word]
    if word.isascii() and word.isdigit() and len(word) < 16:
        try:
            return tokens.get(tools, COMMAND_LINE, int(word))
        except Problem:
            pass  # a name may be a number too
    if not found:
        raise not_found(f"Token {word!r}")
    if len(found) > 1:
        told = ", ".join(f"{token.id} ({token.user})" for token in found)
        raise invalid(f"Several tokens are named {word!r}; use the id: {told}.")
    return found[0]


def _all(tools: Tools, user: str | None, search: str = "") -> list[TokenView]:
    owner = None if user is None else users.named(tools, COMMAND_LINE, user).id
    word = search[:100]
    return every(
        lambda page, size: tokens.find(
            tools, COMMAND_LINE, word, sort="id", page=page, page_size=size, user_id=owner, everyone=owner is None
        )
    )
