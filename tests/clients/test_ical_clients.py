"""Real programs read our feeds as we mean them, also over the changes of the clock and when links change."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from icalendar import Calendar

from booking.calendars.render import (
    EventFacts,
    FeedHead,
    placeholder,
    render_closure,
    render_event,
    tombstone,
)
from tests.clients.icaljs import Seen, entries_seen, events_seen_by_icaljs, events_seen_by_node_ical
from tests.clients.khal import events_seen_by_vdirsyncer, events_shown_by_khal, items_stored_by_vdirsyncer
from tests.unit.ical_examples import (
    A_RUN,
    BREAKS,
    HOST,
    LONDON,
    MADE,
    SMUGGLED,
    a_feed,
    a_run,
    a_run_in_london,
    busy_example,
)

pytestmark = pytest.mark.clients

RUNS = [
    a_run_in_london(start, end, number)
    for number, (start, end) in enumerate(
        [
            (datetime(2026, 10, 25, 0, 30), datetime(2026, 10, 25, 3, 30)),
            (datetime(2026, 10, 25, 1, 30), datetime(2026, 10, 25, 1, 30, fold=1)),
            (datetime(2026, 10, 25, 1, 30, fold=1), datetime(2026, 10, 25, 2, 30)),
            (datetime(2027, 3, 27, 22), datetime(2027, 3, 28, 6)),
            (datetime(2027, 3, 28, 0, 30), datetime(2027, 3, 28, 2, 30)),
            (datetime(2026, 10, 19, 9), datetime(2026, 10, 19, 11)),
            (datetime(2026, 10, 26, 9), datetime(2026, 10, 26, 11)),
        ]
    )
]
CLOSED = render_closure("winter", date(2026, 12, 24), date(2027, 1, 1), "Closed", MADE, HOST)
CLOSED_SEEN: Seen = (str(Calendar.from_ical(CLOSED)["UID"]), date(2026, 12, 24), date(2027, 1, 2))


class FeedServer:
    """Serves one feed, which a test may change while clients are subscribed."""

    def __init__(self) -> None:
        outer = self
        self.body = b""

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/calendar; charset=utf-8")
                self.send_header("Content-Length", str(len(outer.body)))
                self.end_headers()
                self.wfile.write(outer.body)

            def log_message(self, *_: object) -> None:
                """Print nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}/feeds/token.ics"


@pytest.fixture
def feeds() -> Iterator[FeedServer]:
    served = FeedServer()
    thread = Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield served
    served.server.shutdown()
    served.server.server_close()
    thread.join()


def rendered(*facts: EventFacts) -> list[bytes]:
    return [render_event(one, HOST) for one in facts]


def as_meant(*facts: EventFacts) -> set[Seen]:
    return {(f"{one.uid}@{HOST}", one.starts_at, one.ends_at) for one in facts}


def uids(facts: list[EventFacts]) -> set[str]:
    return {f"{one.uid}@{HOST}" for one in facts}


def with_evil_text(number: int, character: str) -> EventFacts:
    """Return a booking that tries to smuggle in a line in every text it has."""
    evil = f"Run {number}{character}{SMUGGLED}"
    uid = f"5f3c1f0e-6a51-4d0c-9d0e-{number:012x}"
    return a_run(uid=uid, title=evil, location=evil, lines=(f"Who: {evil}",), categories=(evil,))


def test_every_client_sees_the_same_moments_over_both_changes(feeds: FeedServer, tmp_path: Path) -> None:
    feeds.body = a_feed(*rendered(*RUNS), CLOSED)
    meant = as_meant(*RUNS) | {CLOSED_SEEN}
    assert events_seen_by_icaljs(feeds.url) == meant
    assert events_seen_by_node_ical(feeds.url) == meant
    assert events_seen_by_vdirsyncer(feeds.url, tmp_path) == meant


def test_khal_shows_every_event_at_its_time(feeds: FeedServer, tmp_path: Path) -> None:
    feeds.body = a_feed(*rendered(*RUNS), CLOSED)
    events_seen_by_vdirsyncer(feeds.url, tmp_path)
    shown = events_shown_by_khal(tmp_path, date(2026, 10, 1), date(2027, 5, 1))
    timed = sorted((one["start"], one["end"]) for one in shown if one["all-day"] == "False")
    clock = "%Y-%m-%dT%H:%M"
    assert timed == sorted((f"{run.starts_at:{clock}}", f"{run.ends_at:{clock}}") for run in RUNS)
    assert [one["title"] for one in shown if one["all-day"] == "True"] == ["Closed"]


