"""Bookings as a table for spreadsheets: local times with their zone, and the same in UTC for programs."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, datetime

from booking.base.period import zone
from booking.bookings.queries import Detail

HEAD = (
    "id",
    "status",
    "title",
    "start",
    "end",
    "timezone",
    "start_utc",
    "end_utc",
    "resources",
    "facility",
    "organiser",
    "organisation",
    "project",
    "supervisor",
    "participants",
    "people",
    "notes",
    "reason",
)
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def csv_of(bookings: Iterable[Detail]) -> str:
    """Write bookings that are seen in full, one in a line; with the mark by which spreadsheets know UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(HEAD)
    writer.writerows([_harmless(cell) for cell in _cells(one)] for one in bookings)
    return "\ufeff" + text.getvalue()


def _cells(one: Detail) -> list[str]:
    row = one.booking
    return [
        row.public_id,
        one.status,
        row.title,
        _local(row.starts_at, one.timezone),
        _local(row.ends_at, one.timezone),
        one.timezone,
        _utc(row.starts_at),
        _utc(row.ends_at),
        ", ".join(
            f"{units} × {place.code}" if units > 1 else place.code for place, units, _ in one.resources
        ),
        ", ".join(dict.fromkeys(place.facility.name for place, _, _ in one.resources)),
        one.organiser.name,
        one.organisation.name,
        f"{one.project.code} {one.project.name}" if one.project else "",
        one.supervisor.name if one.supervisor else "",
        ", ".join(person.name for person in one.participants),
        str(row.people),
        row.notes,
        row.reason,
    ]


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from reading what somebody typed as a formula."""
    return f"'{cell}" if cell.startswith(FORMULA) else cell


def _local(moment: datetime, timezone: str) -> str:
    return f"{moment.astimezone(zone(timezone)):%Y-%m-%d %H:%M}"


def _utc(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
