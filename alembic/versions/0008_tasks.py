"""Tasks: what runs at providers after its request was answered."""

import sqlalchemy as sa

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "tasks",
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("user_id", BIG, nullable=False),
        sa.Column("token_id", BIG, nullable=False),
        sa.Column("channel_id", BIG, nullable=False),
        sa.Column("key_id", BIG, nullable=False),
        sa.Column("request_id", sa.String(length=40), nullable=False),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("upstream_model", sa.String(length=256), nullable=False),
        sa.Column("form", sa.String(length=40), nullable=False),
        sa.Column("upstream_id", sa.String(length=256), nullable=False),
        sa.Column("action", sa.String(length=120), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("credits", BIG, nullable=False),
        sa.Column("refunded", BIG, nullable=False),
        sa.Column("request", sa.JSON(), nullable=False),
        sa.Column("answer", sa.JSON(), nullable=True),
        sa.Column("urls", sa.JSON(), nullable=False),
        sa.Column("error", sa.String(length=1000), nullable=False),
        sa.Column("created_at", BIG, nullable=False),
        sa.Column("updated_at", BIG, nullable=False),
        sa.Column("poll_at", BIG, nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("expires_at", BIG, nullable=False),
        sa.Column("ended_at", BIG, nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("ix_tasks_user_id", "tasks", ["user_id", "kind", "created_at"])
    op.create_index("ix_tasks_poll_at", "tasks", ["poll_at"])
    op.create_index("ix_tasks_ended_at", "tasks", ["ended_at"])


def downgrade() -> None:
    op.drop_table("tasks")
