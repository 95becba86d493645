"""The one table of all lists: paging, sorting and filters happen on the server (state/listing.py).

    table(t("tokens.title"), (Column("name", t("…"), lambda row: rx.text(row.name), sort="name"), …),
          Tokens.rows, Tokens, empty(…))

On a phone each row becomes a card; a column's ``phone`` says where it goes there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import reflex as rx

from openopen8.components.empty import broken, skeleton_rows
from openopen8.components.text import t


@dataclass(frozen=True, slots=True)
class Column:
    """One column: ``label`` may be a component for a control, ``cell`` draws a row's part.

    ``sort`` is the key that the service sorts by (empty: not sortable). ``phone``: ``head`` (top of the card),
    ``end`` (its top right), ``full`` (a line under its label), ``line`` (a line without label), ``half`` (half a line),
    ``hide``. ``wide`` hides below 1100 px.
    """

    key: str
    label: rx.Var[str]
    cell: Callable[[Any], rx.Component]
    sort: str = ""
    align: Literal["left", "right"] = "left"
    phone: Literal["head", "end", "full", "line", "half", "hide"] = "half"
    wide: bool = False
    control: Callable[[], rx.Component] | None = None
    """Stands in the header instead of the label (which then names it for screen readers)."""


def table(
    label: rx.Var[str],
    columns: Sequence[Column],
    rows: rx.Var[list[Any]],
    state: Any,
    nothing: rx.Component,
    row_class: Callable[[Any], rx.Var[str] | str] | None = None,
    row_header: str = "name",
) -> rx.Component:
    """Rows with header, skeleton while loading, ``nothing`` when there is none, an error with a retry, a pager."""

    def row(item: Any) -> rx.Component:
        cells = [_cell(column, item, column.key == row_header) for column in columns]
        extra = row_class(item) if row_class else ""
        return rx.el.tr(*cells, key=item.id.to_string(), class_name=rx.Var.create(f"row {extra}"), role="row")

    head = rx.el.thead(
        rx.el.tr(*(_header(column, state) for column in columns), role="row"), role="rowgroup", class_name="thead"
    )
    body = rx.cond(
        state.ready,
        rx.el.tbody(rx.foreach(rows, row), role="rowgroup"),
        rx.el.tbody(*skeleton_rows(6, len(columns)), role="rowgroup"),
    )
    grid = rx.el.table(head, body, aria_label=label, class_name="table", role="table")
    shown = rx.cond(
        state.ready & (rows.length() == 0),
        nothing,
        rx.el.div(grid, class_name="table-box", tab_index=0, role="region", aria_label=label),
    )
    return rx.el.div(
        rx.cond(state.failure != "", broken(state.failure, state.retry), shown),
        pager(state),
        address_bar(state.address),
        class_name="listing",
    )


def pager(state: Any) -> rx.Component:
    """``1–20 of 133`` with buttons; nothing while one page is all."""
    words = t("common.range", first=state.first, last=state.last, total=f"{state.total:,}")
    return rx.cond(
        (state.total > state.last) | (state.page > 1),
        rx.el.nav(
            rx.el.span(words, class_name="muted number"),
            _turn("chevron_left", t("common.previous"), state.turn_to(state.page - 1), state.page <= 1),
            _turn("chevron_right", t("common.next"), state.turn_to(state.page + 1), state.last >= state.total),
            class_name="pager",
            aria_label=words,
        ),
    )


def address_bar(address: rx.Var[str]) -> rx.Component:
    """Writes the view into the address, without a page load and without an entry in the history."""
    write = (
        f"({address} && globalThis.location?.pathname === {address}.split('?')[0]"
        f" && history.replaceState(history.state, '', {address}), {address})"
    )
    # written while drawing: an on_mount would run only once, whatever the key
    return rx.el.span(hidden=True, custom_attrs={"data-address": rx.Var(write).to(str)})


def _cell(column: Column, item: Any, header: bool) -> rx.Component:
    kind = rx.el.th if header else rx.el.td
    role = {"scope": "row", "role": "rowheader"} if header else {"role": "cell"}
    names = f"cell cell-{column.key} {column.align} phone-{column.phone}" + (" only-wide" if column.wide else "")
    return kind(column.cell(item), class_name=names, data_label=column.label, **role)


def _header(column: Column, state: Any) -> rx.Component:
    names = f"{column.align}" + (" only-wide" if column.wide else "")
    if column.control is not None:
        return rx.el.th(column.control(), scope="col", role="columnheader", class_name=f"{names} control")
    if not column.sort:
        return rx.el.th(column.label, scope="col", role="columnheader", class_name=names)
    up, down = state.sort == column.sort, state.sort == f"-{column.sort}"
    arrow = rx.cond(up, rx.icon("arrow_up", size=12), rx.cond(down, rx.icon("arrow_down", size=12), rx.fragment()))
    button = rx.el.button(column.label, arrow, type="button", on_click=state.sort_by(column.sort), class_name="sorter")
    order = rx.cond(up, "ascending", rx.cond(down, "descending", "none"))
    return rx.el.th(button, scope="col", role="columnheader", class_name=names, custom_attrs={"aria-sort": order})


def _turn(icon: str, label: rx.Var[str], handler: Any, off: rx.Var[bool]) -> rx.Component:
    return rx.icon_button(
        rx.icon(icon, size=16),
        aria_label=label,
        on_click=handler,
        disabled=off,
        variant="soft",
        color_scheme="gray",
        size="1",
        type="button",
    )
