"""Bookings written as iCalendar: plain values in, the same bytes out at every time and on every machine.

Each VEVENT is rendered and checked on its own, so that it can be stored; a feed joins stored events.
"""

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from icalendar import Calendar, Event
from icalendar.prop import vDuration, vInt, vText, vUri

from booking.calendars.busy import Block, merge_blocks
from booking.calendars.lint import MAX_CATEGORIES, MAX_DESCRIPTION, MAX_SUMMARY, LintError, lint_event
from booking.calendars.text import many_lines, one_line
from booking.calendars.vtimezone import vtimezone

# Part of every stored event's key and of the feed's ETag: raise it when the bytes below change.
RENDERER_VERSION = 1

PRODID = "-//UCL FMRH//Facility Booking//EN"
COLOR = "teal"
MAX_LOCATION = 200
MAX_CATEGORY = 50
MAX_NAME = 100
MAX_ABOUT = 300
POLL_EVERY = timedelta(hours=1)
TAIL = b"END:VCALENDAR\r\n"

Properties = Iterable[tuple[str, object]]


class Show(NamedTuple):
    """The same state in the three words that different clients look at."""

    status: str
    transp: str
    outlook: str


TAKEN = Show("CONFIRMED", "OPAQUE", "BUSY")
REQUESTED = Show("TENTATIVE", "OPAQUE", "TENTATIVE")
CANCELLED = Show("CANCELLED", "TRANSPARENT", "FREE")
FOR_INFORMATION = Show("CONFIRMED", "TRANSPARENT", "FREE")

# Many clients do not show STATUS, so the summary says it as well.
_STATES = {
    "confirmed": ("", TAKEN),
    "requested": ("Request: ", REQUESTED),
    "cancelled": ("Cancelled: ", CANCELLED),
}


@dataclass(frozen=True)
class EventFacts:
    """One booking as one audience sees it."""

    uid: str
    starts_at: datetime
    ends_at: datetime
    sequence: int
    created_at: datetime
    revised_at: datetime
    status: Literal["confirmed", "requested", "cancelled"]
    title: str
    location: str
    lines: tuple[str, ...]
    url: str | None
    categories: tuple[str, ...]
    parent: str | None = None


@dataclass(frozen=True)
class FeedHead:
    """What a feed says about itself."""

    name: str
    description: str
    timezone: str
    url: str | None


def render_event(facts: EventFacts, host: str) -> bytes:
    """Write one booking for those who may see it."""
    prefix, show = _STATES[facts.status]
    return _write(
        [
            ("UID", vText(f"{facts.uid}@{host}")),
            *_revision(facts.revised_at, facts.sequence),
            ("CREATED", _utc(facts.created_at)),
            ("DTSTART", _utc(facts.starts_at)),
            ("DTEND", _utc(facts.ends_at)),
            *_label(prefix + (one_line(facts.title, MAX_SUMMARY) or "Booking"), show),
            *_place(facts.location),
            *_details(facts.lines, facts.url),
            *_categories(facts.categories),
            *([("RELATED-TO", vText(f"{facts.parent}@{host}"))] if facts.parent else []),
        ]
    )


def render_busy(
    blocks: Sequence[Block],
    key: bytes,
    created_at: datetime,
    host: str,
    summary: str = "Busy",
    location: str = "",
) -> list[bytes]:
    """Write busy time for strangers: merged, and without a trace of who booked, what, or when.

    A block is never changed, it goes and another comes: the UID is made of all that is shown.
    """
    return [
        _write(
            [
                ("UID", vText(f"{_keyed_uid(key, block, summary, location)}@{host}")),
                *_revision(created_at, 0),
                ("DTSTART", _utc(block[0])),
                ("DTEND", _utc(block[1])),
                *_label(summary, TAKEN),
                *_place(location),
            ]
        )
        for block in merge_blocks(blocks)
    ]


def render_closure(
    uid_seed: str, first: date, last: date, summary: str, created_at: datetime, host: str
) -> bytes:
    """Write whole days, the last one included, on which nothing can be booked."""
    uid = derived_uid(uid_seed, first.isoformat(), last.isoformat(), summary)
    return _write(_whole_days(uid, first, last, summary, created_at, host, TAKEN))


def render_campaign(facts: EventFacts, first: date, last: date, host: str) -> bytes:
    """Write a campaign as whole days that block nothing; its bookings point to it as their parent."""
    prefix, show = _STATES[facts.status]
    return _write(
        [
            ("UID", vText(f"{facts.uid}@{host}")),
            *_revision(facts.revised_at, facts.sequence),
            ("CREATED", _utc(facts.created_at)),
            *_days(first, last),
            *_label(
                prefix + one_line(facts.title, MAX_SUMMARY), show if show == CANCELLED else FOR_INFORMATION
            ),
            *_place(facts.location),
            *_details(facts.lines, facts.url),
            *_categories(facts.categories),
        ]
    )


def placeholder(created_at: datetime, host: str, seed: str, timezone: str = "Europe/London") -> bytes:
    """Write the one event of an empty feed: without any event, clients would keep the old ones."""
    return _note("Calendar link created", created_at, host, seed, timezone)


def tombstone(created_at: datetime, host: str, seed: str, timezone: str = "Europe/London") -> bytes:
    """Write the one event of a withdrawn link, which makes clients drop all others."""
    return _note("This calendar link was withdrawn", created_at, host, seed, timezone)


