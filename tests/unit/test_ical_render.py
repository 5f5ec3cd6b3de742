"""What a subscriber's program reads is what the booking says, in the same bytes at all times."""

import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import recurring_ical_events
import vobject
from icalendar import Calendar, Event

from booking.calendars.lint import LintError, lint
from booking.calendars.render import (
    FeedHead,
    join_feed,
    notice,
    placeholder,
    render_campaign,
    render_closure,
    render_event,
    tombstone,
)
from tests.unit.ical_examples import (
    A_RUN,
    BREAKS,
    HEAD,
    HOST,
    LONDON,
    MADE,
    SMUGGLED,
    a_feed,
    a_run,
    a_run_in_london,
    every_kind,
)

ROOT = Path(__file__).parents[2]
WHOLE_FEED = a_feed(*(event for events in every_kind().values() for event in events))

# Bookings across London's changes of the clock (by London's clock), and what must be written.
AROUND_THE_CHANGES = {
    "over the autumn change": (
        datetime(2026, 10, 25, 0, 30), datetime(2026, 10, 25, 3, 30), "20261024T233000Z", "20261025T033000Z",
    ),
    "first half past one": (
        datetime(2026, 10, 25, 1, 30), datetime(2026, 10, 25, 1, 30, fold=1), "20261025T003000Z",
        "20261025T013000Z",
    ),
    "second half past one": (
        datetime(2026, 10, 25, 1, 30, fold=1), datetime(2026, 10, 25, 2, 30), "20261025T013000Z",
        "20261025T023000Z",
    ),
    "over the spring change": (
        datetime(2027, 3, 27, 22), datetime(2027, 3, 28, 6), "20270327T220000Z", "20270328T050000Z",
    ),
    "before the change, as weekly": (
        datetime(2026, 10, 19, 9), datetime(2026, 10, 19, 10), "20261019T080000Z", "20261019T090000Z",
    ),
    "after the change, as weekly": (
        datetime(2026, 10, 26, 9), datetime(2026, 10, 26, 10), "20261026T090000Z", "20261026T100000Z",
    ),
}  # fmt: skip


def content_lines(data: bytes) -> list[str]:
    return data.replace(b"\r\n ", b"").decode().split("\r\n")[:-1]


def test_a_booking_is_written_property_by_property() -> None:
    assert content_lines(render_event(A_RUN, HOST)) == [
        "BEGIN:VEVENT",
        "UID:5f3c1f0e-6a51-4d0c-9d0e-0a4a4b1f7a11@booking.example",
        "DTSTAMP:20260904T090000Z",
        "LAST-MODIFIED:20260904T090000Z",
        "SEQUENCE:2",
        "CREATED:20260901T090000Z",
        "DTSTART:20261024T233000Z",
        "DTEND:20261025T033000Z",
        "SUMMARY:Growth curve\\, eight flasks",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "CLASS:PUBLIC",
        "LOCATION:H-01 Cell culture laboratory",
        "DESCRIPTION:Who: Ada Byron\\nProject: Growth curves\\nChangeover until 04:30",
        "URL:https://booking.example/bookings/5f3c1f0e",
        "CATEGORIES:Incubator,Course",
        "RELATED-TO:7d0a9c52-0f5e-4b0b-8a55-3c1d3c9f1b22@booking.example",
        "END:VEVENT",
    ]


@pytest.mark.parametrize(
    ("status", "lines"),
    [
        ("confirmed", ["SUMMARY:Run", "STATUS:CONFIRMED", "TRANSP:OPAQUE", "BUSY"]),
        ("requested", ["SUMMARY:Request: Run", "STATUS:TENTATIVE", "TRANSP:OPAQUE", "TENTATIVE"]),
        ("cancelled", ["SUMMARY:Cancelled: Run", "STATUS:CANCELLED", "TRANSP:TRANSPARENT", "FREE"]),
    ],
)
def test_a_state_is_told_in_every_way_a_client_might_look(status: str, lines: list[str]) -> None:
    written = content_lines(render_event(a_run(status=status, title="Run"), HOST))
    assert written[8:12] == [*lines[:3], f"X-MICROSOFT-CDO-BUSYSTATUS:{lines[3]}"]


def test_the_head_says_how_often_to_ask_and_nothing_that_clients_cannot_bear() -> None:
    head = content_lines(a_feed(placeholder(MADE, HOST, "s")))
    assert head[: head.index("BEGIN:VTIMEZONE")] == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//UCL FMRH//Facility Booking//EN",
        "CALSCALE:GREGORIAN",
        "NAME:H-01 bookings",
        "X-WR-CALNAME:H-01 bookings",
        "DESCRIPTION:Bookings of one room",
        "X-WR-CALDESC:Bookings of one room",
        "X-WR-TIMEZONE:Europe/London",
        "COLOR:teal",
        "URL:https://booking.example/rooms/1",
        "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
        "X-PUBLISHED-TTL:PT1H",
    ]


