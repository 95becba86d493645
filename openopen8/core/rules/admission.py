"""May this request come in, and on what terms? The one place that knows the order of refusals."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from operator import itemgetter

import msgspec

from openopen8.core.errors import Problem
from openopen8.core.rules import access, limits, quota, routing, suffixes
from openopen8.core.rules.options import Options
from openopen8.core.rules.pricing import UNPRICED, Price, price_at
from openopen8.core.rules.snapshot import GroupTerms, Snapshot
from openopen8.core.rules.units import hold_of


class CountFirst(Exception):
    """The hold would hang on a number that is only extrapolated: count everything and ask again."""


class Ask(msgspec.Struct, frozen=True):
    """What a request asks for, as far as admission needs to know."""

    request_id: str
    key_hash: str | None
    """Keyed hash of the credential; None when none, several or a malformed one was sent."""
    address: str
    started_at: int
    path: str = ""
    endpoint: str = "chat"
    model: str = ""
    stream: bool = False
    input_tokens: int = 0
    max_output: int | None = None
    n: int = 1
    sampled: bool = False
    """``input_tokens`` is extrapolated from a part of the text."""
    free: bool = False
    """Never charged, whatever the price."""
    units: dict[str, int] = {}
    """What is asked for beside tokens (``images``, ``characters``, …), as far as it is known beforehand."""
    problem: Problem | None = None
    """What is wrong with the body: judged in its place, after key and address."""


class Holder(msgspec.Struct, frozen=True, gc=False):
    """A token with its user, as the admission transaction read them; counters include the batch so far."""

    token_id: int
    hint: str
    user_id: int
    user_enabled: bool
    user_deleted: bool
    role: str
    own_group: int
    extra_groups: tuple[int, ...]
    user_ratio: Decimal | None
    log_address: bool
    token_deleted: bool
    enabled: bool
    expires_at: int | None
    quota: int | None
    quota_period: str
    allowed_models: tuple[str, ...]
    ip_whitelist: tuple[str, ...]
    group_id: int | None
    rate_limit: int | None
    used: int
    held: int
    period_start: int
    """Start of the period that counts now."""
    balance: int
    user_held: int

    @property
    def group(self) -> int:
        """The effective group: the token's, else the user's."""
        return self.own_group if self.group_id is None else self.group_id

    @property
    def left(self) -> int | None:
        """Credits of the quota that are neither used nor held; None = no limit."""
        return None if self.quota is None else self.quota - self.used - self.held

    @property
    def available(self) -> int:
        """Credits of the balance that are not held."""
        return self.balance - self.user_held


class Grant(msgspec.Struct, frozen=True, gc=False):
    """An admitted request: on whose account, at which price and ratio, held for how much."""

    ask: Ask
    holder: Holder
    group: GroupTerms
    ratio: Decimal
    price: Price
    hold: int
    """Credits held of the balance."""
    token_hold: int
    """Credits held of the token's quota: the whole estimate, even where less is left."""
    limits: tuple[limits.Limit, ...]
    providers: routing.Candidates
    options: Options
    admitted_at: int
    rate_headers: dict[str, str] = {}
    hold_id: int = 0
    """Of the row in ``holds``."""


_ROOM = itemgetter(1)
Windows = Callable[[limits.Limit], limits.Window]


def check_key(holder: Holder | None, now: int) -> Holder:
    """Known, not deleted, enabled, not expired, of an enabled user; else a 401 or 403."""
    if holder is None or holder.token_deleted or holder.user_deleted:
        raise access.bad_credential()
    if not holder.enabled:
        raise Problem(401, "token_disabled", f"Token {holder.hint} is disabled. Enable it on the Tokens page.")
    if holder.expires_at is not None and now >= holder.expires_at:
        raise Problem(401, "token_expired", f"Token {holder.hint} has expired. Set a later expiry date or none.")
    if not holder.user_enabled:
        raise Problem(403, "user_disabled", f"The account of token {holder.hint} is disabled. Ask your admin.")
    return holder


def check_address(holder: Holder, address: str) -> None:
    """The whitelist of the token, if it has one."""
    if not access.address_allowed(address, holder.ip_whitelist):
        raise Problem(
            403,
            "ip_not_allowed",
            f"Token {holder.hint} may not be used from {address}. Add the address to its IP whitelist.",
        )


def terms_of(holder: Holder, snapshot: Snapshot) -> GroupTerms:
    """The effective group, checked anew for each request."""
    group = snapshot.groups.get(holder.group)
    if group is None:
        raise Problem(
            403, "group_not_allowed", f"The group of token {holder.hint} no longer exists. Choose another one."
        )
    if not access.may_use_group(group.id, group.selectable, holder.own_group, holder.extra_groups, holder.role):
        raise Problem(
            403,
            "group_not_allowed",
            f"Token {holder.hint} may not use group {group.name!r}. Choose another group, or ask your admin.",
        )
    return group


def ratio_of(holder: Holder, group: GroupTerms) -> Decimal:
    """The group's ratio; a user's own one replaces that of the user's own group only."""
    if holder.user_ratio is not None and group.id == holder.own_group:
        return holder.user_ratio
    return group.ratio


def bounds_of(ask: Ask, holder: Holder, snapshot: Snapshot) -> tuple[limits.Limit, ...]:
    """The rate limits that a request of this token would meet."""
    group = snapshot.groups.get(holder.group)
    by_model = snapshot.options.user_model_rate_limit
    if by_model is None and holder.rate_limit is None and (group is None or group.rate_limit is None):
        return ()
    return limits.limits_of(
        holder.user_id,
        ask.model,
        by_model,
        holder.group,
        group.rate_limit if group else None,
        holder.token_id,
        holder.rate_limit,
    )


