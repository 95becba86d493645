"""Keys for people who keep their hands on the keyboard. An element says its key itself: ``data_keys="n"``.

An input with keys gets the focus, anything else a click. Keys count only while no field and no dialog is in use.
"""

from __future__ import annotations

from collections.abc import Sequence

import reflex as rx

from openopen8.components.browser import run
from openopen8.components.dialog import dialog
from openopen8.components.page import Page
from openopen8.components.text import t
from openopen8.state.me import Me

LISTEN = """
if (globalThis.oo8Keys) return;
globalThis.oo8Keys = true;
let led = 0;
addEventListener('keydown', (e) => {
  const at = e.target;
  if (e.ctrlKey || e.metaKey || e.altKey || e.defaultPrevented || at.isContentEditable) return;
  if (/^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName) && at.type !== 'checkbox') return;
  if (document.querySelector('[role=dialog],[role=alertdialog],[role=menu]')) return;
  const keys = (Date.now() - led < 1500 ? 'g ' : '') + e.key;
  led = e.key === 'g' ? Date.now() : 0;
  const goal = document.querySelector('[data-keys=' + JSON.stringify(keys) + ']');
  if (!goal || goal.disabled) return;
  e.preventDefault();
  if (goal.tagName === 'INPUT') { goal.focus(); goal.select(); } else goal.click();
});
"""


def shortcuts(menu: Sequence[Page]) -> rx.Component:
    """The listener, and the list that ``?`` opens."""
    fixed = (("/", "search"), ("n", "new"), ("Esc", "close"), ("?", "help"))
    rows = [_row(key, t(f"common.shortcuts.{name}")) for key, name in fixed]
    rows += [_row(f"g {page.go}", t("common.shortcuts.go", page=t(page.title))) for page in menu if page.go]
    opener = rx.el.button(
        t("common.shortcuts"),
        type="button",
        data_keys="?",
        on_click=Me.list_keys(True),
        class_name="visually-hidden",
        tab_index=-1,
        aria_hidden="true",
    )
    box = dialog(
        t("common.shortcuts"),
        t("common.shortcuts.about"),
        rx.el.dl(*rows, class_name="keys"),
        open=Me.keys_listed,
        on_open_change=Me.list_keys,
    )
    return rx.fragment(rx.el.span(on_mount=run(LISTEN), hidden=True), opener, box)


def _row(key: str, words: rx.Var[str]) -> rx.Component:
    keys = [rx.el.kbd(part) for part in key.split()]
    return rx.el.div(rx.el.dt(*keys), rx.el.dd(words))
