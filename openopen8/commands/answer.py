"""What a command answers: values for programs, text for people."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from openopen8.core.clock import to_rfc3339
from openopen8.core.services.page import LARGEST_PAGE, Page

TIMES = frozenset({"time", "valid_from", "rest_until", "expires_at", "created_at", "last_used_at", "at", "finished_at"})


@dataclass(frozen=True, slots=True)
class Answer:
    """``data`` for --json, ``text`` for people, ``code`` the command's exit code."""

    data: Any
    text: str
    code: int = 0


def every(find: Callable[[int, int], Page[Any]]) -> list[Any]:
    """All items of a paged list; ``find`` takes page and page size."""
    items: list[Any] = []
    page = find(1, LARGEST_PAGE)
    while page.items:
        items += page.items
        if len(items) >= page.total:
            break
        page = find(page.page + 1, LARGEST_PAGE)
    return items


def listed(items: Iterable[Any], columns: Mapping[str, str]) -> Answer:
    """A table of ``items``; ``columns`` has each title and the attribute below it."""
    rows = list(items)
    cells = [[cell(getattr(row, name), name) for name in columns.values()] for row in rows]
    return Answer(rows, table(list(columns), cells))


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns padded with spaces, titles in capitals; "none" when there is no row."""
    if not rows:
        return "none"
    lines = [[title.upper() for title in titles], *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(titles))]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def plain(value: Any, name: str = "") -> Any:
    """``value`` as JSON has it: times as RFC 3339, decimals as text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name), field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item, str(key)) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if name in TIMES and type(value) is int:
        return to_rfc3339(value)
    return str(value) if isinstance(value, Decimal) else value


def cell(value: Any, name: str) -> str:
    """A value as a table shows it; ``name`` is its attribute's."""
    if value is None or value == "" or value == ():
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name in TIMES and isinstance(value, int):
        return to_rfc3339(value)[:19].replace("T", " ")
    if isinstance(value, int):
        return f"{value:,}" if name != "id" else str(value)
    if isinstance(value, list | tuple):
        return ",".join(str(item) for item in value)
    # a name may hold anything printable; a line break would break the table
    return " ".join(str(value).split())
