"""What can be set on an account: by admins, and by people themselves."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr

from openopen8.core.services.forms import Credits, Form, Names, Patch, Ratio, ShortName, some_text

Role = Literal["user", "admin", "root"]
_NAME = re.compile(r"[^\W_][\w.@+-]*")
_EMAIL = re.compile(r"[^\s@\"<>(),;:\\\[\]]{1,64}@[^\s@\"<>(),;:\\\[\]]{1,190}")


def _user_name(text: str) -> str:
    text = some_text(text)
    if not _NAME.fullmatch(text):
        raise ValueError("A user name has letters, digits, and . _ @ + - after the first character.")
    return text


def _email(text: str) -> str:
    text = some_text(text)
    if not _EMAIL.fullmatch(text):
        raise ValueError("This must be an e-mail address.")
    return text


def _secret(value: object) -> object:
    return SecretStr(value) if isinstance(value, str) else value


UserName = Annotated[str, AfterValidator(_user_name), Field(max_length=64)]
Email = Annotated[str, AfterValidator(_email), Field(max_length=254)]
Password = Annotated[SecretStr, BeforeValidator(_secret, json_schema_input_type=str)]
"""A password: never shown in an error or a repr."""


class UserFields(Form):
    """An account as the admin describes it."""

    name: UserName
    password: Password | None = Field(None, description="null = nobody can log in until one is set.")
    email: Email | None = None
    role: Role = "user"
    group: ShortName | None = Field(None, description="null = the default group.")
    extra_groups: Names = Field([], description="Groups that this user's tokens may have.")
    ratio: Ratio | None = Field(None, description="Replaces the ratio of the user's own group; null = the group's.")
    balance: Credits | None = Field(None, description="Credits to begin with; null = as the settings say.")
    enabled: bool = True


class UserPatch(Patch):
    """A change of an account: absent fields stay. Password and balance have calls of their own."""

    name: UserName = ""
    email: Email | None = None
    role: Role = "user"
    group: ShortName = ""
    extra_groups: Names = Field([])
    ratio: Ratio | None = None
    enabled: bool = True


class MeFields(Patch):
    """What people change on their own account."""

    email: Email | None = None
    log_address: bool = Field(True, description="Whether the log keeps the address that requests come from.")
