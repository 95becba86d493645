"""The first tables, with the group and the revision number that everything starts from."""

import sqlalchemy as sa

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "access_tokens",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("hint", sa.String(length=24), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("last_used_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    with op.batch_alter_table("access_tokens", schema=None) as batch_op:
        batch_op.create_index("ix_access_tokens_user_id", ["user_id"], unique=False)

    op.create_table(
        "accounts",
        sa.Column("user_id", BIG, autoincrement=False, nullable=False),
        sa.Column("balance", BIG, nullable=False),
        sa.Column("held", BIG, nullable=False),
        sa.Column("revision", BIG, nullable=False),
        sa.PrimaryKeyConstraint("user_id"),
    )
    op.create_table(
        "channel_keys",
        sa.Column("id", BIG, nullable=False),
        sa.Column("channel_id", BIG, nullable=False),
        sa.Column("sealed", sa.String(), nullable=False),
        sa.Column("env_name", sa.String(length=100), nullable=False),
        sa.Column("hint", sa.String(length=24), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.String(length=500), nullable=False),
        sa.Column("rest_until", BIG, nullable=True),
        sa.Column("rest_reason", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("channel_keys", schema=None) as batch_op:
        batch_op.create_index("ix_channel_keys_channel_id", ["channel_id"], unique=False)

    op.create_table(
        "channels",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("base_url", sa.String(length=500), nullable=False),
        sa.Column("models", sa.JSON(), nullable=False),
        sa.Column("groups", sa.JSON(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
        sa.Column("key_mode", sa.String(length=12), nullable=False),
        sa.Column("model_mapping", sa.JSON(), nullable=False),
        sa.Column("parameter_override", sa.JSON(), nullable=False),
        sa.Column("header_override", sa.JSON(), nullable=False),
        sa.Column("status_map", sa.JSON(), nullable=False),
        sa.Column("auto_disable", sa.Boolean(), nullable=False),
        sa.Column("test_model", sa.String(length=256), nullable=False),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("disabled_reason", sa.String(length=500), nullable=False),
        sa.Column("rest_until", BIG, nullable=True),
        sa.Column("rest_reason", sa.String(length=500), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("deleted_at", BIG, nullable=True),
        sa.Column("last_test", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "credit_entries",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("amount", BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("time", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("credit_entries", schema=None) as batch_op:
        batch_op.create_index("ix_credit_entries_user_id", ["user_id"], unique=False)

    op.create_table(
        "groups",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("ratio", sa.String(length=80), nullable=False),
        sa.Column("selectable", sa.Boolean(), nullable=False),
        sa.Column("rate_limit", sa.Integer(), nullable=True),
        sa.Column("note", sa.String(length=500), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "holds",
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
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.create_index("ix_holds_worker_id", ["worker_id"], unique=False)

    op.create_table(
        "log_entries",
        sa.Column("id", BIG, nullable=False),
        sa.Column("time", BIG, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("user_id", BIG, nullable=True),
        sa.Column("token_id", BIG, nullable=True),
        sa.Column("group_id", BIG, nullable=True),
        sa.Column("channel_id", BIG, nullable=True),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("upstream_model", sa.String(length=256), nullable=False),
        sa.Column("endpoint", sa.String(length=120), nullable=False),
        sa.Column("stream", sa.Boolean(), nullable=False),
        sa.Column("input_tokens", BIG, nullable=False),
        sa.Column("output_tokens", BIG, nullable=False),
        sa.Column("cached_tokens", BIG, nullable=False),
        sa.Column("reasoning_tokens", BIG, nullable=False),
        sa.Column("credits", BIG, nullable=False),
        sa.Column("receipt", sa.JSON(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=1000), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("first_token_ms", sa.Integer(), nullable=True),
        sa.Column("retries", sa.Integer(), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("suppressed", sa.Integer(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("log_entries", schema=None) as batch_op:
        batch_op.create_index("ix_log_entries_request_id", ["request_id"], unique=False)
        batch_op.create_index(
            "ix_log_entries_time", ["time", "kind", "input_tokens", "output_tokens", "credits"], unique=False
        )
        batch_op.create_index("ix_log_entries_token_id_id", ["token_id", "id"], unique=False)
        batch_op.create_index("ix_log_entries_user_id_id", ["user_id", "id"], unique=False)
        batch_op.create_index(
            "ix_log_entries_user_id_time",
            ["user_id", "time", "kind", "input_tokens", "output_tokens", "credits"],
            unique=False,
        )

    op.create_table(
        "options",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "prices",
        sa.Column("id", BIG, nullable=False),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("valid_from", BIG, nullable=False),
        sa.Column("input", sa.String(length=80), nullable=False),
        sa.Column("output", sa.String(length=80), nullable=False),
        sa.Column("cache_read", sa.String(length=80), nullable=True),
        sa.Column("cache_write", sa.String(length=80), nullable=True),
        sa.Column("reasoning", sa.String(length=80), nullable=True),
        sa.Column("per_call", sa.String(length=80), nullable=True),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("deleted_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("prices", schema=None) as batch_op:
        batch_op.create_index("ix_prices_model_valid_from", ["model", "valid_from"], unique=False)

    op.create_table(
        "rate_events",
        sa.Column("scope", sa.String(length=320), nullable=False),
        sa.Column("at", BIG, autoincrement=False, nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "at"),
    )
    op.create_table(
        "revisions",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("number", BIG, nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "sessions",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("last_seen_at", BIG, nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.PrimaryKeyConstraint("hash"),
    )
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.create_index("ix_sessions_user_id", ["user_id"], unique=False)

    op.create_table(
        "token_counters",
        sa.Column("token_id", BIG, autoincrement=False, nullable=False),
        sa.Column("used", BIG, nullable=False),
        sa.Column("used_total", BIG, nullable=False),
        sa.Column("held", BIG, nullable=False),
        sa.Column("period_start", BIG, nullable=False),
        sa.Column("last_used_at", BIG, nullable=True),
        sa.Column("refused_minute", BIG, nullable=False),
        sa.Column("refused_count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("token_id"),
    )
    op.create_table(
        "tokens",
        sa.Column("id", BIG, nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=True),
        sa.Column("old_key_hash", sa.String(length=64), nullable=True),
        sa.Column("old_key_until", BIG, nullable=True),
        sa.Column("hint", sa.String(length=24), nullable=False),
        sa.Column("quota", BIG, nullable=True),
        sa.Column("quota_period", sa.String(length=8), nullable=False),
        sa.Column("expires_at", BIG, nullable=True),
        sa.Column("allowed_models", sa.JSON(), nullable=False),
        sa.Column("ip_whitelist", sa.JSON(), nullable=False),
        sa.Column("group_id", BIG, nullable=True),
        sa.Column("rate_limit", sa.Integer(), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("deleted_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key_hash"),
        sa.UniqueConstraint("old_key_hash"),
    )
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.create_index("ix_tokens_user_id", ["user_id"], unique=False)

    op.create_table(
        "usage_hours",
        sa.Column("user_id", BIG, autoincrement=False, nullable=False),
        sa.Column("hour", BIG, autoincrement=False, nullable=False),
        sa.Column("token_id", BIG, autoincrement=False, nullable=False),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("channel_id", BIG, autoincrement=False, nullable=False),
        sa.Column("period_start", BIG, autoincrement=False, nullable=False),
        sa.Column("requests", BIG, nullable=False),
        sa.Column("errors", BIG, nullable=False),
        sa.Column("input_tokens", BIG, nullable=False),
        sa.Column("output_tokens", BIG, nullable=False),
        sa.Column("cached_tokens", BIG, nullable=False),
        sa.Column("credits", BIG, nullable=False),
        sa.PrimaryKeyConstraint("user_id", "hour", "token_id", "model", "channel_id", "period_start"),
    )
    with op.batch_alter_table("usage_hours", schema=None) as batch_op:
        batch_op.create_index("ix_usage_hours_token_id_hour", ["token_id", "hour"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", BIG, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("group_id", BIG, nullable=False),
        sa.Column("extra_groups", sa.JSON(), nullable=False),
        sa.Column("ratio", sa.String(length=80), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("log_address", sa.Boolean(), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("deleted_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("email"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "workers",
        sa.Column("id", BIG, nullable=False),
        sa.Column("host", sa.String(length=200), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("started", sa.String(length=40), nullable=False),
        sa.Column("heartbeat_at", BIG, nullable=False),
        sa.Column("stopped_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )

    groups = sa.table("groups", *(sa.column(name) for name in ("name", "ratio", "selectable", "note", "created_at")))
    op.bulk_insert(groups, [{"name": "default", "ratio": "1", "selectable": False, "note": "", "created_at": 0}])
    revisions = sa.table("revisions", sa.column("name"), sa.column("number"))
    op.bulk_insert(revisions, [{"name": "snapshot", "number": 1}])


def downgrade() -> None:
    op.drop_table("workers")
    op.drop_table("users")
    with op.batch_alter_table("usage_hours", schema=None) as batch_op:
        batch_op.drop_index("ix_usage_hours_token_id_hour")

    op.drop_table("usage_hours")
    with op.batch_alter_table("tokens", schema=None) as batch_op:
        batch_op.drop_index("ix_tokens_user_id")

    op.drop_table("tokens")
    op.drop_table("token_counters")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_index("ix_sessions_user_id")

    op.drop_table("sessions")
    op.drop_table("revisions")
    op.drop_table("rate_events")
    with op.batch_alter_table("prices", schema=None) as batch_op:
        batch_op.drop_index("ix_prices_model_valid_from")

    op.drop_table("prices")
    op.drop_table("options")
    with op.batch_alter_table("log_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_log_entries_user_id_time")
        batch_op.drop_index("ix_log_entries_user_id_id")
        batch_op.drop_index("ix_log_entries_token_id_id")
        batch_op.drop_index("ix_log_entries_time")
        batch_op.drop_index("ix_log_entries_request_id")

    op.drop_table("log_entries")
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.drop_index("ix_holds_worker_id")

    op.drop_table("holds")
    op.drop_table("groups")
    with op.batch_alter_table("credit_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_credit_entries_user_id")

    op.drop_table("credit_entries")
    op.drop_table("channels")
    with op.batch_alter_table("channel_keys", schema=None) as batch_op:
        batch_op.drop_index("ix_channel_keys_channel_id")

    op.drop_table("channel_keys")
    op.drop_table("accounts")
    with op.batch_alter_table("access_tokens", schema=None) as batch_op:
        batch_op.drop_index("ix_access_tokens_user_id")

    op.drop_table("access_tokens")
