"""Channels may call through a proxy, or with HTTP/2."""

import sqlalchemy as sa

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("channels", schema=None) as batch_op:
        batch_op.add_column(sa.Column("proxy", sa.String(length=500), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("proxy_sealed", sa.String(length=1000), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("http2", sa.Boolean(), nullable=False, server_default=sa.false()))


def downgrade() -> None:
    with op.batch_alter_table("channels", schema=None) as batch_op:
        for name in ("http2", "proxy_sealed", "proxy"):
            batch_op.drop_column(name)
