"""The sheet for a new token and for a change: what is typed stays until it is saved or thrown away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import reflex as rx

from openopen8.core.clock import DAY, to_datetime
from openopen8.core.errors import Problem
from openopen8.core.rules.access import normal_address, split_list
from openopen8.core.services import options, tokens
from openopen8.core.services.forms import read
from openopen8.i18n import text
from openopen8.state.me import UserPage
from openopen8.state.numbers import whole
from openopen8.state.price_words import model_price
from openopen8.state.token_value import TokenValue
from openopen8.state.tokens import Tokens
from openopen8.state.tools import tools
from openopen8.state.whitelist import Entry, explain, first_wrong
from openopen8.state.worth import dollars

ORDER: tuple[str, ...] = (
    "name", "quota", "expires_at", "allowed_models", "ip_whitelist", "group", "rate_limit", "quota_period",
)  # fmt: skip
"""Of the fields on the sheet: the first wrong one gets the focus."""
PERIODS: tuple[str, ...] = ("none", "daily", "weekly", "monthly")
MOST_CHOICES = 60


@dataclass(frozen=True)
class ModelOption:
    """A model to tick, with its price in words."""

    name: str = ""
    price: str = ""
    ticked: bool = False


@dataclass(frozen=True)
class GroupOption:
    """A group to choose: ``value`` "" is the own one."""

    value: str = ""
    words: str = ""


class TokenForm(UserPage):
    """The sheet; ``editing`` is the token's id, 0 for a new one."""

    open: bool = False
    editing: int = 0
    saving: bool = False
    errors: dict[str, str] = {}
    failure: str = ""
    form_name: str = ""
    quota: str = ""
    quota_worth: str = ""
    expires: int = 0
    models: list[str] = []
    typed_model: str = ""
    options: list[ModelOption] = []
    ranges: str = ""
    entries: list[Entry] = []
    group: str = ""
    groups: list[GroupOption] = []
    rate: str = ""
    period: str = "none"
    more: bool = False
    _choices: tuple[tokens.ModelChoice, ...] = ()
    _rate: int = 1
    _ratios: dict[str, str] = {}
    _before: dict[str, Any] = {}

    @rx.event
    async def add(self) -> None:
        """Open the sheet for a new token."""
        await self._start(None)

    @rx.event
    async def edit(self, token_id: int) -> None:
        """Open the sheet for a token."""
        token = await self._do(tokens.get, token_id)
        if token is not None:
            await self._start(token)

    @rx.event
    def close(self, open: bool = False) -> None:
        """Close the sheet; what was typed is gone."""
        if not open:
            self.open = False

    @rx.event
    def set_form_name(self, value: str) -> None:
        """The name as typed."""
        self.form_name = str(value)[:200]
        self._right("name")

    @rx.event
    def set_quota(self, value: str) -> None:
        """The quota as typed; shows its worth."""
        self.quota = str(value)[:30]
        self.quota_worth = self._worth()
        self._right("quota")

    @rx.event
    def set_expires(self, ms: float | None) -> None:
        """The moment (ms UTC) that the browser made of date, time and its zone; 0 or nothing = never."""
        self.expires = int(ms) if ms and 0 < ms < 253_402_300_800_000 else 0
        self._right("expires_at")

    @rx.event
    def expire_in(self, days: int) -> None:
        """A quick pick, counted from now."""
        self.expires = tools().now() // 60_000 * 60_000 + int(days) * DAY if 0 < days < 100_000 else 0
        self._right("expires_at")

    @rx.event
    def set_typed_model(self, value: str) -> None:
        """Search word, or names that Save or Enter adds."""
        self.typed_model = str(value)[:2000]
        self._list_models()

    @rx.event
    def add_typed(self) -> None:
        """Take the typed names over."""
        self.models = list(dict.fromkeys([*self.models, *split_list(self.typed_model)]))
        self.typed_model = ""
        self._list_models()
        self._right("allowed_models")

    @rx.event
    def tick_model(self, name: str) -> None:
        """Allow a model, or no longer."""
        name = str(name)[:256]
        self.models = [x for x in self.models if x != name] + [name] * (name not in self.models)
        self.typed_model = ""
        self._list_models()
        self._right("allowed_models")

    @rx.event
    def set_ranges(self, value: str) -> None:
        """The whitelist as typed; each entry is explained."""
        self.ranges = str(value)[:70_000]
        self.entries = explain(self.ranges, self.lang)
        self._right("ip_whitelist")

    @rx.event
    def add_my_address(self) -> None:
        """The address that this browser comes from."""
        seen = normal_address(self.router.session.client_ip or "")
        address = str(seen) if seen else (self._actor.address if self._actor else "")
        if address and address not in split_list(self.ranges):
            self.set_ranges(f"{self.ranges.rstrip()}\n{address}".lstrip())

    @rx.event
    async def set_group(self, value: str) -> None:
        """Another group: other models, other prices."""
        self.group = str(value)[:64]
        self._right("group")
        await self._load_models()

    @rx.event
    def set_rate(self, value: str) -> None:
        """Requests per minute as typed."""
        self.rate = str(value)[:20]
        self._right("rate_limit")

    @rx.event
    def set_period(self, value: str) -> None:
        """When ``used`` begins again at 0."""
        self.period = value if value in PERIODS else "none"

    @rx.event
    def show_more(self) -> None:
        """The seldom fields."""
        self.more = not self.more

    @rx.event
    async def save(self, form: dict[str, Any]) -> Any:
        """Create or change the token; errors go to their fields and nothing typed is lost."""
        if not self.open:  # a second click that waited behind the first
            return
        self._keep(form)
        self.saving, self.failure, self.errors = True, "", self._mistakes()
        yield
        if not self.errors:
            await self._store()
        self.saving = False
        if self.errors:
            self.more = self.more or bool({"rate_limit", "quota_period"} & self.errors.keys())
            yield rx.set_focus(next((name for name in ORDER if name in self.errors), "name"))

    async def _start(self, token: tokens.TokenView | None) -> None:
        self.editing = token.id if token else 0
        self.errors, self.failure, self.saving, self.typed_model = {}, "", False, ""
        self.form_name = token.name if token else ""
        self.quota = str(token.quota) if token else "0"
        self.expires = (token.expires_at or 0) if token else 0
        self.models = list(token.allowed_models) if token else []
        self.ranges = "\n".join(token.ip_whitelist) if token else ""
        self.entries = explain(self.ranges, self.lang)
        self.group = (token.group or "") if token else ""
        self.rate = str(token.rate_limit) if token and token.rate_limit else ""
        self.period = token.quota_period if token else "none"
        self.more = bool(self.rate) or self.period != "none"
        self._rate = (await asyncio.to_thread(options.public, tools())).credits_per_usd
        self.quota_worth = self._worth()
        self._before = self._fields()
        await self._load_groups()
        await self._load_models()
        self.open = True

    async def _load_groups(self) -> None:
        known = await self._do(tokens.usable_groups) or ()
        self._ratios = {group.name: group.ratio for group in known}
        listed = [GroupOption(group.name, self._group_words(group)) for group in known]
        if self.group and self.group not in self._ratios:  # was taken away meanwhile: shown, refused on save
            listed.append(GroupOption(self.group, self.group))
        own = text("tokens.group.own", self.lang, group=known[0].name) if known else "–"
        self.groups = [GroupOption("", own), *listed]

    def _group_words(self, group: tokens.GroupChoice) -> str:
        words = f"{group.name} · ×{group.ratio}"
        limit = text("tokens.per_minute", self.lang, n=f"{group.rate_limit:,}") if group.rate_limit else ""
        return f"{words} · {limit}" if limit else words

    async def _load_models(self) -> None:
        try:
            self._choices = await self._call(tokens.models_for, self.group or None)
        except Problem:
            self._choices = ()
        self._list_models()

    def _list_models(self) -> None:
        word = self.typed_model.strip().lower()
        found = [choice for choice in self._choices if word in choice.name.lower()][:MOST_CHOICES]
        ratio = self._ratios.get(self.group) or next(iter(self._ratios.values()), "1")
        self.options = [
            ModelOption(x.name, model_price(x, ratio, self._rate, self.lang), x.name in self.models) for x in found
        ]

    def _worth(self) -> str:
        number = whole(self.quota)
        if number is None:
            return ""
        return dollars(number, self._rate) if number else text("tokens.unlimited", self.lang)

    def _right(self, field: str) -> None:
        if field in self.errors:
            self.errors = {name: words for name, words in self.errors.items() if name != field}

    def _keep(self, form: dict[str, Any]) -> None:
        """What stands in the fields counts, also where a last change event is still under way."""
        self.form_name = _given(form, "name", self.form_name)[:200]
        self.quota = _given(form, "quota", self.quota)[:30]
        self.ranges = _given(form, "ip_whitelist", self.ranges)[:70_000]
        self.entries = explain(self.ranges, self.lang)
        self.rate = _given(form, "rate_limit", self.rate)[:20]
        self.models = list(dict.fromkeys([*self.models, *split_list(self.typed_model)]))
        self.typed_model = ""
        self._list_models()

    def _mistakes(self) -> dict[str, str]:
        return {field: text(key, self.lang, **values) for field, key, values in self._wrong()}

    def _wrong(self) -> Iterator[tuple[str, str, dict[str, str]]]:
        if not self.form_name.strip():
            yield "name", "tokens.error.name", {}
        if self.quota.strip() and whole(self.quota) is None:
            yield "quota", "tokens.error.whole", {}
        if first_wrong(self.ranges):
            yield "ip_whitelist", "tokens.ip.wrong", {"item": first_wrong(self.ranges)[:60]}
        if self.rate.strip() and not whole(self.rate):
            yield "rate_limit", "tokens.error.rate", {}

    def _fields(self) -> dict[str, Any]:
        return {
            "name": self.form_name,
            "quota": whole(self.quota) or 0,
            "quota_period": self.period,
            "expires_at": to_datetime(self.expires) if self.expires else None,
            "allowed_models": list(self.models),
            "ip_whitelist": self.ranges,
            "group": self.group or None,
            "rate_limit": whole(self.rate),
        }

    async def _store(self) -> None:
        try:
            if self.editing:
                # only what was changed here: a program may have changed the rest meanwhile
                changes = {name: value for name, value in self._fields().items() if value != self._before[name]}
                await self._call(tokens.update, self.editing, read(tokens.TokenPatch, changes))
                self._say("success", "tokens.saved", name=self.form_name.strip())
            else:
                created = await self._call(tokens.create, read(tokens.TokenFields, self._fields()))
                await (await self.get_state(TokenValue))._present(created)
        except Problem as problem:
            known = {_field_of(path): self._sentence(words) for path, words in problem.fields.items()}
            self.errors = {name: words for name, words in known.items() if name in ORDER}
            self.failure = "" if self.errors else self._words(problem)
            return
        self.open = False
        listed = await self.get_state(Tokens)
        if listed.ready:
            await listed._refresh()


def _field_of(path: str) -> str:
    """``allowed_models.3`` belongs to the field ``allowed_models``."""
    return path.partition(".")[0]


def _given(form: dict[str, Any], name: str, known: str) -> str:
    """The field's text; a field that is folded away comes as None."""
    value = form.get(name)
    return value if isinstance(value, str) else known
