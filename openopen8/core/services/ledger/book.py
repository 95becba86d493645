"""One batch's view of tokens and accounts: decides in order of arrival and remembers what to write.

Everything here happens in memory, the same for every database; ``batch.py`` loads before and saves after.
"""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

from openopen8.core.clock import MINUTE
from openopen8.core.errors import Problem
from openopen8.core.rules import admission, limits, quota
from openopen8.core.rules.admission import Ask, Grant, Holder
from openopen8.core.rules.pricing import Counts
from openopen8.core.rules.snapshot import Snapshot
from openopen8.core.services.ledger.bill import Bill, Progress, Settled
from openopen8.core.services.ledger.items import AccountRow, Changes, Counter, HoldRow, Listing

REFUSALS_A_MINUTE = 60
"""Refusals of one token that get an entry of their own in a minute."""


class Book:
    """The rows of one batch; mutable, lives for one transaction."""

    def __init__(self, snapshot: Snapshot, now: int, worker_id: int) -> None:
        self.snapshot = snapshot
        self.now = now
        self.worker_id = worker_id
        self.holders: dict[str, Holder] = {}
        self.counters: dict[int, Counter] = {}
        self.accounts: dict[int, AccountRow] = {}
        self.holds: dict[str, HoldRow] = {}
        self.windows: dict[str, limits.Window] = {}
        self.changes = Changes()

    # -- coming in ---------------------------------------------------------------------------------

    def holder(self, key_hash: str | None) -> Holder | None:
        """The token behind a key with its numbers as of this point of the batch."""
        row = self.holders.get(key_hash or "")
        if row is None:
            return None
        counter, account = self._counter_now(row), self.accounts[row.user_id]
        return replace(
            row,
            used=counter.used,
            held=counter.held,
            period_start=counter.period_start,
            balance=account.balance,
            user_held=account.held,
        )

    def admit(self, ask: Ask) -> Grant:
        """Decide and hold; a refusal of a known token is logged and raised."""
        holder = self.holder(ask.key_hash)
        try:
            grant = admission.decide(ask, holder, self.snapshot, self._window, self.now)
        except Problem as problem:
            self._refuse(ask, holder, problem)
            raise
        self._hold(grant)
        return grant

    def knock(self, ask: Ask) -> Holder:
        """Key, user and address only."""
        holder = self.holder(ask.key_hash)
        try:
            known = admission.check_key(holder, self.now)
            admission.check_address(known, ask.address)
        except Problem as problem:
            self._refuse(ask, holder, problem)
            raise
        return known

    def identify(self, ask: Ask) -> Listing:
        """Who looks at a list or its balance; nothing is written."""
        known = admission.check_key(self.holder(ask.key_hash), self.now)
        admission.check_address(known, ask.address)
        group = admission.terms_of(known, self.snapshot)
        return Listing(known, group, admission.ratio_of(known, group), self.snapshot)

    def _counter_now(self, holder: Holder) -> Counter:
        counter = self.counters[holder.token_id]
        period = quota.current_period(holder.quota_period, counter.period_start, self.now)
        if period != counter.period_start:
            counter.used, counter.period_start = 0, period
            self.changes.counters.add(counter.token_id)
        return counter

    def _window(self, limit: limits.Limit) -> limits.Window:
        return self.windows.get(limit.scope) or limits.Window()

    def _hold(self, grant: Grant) -> None:
        ask, holder = grant.ask, grant.holder
        counter, account = self.counters[holder.token_id], self.accounts[holder.user_id]
        counter.held += grant.hold
        counter.last_used_at = self.now
        account.held += grant.hold
        self._changed(holder.token_id, holder.user_id)
        for limit in grant.limits:
            window = self._window(limit)
            self.windows[limit.scope] = limits.Window(window.count + 1, window.oldest or self.now)
            key = (limit.scope, self.now)
            self.changes.rates[key] = self.changes.rates.get(key, 0) + 1
        facts = {"endpoint": ask.path, "stream": ask.stream, "address": ask.address if holder.log_address else ""}
        row = HoldRow(
            ask.request_id,
            self.worker_id,
            holder.user_id,
            holder.token_id,
            grant.hold,
            counter.period_start,
            self.now,
            grant.group.id,
            format(grant.ratio, "f"),
            grant.price.id,
            ask.model,
            facts,
            None,
        )
        self.holds[ask.request_id] = row
        self.changes.new_holds[ask.request_id] = (*row[:11], json.dumps(facts))

    def _refuse(self, ask: Ask, holder: Holder | None, problem: Problem) -> None:
        if holder is None or holder.token_deleted or holder.user_deleted:
            return
        counter, minute = self.counters[holder.token_id], self.now // MINUTE
        if counter.refused_minute != minute:
            counter.refused_minute, counter.refused_count = minute, 0
        counter.refused_count += 1
        self.changes.counters.add(holder.token_id)
        self._show(holder.user_id)
        if counter.refused_count > REFUSALS_A_MINUTE:
            self.changes.suppressed[holder.token_id] = self.changes.suppressed.get(holder.token_id, 0) + 1
            return
        self._log(
            request_id=ask.request_id,
            user_id=holder.user_id,
            token_id=holder.token_id,
            group_id=holder.group,
            model=ask.model,
            endpoint=ask.path,
            stream=ask.stream,
            status=problem.status,
            error=f"{problem.code}: {problem.message}",
            latency_ms=max(0, self.now - ask.started_at),
            address=ask.address if holder.log_address else "",
        )

    # -- going out ---------------------------------------------------------------------------------

    def settle(self, bill: Bill) -> Settled:
        """Charge, log, let the hold go; the second time nothing happens."""
        hold = self.holds.get(bill.grant.ask.request_id)
        if hold is None:
            return Settled(0, self._remaining(bill.grant.holder))
        counts, ask = bill.counts, bill.grant.ask
        self._close(hold, bill.receipt.credits)
        self._log(
            **self._of_hold(hold),
            **_tokens(counts),
            channel_id=bill.channel_id or None,
            upstream_model=bill.upstream_model,
            endpoint=ask.path,
            stream=ask.stream,
            credits=bill.receipt.credits,
            receipt=_json({**bill.receipt.as_dict(), "period_start": hold.period_start}),
            status=bill.status,
            error=bill.error,
            latency_ms=bill.latency_ms,
            first_token_ms=bill.first_token_ms,
            retries=bill.retries,
            details=_json(bill.details),
        )
        return Settled(bill.receipt.credits, self._remaining(bill.grant.holder))

    def advance(self, request_id: str, progress: Progress) -> None:
        """A stream's charge so far; a hold that it has outgrown grows with it."""
        hold = self.holds.get(request_id)
        if hold is None:
            return
        amount = max(hold.amount, progress.receipt.credits)
        record = {
            "counts": {name: getattr(progress.counts, name) for name in Counts.__slots__},
            "receipt": {**progress.receipt.as_dict(), "period_start": hold.period_start},
            "channel_id": progress.channel_id,
            "upstream_model": progress.upstream_model,
            "first_token_ms": progress.first_token_ms,
            "retries": progress.retries,
        }
        if amount != hold.amount:
            self.counters[hold.token_id].held += amount - hold.amount
            self.accounts[hold.user_id].held += amount - hold.amount
            self._changed(hold.token_id, hold.user_id)
        self.holds[request_id] = hold._replace(amount=amount, progress=record)
        self.changes.moved_holds[request_id] = (amount, _json(record))

    def interrupted(self, request_id: str) -> bool:
        """Settle a hold whose worker died: for what the last progress says was delivered."""
        hold = self.holds.get(request_id)
        if hold is None:
            return False
        progress = hold.progress or {}
        counts = Counts(**progress.get("counts", {}))
        receipt = progress.get("receipt")
        credits = int(receipt["credits"]) if receipt else 0
        channel_id = int(progress.get("channel_id", 0))
        self._close(hold, credits)
        self._log(
            **self._of_hold(hold),
            **_tokens(counts),
            channel_id=channel_id or None,
            upstream_model=progress.get("upstream_model", ""),
            endpoint=hold.facts.get("endpoint", ""),
            stream=bool(hold.facts.get("stream")),
            credits=credits,
            receipt=_json(receipt) if receipt else None,
            status=200 if progress else None,
            error="interrupted: the server stopped while this request was in flight",
            latency_ms=None,
            first_token_ms=progress.get("first_token_ms"),
            retries=int(progress.get("retries", 0)),
        )
        return True

    def _close(self, hold: HoldRow, credits: int) -> None:
        counter, account = self.counters[hold.token_id], self.accounts[hold.user_id]
        counter.held -= hold.amount
        counter.used_total += credits
        if hold.period_start == counter.period_start:
            counter.used += credits
        account.held -= hold.amount
        account.balance -= credits
        self._changed(hold.token_id, hold.user_id)
        self._show(hold.user_id)
        self._end(hold.request_id)

    def _end(self, request_id: str) -> None:
        del self.holds[request_id]
        self.changes.moved_holds.pop(request_id, None)
        if self.changes.new_holds.pop(request_id, None) is None:
            self.changes.ended_holds.add(request_id)

    def _of_hold(self, hold: HoldRow) -> dict[str, Any]:
        return {
            "request_id": hold.request_id,
            "user_id": hold.user_id,
            "token_id": hold.token_id,
            "group_id": hold.group_id,
            "model": hold.model,
            "address": hold.facts.get("address", ""),
            "period_start": hold.period_start,
        }

    def _remaining(self, holder: Holder) -> int:
        counter, account = self.counters[holder.token_id], self.accounts[holder.user_id]
        available = account.balance - account.held
        if holder.quota is None:
            return available
        return min(holder.quota - counter.used - counter.held, available)

    def _changed(self, token_id: int, user_id: int) -> None:
        self.changes.counters.add(token_id)
        self.changes.accounts.add(user_id)

    def _show(self, user_id: int) -> None:
        """Open pages of this user have something new to show."""
        self.accounts[user_id].revision += 1
        self.changes.accounts.add(user_id)

    def _log(self, **values: Any) -> None:
        row = {**_EMPTY_ENTRY, "time": self.now, **values}
        row["error"] = row["error"][:1000].replace("\x00", "")
        self.changes.log.append(tuple(row.values()))


