"""The caller's own account: balance, password, access tokens, sessions, and what tokens may be made of."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from openopen8.api.answers import (
    answer,
    created_schema,
    list_of,
    listed,
    nothing,
    page_of,
    schema_of,
    tells,
    with_value,
)
from openopen8.api.body import StrictRoute
from openopen8.api.caller import Caller, SessionHash, With
from openopen8.api.query import Id, PageQuery, Word
from openopen8.api.query import Query as Names
from openopen8.core.services import access_tokens, credits, sessions, tokens, users
from openopen8.core.services.access_tokens import AccessTokenFields, AccessTokenView
from openopen8.core.services.credits import CreditView
from openopen8.core.services.forms import Form
from openopen8.core.services.sessions import SessionView
from openopen8.core.services.tokens import GroupChoice, ModelChoice
from openopen8.core.services.user_fields import Password
from openopen8.core.services.users import MeFields, UserView

router = APIRouter(prefix="/api", tags=["me"], route_class=StrictRoute)


class PasswordChange(Form):
    """The current password and the new one."""

    old_password: Password
    new_password: Password


class GroupQuery(Names):
    """In which group."""

    group: Word | None = None


@router.get("/me", summary="The caller's account", **tells(schema_of(UserView)))
def get(tools: With, actor: Caller) -> Response:
    return answer(users.me(tools, actor))


@router.patch("/me", summary="Change the own account", **tells(schema_of(UserView)))
def update(tools: With, actor: Caller, patch: MeFields) -> Response:
    return answer(users.update_me(tools, actor, patch))


@router.post("/me/password", summary="Change the password; ends the other sessions", **tells(None, 204))
def change_password(tools: With, actor: Caller, fields: PasswordChange, session: SessionHash) -> Response:
    old, new = fields.old_password.get_secret_value(), fields.new_password.get_secret_value()
    users.change_own_password(tools, actor, old, new, session)
    return nothing()


@router.get("/me/credits", summary="Changes of the balance that are no charges", **tells(page_of(CreditView)))
def own_credits(tools: With, actor: Caller, query: Annotated[PageQuery, Query()]) -> Response:
    return answer(credits.find(tools, actor, None, query.page, query.page_size))


@router.get("/me/groups", summary="Groups that tokens may have", **tells(list_of(GroupChoice)))
def own_groups(tools: With, actor: Caller) -> Response:
    return listed(tokens.usable_groups(tools, actor))


@router.get("/me/models", summary="Models that tokens of a group can call", **tells(list_of(ModelChoice)))
def own_models(tools: With, actor: Caller, query: Annotated[GroupQuery, Query()]) -> Response:
    return listed(tokens.models_for(tools, actor, query.group or None))


@router.get("/access-tokens", summary="Personal access tokens", **tells(list_of(AccessTokenView)))
def find_access(tools: With, actor: Caller) -> Response:
    return listed(access_tokens.find(tools, actor))


@router.post(
    "/access-tokens", summary="A new one; the value is shown only here", **tells(created_schema(AccessTokenView), 201)
)
def create_access(tools: With, actor: Caller, fields: AccessTokenFields) -> Response:
    made = access_tokens.create(tools, actor, fields)
    return with_value(made.token, made.value)


@router.delete("/access-tokens/{id}", summary="Delete one", **tells(None, 204))
def delete_access(tools: With, actor: Caller, id: Id) -> Response:
    access_tokens.delete(tools, actor, id)
    return nothing()


@router.get("/sessions", summary="Where the caller is logged in", **tells(list_of(SessionView)))
def find_sessions(tools: With, actor: Caller, session: SessionHash) -> Response:
    return listed(sessions.find(tools, actor, session))


@router.delete("/sessions/{id}", summary="End one session", **tells(None, 204))
def end_session(tools: With, actor: Caller, id: Annotated[str, Path(pattern=r"^[0-9a-f]{16}$")]) -> Response:
    sessions.end_one(tools, actor, id)
    return nothing()
