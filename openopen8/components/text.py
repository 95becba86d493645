"""Texts in the reader's language: both are compiled in, one variable switches, nothing goes over the wire."""

from __future__ import annotations

from typing import Any

import reflex as rx

from openopen8.i18n import CATALOGUE
from openopen8.state.me import Me


def t(key: str, **values: Any) -> rx.Var[str]:
    """The catalogue's text for ``key``; ``values`` (Vars or plain) fill its ``{places}``."""
    english, chinese = CATALOGUE[key]
    if english == chinese and not values:
        return rx.Var.create(english)
    return rx.cond(Me.lang == "zh", _filled(chinese, values), _filled(english, values)).to(str)


def _filled(template: str, values: dict[str, Any]) -> rx.Var[str]:
    return rx.Var.create(template.format(**values) if values else template)