_EMPTY_ENTRY: dict[str, Any] = {
    "time": 0,
    "kind": "request",
    "request_id": "",
    "user_id": None,
    "token_id": None,
    "group_id": None,
    "channel_id": None,
    "model": "",
    "upstream_model": "",
    "endpoint": "",
    "stream": False,
    "input_tokens": 0,
    "output_tokens": 0,
    "cached_tokens": 0,
    "reasoning_tokens": 0,
    "credits": 0,
    "receipt": None,
    "status": None,
    "error": "",
    "latency_ms": None,
    "first_token_ms": None,
    "retries": 0,
    "address": "",
    "suppressed": 0,
    "details": None,
    "period_start": None,
}
"""In the order of the columns of ``statements.LOG_NEW``."""


def _tokens(counts: Counts) -> dict[str, int]:
    return {
        "input_tokens": counts.total_input,
        "output_tokens": counts.total_output,
        "cached_tokens": counts.cache_read,
        "reasoning_tokens": counts.reasoning,
    }


def _json(value: Any) -> str | None:
    return json.dumps(value) if value else None


def holder_of(row: Any) -> Holder:
    """A row of ``statements.TOKENS`` as a Holder; its counters are filled in by the book."""
    return Holder(
        token_id=row[3],
        hint=row[4],
        user_id=row[5],
        user_enabled=bool(row[6]),
        user_deleted=row[7] is not None,
        role=row[8],
        own_group=row[9],
        extra_groups=tuple(json.loads(row[10])),
        user_ratio=None if row[11] is None else Decimal(row[11]),
        log_address=bool(row[12]),
        token_deleted=row[13] is not None,
        enabled=bool(row[14]),
        expires_at=row[15],
        quota=row[16],
        quota_period=row[17],
        allowed_models=tuple(json.loads(row[18])),
        ip_whitelist=tuple(json.loads(row[19])),
        group_id=row[20],
        rate_limit=row[21],
        used=0,
        held=0,
        period_start=0,
        balance=0,
        user_held=0,
    )
