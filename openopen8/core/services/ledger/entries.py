"""Balance changes that are no requests: credits given, corrections. Used inside a service's write session."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import case, update
from sqlmodel import Session, col, select

from openopen8.core.errors import Problem, invalid, not_found
from openopen8.core.models import Account, CreditEntry, LogEntry, TokenCounter
from openopen8.core.rules.pricing import MAX_CREDITS, Receipt
from openopen8.core.services.log_walk import of_request


def open_account(session: Session, user_id: int) -> None:
    """A balance of 0 for a new user."""
    session.add(Account(user_id=user_id))
    session.flush()


def open_counter(session: Session, token_id: int) -> None:
    """Numbers of 0 for a new token."""
    session.add(TokenCounter(token_id=token_id))
    session.flush()


def begin_period(session: Session, token_id: int, now: int) -> None:
    """A change of the quota period starts one now: ``used`` begins again at 0, ``used_total`` goes on."""
    # periods are told apart by their start: two that begin in one millisecond must not be one
    started = col(TokenCounter.period_start)
    start = case((started >= now, started + 1), else_=now)
    session.exec(update(TokenCounter).where(col(TokenCounter.token_id) == token_id).values(used=0, period_start=start))


def touch(session: Session, user_id: int) -> None:
    """Open pages of this user have something new to show."""
    session.exec(update(Account).where(col(Account.user_id) == user_id).values(revision=Account.revision + 1))


def lock(session: Session, users: Iterable[int], tokens: Iterable[int] = ()) -> None:
    """Lock counters, then accounts, each by id, as the ledger does: else the two could wait for each other."""
    counters = select(TokenCounter.token_id).where(col(TokenCounter.token_id).in_(set(tokens)))
    session.exec(counters.order_by(col(TokenCounter.token_id)).with_for_update()).all()
    accounts = select(Account.user_id).where(col(Account.user_id).in_(set(users)))
    session.exec(accounts.order_by(col(Account.user_id)).with_for_update()).all()


def add(session: Session, user_id: int, amount: int, kind: str, reason: str, actor: str, now: int) -> CreditEntry:
    """Give credits (or, negative, take them), with who, when and why; kinds: start, admin, top_up."""
    if amount == 0 or abs(amount) > MAX_CREDITS:
        raise invalid(f"The amount must be a whole number other than 0, at most {MAX_CREDITS:,}.", "amount")
    account = session.exec(select(Account).where(Account.user_id == user_id).with_for_update()).one_or_none()
    if account is None:
        raise not_found("The user")
    if abs(account.balance + amount) > MAX_CREDITS:
        raise invalid(f"A balance may have at most {MAX_CREDITS:,} credits.", "amount")
    _move(session, user_id, amount)
    entry = CreditEntry(user_id=user_id, amount=amount, kind=kind, reason=reason, actor=actor, time=now)
    session.add(entry)
    told = f"{amount:+,} credits: {reason}" if reason else f"{amount:+,} credits"
    session.add(LogEntry(time=now, kind="credit", user_id=user_id, credits=-amount, error=told, details={"by": actor}))
    session.flush()
    return entry


def charge(session: Session, entry: LogEntry, receipt: Receipt) -> None:
    """Charge what ran at a provider after its request was answered; ``entry`` says whose, its request id is its own.

    It counts in the quota period that the token counts now; a balance may go below 0.
    """
    assert entry.user_id is not None and entry.token_id is not None
    lock(session, [entry.user_id], [entry.token_id])
    counter = session.exec(select(TokenCounter).where(TokenCounter.token_id == entry.token_id)).one()
    entry.credits, entry.period_start = receipt.credits, counter.period_start
    entry.receipt = {**receipt.as_dict(), "period_start": counter.period_start}
    _correct_counter(session, entry.token_id, -receipt.credits, counter.period_start)
    _move(session, entry.user_id, -receipt.credits)
    session.add(entry)
    session.flush()


def correct(session: Session, request_id: str, credits: int, reason: str, actor: str, now: int) -> LogEntry:
    """Give ``credits`` of a charged request back: lowers ``used``, raises the balance, names the request.

    At most what the request still costs after earlier corrections.
    """
    charge = next((entry for entry in of_request(session, request_id) if entry.kind == "request"), None)
    if charge is None or charge.user_id is None or charge.token_id is None:
        raise not_found("The request")
    # these locks also keep two corrections of one request apart
    lock(session, [charge.user_id], [charge.token_id])
    given = [entry.credits for entry in of_request(session, request_id) if entry.kind == "correction"]
    rest = charge.credits + sum(given)
    if not 1 <= credits <= rest:
        raise Problem(400, "invalid_request", f"A correction of this request can be 1 to {rest:,} credits.", "credits")
    period = charge.period_start or 0
    _correct_counter(session, charge.token_id, credits, period)
    _move(session, charge.user_id, credits)
    entry = LogEntry(
        time=now,
        kind="correction",
        request_id=request_id,
        user_id=charge.user_id,
        token_id=charge.token_id,
        group_id=charge.group_id,
        channel_id=charge.channel_id,
        model=charge.model,
        credits=-credits,
        error=reason[:1000],
        details={"by": actor},
        period_start=period,
    )
    session.add(entry)
    session.flush()
    return entry


def _move(session: Session, user_id: int, amount: int) -> None:
    session.exec(
        update(Account)
        .where(col(Account.user_id) == user_id)
        .values(balance=Account.balance + amount, revision=Account.revision + 1)
    )


def _correct_counter(session: Session, token_id: int, credits: int, period: int) -> None:
    counter = session.exec(select(TokenCounter).where(TokenCounter.token_id == token_id).with_for_update()).one()
    counter.used_total -= credits
    if counter.period_start == period:
        counter.used -= credits
    session.add(counter)
    session.flush()
