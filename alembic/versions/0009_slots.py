"""PostgreSQL finds the slots of a time by an index of their own."""

import sqlalchemy as sa

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.create_index("ix_usage_sums_slots", "usage_sums", ["start"], postgresql_where=sa.text("grain = 10"))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.drop_index("ix_usage_sums_slots", "usage_sums")
