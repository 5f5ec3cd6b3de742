"""Whether the database has the schema that this version of the code needs."""

from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from booking.base.db import db
from booking.paths import MIGRATIONS


def head() -> str:
    """Return the newest migration's number."""
    return (MIGRATIONS / "HEAD").read_text(encoding="ascii").strip()


def current() -> str | None:
    """Return the migration that the database stands at, or None if it has no schema."""
    try:
        version = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    except DatabaseError:
        db.session.rollback()
        return None
    return None if version is None else str(version)


def at_head() -> bool:
    """Tell whether code and database fit together."""
    return current() == head()