def notice(day: date, text: str, url: str | None, created_at: datetime, host: str, seed: str) -> bytes:
    """Write a remark on a day, such as that the feed ends there and where the rest can be seen."""
    uid = derived_uid("notice", seed, day.isoformat(), text, url or "")
    return _write(
        [*_whole_days(uid, day, day, text, created_at, host, FOR_INFORMATION), *_details((text,), url)]
    )


def join_feed(head: FeedHead, events: Sequence[bytes]) -> bytes:
    """Put rendered events between the calendar's head and tail."""
    if not events:
        raise ValueError("a feed without an event does not clear a calendar: give it the placeholder")
    return b"".join((_head(head), *events, TAIL))


def derived_uid(*parts: str) -> str:
    """Make a UID for what has none of its own; whatever must count as a new event when it changes goes in."""
    return hashlib.sha256("\n".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


@lru_cache(maxsize=1_000)
def _head(head: FeedHead) -> bytes:
    name, about = one_line(head.name, MAX_NAME) or "Bookings", one_line(head.description, MAX_ABOUT)
    calendar = Calendar()
    for key, value in (
        ("VERSION", vText("2.0")),
        ("PRODID", vText(PRODID)),
        ("CALSCALE", vText("GREGORIAN")),
        ("NAME", vText(name)),
        ("X-WR-CALNAME", vText(name)),
        *([("DESCRIPTION", vText(about)), ("X-WR-CALDESC", vText(about))] if about else []),
        ("X-WR-TIMEZONE", vText(head.timezone)),
        ("COLOR", vText(COLOR)),
        *([("URL", vUri(head.url))] if head.url else []),
        ("REFRESH-INTERVAL", vDuration(POLL_EVERY, params={"VALUE": "DURATION"})),
        ("X-PUBLISHED-TTL", vDuration(POLL_EVERY)),
    ):
        calendar.add(key, value)
    written: bytes = calendar.to_ical(sorted=False)
    return written.removesuffix(TAIL) + vtimezone(head.timezone)


def _write(properties: Properties) -> bytes:
    """Write one event, its properties in the given order, and refuse to return what lint objects to."""
    event = Event()
    for name, value in properties:
        event.add(name, value)
    written: bytes = event.to_ical(sorted=False)
    findings = lint_event(written)
    if findings:
        raise LintError(findings)
    return written


def _revision(revised_at: datetime, sequence: int) -> Properties:
    """Say which version this is: some clients ignore a change unless one of these moves."""
    stamp = _utc(revised_at)
    return [("DTSTAMP", stamp), ("LAST-MODIFIED", stamp), ("SEQUENCE", vInt(sequence))]


def _days(first: date, last: date) -> Properties:
    return [("DTSTART", first), ("DTEND", last + timedelta(days=1))]


def _label(summary: str, show: Show) -> Properties:
    return [
        ("SUMMARY", vText(one_line(summary, MAX_SUMMARY))),
        ("STATUS", vText(show.status)),
        ("TRANSP", vText(show.transp)),
        ("X-MICROSOFT-CDO-BUSYSTATUS", vText(show.outlook)),
        ("CLASS", vText("PUBLIC")),
    ]


def _place(location: str) -> Properties:
    text = one_line(location, MAX_LOCATION)
    return [("LOCATION", vText(text))] if text else []


def _details(lines: Iterable[str], url: str | None) -> Properties:
    """Each line is made one line first, so that a user's text cannot pose as one of ours."""
    whole = (one_line(line, MAX_DESCRIPTION) for line in lines)
    text = many_lines("\n".join(line for line in whole if line), MAX_DESCRIPTION)
    return [*([("DESCRIPTION", vText(text))] if text else []), *([("URL", vUri(url))] if url else [])]


def _categories(categories: Iterable[str]) -> Properties:
    names = [name for name in (one_line(name, MAX_CATEGORY) for name in categories) if name][:MAX_CATEGORIES]
    return [("CATEGORIES", names)] if names else []


def _whole_days(
    uid: str, first: date, last: date, summary: str, created_at: datetime, host: str, show: Show
) -> Properties:
    return [
        ("UID", vText(f"{uid}@{host}")),
        *_revision(created_at, 0),
        *_days(first, last),
        *_label(summary, show),
    ]


def _note(text: str, created_at: datetime, host: str, seed: str, timezone: str) -> bytes:
    day = _utc(created_at).astimezone(ZoneInfo(timezone)).date()
    uid = derived_uid(text, seed, day.isoformat())
    return _write(_whole_days(uid, day, day, text, created_at, host, FOR_INFORMATION))


def _keyed_uid(key: bytes, block: Block, summary: str, location: str) -> str:
    """Only the link's key makes these UIDs, so that those of two links cannot be compared."""
    times = "|".join(f"{_utc(moment):%Y%m%dT%H%M%SZ}" for moment in block)
    text = "|".join((times, summary, location)).encode("utf-8", "replace")
    return hmac.new(key, text, hashlib.sha256).hexdigest()[:32]


def _utc(moment: datetime) -> datetime:
    """Return the moment in UTC; one without a zone would float through time zones."""
    if moment.utcoffset() is None:
        raise ValueError(f"a time without a zone cannot be written: {moment}")
    return moment.astimezone(UTC)
