"""Real programs subscribe to the running product: they see what it holds, and forget what is withdrawn."""

import gzip
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from threading import Thread

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import insert, select
from werkzeug.serving import make_server

from booking.base import clock
from booking.base.db import db
from booking.bookings.actions import book, cancel, change
from booking.bookings.models import Booking
from booking.bookings.queries import request_of
from booking.calendars.actions import create_feed, revoke_feed
from booking.calendars.lint import lint
from booking.calendars.models import Feed
from booking.facilities.models import Closure
from tests.clients.icaljs import Seen, events_seen_by_icaljs, events_seen_by_node_ical
from tests.clients.khal import events_seen_by_vdirsyncer, events_shown_by_khal
from tests.db.conftest import world, world_app, world_store, world_url  # noqa: F401 (the small world)
from tests.factories import World, local, next_weekday, request
from tests.subscriber import HOST, Subscriber, put, uid

pytestmark = pytest.mark.clients
ROOT = Path(__file__).parents[2]


@pytest.fixture
def engine_kind() -> str:
    """Programs do not care which database there is."""
    return "sqlite"


@pytest.fixture
def doors() -> bool:
    """The calendars' addresses are what these tests go through."""
    return True


@pytest.fixture
def subscriber(world_app: Flask, world: World) -> Subscriber:  # noqa: F811
    return Subscriber(world_app, world)


