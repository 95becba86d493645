"""What a reader of the log wants to see, and how the page's address says it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from urllib.parse import urlencode

from openopen8.core.clock import DAY, HOUR, MINUTE, to_ms, to_rfc3339
from openopen8.core.services.logs import LogFilter

SPANS = ("15m", "1h", "today", "7d", "all", "custom")
STATUSES = ("", "ok", "error", "400", "401", "403", "429", "499", "502", "503", "504")
KINDS = ("request", "all", "correction", "credit", "admin", "login")
"""What the selects offer; anything else in an address counts as the default."""


@dataclass(frozen=True)
class Wish:
    """The filter as the address has it: texts; ``since`` and ``until`` are RFC 3339 and belong to ``custom``."""

    token: str = ""
    model: str = ""
    span: str = "7d"
    since: str = ""
    until: str = ""
    status: str = ""
    kind: str = "request"
    user: str = ""
    request: str = ""


NAMES = tuple(field.name for field in fields(Wish))
CHOOSABLE = ("token", "model", "span", "status", "kind", "user")


def read(query: Mapping[str, str]) -> Wish:
    """The wish behind an address's query; unknown names and impossible values are dropped."""
    return checked(Wish(**{name: str(query[name])[:256] for name in NAMES if query.get(name)}))


def checked(wish: Wish) -> Wish:
    """``wish`` with defaults in the place of impossible values."""
    custom = wish.span == "custom"
    return Wish(
        token=wish.token if wish.token.isdecimal() and len(wish.token) < 16 else "",
        model=wish.model,
        span=wish.span if wish.span in SPANS else "7d",
        since=wish.since if custom and moment(wish.since) is not None else "",
        until=wish.until if custom and moment(wish.until) is not None else "",
        status=wish.status if wish.status in STATUSES else "",
        kind=wish.kind if wish.kind in KINDS else "request",
        user=wish.user if wish.user.isdecimal() and len(wish.user) < 16 else "",
        request=wish.request.strip()[:40],
    )


def fault(since: int | None, until: int | None) -> str:
    """What is wrong with a custom span, as a key of the catalogue; empty when nothing is."""
    if since is None and until is None:
        return "half_time"
    return "bad_time" if since is not None and until is not None and since >= until else ""


def address(wish: Wish, page: int = 1) -> str:
    """The page's address with everything that differs from the default."""
    plain = asdict(Wish())
    changed = {name: value for name, value in asdict(wish).items() if value != plain[name]}
    if page > 1:
        changed["page"] = str(page)
    return f"/logs?{urlencode(changed)}" if changed else "/logs"


def moment(text: str) -> int | None:
    """RFC 3339 with a zone as ms; None for anything else."""
    try:
        parsed = datetime.fromisoformat(text)
        return to_ms(parsed) if parsed.tzinfo and 1970 <= parsed.year <= 9998 else None
    except ValueError:
        return None


def bounds(wish: Wish, now: int) -> tuple[int | None, int | None]:
    """from ≤ time < to in ms; a search for one request looks through all times."""
    if wish.request:
        return None, None
    if wish.span == "custom":
        return moment(wish.since), moment(wish.until)
    starts = {"15m": now - 15 * MINUTE, "1h": now - HOUR, "today": now - now % DAY, "7d": now - 7 * DAY}
    return starts.get(wish.span), None


def wanted(wish: Wish, now: int) -> LogFilter:
    """The wish as the log service takes it."""
    since, until = bounds(wish, now)
    return LogFilter(
        token_id=int(wish.token) if wish.token else None,
        model=wish.model,
        from_ms=since,
        to_ms=until,
        status=wish.status,
        request_id=wish.request,
        user_id=int(wish.user) if wish.user else None,
        kind="" if wish.kind == "all" else wish.kind,
    )


def csv_address(wish: Wish, now: int) -> str:
    """Where the same entries are as CSV."""
    since, until = bounds(wish, now)
    query = {
        "token_id": wish.token,
        "model": wish.model,
        "from": to_rfc3339(since) if since else "",
        "to": to_rfc3339(until) if until else "",
        "status": wish.status,
        "request_id": wish.request,
        "user_id": wish.user,
        "kind": "" if wish.kind == "all" else wish.kind,
    }
    kept = {name: value for name, value in query.items() if value}
    return f"/api/logs.csv?{urlencode(kept)}" if kept else "/api/logs.csv"
