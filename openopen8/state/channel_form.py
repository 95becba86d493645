"""The form of a channel: checks what is typed, asks the provider for its models, saves. Keys go in, never out."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import reflex as rx

from openopen8.core.errors import Problem, invalid
from openopen8.core.rules.access import split_list
from openopen8.core.rules.roles import Actor
from openopen8.core.services import channels, forms, groups
from openopen8.core.services.channel_fields import ENV_PREFIX, ChannelFields, ChannelPatch, split_keys
from openopen8.core.services.channel_view import ChannelView
from openopen8.core.tools import Tools
from openopen8.i18n import text
from openopen8.state.channel_rows import KeyRow, key_rows
from openopen8.state.channels import Channels
from openopen8.state.me import AdminPage
from openopen8.state.tools import tools
from relay import probe
from relay.channels import TYPES

DEADLINE = 20.0
"""Seconds that a provider may take to list its models."""
MOST_OFFERS = 300
TEXTS = ("name", "type", "base_url", "key_mode", "proxy", "test_model", "note")
SWITCHES = ("http2", "auto_disable")
NUMBERS = ("priority", "weight")
OBJECTS = ("model_mapping", "parameter_override", "header_override", "status_map")
RARER = (*OBJECTS, "proxy", "http2", "test_model", "note")
PLACES = (*TEXTS, *NUMBERS, *OBJECTS, "keys", "models", "groups")


@dataclass(frozen=True)
class Draft:
    """What the fields begin with; objects as JSON text."""

    id: int = 0
    name: str = ""
    type: str = "openai-compatible"
    base_url: str = ""
    key_mode: str = "random"
    priority: int = 0
    weight: int = 1
    model_mapping: str = ""
    parameter_override: str = ""
    header_override: str = ""
    status_map: str = ""
    proxy: str = ""
    """As it is shown: without its password."""
    http2: bool = False
    auto_disable: bool = True
    test_model: str = ""
    note: str = ""


@dataclass(frozen=True)
class Offer:
    """A model that the provider has."""

    name: str
    chosen: bool


@dataclass(frozen=True)
class GroupTick:
    """A group that the channel may serve."""

    name: str
    ratio: str
    chosen: bool


def draft_of(view: ChannelView) -> Draft:
    """The fields of a stored channel."""
    plain = {name: getattr(view, name) for name in ("id", *TEXTS, *NUMBERS, *SWITCHES)}
    return Draft(**plain, **{name: as_text(getattr(view, name)) for name in OBJECTS})


def as_text(value: dict[str, Any]) -> str:
    """An object as people edit it; an empty one is an empty field."""
    return json.dumps(value, indent=2, ensure_ascii=False) if value else ""


def group_ticks(tools: Tools, actor: Actor, chosen: tuple[str, ...]) -> list[GroupTick]:
    """All groups, ticked where the channel serves them."""
    found = groups.find(tools, actor, page_size=500).items
    return [GroupTick(x.name, x.ratio, x.name in chosen) for x in found]


class ChannelForm(AdminPage):
    """The open form. What is typed stays in the browser but for what the provider is asked with."""

    opened: bool = False
    draft: Draft = Draft()
    keys: list[KeyRow] = []
    groups: list[GroupTick] = []
    models: str = ""
    type: str = "openai-compatible"
    base_url: str = ""
    errors: dict[str, str] = {}
    fetching: bool = False
    fetched: list[str] = []
    fetch_error: str = ""
    search: str = ""
    more: bool = False
    version: int = 0
    """Each opening has fields of its own."""
    _keys: str = ""
    _proxied: bool = False

    @rx.var
    def offers(self) -> list[Offer]:
        """The provider's models that fit the search, ticked where they are in the list."""
        chosen, word = set(split_list(self.models)), self.search.strip().lower()
        fitting = [name for name in self.fetched if word in name.lower()]
        return [Offer(name, name in chosen) for name in fitting[:MOST_OFFERS]]

    @rx.event
    async def add(self) -> None:
        """An empty form."""
        ticks = await self._do(group_ticks, ("default",))
        if ticks is None:
            return
        if ticks and not any(tick.chosen for tick in ticks):
            ticks = [GroupTick(ticks[0].name, ticks[0].ratio, True), *ticks[1:]]
        self._begin(Draft(), ticks, [], "")

    @rx.event
    async def edit(self, id: int) -> None:
        """The form of a stored channel."""
        view = await self._do(channels.get, int(id))
        ticks = await self._do(group_ticks, view.groups) if view else None
        if view is not None and ticks is not None:
            self._begin(draft_of(view), ticks, key_rows(view), "\n".join(view.models))

    @rx.event
    def close(self, open: bool = False) -> None:
        """Close the form; typed keys are forgotten."""
        if not open:
            self.opened, self._keys, self.fetched = False, "", []

    @rx.event
    def note_type(self, value: str) -> None:
        """The type; its usual address is filled in where none is."""
        self.type = value if value in TYPES else self.type
        suggested = TYPES[self.type].base_url
        if not self.base_url or self.base_url in {row.base_url for row in TYPES.values()}:
            self.base_url = suggested

    @rx.event
    def note_address(self, value: str) -> None:
        """The base URL as typed."""
        self.base_url, self.fetch_error = str(value)[:500], ""

    @rx.event
    def note_keys(self, value: str) -> None:
        """The keys as typed; they stay on the server."""
        self._keys = str(value)[:20_000]

    @rx.event
    def note_proxy(self, value: str) -> None:
        """Whether a proxy is typed."""
        self._proxied = bool(str(value).strip())

    @rx.event
    def note_models(self, value: str) -> None:
        """The list of models as typed."""
        self.models = str(value)[:100_000]

    @rx.event
    def note_search(self, value: str) -> None:
        """Narrow the provider's models."""
        self.search = str(value)[:200]

    @rx.event
    def show_more(self) -> None:
        """Open or close the rarer fields."""
        self.more = not self.more

    @rx.event
    def pick(self, name: str) -> None:
        """Put a model into the list, or take it out."""
        lines = split_list(self.models)
        self.models = "\n".join([x for x in lines if x != name] if name in lines else [*lines, str(name)[:256]])

    @rx.event
    def pick_all(self, on: bool) -> None:
        """Put all shown models into the list, or take them out."""
        shown = [offer.name for offer in self.offers]
        rest = [name for name in split_list(self.models) if name not in shown]
        self.models = "\n".join([*rest, *shown] if on else rest)

    @rx.event
    def hide_offers(self) -> None:
        """Close the provider's list."""
        self.fetched, self.search = [], ""

    @rx.event(background=True)
    async def fetch(self) -> None:
        """Ask the provider which models it has; with the typed key, else with the stored ones."""
        async with self:
            if self.fetching or not self.opened:
                return
            if not self.base_url.strip():
                self.fetch_error = text("channels.need_url", self.lang)
                return
            self.fetching, self.fetch_error = True, ""
            version, lang, proxied = self.version, self.lang, self._proxied
            asked = (self.draft, self.type, self.base_url.strip(), next(iter(split_keys(self._keys)), ""))
        found, error = await _models(*asked, proxied, lang)
        async with self:
            self.fetching = False
            if self.opened and version == self.version:
                self.fetched, self.search, self.fetch_error = found, "", error

    @rx.event
    async def save(self, form: dict[str, Any]) -> Any:
        """Check and save; on errors the first wrong field gets the focus and nothing typed is lost."""
        data, errors = self._data(form)
        if not errors:
            try:
                await self._store(data)
            except Problem as problem:
                errors = _faults(problem)
        self.errors = errors
        if errors:
            self.more = self.more or any(name in RARER or name == "key_mode" for name in errors)
            return rx.set_focus(f"channel-{next(iter(errors))}")
        self.opened, self._keys, self.fetched = False, "", []
        self._say("success", "channels.saved")
        return Channels.retry

    async def _store(self, data: dict[str, Any]) -> None:
        if self.draft.id:
            await self._call(channels.update, self.draft.id, forms.read(ChannelPatch, data))
        else:
            await self._call(channels.create, forms.read(ChannelFields, data))

    def _begin(self, draft: Draft, ticks: list[GroupTick], keys: list[KeyRow], models: str) -> None:
        self.draft, self.groups, self.keys, self.models = draft, ticks, keys, models
        self.type, self.base_url, self._keys = draft.type, draft.base_url, ""
        self.errors, self.fetched, self.fetch_error, self.search, self.fetching = {}, [], "", "", False
        self._proxied = bool(draft.proxy)
        self.more = any(getattr(draft, name) for name in RARER)
        self.version += 1
        self.opened = True

    def _data(self, form: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """The form as the service takes it, and what is wrong with it."""
        errors: dict[str, str] = {}
        data: dict[str, Any] = {name: str(form.get(name, getattr(self.draft, name))).strip() for name in TEXTS}
        data["models"] = split_list(str(form.get("models", "")))
        data["groups"] = [tick.name for tick in self.groups if form.get(f"group:{tick.name}")]
        data |= {name: bool(form.get(name)) for name in SWITCHES}
        for name in NUMBERS:
            data[name] = _number(str(form.get(name, "")))
            if data[name] is None:
                errors[name] = text("channels.need_number", self.lang)
        for name in OBJECTS:
            data[name] = _object(str(form.get(name, "")))
            if data[name] is None:
                errors[name] = text("channels.bad_json", self.lang)
        typed = str(form.get("keys", "")).strip()
        if typed:
            data["keys"] = split_keys(typed)
        return data, errors


async def _models(draft: Draft, type: str, base_url: str, key: str, proxied: bool, lang: str) -> tuple[list[str], str]:
    """The provider's models, or why there are none."""
    try:
        async with asyncio.timeout(DEADLINE):
            if not key and draft.id and base_url == draft.base_url:
                return list(await probe.list_models_of(tools(), draft.id)), ""
            if proxied:
                raise invalid(text("channels.fetch_proxy", lang))
            if key.startswith(ENV_PREFIX):
                raise invalid(text("channels.fetch_env", lang))
            return list(await probe.list_models(tools(), type, base_url, key)), ""
    except Problem as problem:
        return [], problem.message
    except TimeoutError:
        return [], text("channels.test_late", lang)


def _number(value: str) -> int | None:
    try:
        return int(value.strip())
    except ValueError:
        return None


def _object(value: str) -> dict[str, Any] | None:
    if not value.strip():
        return {}
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _faults(problem: Problem) -> dict[str, str]:
    """Sentences by field; what belongs to none stands at the name."""
    faults = dict(problem.fields) or {problem.param or "name": problem.message}
    places = {field.partition(".")[0]: words for field, words in reversed(faults.items())}
    return {field if field in PLACES else "name": words for field, words in reversed(places.items())}
