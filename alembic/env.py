"""How Alembic reaches the database: over the connection that migrate.py hands in, or the environment's."""

from sqlalchemy import Connection

from alembic import context
from openopen8.core.config import load_settings
from openopen8.core.db import Database
from openopen8.core.models import METADATA, belongs


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        # SQLite can't alter columns: Alembic copies the table instead
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        include_object=lambda thing, *_: belongs(connection.dialect.name, thing),
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    with Database(load_settings().database).engine.connect() as own:
        run(own)
        own.commit()
