"""PostgreSQL finds slots by their time, and failed entries of one status without reading the others."""

import sqlalchemy as sa

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

FAILED = "ix_log_entries_failed_id"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_usage_sums_slots", "usage_sums", ["start"], postgresql_where=sa.text("grain = 10"))
        _failed(["status", "kind", "time"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        _failed([])
        op.drop_index("ix_usage_sums_slots", "usage_sums")


def _failed(more: list[str]) -> None:
    op.drop_index(FAILED, "log_entries")
    op.create_index(FAILED, "log_entries", ["id"], postgresql_where=sa.text("status >= 400"), postgresql_include=more)
