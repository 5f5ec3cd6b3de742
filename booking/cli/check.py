"""`booking check`: is this installation fit to be used? One line for each question."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import click
from flask.cli import ScriptInfo
from sqlalchemy import func, select, text
from sqlalchemy.exc import SQLAlchemyError

from booking.base import clock, schema
from booking.base.audit import AuditEntry
from booking.base.db import db, is_sqlite
from booking.cli.shell import NO_SCHEMA, Shell, data_option, explained
from booking.notifications.post import mail_faults
from booking.schedule.guard import missing_guards, overlaps
from booking.settings import BadSettings, Settings

ORPHANS = {
    "holds without a booking": """
        SELECT count(*) FROM holds LEFT JOIN bookings ON bookings.id = holds.id
        WHERE holds.kind = 'booking' AND bookings.id IS NULL""",
    "bookings that hold nothing": """
        SELECT count(*) FROM bookings WHERE status IN ('requested', 'confirmed', 'in_use')
        AND NOT EXISTS (SELECT 1 FROM occupancy WHERE hold_id = bookings.id AND active)""",
    "units held by cancelled bookings": """
        SELECT count(*) FROM occupancy JOIN bookings ON bookings.id = occupancy.hold_id
        WHERE occupancy.active AND bookings.status IN ('cancelled', 'declined', 'no_show')""",
    "people present for cancelled bookings": """
        SELECT count(*) FROM presence JOIN bookings ON bookings.id = presence.hold_id
        WHERE presence.active AND bookings.status IN ('cancelled', 'declined', 'no_show')""",
}


@click.command()
@data_option
@click.pass_context
def check(context: click.Context) -> None:
    """Check settings, schema, clock, mail and the database's integrity; exit 0 only if all hold."""
    shell = context.ensure_object(ScriptInfo)
    assert isinstance(shell, Shell)  # noqa: S101 (for the type checker)
    failed = False
    for name, faults in answers(shell):
        failed = failed or bool(faults)
        click.echo(f"ok    {name}" if not faults else "\n".join(f"FAIL  {name}: {fault}" for fault in faults))
    if failed:
        context.exit(1)


def answers(shell: Shell) -> Iterator[tuple[str, list[str]]]:
    """Yield each question with its faults."""
    try:
        settings = shell.settings()
    except BadSettings as bad:
        yield "settings", bad.lines
        return
    try:
        app = shell.load_app()
    except Exception as error:
        yield "settings", settings.faults() or list(explained(error))
        return
    yield "settings", settings.faults()
    yield "mail", mail_faults(settings)
    yield "redis", app.config["LIMITS"].redis_faults()
    with app.app_context():
        for name, question in QUESTIONS.items():
            faults = _asked(question)
            yield name, faults
            if faults and name in ("database", "schema"):
                return


def _asked(question: Callable[[], list[str]]) -> list[str]:
    try:
        return question()
    except SQLAlchemyError as error:
        db.session.rollback()
        return list(explained(error))


def _database() -> list[str]:
    db.session.execute(text("SELECT 1"))
    return []


def _schema() -> list[str]:
    return [] if schema.at_head() else [NO_SCHEMA]


def _guard() -> list[str]:
    return [f"{name} is missing: two bookings could hold the same unit" for name in missing_guards()]


def _overlaps() -> list[str]:
    found = overlaps()
    return [f"{found} holds overlap"] if found else []


def _orphans() -> list[str]:
    counts = {name: db.session.scalar(text(query)) or 0 for name, query in ORPHANS.items()}
    if is_sqlite():
        counts["rows that refer to nothing"] = len(list(db.session.execute(text("PRAGMA foreign_key_check"))))
    return [f"{count} {name}" for name, count in counts.items() if count]


def _file() -> list[str]:
    if not is_sqlite():
        return []
    found = [str(row) for row in db.session.scalars(text("PRAGMA quick_check"))]
    return [] if found == ["ok"] else found[:5]


def _clock() -> list[str]:
    now = clock.now()
    if now < datetime(2025, 1, 1, tzinfo=UTC):
        return [f"it shows {now:%Y-%m-%d %H:%M} UTC"]
    newest = db.session.scalar(select(func.max(AuditEntry.at)))
    if newest is not None and newest > now + timedelta(minutes=5):
        return [f"it shows {now:%Y-%m-%d %H:%M} UTC, but something was written at {newest:%Y-%m-%d %H:%M}"]
    return [] if is_sqlite() else _servers_clock(now)


def _servers_clock(now: datetime) -> list[str]:
    there = db.session.scalar(text("SELECT clock_timestamp()"))
    apart = abs((there - now).total_seconds()) if isinstance(there, datetime) else 0
    return [f"it is {apart:.0f} seconds apart from the database server's"] if apart > 5 else []


QUESTIONS: dict[str, Callable[[], list[str]]] = {
    "database": _database,
    "schema": _schema,
    "guard": _guard,
    "no overlap": _overlaps,
    "no orphans": _orphans,
    "database file": _file,
    "clock": _clock,
}


def reasons_not_to_serve(settings: Settings) -> list[str]:
    """Name everything with which the production server must not start; within the application's context."""
    faults = settings.faults()
    for question in (_database, _schema, _guard):
        found = _asked(question)
        faults += found
        if found:
            break
    return faults
