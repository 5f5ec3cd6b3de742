"""Bookings and feeds that the tests of the calendar share; run as a script it prints one whole feed."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from booking.calendars.render import (
    EventFacts,
    FeedHead,
    join_feed,
    notice,
    placeholder,
    render_busy,
    render_campaign,
    render_closure,
    render_event,
    tombstone,
)

HOST = "booking.example"
LONDON = ZoneInfo("Europe/London")
MADE = datetime(2026, 9, 1, 9, tzinfo=UTC)
KEY = b"the key of one link"
HEAD = FeedHead("H-01 bookings", "Bookings of one room", "Europe/London", "https://booking.example/rooms/1")
A_RUN = EventFacts(
    uid="5f3c1f0e-6a51-4d0c-9d0e-0a4a4b1f7a11",
    starts_at=datetime(2026, 10, 24, 23, 30, tzinfo=UTC),
    ends_at=datetime(2026, 10, 25, 3, 30, tzinfo=UTC),
    sequence=2,
    created_at=MADE,
    revised_at=MADE + timedelta(days=3, microseconds=123_456),
    status="confirmed",
    title="Growth curve, eight flasks",
    location="H-01 Cell culture laboratory",
    lines=("Who: Ada Byron", "Project: Growth curves", "Changeover until 04:30"),
    url="https://booking.example/bookings/5f3c1f0e",
    categories=("Incubator", "Course"),
    parent="7d0a9c52-0f5e-4b0b-8a55-3c1d3c9f1b22",
)

# What the injection tests try to smuggle in, behind each character on which somebody starts a new line.
BREAKS = ("\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029")
SMUGGLED = "ATTENDEE:mailto:e@x"


def a_run(**changes: object) -> EventFacts:
    """Return the example booking with some facts changed."""
    return replace(A_RUN, **changes)  # type: ignore[arg-type]


def a_run_in_london(start: datetime, end: datetime, number: int = 0) -> EventFacts:
    """Return a booking given by London's clock (`fold` says which of two equal times is meant)."""
    return a_run(
        uid=f"5f3c1f0e-6a51-4d0c-9d0e-{number:012x}",
        title=f"Run {number}",
        starts_at=start.replace(tzinfo=LONDON).astimezone(UTC),
        ends_at=end.replace(tzinfo=LONDON).astimezone(UTC),
    )


def a_feed(*events: bytes, head: FeedHead = HEAD) -> bytes:
    """Return a feed of these events."""
    return join_feed(head, events)


def busy_example() -> list[bytes]:
    """Return two busy blocks, made of three bookings."""
    start = datetime(2026, 11, 2, 9, tzinfo=UTC)
    hours = [(0, 2), (2, 5), (7, 8)]
    blocks = [(start + timedelta(hours=a), start + timedelta(hours=b)) for a, b in hours]
    return render_busy(blocks, KEY, MADE, HOST, location="H-01 Cell culture laboratory")


def every_kind() -> dict[str, Sequence[bytes]]:
    """Return the events of every kind of feed."""
    states = [
        render_event(a_run(status=status, uid=f"5f3c1f0e-6a51-4d0c-9d0e-{number:012x}"), HOST)
        for number, status in enumerate(("confirmed", "requested", "cancelled"))
    ]
    closed = render_closure("winter", date(2026, 12, 24), date(2027, 1, 1), "Closed: winter", MADE, HOST)
    campaign = render_campaign(A_RUN, date(2026, 10, 20), date(2026, 11, 20), HOST)
    cut_here = notice(
        date(2026, 12, 1), "More bookings on the web", "https://booking.example", MADE, HOST, "s"
    )
    return {
        "bookings": states,
        "busy": busy_example(),
        "closure": [closed],
        "campaign": [campaign],
        "empty": [placeholder(MADE, HOST, "link 1")],
        "withdrawn": [tombstone(MADE, HOST, "link 1")],
        "cut": [*states, cut_here],
    }


if __name__ == "__main__":
    sys.stdout.buffer.write(a_feed(*(event for events in every_kind().values() for event in events)))