def test_every_line_is_short_and_every_line_alone_is_utf_8() -> None:
    feed = a_feed(render_event(a_run(title="é€😀" * 100), HOST))
    lines = feed.split(b"\r\n")
    assert lines.pop() == b""
    assert max(map(len, lines)) <= 75
    assert all(b"\n" not in line and b"\r" not in line and line.decode() for line in lines)
    read_back = str(Calendar.from_ical(feed).events[0]["SUMMARY"])
    assert read_back == ("é€😀" * 100)[:199] + "…"


def test_special_characters_are_escaped_and_come_back() -> None:
    feed = a_feed(render_event(a_run(title="a\\b; c, d\ne"), HOST))
    assert b"SUMMARY:a\\\\b\\; c\\, d e\r\n" in feed
    assert str(Calendar.from_ical(feed).events[0]["SUMMARY"]) == "a\\b; c, d e"
    assert vobject.readOne(feed.decode()).vevent.summary.value == "a\\b; c, d e"


def test_lines_of_a_description_come_back_as_lines() -> None:
    written = render_event(a_run(lines=("a\\b; c, d", "", "Who: x\nProject: forged")), HOST)
    assert b"DESCRIPTION:a\\\\b\\; c\\, d\\nWho: x Project: forged\r\n" in written
    assert str(Event.from_ical(written)["DESCRIPTION"]) == "a\\b; c, d\nWho: x Project: forged"


@pytest.mark.parametrize("character", BREAKS)
def test_no_text_can_smuggle_in_a_line(character: str) -> None:
    evil = f"A{character}{SMUGGLED}"
    facts = a_run(title=evil, location=evil, lines=(f"Who: {evil}",), categories=(evil,))
    feed = a_feed(
        render_event(facts, HOST),
        render_closure("s", date(2026, 12, 24), date(2026, 12, 24), evil, MADE, HOST),
        notice(date(2026, 12, 1), evil, None, MADE, HOST, evil),
        head=FeedHead(evil, evil, "Europe/London", None),
    )
    assert lint(feed) == []
    assert not [line for line in feed.decode().splitlines() if line.startswith("ATTENDEE")]
    assert feed.decode().splitlines() == feed.decode().split("\r\n")[:-1]


def test_a_calendar_name_with_everything_in_it_stays_one_escaped_line() -> None:
    feed = a_feed(render_event(A_RUN, HOST), head=FeedHead("A, b;\nX-EVIL:1", "", "Europe/London", None))
    assert "X-WR-CALNAME:A\\, b\\; X-EVIL:1" in content_lines(feed)
    assert not [line for line in feed.decode().splitlines() if line.startswith("X-EVIL")]
    assert b"CALDESC" not in feed


@pytest.mark.parametrize(
    "url", ["https://x/\r\nATTENDEE:1", "javascript:1", "https://x/a b", "https://ü.example/"]
)
def test_an_address_that_is_not_plain_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the library's own or ours
        render_event(a_run(url=url), HOST)


@pytest.mark.parametrize("kind", every_kind())
def test_nothing_that_must_not_be_in_a_feed_is_in_it(kind: str) -> None:
    feed = a_feed(*every_kind()[kind])
    names = {re.split("[:;]", line)[0] for line in content_lines(feed)}
    assert not names & {"METHOD", "SOURCE", "ORGANIZER", "ATTENDEE", "DURATION", "RDATE", "EXDATE"}
    assert b"VALARM" not in feed
    assert content_lines(feed)[: content_lines(feed).index("BEGIN:VEVENT")].count("UID") == 0
    assert set(re.findall(rb"\S+@\S+", feed)) == set(re.findall(rb"(?:UID|RELATED-TO):\S+@\S+", feed))


@pytest.mark.parametrize(("start", "end", "dtstart", "dtend"), AROUND_THE_CHANGES.values(),
                         ids=AROUND_THE_CHANGES)  # fmt: skip
def test_times_around_a_change_of_the_clock_are_written_in_utc(
    start: datetime, end: datetime, dtstart: str, dtend: str
) -> None:
    written = content_lines(render_event(a_run_in_london(start, end), HOST))
    assert f"DTSTART:{dtstart}" in written
    assert f"DTEND:{dtend}" in written


def test_a_recurrence_engine_sees_the_same_elapsed_times() -> None:
    facts = [
        a_run_in_london(start, end, number)
        for number, (start, end, _, _) in enumerate(AROUND_THE_CHANGES.values())
    ]
    calendar = Calendar.from_ical(a_feed(*(render_event(one, HOST) for one in facts)))
    del calendar["X-WR-TIMEZONE"]  # with it this engine changes to London's clock and forgets the fold
    seen = recurring_ical_events.of(calendar).between(datetime(2026, 1, 1), datetime(2028, 1, 1))
    assert {(str(event["UID"]), event["DTSTART"].dt, event["DTEND"].dt) for event in seen} == {
        (f"{one.uid}@{HOST}", one.starts_at, one.ends_at) for one in facts
    }
    assert [one.ends_at - one.starts_at for one in facts[:4]] == [timedelta(hours=n) for n in (4, 1, 1, 7)]


