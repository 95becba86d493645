"""The form of a channel."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.badge import badge
from openopen8.components.dialog import sheet
from openopen8.components.text import t
from openopen8.i18n.channels import TEXTS
from openopen8.state.channel_form import ChannelForm, GroupTick, Offer
from openopen8.state.channel_rows import KeyRow
from relay.channels import CATALOG
from relay.channels.azure import AZURE
from relay.channels.clouds import CLOUDS
from relay.channels.ollama import OLLAMA
from relay.channels.vendors import LOCAL, VENDORS
from relay.channels.video import VIDEO

DRAFT = ChannelForm.draft

_KINDS = (("clouds", (*AZURE, *CLOUDS)), ("vendors", VENDORS), ("local", (*LOCAL, OLLAMA)), ("video", VIDEO))
"""Nearly forty types are too many for one list."""

_PAIR = "access key:secret key"
_KEYS_LOOK_LIKE = {
    "vertex": '{"type": "service_account", …}', "bedrock": "AKIA…:…", "kling": _PAIR, "jimeng": _PAIR,
    "gemini": "AIza…", "anthropic": "sk-ant-…", **{row.name: "" for row in (*LOCAL, OLLAMA)},
}  # fmt: skip


def form_sheet() -> rx.Component:
    """Opens from the right."""
    form = rx.form(
        _text("name", DRAFT.name, max_length=64, auto_focus=True),
        _type(),
        _address(),
        _keys(),
        _models(),
        _groups(),
        rx.el.div(_number("priority", DRAFT.priority), _number("weight", DRAFT.weight), class_name="pair"),
        _more(),
        _foot(),
        on_submit=ChannelForm.save,
        reset_on_submit=False,
        class_name="form",
        key=ChannelForm.version.to_string(),
        no_validate=True,
    )
    title = rx.cond(DRAFT.id > 0, t("channels.edit"), t("channels.add"))
    return sheet(title, t("channels.form_help"), form, open=ChannelForm.opened, on_open_change=ChannelForm.close)


def _described(name: str) -> dict[str, Any]:
    about = f"channel-{name}-help channel-{name}-error"
    wrong = rx.cond(ChannelForm.errors.contains(name), "true", "false")
    return {
        "id": f"channel-{name}",
        "name": name,
        "custom_attrs": {"aria-describedby": about, "aria-invalid": wrong},
    }


def _field(name: str, control: rx.Component, help: rx.Var[str] | None = None, beside: Any = None) -> rx.Component:
    words = t(f"channels.{name}_help") if help is None else help
    error = rx.el.p(ChannelForm.errors.get(name, ""), id=f"channel-{name}-error", role="alert", class_name="error")
    hint = rx.el.p(words, id=f"channel-{name}-help", class_name="help")
    head = rx.el.div(
        rx.el.label(t(f"channels.{name}"), html_for=f"channel-{name}"), beside or rx.fragment(), class_name="field-head"
    )
    return rx.el.div(head, control, hint, error, class_name="field")


def _text(name: str, value: rx.Var[str], **props: Any) -> rx.Component:
    control = rx.el.input(default_value=value, auto_complete="off", class_name="input", **props, **_described(name))
    return _field(name, control)


def _type() -> rx.Component:
    apart = {row.name for _, rows in _KINDS for row in rows}
    common = tuple(row for row in CATALOG if row.name not in apart)
    kinds = [
        rx.el.optgroup(*(rx.el.option(row.label, value=row.name) for row in rows), label=t(f"channels.types_{kind}"))
        for kind, rows in (("common", common), *_KINDS)
    ]
    control = rx.el.select(
        *kinds, value=ChannelForm.type, on_change=ChannelForm.note_type, class_name="input", **_described("type")
    )
    return _field("type", control)


def _address() -> rx.Component:
    control = rx.debounce_input(
        rx.el.input(
            value=ChannelForm.base_url,
            on_change=ChannelForm.note_address,
            input_mode="url",
            auto_complete="off",
            spell_check=False,
            placeholder="https://api.example.com/v1",
            class_name="input mono",
            **_described("base_url"),
        ),
        debounce_timeout=150,
        force_notify_on_blur=True,
    )
    return _field("base_url", control, _by_type("base_url"))


def _keys() -> rx.Component:
    stored = rx.cond(
        ChannelForm.keys.length() > 0,
        rx.el.ul(rx.foreach(ChannelForm.keys, _key), class_name="key-list", aria_label=t("channels.keys_now")),
    )
    control = rx.el.div(
        stored,
        rx.el.textarea(
            rows="2",
            on_blur=ChannelForm.note_keys,
            auto_complete="off",
            spell_check=False,
            placeholder=rx.match(ChannelForm.type, *_KEYS_LOOK_LIKE.items(), "sk-…"),
            class_name="input",
            **_described("keys"),
        ),
        class_name="stack-wide",
    )
    first = _by_type("keys")
    help = rx.cond(ChannelForm.keys.length() > 0, t("channels.keys_edit_help"), first)
    return _field("keys", control, help)


def _by_type(name: str) -> rx.Var[str]:
    """The help of a field that some types want filled in their own way."""
    special = [(row.name, t(f"channels.{key}")) for row in CATALOG if (key := f"{name}_{row.name}_help") in TEXTS]
    return rx.match(ChannelForm.type, *special, t(f"channels.{name}_help"))


def _key(key: rx.Var[KeyRow]) -> rx.Component:
    state = rx.match(
        key.state,
        ("enabled", badge(t("channels.key_well"), "green", "check")),
        ("resting", badge(t("channels.key_rests"), "amber", "clock")),
        badge(t("channels.key_off"), "red", "circle_alert"),
    )
    return rx.el.li(rx.el.code(key.hint), state, rx.el.span(key.reason, class_name="muted cut", title=key.reason))


def _models() -> rx.Component:
    fetch = rx.el.button(
        rx.cond(ChannelForm.fetching, t("channels.fetching"), t("channels.fetch")),
        type="button",
        on_click=ChannelForm.fetch,
        disabled=ChannelForm.fetching,
        class_name="pick",
    )
    control = rx.debounce_input(
        rx.el.textarea(
            value=ChannelForm.models,
            on_change=ChannelForm.note_models,
            rows="4",
            auto_complete="off",
            spell_check=False,
            class_name="input",
            **_described("models"),
        ),
        debounce_timeout=200,
        force_notify_on_blur=True,
    )
    error = rx.cond(
        ChannelForm.fetch_error != "", rx.el.p(ChannelForm.fetch_error, role="alert", class_name="form-error")
    )
    offers = rx.cond(ChannelForm.fetched.length() > 0, _offers())
    return rx.el.div(_field("models", control, beside=fetch), error, offers, class_name="stack-wide")


def _offers() -> rx.Component:
    """What the provider has, to tick."""
    head = rx.el.div(
        rx.el.span(t("channels.fetched", n=ChannelForm.fetched.length()), class_name="muted number"),
        rx.el.button(t("channels.fetch_all"), type="button", on_click=ChannelForm.pick_all(True), class_name="pick"),
        rx.el.button(t("channels.fetch_none"), type="button", on_click=ChannelForm.pick_all(False), class_name="pick"),
        rx.el.button(t("channels.fetch_close"), type="button", on_click=ChannelForm.hide_offers, class_name="pick"),
        class_name="picks",
    )
    find = rx.el.input(
        value=ChannelForm.search,
        on_change=ChannelForm.note_search,
        type="search",
        class_name="input",
        placeholder=t("channels.fetch_search"),
        aria_label=t("channels.fetch_search"),
    )
    rows = rx.el.ul(rx.foreach(ChannelForm.offers, _offer), class_name="ticks")
    return rx.el.div(head, find, rows, class_name="offers")


def _offer(offer: rx.Var[Offer]) -> rx.Component:
    return rx.el.li(
        rx.el.label(
            rx.el.input(type="checkbox", checked=offer.chosen, on_change=ChannelForm.pick(offer.name)),
            rx.el.span(offer.name, class_name="mono"),
        ),
        key=offer.name,
    )


def _groups() -> rx.Component:
    error = rx.el.p(ChannelForm.errors.get("groups", ""), id="channel-groups-error", role="alert", class_name="error")
    return rx.el.fieldset(
        rx.el.legend(t("channels.groups")),
        rx.el.div(rx.foreach(ChannelForm.groups, _group), class_name="tick-line"),
        rx.el.p(t("channels.groups_help"), class_name="help"),
        error,
        class_name="field",
        id="channel-groups",
        tab_index=-1,
    )


def _group(tick: rx.Var[GroupTick]) -> rx.Component:
    return rx.el.label(
        rx.el.input(type="checkbox", name=f"group:{tick.name}", default_checked=tick.chosen),
        rx.el.span(tick.name),
        rx.el.span(f"× {tick.ratio}", class_name="muted number"),
        class_name="check",
    )


def _number(name: str, value: rx.Var[int]) -> rx.Component:
    return _field(
        name,
        rx.el.input(type="number", step=1, default_value=value.to_string(), class_name="input", **_described(name)),
    )


def _more() -> rx.Component:
    """The rarer fields; always in the form, so that what is typed is saved."""
    toggle = rx.el.button(
        rx.cond(ChannelForm.more, rx.icon("chevron_down", size=14), rx.icon("chevron_right", size=14)),
        t("channels.more"),
        type="button",
        on_click=ChannelForm.show_more,
        aria_expanded=rx.cond(ChannelForm.more, "true", "false"),
        class_name="plain",
    )
    fields = rx.el.div(
        _key_mode(),
        _object("model_mapping", DRAFT.model_mapping),
        _object("parameter_override", DRAFT.parameter_override),
        _object("header_override", DRAFT.header_override),
        _object("status_map", DRAFT.status_map),
        _text("proxy", DRAFT.proxy, max_length=500, on_blur=ChannelForm.note_proxy, placeholder="socks5://proxy:1080"),
        _switch("http2", DRAFT.http2),
        _switch("auto_disable", DRAFT.auto_disable),
        _text("test_model", DRAFT.test_model, max_length=256),
        _text("note", DRAFT.note, max_length=500),
        class_name="rest",
        hidden=~ChannelForm.more,
    )
    return rx.el.div(toggle, fields)


def _key_mode() -> rx.Component:
    control = rx.el.select(
        rx.el.option(t("channels.key_mode_random"), value="random"),
        rx.el.option(t("channels.key_mode_round"), value="round_robin"),
        default_value=DRAFT.key_mode,
        class_name="input",
        **_described("key_mode"),
    )
    return _field("key_mode", control)


def _object(name: str, value: rx.Var[str]) -> rx.Component:
    control = rx.el.textarea(
        default_value=value, rows="2", auto_complete="off", spell_check=False, class_name="input", **_described(name)
    )
    return _field(name, control)


def _switch(name: str, value: rx.Var[bool]) -> rx.Component:
    box = rx.el.input(
        type="checkbox",
        id=f"channel-{name}",
        name=name,
        default_checked=value,
        custom_attrs={"aria-describedby": f"channel-{name}-help"},
    )
    label = rx.el.label(box, rx.el.span(t(f"channels.{name}")), html_for=f"channel-{name}", class_name="check")
    help = rx.el.p(t(f"channels.{name}_help"), id=f"channel-{name}-help", class_name="help")
    return rx.el.div(label, help, class_name="field")


def _foot() -> rx.Component:
    cancel = rx.button(
        t("common.cancel"),
        on_click=ChannelForm.close(False),
        variant="soft",
        color_scheme="gray",
        high_contrast=True,
        type="button",
    )
    return rx.el.div(cancel, rx.button(t("common.save"), type="submit"), class_name="sheet-foot")
