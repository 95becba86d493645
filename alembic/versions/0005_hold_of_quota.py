"""A hold says what it takes of the token's quota, beside what it takes of the balance."""

import sqlalchemy as sa

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.add_column(sa.Column("token_amount", BIG, nullable=False, server_default="0"))
    op.execute("UPDATE holds SET token_amount = amount")
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.alter_column("token_amount", server_default=None)


def downgrade() -> None:
    op.execute(
        "UPDATE token_counters SET held = COALESCE((SELECT SUM(amount) FROM holds "
        "WHERE holds.token_id = token_counters.token_id), 0)"
    )
    with op.batch_alter_table("holds", schema=None) as batch_op:
        batch_op.drop_column("token_amount")
