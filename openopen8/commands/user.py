"""`openopen8 user …`"""

from __future__ import annotations

import argparse
from typing import Any

from openopen8.commands import secret
from openopen8.commands.answer import Answer, every, listed
from openopen8.commands.verb import noun, verb
from openopen8.core.rules.roles import COMMAND_LINE, ROLES
from openopen8.core.services import access_tokens, credits, users
from openopen8.core.services.access_tokens import AccessTokenFields
from openopen8.core.services.forms import read
from openopen8.core.services.users import UserFields, UserPatch
from openopen8.core.tools import Tools

_COLUMNS = {
    "name": "name",
    "role": "role",
    "group": "group",
    "balance": "balance",
    "held": "held",
    "enabled": "enabled",
    "email": "email",
    "created": "created_at",
}


def add_to(nouns: Any) -> None:
    verbs = noun(nouns, "user", "people with accounts")
    create = verb(verbs, "create", "make an account", _create)
    create.add_argument("name")
    create.add_argument("--role", choices=ROLES, default="user")
    create.add_argument("--balance", type=int, help="credits to begin with")
    create.add_argument("--group")
    create.add_argument("--email")
    create.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    verb(verbs, "list", "list the accounts", _list)
    password = verb(verbs, "password", "set a password; ends the user's sessions", _password)
    password.add_argument("name")
    password.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    for name, help in (("disable", "refuse all that the user does"), ("enable", "let the user come in again")):
        verb(verbs, name, help, _switch).set_defaults(enabled=name == "enable")
        verbs.choices[name].add_argument("name")
    access = verb(verbs, "access-token", "make an access token for the management API and print it", _access_token)
    access.add_argument("name")
    access.add_argument("--label", default="command line", help="name of the access token")
    balance = verb(verbs, "balance", "give or take credits", _balance)
    balance.add_argument("name")
    balance.add_argument("--add", type=int, required=True, metavar="N", help="credits; negative to take")
    balance.add_argument("--reason", required=True)


def _create(tools: Tools, given: argparse.Namespace) -> Answer:
    names = ("name", "role", "balance", "group", "email")
    values = {name: getattr(given, name) for name in names} | {"password": secret.password(given.password_stdin)}
    user = users.create(tools, COMMAND_LINE, read(UserFields, values))
    return Answer(user, f"Made {user.role} {user.name} with {user.balance:,} credits.")


def _list(tools: Tools, _given: argparse.Namespace) -> Answer:
    return listed(every(lambda page, size: users.find(tools, COMMAND_LINE, "", "name", page, size)), _COLUMNS)


def _password(tools: Tools, given: argparse.Namespace) -> Answer:
    user = users.named(tools, COMMAND_LINE, given.name)
    users.set_password(tools, COMMAND_LINE, user.id, secret.password(given.password_stdin))
    return Answer(user, f"Set the password of {user.name}.")


def _switch(tools: Tools, given: argparse.Namespace) -> Answer:
    user = users.named(tools, COMMAND_LINE, given.name)
    user = users.update(tools, COMMAND_LINE, user.id, read(UserPatch, {"enabled": given.enabled}))
    return Answer(user, f"User {user.name} is {'enabled' if user.enabled else 'disabled'}.")


def _access_token(tools: Tools, given: argparse.Namespace) -> Answer:
    user = users.named(tools, COMMAND_LINE, given.name)
    made = access_tokens.create(tools, COMMAND_LINE, read(AccessTokenFields, {"name": given.label}), user.id)
    return Answer({"token": made.token, "value": made.value}, made.value)


def _balance(tools: Tools, given: argparse.Namespace) -> Answer:
    user = users.named(tools, COMMAND_LINE, given.name)
    fields = read(credits.CreditFields, {"add": given.add, "reason": given.reason})
    user = credits.add(tools, COMMAND_LINE, user.id, fields.add, fields.reason)
    return Answer(user, f"User {user.name} has {user.balance:,} credits.")
