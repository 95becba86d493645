"""Holds in one b-tree, keyed by worker and number; rate windows as a list of admissions by worker."""

import sqlalchemy as sa

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BITS = 40


def upgrade() -> None:
    op.create_table(
        "holds_by_number",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("token_id", BIG, nullable=False),
        sa.Column("period_start", BIG, nullable=False),
        sa.Column("admitted_at", BIG, nullable=False),
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("progress", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    # requests that were cut off by the upgrade are settled by the first worker that starts
    kept = "request_id, user_id, token_id, period_start, admitted_at, group_id, model, facts, amount, progress"
    op.execute(
        f"INSERT INTO holds_by_number (id, {kept}) "
        f"SELECT (worker_id << {BITS}) + ROW_NUMBER() OVER (ORDER BY request_id), {kept} FROM holds"
    )
    op.drop_table("holds")
    op.rename_table("holds_by_number", "holds")
    # the last minute's windows begin anew; failed logins stay counted
    op.execute("DELETE FROM rate_events WHERE scope NOT LIKE 'login:%'")
    op.create_table(
        "admissions",
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.Column("at", BIG, nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )


def downgrade() -> None:
    op.create_table(
        "holds_by_request",
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("worker_id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("token_id", BIG, nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("period_start", BIG, nullable=False),
        sa.Column("admitted_at", BIG, nullable=False),
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("group_ratio", sa.String(length=80), nullable=False),
        sa.Column("price_id", BIG, nullable=False),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("progress", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("request_id"),
    )
    kept = "request_id, user_id, token_id, amount, period_start, admitted_at, group_id, model, facts, progress"
    op.execute(
        f"INSERT INTO holds_by_request (worker_id, group_ratio, price_id, {kept}) "
        f"SELECT id >> {BITS}, '1', 0, {kept} FROM holds"
    )
    op.drop_table("holds")
    op.rename_table("holds_by_request", "holds")
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.create_index("ix_holds_worker_id", ["worker_id"], unique=False)
    op.drop_table("admissions")
