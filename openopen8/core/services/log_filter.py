"""Which entries of the log somebody wants to see, checked against what the actor may see."""

from __future__ import annotations

from dataclasses import dataclass

from sqlmodel import Session, col, select

from openopen8.core.errors import Problem, invalid
from openopen8.core.models import Group, Token
from openopen8.core.models.usage_sum import CODES
from openopen8.core.rules.roles import Actor
from openopen8.core.services.forms import check_text
from openopen8.core.services.log_sought import ANY_STATUS, EVER, Sought
from openopen8.core.services.page import LARGEST_ID

KINDS: tuple[str, ...] = ("request", *CODES)


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Empty values filter nothing. ``from_ms`` ≤ time < ``to_ms``.

    ``status`` is a number, ``ok`` (below 400) or ``error`` (the rest); ``user_id``, ``channel_id``
    and ``group`` (a name) are for admins.
    """

    token_id: int | None = None
    model: str = ""
    from_ms: int | None = None
    to_ms: int | None = None
    status: str = ""
    request_id: str = ""
    user_id: int | None = None
    channel_id: int | None = None
    group: str = ""
    kind: str = ""


def sought(session: Session, actor: Actor, wanted: LogFilter) -> Sought:
    """What ``wanted`` means, bound to what the actor may see."""
    low, high = _codes(wanted)
    ids = {name: _id(wanted, name) for name in ("token_id", "user_id", "channel_id")}
    if not actor.is_admin:
        if ids["user_id"] not in (None, actor.user_id) or ids["channel_id"] is not None or wanted.group:
            raise Problem(403, "admin_only", "Only an admin may filter by user, channel or group.")
        ids["user_id"] = actor.user_id
    owner = session.exec(select(Token.user_id).where(Token.id == ids["token_id"])).first() if ids["token_id"] else None
    if owner is not None:
        # no id is 0: another user's token has nothing for this one
        ids["user_id"] = owner if ids["user_id"] in (None, owner) else 0
    return Sought(
        **ids,
        owned=owner is not None,
        model=check_text(wanted.model, "model", 256),
        request_id=check_text(wanted.request_id, "request_id", 64),
        group_id=_group(session, wanted.group[:64]) if wanted.group else None,
        low=low,
        high=high,
        since=max(wanted.from_ms or 0, 0),
        until=EVER if wanted.to_ms is None else min(max(wanted.to_ms, 0), EVER),
    )


def _group(session: Session, name: str) -> int:
    found = session.exec(select(Group.id).where(col(Group.name) == name)).first()
    if found is None:
        raise invalid(f"There is no group {name!r}.", "group")
    return found


def _id(wanted: LogFilter, name: str) -> int | None:
    value: int | None = getattr(wanted, name)
    if value is not None and not 0 <= value <= LARGEST_ID:
        raise invalid(f"{name} must be an id.", name)
    return value


def _codes(wanted: LogFilter) -> tuple[int, int]:
    """The range of codes that kind and status leave; only requests have a status."""
    if wanted.kind and wanted.kind not in KINDS:
        raise invalid(f"kind must be one of {', '.join(KINDS)}.", "kind")
    of_status = _statuses(wanted.status)
    if wanted.kind in CODES:
        return (CODES[wanted.kind], CODES[wanted.kind]) if of_status is None else (0, -1)
    if of_status is not None:
        return of_status
    return (0 if wanted.kind else ANY_STATUS[0]), ANY_STATUS[1]


def _statuses(status: str) -> tuple[int, int] | None:
    if not status:
        return None
    if status == "ok":
        return 1, 399
    if status == "error":
        return 400, ANY_STATUS[1]
    if not (status.isascii() and status.isdigit() and 100 <= int(status[:4]) <= 999 and len(status) == 3):
        raise invalid("status must be an HTTP status, ok or error.", "status")
    return int(status), int(status)
