"""One page of a list, and the bounds that all lists share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from openopen8.core.errors import invalid, not_found

T = TypeVar("T")

LARGEST_PAGE = 500
LAST_PAGE = 1_000_000
LARGEST_ID = 2**53 - 1


def check_id(id: int, what: str) -> None:
    """404 for a number that can't be an id: a database would fail on one that is too large."""
    if not 0 < id <= LARGEST_ID:
        raise not_found(what)


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """``items`` of page ``page`` (from 1), out of ``total`` in all."""

    items: tuple[T, ...]
    total: int
    page: int
    page_size: int


def offset_of(page: int, page_size: int) -> int:
    """How many rows come before the page; a 400 for a page that no list can have."""
    if not 1 <= page <= LAST_PAGE:
        raise invalid(f"page must be a whole number from 1 to {LAST_PAGE:,}.", "page")
    if not 1 <= page_size <= LARGEST_PAGE:
        raise invalid(f"page_size must be a whole number from 1 to {LARGEST_PAGE}.", "page_size")
    return (page - 1) * page_size
