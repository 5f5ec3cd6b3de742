"""Events kept as bytes: each is rendered once for every revision and audience, then only joined to others.

A stored event's stamp says what it was made from, and ends with the checksum of its bytes.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Row, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from booking.base.db import db, is_sqlite, transaction
from booking.base.errors import Busy
from booking.bookings.models import Booking
from booking.bookings.queries import Detail, details
from booking.bookings.visibility import Level
from booking.calendars.lint import LintError
from booking.calendars.models import EventBytes
from booking.calendars.queries import GONE
from booking.calendars.render import RENDERER_VERSION, EventFacts, render_event
from booking.calendars.site import Site
from booking.facilities.places import Places, ResourcePlace

Dated = tuple[datetime, bytes]
log = structlog.get_logger("booking")


@dataclass(frozen=True)
class Wanted:
    """An event that a feed needs: of which booking, for which audience, made from what; stored or not."""

    booking_id: int
    audience: str
    stamp: str
    starts_at: datetime
    ends_at: datetime
    how: Level
    left: int | None
    body: bytes | None


def audience(how: Level, left: bool, site: Site) -> str:
    """Name who an event is written for; `left` if it says that the booking has gone elsewhere."""
    return f"{how.name.lower()}{'-left' if left else ''}@{site.host}"[:60]


def names_of(catalogue: Places, site: Site) -> int:
    """Return a checksum of everything that events show besides bookings and people."""
    shown = [
        place_words(place) + place.kind + place.facility.timezone for place in catalogue.resources.values()
    ]
    return zlib.crc32("\n".join((site.base_url, *shown)).encode("utf-8", "replace"))


def stamp_of(row: Row[Any], left: int | None, names: int) -> str:
    """Say what a booking's event is made from: two events with the same stamp have the same bytes."""
    people = "\n".join((row.organiser, row.organisation, row.project or ""))
    words = zlib.crc32(people.encode("utf-8", "replace"), names)
    return f"{row.version}.{RENDERER_VERSION}.{left or 0}.{words:08x}"


def intact(row: Row[Any] | None, stamp: str) -> bytes | None:
    """Return a stored event if it is up to date; one that was damaged is reported and made anew."""
    if row is None or row.stamp.rpartition("-")[0] != stamp:
        return None
    body = bytes(row.body)
    if row.stamp == _sealed(stamp, body):
        return body
    log.error("stored event damaged", booking=row.id, audience=row.audience)
    return None


def complete(wanted: Sequence[Wanted], catalogue: Places, site: Site) -> list[Wanted]:
    """Return events with their bytes; render and store those that are missing, leave out what cannot be."""
    missing = [one for one in wanted if one.body is None]
    if not missing:
        return list(wanted)
    fresh = _rendered(missing, catalogue, site)
    _store(missing, fresh)
    filled = (replace(one, body=one.body or fresh.get(one.booking_id)) for one in wanted)
    return [one for one in filled if one.body is not None]


def place_words(place: ResourcePlace) -> str:
    """`Cabinet 1 (H-BSC1), H-01`."""
    return f"{place.name} ({place.code})" + (f", {place.room.code}" if place.room else "")


def _sealed(stamp: str, body: bytes) -> str:
    return f"{stamp}-{zlib.crc32(body):08x}"


def _rendered(missing: Sequence[Wanted], catalogue: Places, site: Site) -> dict[int, bytes]:
    if not missing:
        return {}
    query = select(Booking).where(Booking.id.in_([one.booking_id for one in missing]))
    fresh_rows = db.session.scalars(query.execution_options(populate_existing=True)).all()
    found = {detail.booking.id: detail for detail in details(fresh_rows, None)}
    rendered = {}
    for one in missing:
        try:
            facts = _facts(one, found[one.booking_id], catalogue, site)
            rendered[one.booking_id] = render_event(facts, site.host)
        except (LintError, ValueError, KeyError) as fault:
            log.error("event left out of a feed", booking=one.booking_id, fault=repr(fault)[:300])
    return rendered


