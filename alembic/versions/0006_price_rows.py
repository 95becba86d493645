"""Prices tell apart all that vendors charge for: buckets, long inputs, service tiers, tools and units."""

import sqlalchemy as sa

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RATIOS = (
    "cache_write_1h",
    "input_audio",
    "input_image",
    "cache_read_audio",
    "cache_read_image",
    "output_audio",
    "output_image",
)
BY_NAME = ("long", "tiers", "calls", "units")


def upgrade() -> None:
    with op.batch_alter_table("prices", schema=None) as batch_op:
        for name in RATIOS:
            batch_op.add_column(sa.Column(name, sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("long_above", BIG, nullable=True))
        for name in BY_NAME:
            batch_op.add_column(sa.Column(name, sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("prices", schema=None) as batch_op:
        for name in (*RATIOS, "long_above", *BY_NAME):
            batch_op.drop_column(name)
