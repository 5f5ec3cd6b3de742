"""Runs migrations on the application's own engine, with short waits for locks on PostgreSQL."""

from alembic import context
from flask import current_app
from sqlalchemy import Connection, Engine, text

from booking.base.db import Base

config = context.config


def _configure(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        compare_type=True,
        transactional_ddl=True,
    )


def _write_ahead(engine: Engine) -> None:
    # Outside of any transaction, and here alone: two workers that do it at once on a new file fail.
    raw = engine.raw_connection()
    try:
        raw.cursor().execute("PRAGMA journal_mode=WAL").close()
    finally:
        raw.close()


def run() -> None:
    """Upgrade or downgrade in one transaction."""
    engine = current_app.extensions["migrate"].db.engine
    if engine.dialect.name == "sqlite":
        _write_ahead(engine)
    with engine.connect().execution_options(sqlite_begin="IMMEDIATE") as connection:
        _configure(connection)
        with context.begin_transaction():
            if connection.dialect.name == "postgresql":
                connection.execute(text("SET LOCAL lock_timeout = '4s'"))
            context.run_migrations()
        connection.commit()


run()
