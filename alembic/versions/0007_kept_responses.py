"""Answers of the Responses API that a later request may go on from."""

import sqlalchemy as sa

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "kept_responses",
        sa.Column("user_id", BIG, autoincrement=False, nullable=False),
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("token_id", BIG, nullable=False),
        sa.Column("model", sa.String(length=256), nullable=False),
        sa.Column("channel_id", BIG, nullable=True),
        sa.Column("key_id", BIG, nullable=True),
        sa.Column("previous_id", sa.String(length=200), nullable=True),
        sa.Column("used_at", BIG, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("hold_id", BIG, nullable=True),
        sa.Column("terms", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", "id"),
    )
    op.create_index("ix_kept_responses_used_at", "kept_responses", ["used_at"])
    op.create_index("ix_kept_responses_hold_id", "kept_responses", ["hold_id"])


def downgrade() -> None:
    op.drop_table("kept_responses")