def decide(ask: Ask, holder: Holder | None, snapshot: Snapshot, windows: Windows, now: int, hold_id: int = 0) -> Grant:
    """Admit ``ask`` or raise the first Problem that applies, in the order of the specification.

    Raises CountFirst where a sampled number of tokens is too coarse to decide by.
    """
    holder = check_key(holder, now)
    check_address(holder, ask.address)
    if ask.problem is not None:
        raise ask.problem.again()
    group = terms_of(holder, snapshot)
    ask = _meant(ask, snapshot)
    _check_model(ask, holder)
    providers = _providers(ask, group, snapshot, now)
    price = _price(ask, snapshot, now)
    bounds = bounds_of(ask, holder, snapshot)
    headers = _check_limits(bounds, windows, now)
    ratio = ratio_of(holder, group)
    holds = _holds(ask, holder, price, ratio, snapshot.options)
    return Grant(ask, holder, group, ratio, price, *holds, bounds, providers, snapshot.options, now, headers, hold_id)


def _meant(ask: Ask, snapshot: Snapshot) -> Ask:
    """``ask`` for the model that its name means; decided here, since the snapshot is sure only here."""
    model = suffixes.meant(ask.model, snapshot)
    return ask if model == ask.model or ask.endpoint != "chat" else msgspec.structs.replace(ask, model=model)


def price_for(ask: Ask, holder: Holder, snapshot: Snapshot, now: int) -> Price:
    """The price of a further model that a request leads to; raises the Problem that speaks against it."""
    _check_model(ask, holder)
    return _price(ask, snapshot, now)


def _check_model(ask: Ask, holder: Holder) -> None:
    if not access.model_allowed(ask.model, holder.allowed_models):
        raise Problem(
            403,
            "model_not_allowed",
            f"Token {holder.hint} may not use model {ask.model!r}. Add it to the token's allowed models.",
            "model",
        )


def _providers(ask: Ask, group: GroupTerms, snapshot: Snapshot, now: int) -> routing.Candidates:
    key = (group.id, ask.model, ask.endpoint)
    providers: routing.Candidates | None = snapshot.served.get(key)
    if providers is not None:
        return providers
    providers = routing.candidates(snapshot, *key)
    if not providers:  # not kept: callers may name any number of models
        raise _no_channel(ask, group, snapshot)
    snapshot.served[key] = providers
    return providers


def _no_channel(ask: Ask, group: GroupTerms, snapshot: Snapshot) -> Problem:
    model, place = repr(ask.model), repr(group.name)
    if any(ask.model in p.models and group.id in p.groups for p in snapshot.providers):
        told = f"No channel that serves model {model} in group {place} can do this ({ask.path}). Use another model."
    else:
        told = f"No channel serves model {model} in group {place}. Check the name, or ask your admin."
    return Problem(503, "no_available_channel", told, "model", {"x-should-retry": "false"})


def _price(ask: Ask, snapshot: Snapshot, now: int) -> Price:
    price = price_at(snapshot.prices.get(ask.model, ()), now)
    if price is not None:
        return price
    if snapshot.options.allow_unpriced_models:
        return UNPRICED
    raise Problem(400, "model_not_priced", f"Model {ask.model!r} has no price yet. Ask your admin to set one.", "model")


def _check_limits(bounds: tuple[limits.Limit, ...], windows: Windows, now: int) -> dict[str, str]:
    if not bounds:
        return {}
    found = [(limit, windows(limit)) for limit in bounds]
    most, room = min([(limit.most, limit.most - window.count - 1) for limit, window in found], key=_ROOM)
    if room < 0:
        # the one that frees its place last: before, a further try is refused again
        full = [each for each in found if limits.full(*each)]
        raise limits.rate_limited(*max(full, key=lambda each: each[1].oldest), now)
    return {"x-ratelimit-limit-requests": str(most), "x-ratelimit-remaining-requests": str(room)}


def _holds(ask: Ask, holder: Holder, price: Price, ratio: Decimal, options: Options) -> tuple[int, int]:
    """Of the balance, and of the token's quota."""
    if holder.quota is not None and holder.used >= holder.quota:
        raise Problem(
            401,
            "token_quota_exhausted",
            f"Token {holder.hint} has used up its quota of {holder.quota:,} credits. Raise its quota to go on.",
        )
    if price.free or not ratio or ask.free:
        return 0, 0
    wanted = quota.estimate(price, ratio, ask.input_tokens, ask.max_output, ask.n, options)
    if ask.units:
        wanted = max(wanted, hold_of(price, ratio, ask.units))
    available, left = holder.available, holder.left
    if ask.sampled and price.per_call is None:
        _check_sample(wanted, available, left, options)
    enough = wanted if options.strict_holds else 1
    if available < enough:
        raise Problem(
            403,
            "insufficient_user_quota",
            f"The balance of the account behind token {holder.hint} is too low for this request. Top it up.",
        )
    if left is not None and left < enough:
        raise Problem(
            403,
            "insufficient_token_quota",
            f"The rest of the quota of token {holder.hint} is held by requests in flight or too small for this "
            "request. Try again when they have ended, or raise the quota.",
        )
    # a small rest may be used once: were the quota's hold cut as well, the little that other requests give back of
    # theirs would let one more in each time, and the quota would be exceeded by several requests
    return min(wanted, available, wanted if left is None else left), wanted


def _check_sample(wanted: int, available: int, left: int | None, options: Options) -> None:
    """A sampled number may size a hold that easily fits; it may refuse nobody, and cut no hold short."""
    room = available if left is None else min(available, left)
    # without any room the exact number would be refused as well
    if room >= 1 and (options.strict_holds or room < 2 * wanted):
        raise CountFirst