@pytest.fixture
def address(world_app: Flask) -> Iterator[str]:  # noqa: F811
    """The address of the running product."""
    server = make_server("127.0.0.1", 0, world_app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/feeds"
    server.shutdown()
    server.server_close()
    thread.join()


def in_the_database() -> set[Seen]:
    return {(uid(one), one.starts_at, one.ends_at) for one in db.session.scalars(select(Booking))}


def a_year_of_bookings(world: World) -> None:  # noqa: F811
    """Book at ordinary times, over the change of the clocks, a request and one that is cancelled."""
    researcher = world.viewer("researcher")
    for days in (1, 2, 9):
        book(request(start=next_weekday(10, days), title=f"Passage, {days}; é€😀"), researcher)
    night = request("H-LC", local(date(2027, 3, 27), 22), title="Over the change")
    book(replace(night, ends_at=local(date(2027, 3, 28), 6)), researcher)
    book(request("H-BR1", next_weekday(10, 8), hours=24, title="Asked for"), researcher)
    gone = book(request("H-BSC2", title="Not any more"), researcher)
    cancel(gone.public_id, researcher)


def test_case_50_javascript_clients_see_what_the_database_holds(
    subscriber: Subscriber,
    world: World,  # noqa: F811
    address: str,
) -> None:
    a_year_of_bookings(world)
    url = f"{address}/{subscriber.link('researcher')}.ics"
    assert len(in_the_database()) == 6
    assert events_seen_by_icaljs(url) == in_the_database()
    assert events_seen_by_node_ical(url) == in_the_database()


def test_case_51_vdirsyncer_and_khal_follow_every_change(
    subscriber: Subscriber,
    world: World,  # noqa: F811
    address: str,
    tmp_path: Path,
) -> None:
    researcher = world.viewer("researcher")
    a_year_of_bookings(world)
    feed, token = create_feed(researcher, "me")
    url = f"{address}/{token}.ics"
    assert events_seen_by_vdirsyncer(url, tmp_path) == in_the_database()
    shown = events_shown_by_khal(tmp_path, date(2027, 1, 1), date(2027, 5, 1))
    assert len({one["title"] for one in shown}) == 6
    assert {"Request: Asked for", "Cancelled: Not any more"} < {one["title"] for one in shown}
    first = db.session.scalars(select(Booking).order_by(Booking.id)).first()
    assert first is not None
    later = first.starts_at + timedelta(hours=1)
    moved = replace(request_of(first), starts_at=later, ends_at=later + timedelta(hours=1))
    change(first.public_id, moved, researcher)
    assert events_seen_by_vdirsyncer(url, tmp_path) == in_the_database()
    revoke_feed(feed.public_id, researcher)
    assert [one for one in events_seen_by_vdirsyncer(url, tmp_path) if isinstance(one[1], datetime)] == []
    (last,) = events_shown_by_khal(tmp_path, date(2027, 1, 1), date(2027, 5, 1))
    assert last["title"] == "This calendar link was withdrawn"


def test_case_51_an_empty_calendar_is_not_an_error(
    subscriber: Subscriber,
    address: str,
    tmp_path: Path,
) -> None:
    url = f"{address}/{subscriber.link('student')}.ics"
    ((_, start, end),) = events_seen_by_vdirsyncer(url, tmp_path)
    assert (start, end) == (date(2027, 1, 11), date(2027, 1, 12))


def test_busy_times_and_closures_reach_clients(
    subscriber: Subscriber,
    world: World,  # noqa: F811
    address: str,
    tmp_path: Path,
) -> None:
    start = next_weekday(10)
    book(request(start=start), world.viewer("amber"))
    days = {"first_day": date(2027, 2, 24), "last_day": date(2027, 2, 26)}
    closure = {"facility_id": world.facilities["HUB"], "name": "Shutdown", "created_at": clock.now(), **days}
    put(insert(Closure).values(**closure), catalogue=True)
    url = f"{address}/{subscriber.link('birch', 'resource:H-BSC1', 'busy')}.ics"
    expected = {
        (start - timedelta(minutes=15), start + timedelta(minutes=75)),
        (date(2027, 2, 24), date(2027, 2, 27)),
    }
    for seen in (events_seen_by_icaljs(url), events_seen_by_node_ical(url)):
        assert {times[1:] for times in seen} == expected
    assert {times[1:] for times in events_seen_by_vdirsyncer(url, tmp_path)} == expected


# --- the production server -------------------------------------------------------------------------


@pytest.fixture
def granian(world_url: str, world_app: Flask, tmp_path: Path) -> Iterator[tuple[int, Path]]:  # noqa: F811
    """The product in the server that it runs in, with its log: (port, log)."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = probe.getsockname()[1]
    log = tmp_path / "log"
    settings = {
        "BOOKING_DATABASE_URL": world_url,
        "BOOKING_SECRET_KEY": "only for the tests",
        "BOOKING_BASE_URL": f"https://{HOST}",
        "BOOKING_FEED_RATE": "20",
    }
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--access-log"]
    command += ["--access-log-fmt", "%(status)d", "--port", str(port), "wsgi:app"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **settings}, stdout=output, stderr=output
        )
    try:
        wait_for(port, server)
        yield port, log
    finally:
        server.terminate()
        server.wait(timeout=20)


def wait_for(port: int, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            return socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
    pytest.fail("the server does not start")


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[HTTPResponse, bytes]:
    """Ask without a library that would decode or repeat anything."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, headers={name.replace("_", "-"): text for name, text in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def test_the_production_server_answers_as_meant(
    subscriber: Subscriber,
    granian: tuple[int, Path],
) -> None:
    port, log = granian
    with clock.travel(datetime.now(UTC)):
        token = subscriber.link("student")
    path = f"/feeds/{token}.ics"
    answer, body = ask(port, path, User_Agent="Thunderbird", Cookie="hub=x", Authorization="Basic eDp5")
    assert (answer.status, lint(body)) == (200, [])
    assert int(answer.headers["Content-Length"]) == len(body)
    assert "Transfer-Encoding" not in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert len(Calendar.from_ical(body).events) == 1
    packed, packed_body = ask(port, path, Accept_Encoding="gzip")
    assert gzip.decompress(packed_body) == body
    assert packed.headers["Vary"] == "Accept-Encoding"
    head, nothing = ask(port, path, "HEAD")
    assert (head.status, nothing, head.headers["Content-Length"]) == (200, b"", str(len(body)))
    same, nothing = ask(port, path, If_None_Match=answer.headers["ETag"])
    assert (same.status, nothing, same.headers["ETag"]) == (304, b"", answer.headers["ETag"])
    for method in ("POST", "PROPFIND", "OPTIONS"):
        refused, _ = ask(port, path, method)
        assert (refused.status, refused.headers["Allow"]) == (405, "GET, HEAD")
    for wrong in ("/feeds/" + "x" * 10_000 + ".ics", "/feeds/x.ics", "/feeds/%2e%2e.ics", f"/feeds/{token}"):
        missing, text = ask(port, wrong)
        assert (missing.status, missing.headers["Content-Type"]) == (404, "text/plain; charset=utf-8")
        assert text == b"There is no such calendar.\n"
    statuses = [ask(port, path)[0].status for _ in range(20)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert noted() == "Thunderbird"
    assert token not in log.read_text()


def noted() -> str:
    """Return which program fetched last; the server notes it once its answer is sent."""
    for _ in range(50):
        db.session.rollback()
        program = db.session.scalars(select(Feed.fetched_by)).one()
        if program:
            return program
        time.sleep(0.1)
    return ""