def test_the_zone_of_the_feed_is_right_in_icaljs_too(feeds: FeedServer) -> None:
    """Nothing of ours uses it; a client may, for an event that a user copies."""
    local = rendered(
        a_run(starts_at=datetime(2026, 1, 1, tzinfo=UTC), ends_at=datetime(2026, 1, 2, tzinfo=UTC))
    )[0]
    hours = [datetime(2026, 3, 28, 12, tzinfo=UTC) + timedelta(hours=n) for n in range(24)]
    hours += [datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 12, 1, tzinfo=UTC)]
    feeds.body = a_feed(*(in_london(local, hour, number) for number, hour in enumerate(hours)))
    assert {start for _, start, _ in events_seen_by_icaljs(feeds.url)} == set(hours)


def test_text_comes_back_as_it_went_in(feeds: FeedServer) -> None:
    title = 'a\\b; c, d: "e" ' + "é€😀" * 50
    feeds.body = a_feed(*rendered(a_run(title=title, lines=("one, two", "three; four"), location="H; 1, b")))
    for client, entries in entries_seen(feeds.url).items():
        assert [(one.summary, one.location, one.description) for one in entries] == [
            (title, "H; 1, b", "one, two\nthree; four")
        ], client


def test_no_client_finds_a_smuggled_line(feeds: FeedServer, tmp_path: Path) -> None:
    runs = [with_evil_text(number, character) for number, character in enumerate(BREAKS)]
    evil = "".join(f"A{character}{SMUGGLED}" for character in BREAKS)
    feeds.body = a_feed(*rendered(*runs), head=FeedHead(evil, evil, "Europe/London", None))
    items = items_stored_by_vdirsyncer(feeds.url, tmp_path)
    assert [line for item in items for line in item.splitlines() if line.startswith("ATTENDEE")] == []
    assert {uid for uid, _, _ in events_seen_by_vdirsyncer(feeds.url, tmp_path)} == uids(runs)
    for client, entries in entries_seen(feeds.url).items():
        assert {one.uid for one in entries} == uids(runs), client
        assert {one.attendees for one in entries} == {0}, client


def test_a_line_left_in_would_have_been_found(feeds: FeedServer, tmp_path: Path) -> None:
    """The control of the test before: this is what an unclean text does to a client."""
    run = a_run(title="Growth curve")
    unclean = f"Growth\u2028{SMUGGLED}".encode()
    feeds.body = a_feed(*rendered(run)).replace(b"Growth curve", unclean, 1)
    items = items_stored_by_vdirsyncer(feeds.url, tmp_path)
    assert [line for item in items for line in item.splitlines() if line.startswith("ATTENDEE")] == [SMUGGLED]


def test_busy_blocks_are_items_of_their_own(feeds: FeedServer, tmp_path: Path) -> None:
    feeds.body = a_feed(*busy_example())
    seen = events_seen_by_vdirsyncer(feeds.url, tmp_path)
    assert sorted((start, end) for _, start, end in seen) == [
        (datetime(2026, 11, 2, 9, tzinfo=UTC), datetime(2026, 11, 2, 14, tzinfo=UTC)),
        (datetime(2026, 11, 2, 16, tzinfo=UTC), datetime(2026, 11, 2, 17, tzinfo=UTC)),
    ]
    assert events_seen_by_icaljs(feeds.url) == seen


@pytest.mark.parametrize("last", [placeholder, tombstone])
def test_one_event_replaces_all_that_a_client_had(feeds: FeedServer, tmp_path: Path, last: object) -> None:
    feeds.body = a_feed(*rendered(*RUNS))
    assert len(events_seen_by_vdirsyncer(feeds.url, tmp_path)) == len(RUNS)
    feeds.body = a_feed(last(MADE, HOST, "link 1"))  # type: ignore[operator]
    seen = events_seen_by_vdirsyncer(feeds.url, tmp_path)
    assert [(start, end) for _, start, end in seen] == [(date(2026, 9, 1), date(2026, 9, 2))]


def test_a_moved_and_a_removed_booking_reach_a_subscriber(feeds: FeedServer, tmp_path: Path) -> None:
    stays, goes = RUNS[:2]
    feeds.body = a_feed(*rendered(A_RUN, stays, goes))
    assert events_seen_by_vdirsyncer(feeds.url, tmp_path) == as_meant(A_RUN, stays, goes)
    hour = timedelta(hours=1)
    moved = a_run(sequence=3, starts_at=A_RUN.starts_at + hour, ends_at=A_RUN.ends_at + hour)
    feeds.body = a_feed(*rendered(moved, stays))
    assert events_seen_by_vdirsyncer(feeds.url, tmp_path) == as_meant(moved, stays)


def in_london(event: bytes, moment: datetime, number: int) -> bytes:
    """Write the example with its start by London's clock, as a client might copy it."""
    uid = b"UID:%032x@copy" % number
    start = moment.astimezone(LONDON).strftime("%Y%m%dT%H%M%S").encode()
    lines = event.split(b"\r\n")
    lines[1] = uid
    lines = [
        b"DTSTART;TZID=Europe/London:" + start if line.startswith(b"DTSTART") else line for line in lines
    ]
    return b"\r\n".join(line for line in lines if not line.startswith(b"DTEND"))
