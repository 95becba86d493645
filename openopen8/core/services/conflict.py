"""Names that must be unique: the database decides, people get a 409 at the field."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import IntegrityError

from openopen8.core.errors import Problem


@contextmanager
def unique(param: str, what: str) -> Iterator[None]:
    """Around a whole transaction: a broken unique rule becomes a 409 that names the field."""
    try:
        yield
    except IntegrityError:
        raise Problem(409, "already_exists", f"{what} with this {param} exists already.", param) from None
