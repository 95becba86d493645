"""Column kinds that the tables share."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer, String
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

Big = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit number: credits, ids and times in milliseconds."""

Json = JSON(none_as_null=True)
"""Lists and dictionaries; read and written whole."""


class Exact(TypeDecorator[Decimal]):
    """A decimal kept as text, so that no database rounds it."""

    impl = String(80)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Any:
        return None if value is None else format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        return None if value is None else Decimal(value)