def _store(wanted: Iterable[Wanted], fresh: dict[int, bytes]) -> None:
    """Keep what was rendered; the feed is answered even if it cannot be stored at this moment."""
    rows = [
        {
            "booking_id": one.booking_id,
            "audience": one.audience,
            "stamp": _sealed(one.stamp, fresh[one.booking_id]),
            "body": fresh[one.booking_id],
        }
        for one in sorted(wanted, key=lambda one: one.booking_id)  # always in this order: no deadlock
        if one.booking_id in fresh
    ]
    if not rows:
        return
    insert: Any = sqlite.insert if is_sqlite() else postgresql.insert
    statement = insert(EventBytes)
    statement = statement.on_conflict_do_update(
        index_elements=["booking_id", "audience"],
        set_={"stamp": statement.excluded.stamp, "body": statement.excluded.body},
    )
    try:
        with transaction():
            db.session.execute(statement, rows)
    except (Busy, SQLAlchemyError) as fault:
        log.warning("events not stored", count=len(rows), fault=type(fault).__name__)


def _facts(one: Wanted, seen: Detail, catalogue: Places, site: Site) -> EventFacts:
    """Put a booking into words as an audience may read them."""
    booking, full = seen.booking, one.how is Level.FULL
    taken = [(place, units, names) for place, units, names in seen.resources]
    if one.left is not None:
        taken = [(catalogue.resources[one.left], 1, ())]
    renamed = [place.renamed_at for place, _, _ in taken if place.renamed_at]
    revised_at = max(booking.revised_at, seen.organiser.renamed_at, *renamed)
    return EventFacts(
        uid=booking.uid,
        starts_at=booking.starts_at if one.left is None else one.starts_at,
        ends_at=booking.ends_at if one.left is None else one.ends_at,
        sequence=booking.sequence,
        # Nobody but those who see all learns when it was booked.
        created_at=booking.created_at if full else revised_at,
        revised_at=revised_at,
        status=_status(booking.status, one.left is not None),
        title=booking.title + (" (moved)" if one.left is not None else ""),
        location="; ".join(place_words(place) for place, _, _ in taken),
        lines=_lines(seen, taken, full, one.left is not None),
        url=site.page(f"/bookings/{booking.public_id}"),
        categories=tuple(sorted({place.kind.capitalize() for place, _, _ in taken})) if full else (),
    )


def _status(status: str, left: bool) -> Any:
    if left or status in GONE:
        return "cancelled"
    return "requested" if status == "requested" else "confirmed"


def _lines(
    seen: Detail, taken: Iterable[tuple[ResourcePlace, int, Sequence[str]]], full: bool, left: bool
) -> tuple[str, ...]:
    if not full:
        return (f"Who: {seen.organiser.name}",)
    who = seen.organiser.name + ("" if seen.organisation.is_host else f", {seen.organisation.code}")
    lines = [f"Who: {who}"]
    if seen.project:
        lines.append(f"Project: {seen.project.code}")
    lines += [
        f"{place.code}: {', '.join(names)}" for place, units, names in taken if len(place.units) > 1 and names
    ]
    return (*lines, *([] if left else _around(seen)))


def _around(seen: Detail) -> list[str]:
    """Say from when and until when the place is held, where that is more than the booking's own time."""
    if not seen.held:
        return []
    booking, tz = seen.booking, seen.resources[0][0].facility.tz
    first = min(held.starts_at for held in seen.held)
    last = max(held.held_until for held in seen.held)
    lines = [f"Set-up from {_clock(first, booking.starts_at, tz)}"] if first < booking.starts_at else []
    if last > booking.ends_at:
        lines.append(f"Changeover until {_clock(last, booking.ends_at, tz)}")
    return lines


def _clock(moment: datetime, beside: datetime, tz: ZoneInfo) -> str:
    """`12:15`, with the day where it is not the booking's own."""
    local = moment.astimezone(tz)
    return f"{local:%H:%M}" if local.date() == beside.astimezone(tz).date() else f"{local:%a %d %b %H:%M}"
