"""The names under which the database refuses a double booking, and the check that the guard stands."""

from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from booking.base.db import db, is_sqlite

OVERLAP = "occupancy_no_overlap"
CLEARANCE = "occupancy_clearance"
_SQLITE_TRIGGERS = {f"{name}_{verb}" for name in (OVERLAP, CLEARANCE) for verb in ("insert", "update")}
_VERBS = {"users": ("update",), "organisations": ("update",), "projects": ("update",)}
# They raise the directory's version with every change of a name or a right: what is kept in memory needs it.
_DIRECTORY = {
    f"directory_{table}_{verb}"
    for table in ("users", "organisations", "projects", "memberships", "coordinators", "duties")
    for verb in _VERBS.get(table, ("insert", "update", "delete"))
}


def guard_that_refused(error: IntegrityError) -> str | None:
    """Return the name of the guard that refused a write, or None if it was something else."""
    message = str(error.orig)
    return next((name for name in (OVERLAP, CLEARANCE) if name in message), None)


def missing_guards() -> list[str]:
    """Name each guard that the database lacks; an empty list means that it can be trusted."""
    if is_sqlite():
        found = set(db.session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")))
        return sorted((_SQLITE_TRIGGERS | _DIRECTORY) - found)
    constraints = set(db.session.scalars(text("SELECT conname FROM pg_constraint WHERE contype = 'x'")))
    triggers = set(db.session.scalars(text("SELECT tgname FROM pg_trigger WHERE tgenabled <> 'D'")))
    return sorted({OVERLAP} - constraints) + sorted(({CLEARANCE} | _DIRECTORY) - triggers)


OVERLAPS = text(
    """
    SELECT count(*) FROM (
        SELECT starts_at, lag(held_until) OVER (PARTITION BY unit_id ORDER BY starts_at) AS before
        FROM occupancy WHERE active
    ) AS rows WHERE before > starts_at
    """
)


def overlaps() -> int:
    """Count pairs of neighbours that hold the same unit at the same time: always 0."""
    return int(db.session.scalar(OVERLAPS) or 0)
