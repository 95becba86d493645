"""The line to paste for a first call."""

from __future__ import annotations

import reflex as rx

from openopen8.components.copy import copy_button
from openopen8.components.text import t
from openopen8.state.first_call import Sample


def first_call(sample: rx.Var[Sample]) -> rx.Component:
    """A curl call with the token's hint in the place of its value, and what to do about that."""
    text = curl(sample)
    return rx.el.div(
        rx.el.pre(rx.el.code(text), class_name="code", tab_index=0, aria_label="curl"),
        rx.el.div(
            rx.el.p(t("home.value_help"), class_name="help"), copy_button(text, size="1"), class_name="first-call-foot"
        ),
        class_name="first-call",
    )


def curl(sample: rx.Var[Sample]) -> rx.Var[str]:
    """The call as one text; the address is the settings' or the browser's own."""
    return rx.Var(
        f"`curl ${{{sample.base} || (globalThis.location?.origin ?? '')}}/v1/chat/completions \\\\\n"
        f'  -H "Authorization: Bearer ${{{sample.hint}}}" \\\\\n'
        '  -H "Content-Type: application/json" \\\\\n'
        f'  -d \'{{"model": "${{{sample.model}}}", "messages": [{{"role": "user", "content": "Hello"}}]}}\'`'
    ).to(str)
