"""On what terms an answer that is made in the background will be charged, by whichever worker sees its end."""

from __future__ import annotations

from decimal import Decimal

import msgspec

from openopen8.core.rules.admission import Ask, Grant, Holder
from openopen8.core.rules.pricing import UNPRICED, Price, price_at
from openopen8.core.rules.routing import Candidates
from openopen8.core.rules.snapshot import GroupTerms, Snapshot


class Terms(msgspec.Struct, frozen=True):
    """What of a grant the charge and its log entry need."""

    request_id: str
    path: str
    model: str
    upstream_model: str
    stream: bool
    address: str
    log_address: bool
    started_at: int
    group_id: int
    ratio: Decimal
    price_id: int
    token_id: int
    user_id: int
    quota: int | None
    hold_id: int
    channel_id: int
    input_tokens: int = 0

    @property
    def retries(self) -> int:
        """Of the request; its log entry, which is written when it is over, does not tell them."""
        return 0

    def sealed(self) -> bytes:
        """For the row."""
        return msgspec.json.encode(self)


opened = msgspec.json.Decoder(Terms).decode


def terms_of(grant: Grant, channel_id: int, upstream_model: str) -> Terms:
    """The terms of an admitted request."""
    ask, holder = grant.ask, grant.holder
    return Terms(
        ask.request_id, ask.path, ask.model, upstream_model, ask.stream, ask.address, holder.log_address,
        ask.started_at, grant.group.id, grant.ratio, grant.price.id, holder.token_id, holder.user_id, holder.quota,
        grant.hold_id, channel_id, ask.input_tokens,
    )  # fmt: skip


def grant_of(terms: Terms, snapshot: Snapshot, now: int) -> Grant:
    """The grant again, as far as settling needs it."""
    ask = Ask(terms.request_id, None, terms.address, terms.started_at, terms.path)
    ask = msgspec.structs.replace(ask, model=terms.model, stream=terms.stream, input_tokens=terms.input_tokens)
    group = snapshot.groups.get(terms.group_id) or GroupTerms(terms.group_id, "", terms.ratio, False, None)
    return Grant(
        ask=ask,
        holder=_holder(terms),
        group=group,
        ratio=terms.ratio,
        price=_price(terms, snapshot, now),
        hold=0,
        token_hold=0,
        limits=(),
        providers=Candidates(),
        options=snapshot.options,
        admitted_at=terms.started_at,
        hold_id=terms.hold_id,
    )


def _price(terms: Terms, snapshot: Snapshot, now: int) -> Price:
    """The row of the admission; where it has been deleted meanwhile, the one that holds now."""
    rows = snapshot.prices.get(terms.model, ())
    return next((row for row in rows if row.id == terms.price_id), None) or price_at(rows, now) or UNPRICED


def _holder(terms: Terms) -> Holder:
    return Holder(
        token_id=terms.token_id, hint="", user_id=terms.user_id, user_enabled=True, user_deleted=False, role="user",
        own_group=terms.group_id, extra_groups=(), user_ratio=None, log_address=terms.log_address,
        token_deleted=False, enabled=True, expires_at=None, quota=terms.quota, quota_period="none",
        allowed_models=(), ip_whitelist=(), group_id=None, rate_limit=None, used=0, held=0, period_start=0,
        balance=0, user_held=0,
    )  # fmt: skip
