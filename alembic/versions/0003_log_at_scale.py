"""Sums and an index that follow the log in the background, instead of what every request had to write.

The log holds all charges (nothing was ever deleted from it so far), so the sums are made anew from it: by the first
worker that starts, a few minutes for ten million entries.
"""

import sqlalchemy as sa

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

PERIODS = {
    "sqlite": "CAST(json_extract(receipt, '$.period_start') AS INTEGER)",
    "postgresql": "CAST(receipt ->> 'period_start' AS bigint)",
}
SUMMED = ("kind", "input_tokens", "output_tokens", "credits")


def upgrade() -> None:
    dialect = op.get_bind().dialect.name
    op.add_column("log_entries", sa.Column("period_start", BIG, nullable=True))
    _periods(PERIODS[dialect])
    for name in ("user_id_time", "time"):
        op.drop_index(f"ix_log_entries_{name}", "log_entries")
    _tables()
    if dialect == "sqlite":
        for name in ("user_id_id", "token_id_id", "request_id"):
            op.drop_index(f"ix_log_entries_{name}", "log_entries")
        _index_table("log_tokens", sa.Column("token_id", BIG, autoincrement=False, nullable=False))
        _index_table("log_users", sa.Column("user_id", BIG, autoincrement=False, nullable=False))
        _index_table("log_requests", sa.Column("request_id", sa.String(length=40), nullable=False))
        code = sa.Column("code", sa.Integer(), nullable=False)
        op.create_table("log_others", sa.Column("id", BIG, nullable=False), code, sa.PrimaryKeyConstraint("id"))
    few = sa.text("status >= 400")
    op.create_index("ix_log_entries_failed", "log_entries", ["token_id", "id"], sqlite_where=few, postgresql_where=few)
    if dialect == "postgresql":
        op.create_index("ix_log_entries_failed_id", "log_entries", ["id"], postgresql_where=few)
        rest = sa.text("kind <> 'request'")
        op.create_index("ix_log_entries_others_id", "log_entries", ["id"], postgresql_where=rest)
    op.drop_index("ix_usage_hours_token_id_hour", "usage_hours")
    op.drop_table("usage_hours")


def _periods(of_receipt: str) -> None:
    """Each charge's quota period out of its receipt; a correction has that of its request."""
    op.execute(f"UPDATE log_entries SET period_start = {of_receipt} WHERE kind = 'request' AND receipt IS NOT NULL")
    # settled for a worker that died before anything came: admitted, without a receipt
    op.execute("UPDATE log_entries SET period_start = 0 WHERE kind = 'request' AND receipt IS NULL AND status IS NULL")
    op.execute(
        "UPDATE log_entries SET period_start = (SELECT r.period_start FROM log_entries r "
        "WHERE r.request_id = log_entries.request_id AND r.kind = 'request') WHERE kind = 'correction'"
    )


def _tables() -> None:
    keys = ("grain", "token_id", "user_id", "start", "model", "channel_id", "group_id", "status", "period_start")
    sums = ("entries", "requests", "errors", "input_tokens", "output_tokens", "cached_tokens", "credits")
    op.create_table(
        "usage_sums",
        *(
            sa.Column(name, sa.String(length=256) if name == "model" else BIG, autoincrement=False, nullable=False)
            for name in keys
        ),
        *(sa.Column(name, BIG, nullable=False) for name in (*sums, "first_id", "last_id")),
        sa.PrimaryKeyConstraint(*keys),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "log_marks",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )


def _index_table(name: str, key: sa.Column) -> None:
    op.create_table(
        name,
        key,
        sa.Column("id", BIG, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint(key.name, "id"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    """Not after entries were deleted: the hourly rows are made anew from the log."""
    dialect = op.get_bind().dialect.name
    keys = ("user_id", "hour", "token_id", "model", "channel_id", "period_start")
    sums = ("requests", "errors", "input_tokens", "output_tokens", "cached_tokens", "credits")
    op.create_table(
        "usage_hours",
        *(
            sa.Column(name, sa.String(length=256) if name == "model" else BIG, autoincrement=False, nullable=False)
            for name in keys
        ),
        *(sa.Column(name, BIG, nullable=False) for name in sums),
        sa.PrimaryKeyConstraint(*keys),
    )
    op.create_index("ix_usage_hours_token_id_hour", "usage_hours", ["token_id", "hour"])
    op.execute(
        "INSERT INTO usage_hours (user_id, hour, token_id, model, channel_id, period_start, requests, errors, "
        "input_tokens, output_tokens, cached_tokens, credits) "
        "SELECT user_id, time - time % 3600000, token_id, model, COALESCE(channel_id, 0), period_start, "
        "COUNT(CASE WHEN kind = 'request' THEN 1 END), COUNT(CASE WHEN status >= 400 OR error <> '' AND "
        "kind = 'request' THEN 1 END), SUM(input_tokens), SUM(output_tokens), SUM(cached_tokens), SUM(credits) "
        "FROM log_entries WHERE period_start IS NOT NULL "
        "GROUP BY user_id, time - time % 3600000, token_id, model, COALESCE(channel_id, 0), period_start"
    )
    op.drop_index("ix_log_entries_failed", "log_entries")
    if dialect == "postgresql":
        op.drop_index("ix_log_entries_failed_id", "log_entries")
        op.drop_index("ix_log_entries_others_id", "log_entries")
    if dialect == "sqlite":
        for name, columns in (
            ("user_id_id", ["user_id", "id"]),
            ("token_id_id", ["token_id", "id"]),
            ("request_id", ["request_id"]),
        ):
            op.create_index(f"ix_log_entries_{name}", "log_entries", columns)
        for name in ("log_tokens", "log_users", "log_requests", "log_others"):
            op.drop_table(name)
    for name in ("usage_sums", "log_marks"):
        op.drop_table(name)
    op.create_index("ix_log_entries_time", "log_entries", ["time", *SUMMED])
    op.create_index("ix_log_entries_user_id_time", "log_entries", ["user_id", "time", *SUMMED])
    with op.batch_alter_table("log_entries") as batch_op:
        batch_op.drop_column("period_start")
