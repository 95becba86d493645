"""One batch's view of tokens and accounts: decides in order of arrival and remembers what to write.

Everything here happens in memory, the same for every database; ``batch.py`` loads before and saves after.
"""

from __future__ import annotations

from typing import Any

from openopen8.core.clock import MINUTE
from openopen8.core.errors import Problem
from openopen8.core.rules import admission, limits, quota
from openopen8.core.rules.admission import Ask, Grant, Holder
from openopen8.core.rules.pricing import Counts
from openopen8.core.services.ledger.bill import Bill, Progress, Settled
from openopen8.core.services.ledger.changes import Changes
from openopen8.core.services.ledger.known import Known
from openopen8.core.services.ledger.listing import Listing
from openopen8.core.services.ledger.rows import AccountRow, Counter, Held, Stopped, holder_of
from openopen8.core.services.ledger.texts import json_text, progress_text
from openopen8.core.services.responses import Kept

REFUSALS_A_MINUTE = 60
"""Refusals of one token that get an entry of their own in a minute."""


class Book:
    """The rows of one batch; lives for one transaction, its rows for as long as they are known to hold."""

    def __init__(self, known: Known, now: int, worker_id: int) -> None:
        self.known = known
        self.now = now
        self.worker_id = worker_id
        self.stopped: dict[int, Stopped] = {}
        self.changes = Changes()
        self._starts: dict[str, int] = {}

    # -- coming in ---------------------------------------------------------------------------------

    def holder(self, key_hash: str | None) -> Holder | None:
        """The token behind a key with its numbers as of this point of the batch."""
        key = self.known.keys.get(key_hash or "")
        if key is None or (key.until is not None and self.now >= key.until):
            return None
        counter, account = self.known.counters[key.token_id], self.known.accounts[key.user_id]
        holder = holder_of(*key.terms, counter.used, counter.held, counter.period_start, account.balance, account.held)
        start = self._starts.get(holder.quota_period)
        if start is None:
            start = self._starts[holder.quota_period] = quota.period_start(holder.quota_period, self.now)
        return holder if counter.period_start >= start else self._begin(key.terms, start, counter, account)

    def admit(self, ask: Ask, hold_id: int) -> Grant:
        """Decide and hold; a refusal of a known token is logged and raised."""
        holder = self.holder(ask.key_hash)
        try:
            grant = admission.decide(ask, holder, self.known.snapshot, self._window, self.now, hold_id)
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
        group = admission.terms_of(known, self.known.snapshot)
        return Listing(known, group, admission.ratio_of(known, group), self.known.snapshot)

    def _begin(self, terms: tuple[Any, ...], period: int, counter: Counter, account: AccountRow) -> Holder:
        """A new quota period: what was used in the last one counts no longer."""
        counter.used, counter.period_start = 0, period
        self.changes.counters.add(counter.token_id)
        return holder_of(*terms, 0, counter.held, period, account.balance, account.held)

    def _window(self, limit: limits.Limit) -> limits.Window:
        return self.known.windows.look(limit, self.now)

    def _hold(self, grant: Grant) -> None:
        ask, holder, amount, id = grant.ask, grant.holder, grant.hold, grant.hold_id
        token_id, user_id = holder.token_id, holder.user_id
        counter, account = self.known.counters[token_id], self.known.accounts[user_id]
        counter.held += grant.token_hold
        counter.last_used_at = self.now
        account.held += amount
        self.changes.counters.add(token_id)
        self.changes.accounts.add(user_id)
        if grant.limits:
            self.known.windows.admit(grant.limits, self.now)
        self.known.holds[id] = Held(id, token_id, user_id, amount, grant.token_hold, counter.period_start)
        facts = {"endpoint": ask.path, "stream": ask.stream, "address": ask.address if holder.log_address else ""}
        self.changes.new_holds[id] = (
            id, ask.request_id, user_id, token_id, counter.period_start, self.now, grant.group.id, ask.model,
            json_text(facts), amount, grant.token_hold, None,
        )  # fmt: skip

    def _refuse(self, ask: Ask, holder: Holder | None, problem: Problem) -> None:
        if holder is None or holder.token_deleted or holder.user_deleted:
            return
        counter, minute = self.known.counters[holder.token_id], self.now // MINUTE
        if counter.refused_minute != minute:
            counter.refused_minute, counter.refused_count = minute, 0
        counter.refused_count += 1
        self.changes.counters.add(holder.token_id)
        self._show(holder.user_id)
        if counter.refused_count > REFUSALS_A_MINUTE:
            self.changes.suppressed[holder.token_id] = self.changes.suppressed.get(holder.token_id, 0) + 1
            return
        entry = (
            self.now, ask.request_id, holder.user_id, holder.token_id, holder.group, None, ask.model, "",
            ask.path, ask.stream, *_NOTHING, problem.status, _error(f"{problem.code}: {problem.message}"),
            max(0, self.now - ask.started_at), None, 0, ask.address if holder.log_address else "", None, None,
        )  # fmt: skip
        self.changes.log.append(entry)

    # -- going out ---------------------------------------------------------------------------------

    def settle(self, bill: Bill) -> Settled:
        """Charge, log, let the hold go; the second time nothing happens."""
        grant, receipt, counts = bill.grant, bill.receipt, bill.counts
        held = self.known.holds.get(grant.hold_id)
        if held is None:
            return Settled(0, self._remaining(grant.holder))
        ask, holder = grant.ask, grant.holder
        self._close(held, receipt.credits)
        entry = (
            self.now, ask.request_id, held.user_id, held.token_id, grant.group.id, bill.channel_id or None,
            ask.model, bill.upstream_model, ask.path, ask.stream, counts.total_input, counts.total_output,
            counts.cache_read, counts.reasoning, receipt.credits, receipt.as_json(held.period_start), bill.status,
            _error(bill.error) if bill.error else "", bill.latency_ms, bill.first_token_ms, bill.retries,
            ask.address if holder.log_address else "", json_text(bill.details) if bill.details else None,
            held.period_start,
        )  # fmt: skip
        self.changes.log.append(entry)
        return Settled(receipt.credits, self._remaining(holder))

    def advance(self, hold_id: int, progress: Progress) -> None:
        """A stream's charge so far; a hold that it has outgrown grows with it."""
        held = self.known.holds.get(hold_id)
        if held is None:
            return
        credits = progress.receipt.credits
        if credits > held.amount:
            self.known.accounts[held.user_id].held += credits - held.amount
            self.changes.accounts.add(held.user_id)
            held.amount = credits
        if credits > held.token_amount:
            self.known.counters[held.token_id].held += credits - held.token_amount
            self.changes.counters.add(held.token_id)
            held.token_amount = credits
        record = progress_text(progress, held.period_start)
        row = self.changes.new_holds.get(hold_id)
        if row is None:
            self.changes.moved_holds[hold_id] = (held.amount, held.token_amount, record, hold_id)
        else:
            self.changes.new_holds[hold_id] = (*row[:-3], held.amount, held.token_amount, record)

    def interrupted(self, hold_id: int) -> bool:
        """Settle a hold whose worker died: for what the last progress says was delivered."""
        hold = self.stopped.pop(hold_id, None)
        if hold is None or hold.id in self.changes.ended_holds:
            return False
        progress = hold.progress or {}
        counts = Counts(**progress.get("counts", {}))
        receipt = progress.get("receipt")
        credits = int(receipt["credits"]) if receipt else 0
        channel_id = int(progress.get("channel_id", 0))
        held = Held(hold.id, hold.token_id, hold.user_id, hold.amount, hold.token_amount, hold.period_start)
        self._close(held, credits)
        entry = (
            self.now, hold.request_id, hold.user_id, hold.token_id, hold.group_id, channel_id or None, hold.model,
            progress.get("upstream_model", ""), hold.facts.get("endpoint", ""), bool(hold.facts.get("stream")),
            counts.total_input, counts.total_output, counts.cache_read, counts.reasoning, credits,
            json_text(receipt) if receipt else None, 200 if progress else None,
            "interrupted: the server stopped while this request was in flight", None,
            progress.get("first_token_ms"), int(progress.get("retries", 0)), hold.facts.get("address", ""), None,
            hold.period_start,
        )  # fmt: skip
        self.changes.log.append(entry)
        return True

    def keep(self, kept: Kept, before: list[str]) -> None:
        """A row for an answer; those that it goes on from begin their time anew."""
        self.changes.kept.append(kept.row())
        self.changes.kept_used += [(self.now, kept.user_id, id) for id in before]

    def beat(self) -> None:
        """This worker lives; what its windows no longer need goes."""
        self.changes.beats.append((self.now, self.worker_id))
        gone = self.known.windows.outdated(self.now)
        if gone is not None:
            self.changes.rates_end.append(gone)

    def _close(self, held: Held, credits: int) -> None:
        token_id, user_id, id = held.token_id, held.user_id, held.id
        changes, counter = self.changes, self.known.counters[token_id]
        counter.held -= held.token_amount
        counter.used_total += credits
        if held.period_start == counter.period_start:
            counter.used += credits
        changes.counters.add(token_id)
        account = self.known.accounts[user_id]
        account.held -= held.amount
        account.balance -= credits
        account.revision += 1
        changes.accounts.add(user_id)
        self.known.holds.pop(id, None)
        changes.moved_holds.pop(id, None)
        if changes.new_holds.pop(id, None) is None:
            changes.ended_holds.add(id)

    def _remaining(self, holder: Holder) -> int:
        counter, account = self.known.counters[holder.token_id], self.known.accounts[holder.user_id]
        available = account.balance - account.held
        if holder.quota is None:
            return available
        return min(holder.quota - counter.used - counter.held, available)

    def _show(self, user_id: int) -> None:
        """Open pages of this user have something new to show."""
        self.known.accounts[user_id].revision += 1
        self.changes.accounts.add(user_id)


# log rows stand in the order of ``statements.LOG_NEW``, holds in that of ``HOLDS_NEW``
_NOTHING = (0, 0, 0, 0, 0, None)
"""Tokens, credits and receipt of a refusal."""


def _error(text: str) -> str:
    return text[:1000].replace("\x00", "")
