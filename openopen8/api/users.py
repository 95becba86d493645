"""Users, for admins: accounts, passwords, balances."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import Response

from openopen8.api.answers import answer, nothing, page_of, schema_of, tells
from openopen8.api.body import StrictRoute
from openopen8.api.caller import Admin, With
from openopen8.api.query import Id, PageQuery, SearchQuery, Word
from openopen8.core.services import credits, users
from openopen8.core.services.credits import CreditFields, CreditView
from openopen8.core.services.forms import Form
from openopen8.core.services.user_fields import Password
from openopen8.core.services.users import UserFields, UserPatch, UserView

router = APIRouter(prefix="/api/users", tags=["users"], route_class=StrictRoute)


class UsersQuery(SearchQuery):
    """Which users."""

    sort: Word = "-created_at"
    role: Literal["", "user", "admin", "root"] = ""


class NewPassword(Form):
    """A password that an admin sets."""

    password: Password


@router.get("", summary="List users", **tells(page_of(UserView)))
def find(tools: With, actor: Admin, query: Annotated[UsersQuery, Query()]) -> Response:
    return answer(users.find(tools, actor, query.search, query.sort, query.page, query.page_size, query.role))


@router.post("", summary="Make an account", **tells(schema_of(UserView), 201))
def create(tools: With, actor: Admin, fields: UserFields) -> Response:
    return answer(users.create(tools, actor, fields), 201)


@router.get("/{id}", summary="One user", **tells(schema_of(UserView)))
def get(tools: With, actor: Admin, id: Id) -> Response:
    return answer(users.get(tools, actor, id))


@router.patch("/{id}", summary="Change an account", **tells(schema_of(UserView)))
def update(tools: With, actor: Admin, id: Id, patch: UserPatch) -> Response:
    return answer(users.update(tools, actor, id, patch))


@router.delete("/{id}", summary="Delete an account with its tokens", **tells(None, 204))
def delete(tools: With, actor: Admin, id: Id) -> Response:
    users.delete(tools, actor, id)
    return nothing()


@router.post("/{id}/password", summary="Set a password; ends the user's sessions", **tells(None, 204))
def set_password(tools: With, actor: Admin, id: Id, fields: NewPassword) -> Response:
    users.set_password(tools, actor, id, fields.password.get_secret_value())
    return nothing()


@router.post("/{id}/balance", summary="Give or take credits", **tells(schema_of(UserView), 201))
def add_balance(tools: With, actor: Admin, id: Id, fields: CreditFields) -> Response:
    return answer(credits.add(tools, actor, id, fields.add, fields.reason), 201)


@router.get("/{id}/balance", summary="Changes of a balance that are no charges", **tells(page_of(CreditView)))
def balance(tools: With, actor: Admin, id: Id, query: Annotated[PageQuery, Query()]) -> Response:
    return answer(credits.find(tools, actor, id, query.page, query.page_size))
