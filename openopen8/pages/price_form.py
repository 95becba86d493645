"""The form of a price: per token or per call, in credits or in USD, with a worked example beside it."""

from __future__ import annotations

import reflex as rx

from openopen8.components.datetime import datetime_input
from openopen8.components.dialog import sheet
from openopen8.components.field import described, field
from openopen8.components.search import segments
from openopen8.components.text import t
from openopen8.components.typed import typed
from openopen8.core.rules.rates import NAMES
from openopen8.state import price_rare
from openopen8.state.prices import Prices


def form_sheet() -> rx.Component:
    """Opens from the right."""
    form = rx.form(
        _model(),
        _choice(t("prices.kind"), segments(t("prices.kind"), _KINDS, Prices.mode, Prices.choose_mode)),
        _choice(t("prices.unit_label"), segments(t("prices.unit_label"), _units(), Prices.unit, Prices.choose_unit)),
        rx.cond(Prices.mode == "call", _number("per_call", _per_call_label()), _ratios()),
        rx.cond(Prices.mode == "call", rx.fragment(), _more()),
        _worked(),
        _start(),
        _far(),
        _foot(),
        on_submit=Prices.save,
        reset_on_submit=False,
        class_name="form",
        no_validate=True,
    )
    return sheet(t("prices.set"), t("prices.form_help"), form, open=Prices.editing, on_open_change=Prices.close)


_KINDS = (("token", t("prices.kind_token")), ("call", t("prices.kind_call")))


def _units() -> tuple[tuple[str, rx.Var[str]], ...]:
    by_call = Prices.mode == "call"
    usd = rx.cond(by_call, t("prices.unit_usd_call"), t("prices.unit_usd"))
    return (("usd", usd), ("credits", rx.cond(by_call, t("prices.unit_call"), t("prices.unit_ratio"))))


def _per_call_label() -> rx.Var[str]:
    return rx.cond(Prices.unit == "usd", t("prices.unit_usd_call"), t("prices.unit_call"))


def _choice(label: rx.Var[str], control: rx.Component) -> rx.Component:
    return rx.el.div(rx.el.span(label, class_name="field-words", aria_hidden="true"), control, class_name="field")


def _model() -> rx.Component:
    names = rx.el.datalist(rx.foreach(Prices.unpriced, lambda name: rx.el.option(value=name)), id="price-models")
    control = rx.el.input(
        default_value=Prices.model,
        list="price-models",
        auto_focus=True,
        auto_complete="off",
        spell_check=False,
        class_name="input mono",
        max_length=256,
        **described("model", Prices.errors),
    )
    return rx.fragment(field("model", t("prices.model"), control, Prices.errors, t("prices.model_help")), names)


def _ratios() -> rx.Component:
    return rx.el.div(
        _number("input", t("prices.input")),
        _number("output", t("prices.output")),
        _number("cache_read", t("prices.cache_read"), t("prices.cache_help")),
        _number("reasoning", t("prices.reasoning"), t("prices.reasoning_help")),
        class_name="pair",
    )


def _number(name: str, label: rx.Var[str], help: rx.Var[str] | None = None) -> rx.Component:
    control = rx.debounce_input(
        rx.el.input(
            value=getattr(Prices, name),
            on_change=lambda value: Prices.type_in(name, value),
            input_mode="decimal",
            auto_complete="off",
            class_name="input number",
            **described(name, Prices.errors, help is not None),
        ),
        debounce_timeout=200,
    )
    return field(name, label, control, Prices.errors, help)


def _more() -> rx.Component:
    """What few models charge for apart. Folded, it stays in the form, so that saving loses nothing."""
    opener = rx.el.button(
        rx.cond(Prices.more, rx.icon("chevron_down", size=14), rx.icon("chevron_right", size=14)),
        t("prices.more"),
        type="button",
        on_click=Prices.show_more,
        aria_expanded=rx.cond(Prices.more, "true", "false"),
        aria_controls="price-more",
        class_name="plain more",
    )
    fields = rx.el.div(
        rx.el.p(t("prices.more_help"), class_name="help"),
        rx.el.div(*(_rare(name, t(f"prices.{name}")) for name in price_rare.BUCKETS), class_name="pair"),
        _rare("long_above", t("prices.long_above"), t("prices.long_help")),
        rx.el.div(
            rx.el.div(
                *(_rare(f"long_{name}", t("prices.long_of", bucket=t(f"prices.{name}"))) for name in NAMES),
                class_name="pair",
            ),
            class_name="rest",
            hidden=Prices.rare["long_above"] == "",
        ),
        *(_rare(name, t(f"prices.{name}"), t(f"prices.{name}_help"), "text") for name in price_rare.PAIRS),
        id="price-more",
        hidden=~Prices.more,
        class_name="rest",
    )
    return rx.fragment(opener, fields)


def _rare(name: str, label: rx.Var[str], help: rx.Var[str] | None = None, mode: str = "decimal") -> rx.Component:
    control = typed(
        Prices.rare[name],
        lambda value: Prices.type_in(name, value),
        input_mode=mode,
        class_name="input number" if mode == "decimal" else "input mono",
        **described(name, Prices.errors, help is not None),
    )
    return field(name, label, control, Prices.errors, help)


def _far() -> rx.Component:
    """Numbers that are far from the public list's: perhaps in another unit."""
    box = rx.el.section(
        rx.icon("triangle_alert", size=16, aria_hidden="true"),
        rx.el.div(
            rx.el.h2(t("prices.far")),
            rx.el.ul(rx.foreach(Prices.far, rx.el.li)),
            rx.el.p(t("prices.far_help"), class_name="muted"),
        ),
        class_name="callout",
        role="alert",
    )
    return rx.cond(Prices.far.length() > 0, box)


def _worked() -> rx.Component:
    example, by_call = Prices.worked, Prices.mode == "call"
    rates = rx.el.dl(
        _line(t("prices.input"), example.credits_in, example.usd_in),
        _line(t("prices.output"), example.credits_out, example.usd_out),
    )
    words = rx.cond(by_call, t("prices.call_costs"), t("prices.example_costs"))
    cost = rx.el.p(
        words,
        " ",
        rx.el.strong(t("common.credits", n=example.cost), class_name="number"),
        " ",
        rx.el.span(example.worth, class_name="muted number"),
    )
    shown = rx.fragment(rx.cond(by_call, rx.fragment(), rates), cost)
    return rx.el.section(
        rx.el.h2(t("prices.worked")),
        rx.cond(example.ready, shown, rx.el.p(t("prices.example_wait"), class_name="muted")),
        class_name="worked",
        aria_live="polite",
    )


def _line(label: rx.Var[str], credits: rx.Var[str], usd: rx.Var[str]) -> rx.Component:
    words = t("prices.line", credits=credits, usd=usd)
    return rx.el.div(rx.el.dt(label), rx.el.dd(words, class_name="number"))


def _start() -> rx.Component:
    control = datetime_input(Prices.valid_from, Prices.choose_start, **described("valid_from", Prices.errors))
    return field("valid_from", t("prices.valid_from"), control, Prices.errors, t("prices.valid_help"))


def _foot() -> rx.Component:
    cancel = rx.button(
        t("common.cancel"),
        on_click=Prices.close(False),
        variant="soft",
        color_scheme="gray",
        high_contrast=True,
        type="button",
    )
    return rx.el.div(cancel, rx.button(t("common.save"), type="submit"), class_name="sheet-foot")
