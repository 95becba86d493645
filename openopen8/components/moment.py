"""Points in time: relative in the text, exact in the tooltip. All times are milliseconds UTC, 0 = none."""

from __future__ import annotations

import reflex as rx

from openopen8.components.text import t
from openopen8.state.me import Me

_MINUTE, _HOUR, _DAY = 60_000, 3_600_000, 86_400_000
_FAR = 60 * _DAY
"""Beyond that a date says more than a number of days."""


def moment(ms: rx.Var[int], none: rx.Var[str] | str = "–") -> rx.Component:
    """``3 min ago`` or ``in 4 d``, counted from ``Me.now``; ``none`` where ``ms`` is 0."""
    stamp = rx.el.time(relative(ms), title=exact(ms), date_time=_iso(ms), class_name="nowrap")
    return rx.cond(ms > 0, stamp, rx.el.span(none, class_name="muted"))


def relative(ms: rx.Var[int]) -> rx.Var[str]:
    """The words of :func:`moment` as a Var."""
    age = Me.now - ms
    near = rx.cond(age >= -_MINUTE / 2, _words(age, "ago"), _words(-age, "in"))
    return rx.cond((age > _FAR) | (age < -_FAR), _date(ms), near).to(str)


def exact(ms: rx.Var[int]) -> rx.Var[str]:
    """Date and time of the reader's own zone and language."""
    return rx.Var(f"new Date({ms}).toLocaleString({Me.lang} === 'zh' ? 'zh-CN' : 'en-GB')").to(str)


def _date(ms: rx.Var[int]) -> rx.Var[str]:
    return rx.Var(f"new Date({ms}).toLocaleDateString('sv-SE')").to(str)  # 2030-01-31


def _iso(ms: rx.Var[int]) -> rx.Var[str]:
    return rx.Var(f"new Date({ms}).toISOString()").to(str)


def _words(age: rx.Var[int], way: str) -> rx.Var[str]:
    def of(unit: str, size: int) -> rx.Var[str]:
        return t(f"common.time.{unit}.{way}", n=(age / size).to(int) // 1)

    days = of("days", _DAY)
    hours = rx.cond(age < _DAY, of("hours", _HOUR), days)
    minutes = rx.cond(age < _HOUR, of("minutes", _MINUTE), hours)
    return rx.cond(age < _MINUTE, t("common.time.now"), minutes).to(str)