def test_a_closure_is_whole_days_and_its_end_is_the_day_after() -> None:
    written = content_lines(render_closure("s", date(2026, 12, 24), date(2027, 1, 1), "Closed", MADE, HOST))
    assert "DTSTART;VALUE=DATE:20261224" in written
    assert "DTEND;VALUE=DATE:20270102" in written
    assert "TRANSP:OPAQUE" in written


def test_a_changed_closure_is_another_event() -> None:
    first = date(2026, 12, 24)
    variants = {
        render_closure(seed, first, first + timedelta(days), summary, MADE, HOST).split(b"\r\n")[1]
        for seed in ("a", "b")
        for days in (0, 1)
        for summary in ("Closed", "Closed: winter")
    }
    assert len(variants) == 8


def test_a_campaign_blocks_nothing_and_is_the_parent_of_its_bookings() -> None:
    parent = content_lines(render_campaign(A_RUN, date(2026, 10, 20), date(2026, 11, 20), HOST))
    child = content_lines(render_event(a_run(parent=A_RUN.uid), HOST))
    assert {"DTSTART;VALUE=DATE:20261020", "DTEND;VALUE=DATE:20261121", "TRANSP:TRANSPARENT"} <= set(parent)
    assert parent[1].replace("UID", "RELATED-TO") in child


@pytest.mark.parametrize("make", [placeholder, tombstone])
def test_an_empty_or_withdrawn_link_has_one_event_on_the_day_it_was_made(make: object) -> None:
    late = datetime(2026, 7, 1, 23, 30, tzinfo=UTC)
    feed = a_feed(make(late, HOST, "link 1"))  # type: ignore[operator]
    event = Calendar.from_ical(feed).events[0]
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (date(2026, 7, 2), date(2026, 7, 3))
    assert event["TRANSP"] == "TRANSPARENT"
    assert lint(feed) == []


def test_placeholder_and_tombstone_of_all_links_are_different_events() -> None:
    made = [make(MADE, HOST, seed) for make in (placeholder, tombstone) for seed in ("1", "2")]
    assert len({event.split(b"\r\n")[1] for event in made}) == 4


def test_a_feed_without_an_event_is_refused() -> None:
    with pytest.raises(ValueError, match="placeholder"):
        join_feed(HEAD, [])


@pytest.mark.parametrize("field", ["starts_at", "ends_at", "created_at", "revised_at"])
def test_a_time_without_a_zone_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="without a zone"):
        render_event(a_run(**{field: datetime(2026, 10, 25, 1)}), HOST)


@pytest.mark.parametrize(
    "changes",
    [{"uid": "17"}, {"uid": "a@b"}, {"sequence": 1_790_000_000}, {"ends_at": A_RUN.starts_at}],
)
def test_what_would_break_subscribers_is_not_returned(changes: dict[str, object]) -> None:
    with pytest.raises(LintError):
        render_event(a_run(**changes), HOST)


def test_times_are_written_in_utc_whatever_zone_they_come_in() -> None:
    elsewhere = a_run(starts_at=A_RUN.starts_at.astimezone(LONDON), ends_at=A_RUN.ends_at.astimezone(LONDON))
    assert render_event(elsewhere, HOST) == render_event(A_RUN, HOST)


def test_another_zone_gets_a_feed_in_utc_without_vtimezone() -> None:
    feed = a_feed(render_event(A_RUN, HOST), head=FeedHead("Lab", "", "America/New_York", None))
    assert b"VTIMEZONE" not in feed
    assert b"X-WR-TIMEZONE:America/New_York\r\n" in feed
    assert lint(feed) == []


def test_vobject_validates_every_kind() -> None:
    for events in every_kind().values():
        assert vobject.readOne(a_feed(*events).decode()).validate(raiseException=True)


@pytest.mark.parametrize(
    ("options", "environment"),
    [
        ([], {"TZ": "America/New_York", "PYTHONHASHSEED": "1"}),
        (["-O"], {"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "2"}),
        ([], {"TZ": "UTC", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONHASHSEED": "3"}),
    ],
)
def test_the_bytes_are_the_same_on_every_machine(options: list[str], environment: dict[str, str]) -> None:
    script = [sys.executable, *options, "-m", "tests.unit.ical_examples"]
    printed = subprocess.run(script, cwd=ROOT, env=os.environ | environment, capture_output=True, check=True)
    assert printed.stdout == WHOLE_FEED
