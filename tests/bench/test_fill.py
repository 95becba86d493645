"""The generator of filled databases: what it writes is as sound as what the server writes."""

from __future__ import annotations

import json

import pytest

from openopen8.core.services.ledger import audit
from tests.bench.fill import Size, fill, opened


@pytest.mark.parametrize("even", [False, True])
def test_a_filled_database_has_all_its_entries_and_passes_the_audit(tmp_path: object, even: bool) -> None:
    size = Size(3_000, tokens=50, users=7, until=1_790_000_000_000, even=even)
    tools = opened(str(tmp_path), 0)
    fill(tools, size)
    with tools.db.read() as session:
        connection = session.connection()
        count, charged = connection.exec_driver_sql("SELECT COUNT(*), SUM(credits) FROM log_entries").one()
        receipt = connection.exec_driver_sql("SELECT receipt FROM log_entries WHERE credits > 0 LIMIT 1").scalar()
    assert count == 3_000 and charged > 0
    assert json.loads(receipt or "")["credits"] > 0
    assert [finding.name for finding in audit.run(tools) if not finding.ok] == []
    tools.close()
