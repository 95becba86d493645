"""Copying to the clipboard. The text stays selectable beside it: the clipboard needs https or localhost."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.components.browser import run
from openopen8.components.text import t


def copy_button(value: rx.Var[str], label: rx.Var[str] | None = None, **props: Any) -> rx.Component:
    """A button that copies ``value`` and says "Copied" for two seconds."""
    words = label if label is not None else t("common.copy")
    done = rx.el.span(rx.icon("check", size=14, aria_hidden="true"), t("common.copied"), class_name="copy-after")
    props = {"type": "button", "variant": "soft", "color_scheme": "gray", "high_contrast": True, "size": "2"} | props
    return rx.button(
        rx.el.span(rx.icon("copy", size=14, aria_hidden="true"), words, class_name="copy-before"),
        done,
        class_name="copy",
        on_click=[rx.set_clipboard(value), run(_SAY_SO)],
        **props,
    )


_SAY_SO = (
    "const b = globalThis.document?.activeElement?.closest('.copy');"
    "if (b) { b.dataset.done = 'yes'; setTimeout(() => delete b.dataset.done, 2000); }"
)
