"""What calendar links show: to whom, in which words, and how changes reach subscribers.

`case_NN` in a test's name is the number of the case in the design of our calendars.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from flask import Flask
from icalendar import Calendar
from sqlalchemy import delete, func, insert, select, update

from booking.base import clock
from booking.base.db import db, transaction
from booking.base.errors import Busy, Forbidden, Invalid, NotFound
from booking.base.kept import Kept
from booking.bookings import queries
from booking.bookings.actions import approve, book, cancel, change, decline
from booking.bookings.models import Booking, BookingResource
from booking.bookings.request import BookingRequest
from booking.calendars import stored
from booking.calendars.actions import create_feed, forget_old_events, replace_feed, revoke_feed
from booking.calendars.models import EventBytes, Feed
from booking.calendars.queries import feeds_of, links_to
from booking.facilities.actions import directory_changed
from booking.facilities.models import Closure, Duty, Policy, Resource
from booking.people.models import Coordinator, Membership, Organisation, User
from booking.people.viewer import Viewer
from booking.schedule.models import Hold
from tests.factories import World, local, next_weekday, request
from tests.subscriber import HOST, SCOPES, Subscriber, put, statements, uid
from tests.unit.ical_examples import BREAKS, SMUGGLED

WHO_MAY = {  # who is allowed to have which kind of link
    "student": set(SCOPES) - {"organisation"},
    "colleague": set(SCOPES) - {"organisation", "project:P-OPEN"},
    "amber": set(SCOPES) - {"project:P-OPEN"},
    "coordinator": set(SCOPES) - {"project:P-OPEN"},
    "technician": set(SCOPES) - {"organisation"},
}


@pytest.fixture
def doors() -> bool:
    """The calendars' addresses are what these tests go through."""
    return True


@pytest.fixture
def subscriber(world_app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> Subscriber:
    """Somebody who subscribes, in the small world; every calendar is put together anew."""
    monkeypatch.setitem(world_app.config, "KEPT", Kept(0))
    return Subscriber(world_app, world)


@pytest.fixture
def _never_again(world: World) -> Iterator[None]:
    """Count a change of rights only once the test is over: then the world is not lent again."""
    yield
    with transaction():
        directory_changed()


def again(booking: Booking, **changes: Any) -> BookingRequest:
    """Return a booking's request with some of it changed."""
    return replace(queries.request_of(booking), **changes)


def some_of_everybody(world: World) -> None:
    """Fill a week: bookings of the host, a partner and a confidential project, a request, a cancelled one."""
    book(request(title="Open", project="P-OPEN"), world.viewer("student"))
    book(request("H-BSC2", title="Quiet", project="P-SECRET"), world.viewer("researcher"))
    book(request("H-INC1", hours=24, title="Amber culture"), world.viewer("amber"))
    book(request("H-BR1", next_weekday(10, 8), hours=24, title="Asked for"), world.viewer("researcher"))
    gone = book(request("H-LC", next_weekday(9, 5), hours=2, title="Not any more"), world.viewer("colleague"))
    cancel(gone.public_id, world.viewer("colleague"))
    put(insert(Closure).values(**a_closure(world)), catalogue=True)


def a_closure(world: World, **more: Any) -> dict[str, Any]:
    return {
        "facility_id": world.facilities["HUB"],
        "name": "Shutdown",
        "reason": "asbestos",
        "first_day": date(2027, 1, 21),
        "last_day": date(2027, 1, 22),
        "created_at": clock.now(),
        **more,
    }


# --- the bytes -------------------------------------------------------------------------------------


@pytest.mark.parametrize("detail", ["full", "busy"])
def test_case_01_every_kind_for_everybody_is_well_formed(
    subscriber: Subscriber, world: World, detail: str
) -> None:
    some_of_everybody(world)
    for name, scopes in WHO_MAY.items():
        for scope in scopes:
            assert subscriber.calendar(subscriber.link(name, scope, detail)), (name, scope)


def test_case_02_a_minute_later_the_same_bytes(subscriber: Subscriber, world: World) -> None:
    some_of_everybody(world)
    tokens = [subscriber.link("student", scope) for scope in WHO_MAY["student"]]
    first = [subscriber.calendar(token) for token in tokens]
    put(delete(EventBytes))
    with clock.travel(clock.now() + timedelta(minutes=1)):
        assert [subscriber.calendar(token) for token in tokens] == first


ELSEWHERE = """
import sys
from datetime import datetime
from booking import create_app
from booking.base import clock
from booking.settings import Settings
app = create_app(Settings(database_url=sys.argv[1], secret_key="x" * 20, base_url=sys.argv[2]))
with clock.travel(datetime.fromisoformat(sys.argv[3])):
    for token in sys.argv[4:]:
        sys.stdout.buffer.write(app.test_client().get(f"/feeds/{token}.ics").data)
"""


def test_case_03_the_same_bytes_from_a_machine_set_up_otherwise(
    subscriber: Subscriber, world: World, world_url: str
) -> None:
    some_of_everybody(world)
    tokens = [subscriber.link("student", scope) for scope in sorted(WHO_MAY["student"])]
    ours = b"".join(subscriber.calendar(token) for token in tokens)
    put(delete(EventBytes))
    environment = {**os.environ, "TZ": "America/New_York", "PYTHONHASHSEED": "17"}
    arguments = [world_url, f"https://{HOST}", clock.now().isoformat(), *tokens]
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-O", "-c", ELSEWHERE, *arguments], env=environment, cwd=root, capture_output=True
    )
    assert done.stdout == ours, done.stderr.decode()[-2000:]


def test_case_04_long_lines_are_folded_between_characters(subscriber: Subscriber, world: World) -> None:
    title = ("é€😀" * 67)[:200]
    book(request(title=title), world.viewer("student"))
    token = subscriber.link("student")
    lines = subscriber.calendar(token).split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert [line for line in lines if b"\n" in line or line.decode().encode() != line] == []
    assert str(subscriber.only(token)["SUMMARY"]) == title


def test_case_05_text_is_escaped_and_comes_back(subscriber: Subscriber, world: World) -> None:
    booking = book(request(title="a\\b; c, d"), world.viewer("student"))
    token = subscriber.link("student")
    assert b"\r\nSUMMARY:a\\\\b\\; c\\, d\r\n" in subscriber.calendar(token)
    assert str(subscriber.only(token)["SUMMARY"]) == booking.title


@pytest.mark.parametrize("character", BREAKS)
def test_case_06_no_character_starts_a_line(subscriber: Subscriber, world: World, character: str) -> None:
    booking = book(request(title="Plain"), world.viewer("student"))
    evil = f"A{character}{SMUGGLED}"
    put(update(Booking).where(Booking.id == booking.id).values(title=evil))
    put(update(Resource).values(name=evil), catalogue=True)
    put(update(User).values(name=evil), catalogue=True)
    for name, scope in (("student", "resource:H-BSC1"), ("birch", "room:H-01"), ("staff", "facility:HUB")):
        text = subscriber.calendar(subscriber.link(name, scope)).decode()
        assert [line for line in text.splitlines() if line.startswith("ATTENDEE")] == []


def test_case_07_a_resource_with_an_evil_name(subscriber: Subscriber, world: World) -> None:
    put(update(Resource).where(Resource.code == "H-BSC1").values(name="A, b;\nX-EVIL:1"), catalogue=True)
    text = subscriber.calendar(subscriber.link("student", "resource:H-BSC1")).decode()
    assert "X-WR-CALNAME:A\\, b\\; X-EVIL:1 (H-BSC1)" in text
    assert [line for line in text.splitlines() if line.startswith("X-EVIL")] == []


def test_case_08_nothing_that_does_not_belong_in_a_feed(subscriber: Subscriber, world: World) -> None:
    some_of_everybody(world)
    for name, scopes in WHO_MAY.items():
        for token in [subscriber.link(name, scope) for scope in scopes]:
            text = subscriber.calendar(token).decode()
            names = {line.partition(":")[0].partition(";")[0] for line in text.split("\r\n")}
            assert not names & {"METHOD", "SOURCE", "ORGANIZER", "ATTENDEE", "VALARM", "RRULE", "EXDATE"} - {
                "RRULE"  # of the VTIMEZONE
            }
            assert "UID:" not in text.partition("BEGIN:VEVENT")[0]
            assert token not in text.replace("\r\n ", "")
            assert "@hub.example" not in text.replace(f"@{HOST}\r\n", "")
            assert "@partner.example" not in text


def test_case_09_how_often_to_ask(subscriber: Subscriber) -> None:
    body = subscriber.calendar(subscriber.link("student"))
    assert b"\r\nREFRESH-INTERVAL;VALUE=DURATION:PT1H\r\nX-PUBLISHED-TTL:PT1H\r\n" in body


# --- changes of the clock --------------------------------------------------------------------------


@pytest.fixture
def at_night(world: World) -> None:
    """The chromatograph, to be booked at any half hour, with nothing before or after."""
    rules = {"grid_minutes": 30, "min_minutes": 30, "setup_minutes": 0, "changeover_minutes": 0}
    ours = Policy.resource_id == world.resources["H-LC"]
    put(update(Policy).where(ours).values(clearance_minutes=0, **rules), catalogue=True)


AUTUMN = datetime(2026, 10, 12, 8, tzinfo=UTC)


def times_of(body: bytes) -> set[tuple[str, str]]:
    events = body.decode().split("BEGIN:VEVENT")[1:]
    return {(_after(event, "DTSTART:"), _after(event, "DTEND:")) for event in events}


def _after(event: str, name: str) -> str:
    return event.partition(f"\r\n{name}")[2].partition("\r\n")[0]


@pytest.mark.usefixtures("at_night")
def test_case_11_over_the_end_of_summer_time(subscriber: Subscriber, world: World) -> None:
    with clock.travel(AUTUMN):
        night = date(2026, 10, 25)
        run = replace(request("H-LC", local(night, 0.5)), ends_at=local(night, 3.5))
        booking = book(run, world.viewer("researcher"))
        assert booking.ends_at - booking.starts_at == timedelta(hours=4)
        body = subscriber.calendar(subscriber.link("researcher"))
    assert times_of(body) == {("20261024T233000Z", "20261025T033000Z")}


@pytest.mark.usefixtures("at_night")
def test_case_12_both_hours_that_have_the_same_name(subscriber: Subscriber, world: World) -> None:
    with clock.travel(AUTUMN):
        for start in (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), datetime(2026, 10, 25, 1, 30, tzinfo=UTC)):
            book(request("H-LC", start, hours=1), world.viewer("researcher"))
        body = subscriber.calendar(subscriber.link("researcher", "resource:H-LC"))
    assert times_of(body) == {
        ("20261025T003000Z", "20261025T013000Z"),
        ("20261025T013000Z", "20261025T023000Z"),
    }


@pytest.mark.usefixtures("at_night")
def test_case_13_over_the_start_of_summer_time(subscriber: Subscriber, world: World) -> None:
    run = replace(request("H-LC", local(date(2027, 3, 27), 22)), ends_at=local(date(2027, 3, 28), 6))
    booking = book(run, world.viewer("researcher"))
    assert booking.ends_at - booking.starts_at == timedelta(hours=7)
    body = subscriber.calendar(subscriber.link("researcher"))
    assert times_of(body) == {("20270327T220000Z", "20270328T050000Z")}


def test_case_18_a_closure_is_whole_days(subscriber: Subscriber, world: World) -> None:
    days = {"first_day": date(2027, 2, 24), "last_day": date(2027, 3, 1)}
    put(insert(Closure).values(**a_closure(world, **days)), catalogue=True)
    for detail, words in (("full", "Closed: Shutdown"), ("busy", "Closed")):
        body = subscriber.calendar(subscriber.link("birch", "facility:HUB", detail))
        assert b"\r\nDTSTART;VALUE=DATE:20270224\r\nDTEND;VALUE=DATE:20270302\r\n" in body
        assert f"\r\nSUMMARY:{words}\r\n".encode() in body
        assert b"asbestos" not in body


def test_a_closure_that_cannot_be_written_is_left_out(subscriber: Subscriber, world: World) -> None:
    for_ever = a_closure(world, name="For ever", first_day=date(1, 1, 1), last_day=date.max)
    for closure in (for_ever, a_closure(world)):
        put(insert(Closure).values(**closure), catalogue=True)
    assert set(subscriber.seen(subscriber.link("student", "facility:HUB"))) == {"Closed: Shutdown"}


def test_closures_stand_in_the_calendars_of_their_places_only(subscriber: Subscriber, world: World) -> None:
    of_a_machine = a_closure(world, name="Service", resource_id=world.resources["H-BSC1"])
    of_a_room = a_closure(world, name="Painting", room_id=world.rooms["H-02"])
    of_another = a_closure(world, name="Flood", facility_id=world.facilities["SUS"])
    for closure in (of_a_machine, of_a_room, of_another):
        put(insert(Closure).values(**closure), catalogue=True)
    shown = {
        scope: set(subscriber.seen(subscriber.link("student", scope)))
        for scope in ("resource:H-BSC1", "resource:H-BSC2", "room:H-01", "room:H-02", "facility:HUB", "me")
    }
    nothing = {"Calendar link created"}
    assert shown["resource:H-BSC1"] == {"Closed: Service"}
    assert shown["resource:H-BSC2"] == shown["me"] == nothing
    assert shown["room:H-01"] == {"Closed: Service (H-BSC1)"}
    assert shown["room:H-02"] == {"Closed: Painting"}
    assert shown["facility:HUB"] == {"Closed: Service (H-BSC1)", "Closed: Painting (H-02)"}


# --- changes of bookings ---------------------------------------------------------------------------


def test_case_19_a_move_reaches_every_kind_of_client(subscriber: Subscriber, world: World) -> None:
    student, token = world.viewer("student"), subscriber.link("student")
    booking = book(request(), student)
    before, tag = subscriber.only(token), subscriber.tag(token)
    later = timedelta(hours=1)
    with clock.travel(clock.now() + timedelta(minutes=5)):
        moved = again(booking, starts_at=booking.starts_at + later, ends_at=booking.ends_at + later)
        change(booking.public_id, moved, student)
        after = subscriber.only(token)
        assert subscriber.tag(token) != tag
    assert after["UID"] == before["UID"] == uid(booking)
    assert after["SEQUENCE"] == before["SEQUENCE"] + 1
    assert after["LAST-MODIFIED"].dt > before["LAST-MODIFIED"].dt
    assert after["DTSTAMP"].dt == after["LAST-MODIFIED"].dt
    assert after["DTSTART"].dt - before["DTSTART"].dt == later


def test_case_20_a_cancelled_booking_stays_for_a_while(subscriber: Subscriber, world: World) -> None:
    student, token = world.viewer("student"), subscriber.link("student")
    soon = book(request(title="Soon"), student)
    late = book(request("H-LC", next_weekday(10, 60), hours=2, title="Late"), student)
    for booking in (soon, late):
        cancel(booking.public_id, student)
    events = {str(event["SUMMARY"]): event for event in subscriber.events(token)}
    assert set(events) == {"Cancelled: Soon", "Cancelled: Late"}
    for event in events.values():
        assert (event["STATUS"], event["TRANSP"], event["SEQUENCE"]) == ("CANCELLED", "TRANSPARENT", 1)
        assert event["X-MICROSOFT-CDO-BUSYSTATUS"] == "FREE"
    with clock.travel(soon.ends_at + timedelta(days=3)):
        assert set(subscriber.seen(token)) == {"Cancelled: Late"}
    with clock.travel(clock.now() + timedelta(days=32)):
        assert set(subscriber.seen(token)) == {"Calendar link created"}


def test_case_21_new_names_reach_every_event(subscriber: Subscriber, world: World) -> None:
    booking = book(request(), world.viewer("student"))
    token = subscriber.link("staff", "resource:H-BSC1")
    for statement, words in (
        (update(Resource).where(Resource.code == "H-BSC1"), "LOCATION"),
        (update(User).where(User.id == booking.organiser_id), "DESCRIPTION"),
    ):
        before, tag = subscriber.only(token), subscriber.tag(token)
        with clock.travel(before["LAST-MODIFIED"].dt + timedelta(hours=1)):
            put(statement.values(name="Renamed", renamed_at=clock.now()), catalogue=True)
            after = subscriber.only(token)
            assert subscriber.tag(token) != tag
        assert "Renamed" in str(after[words])
        assert after["LAST-MODIFIED"].dt > before["LAST-MODIFIED"].dt


def test_case_22_a_request_becomes_a_booking(subscriber: Subscriber, world: World) -> None:
    asked = request("H-BR1", next_weekday(10, 8), hours=24, participants=("colleague@hub.example",))
    booking = book(asked, world.viewer("researcher"))
    tokens = [
        subscriber.link("researcher"),
        subscriber.link("colleague"),
        subscriber.link("staff", "room:H-02"),
    ]
    tags = [subscriber.tag(token) for token in tokens]
    for token in tokens:
        event = subscriber.only(token)
        assert (event["STATUS"], str(event["SUMMARY"])) == ("TENTATIVE", "Request: Passage 12")
    approve(booking.public_id, world.viewer("staff"))
    for token, tag in zip(tokens, tags, strict=True):
        event = subscriber.only(token)
        assert (event["STATUS"], event["SEQUENCE"]) == ("CONFIRMED", 1)
        assert str(event["SUMMARY"]) == "Passage 12"
        assert subscriber.tag(token) != tag


def test_a_declined_request_is_shown_as_cancelled(subscriber: Subscriber, world: World) -> None:
    booking = book(request("H-BR1", next_weekday(10, 8), hours=24), world.viewer("researcher"))
    decline(booking.public_id, world.viewer("staff"), "The rotor is cracked.")
    event = subscriber.only(subscriber.link("researcher"))
    assert (event["STATUS"], str(event["SUMMARY"])) == ("CANCELLED", "Cancelled: Passage 12")


def test_case_23_a_note_that_no_feed_shows_changes_nothing(subscriber: Subscriber, world: World) -> None:
    student = world.viewer("student")
    booking = book(request(), student)
    tokens = [subscriber.link("student", scope) for scope in ("me", "resource:H-BSC1")]
    before = [(subscriber.calendar(token), subscriber.tag(token)) for token in tokens]
    with clock.travel(clock.now() + timedelta(minutes=5)):
        change(booking.public_id, again(booking, notes="Door code 4711"), student)
        assert [(subscriber.calendar(token), subscriber.tag(token)) for token in tokens] == before


def test_case_24_moved_to_another_resource(subscriber: Subscriber, world: World) -> None:
    student = world.viewer("student")
    booking = book(request(), student)
    old, new, me, room = (
        subscriber.link("student", scope)
        for scope in ("resource:H-BSC1", "resource:H-BSC2", "me", "room:H-01")
    )
    assert str(subscriber.only(old)["SUMMARY"]) == "Passage 12"
    later = booking.starts_at + timedelta(hours=2)
    wanted = again(booking, resources=request("H-BSC2").resources, starts_at=later)
    change(booking.public_id, replace(wanted, ends_at=later + timedelta(hours=1)), student)
    left = subscriber.only(old)
    assert (str(left["SUMMARY"]), left["STATUS"]) == ("Cancelled: Passage 12 (moved)", "CANCELLED")
    assert left["DTSTART"].dt == later - timedelta(hours=2)
    assert "H-BSC1" in str(left["LOCATION"])
    for token in (new, me, room):
        shown = subscriber.only(token)
        assert (str(shown["SUMMARY"]), shown["STATUS"]) == ("Passage 12", "CONFIRMED")
        assert (shown["UID"], shown["SEQUENCE"]) == (left["UID"], left["SEQUENCE"])
    with clock.travel(later + timedelta(days=3)):
        assert set(subscriber.seen(old)) == {"Calendar link created"}


def test_case_24_a_move_is_not_told_to_those_who_did_not_see_it(subscriber: Subscriber, world: World) -> None:
    amber = world.viewer("amber")
    booking = book(request(), amber)
    change(booking.public_id, again(booking, resources=request("H-BSC2").resources), amber)
    for name in ("student", "birch"):
        token = subscriber.link(name, "resource:H-BSC1")
        assert set(subscriber.seen(token)) == {"Calendar link created"}


def test_case_25_only_what_changed_is_rendered_again(
    subscriber: Subscriber, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    student, token = world.viewer("student"), subscriber.link("student", "facility:HUB")
    bookings = [book(request(start=next_weekday(10, days)), student) for days in (1, 2, 3)]
    before = {event["UID"]: event.to_ical() for event in subscriber.events(token)}
    rendered = count_renders(monkeypatch)
    change(bookings[1].public_id, again(bookings[1], title="Other"), student)
    after = {event["UID"]: event.to_ical() for event in subscriber.events(token)}
    assert {key for key in after if after[key] != before[key]} == {uid(bookings[1])}
    assert len(rendered) == 1


def test_case_26_uids_are_unique_and_say_nothing(subscriber: Subscriber, world: World) -> None:
    some_of_everybody(world)
    for name, scopes in WHO_MAY.items():
        for scope in scopes:
            uids = [str(event["UID"]) for event in subscriber.events(subscriber.link(name, scope))]
            assert len(set(uids)) == len(uids)
    booking = db.session.scalars(select(Booking)).first()
    assert booking is not None
    assert len(booking.uid) == 36
    assert str(booking.id) != booking.uid.partition("-")[0]


def test_a_booking_on_two_machines_is_one_event(subscriber: Subscriber, world: World) -> None:
    book(request(("H-BSC1", "H-BSC2"), title="Both"), world.viewer("student"))
    for scope in ("me", "room:H-01", "facility:HUB", "resource:H-BSC2"):
        event = subscriber.only(subscriber.link("student", scope))
        assert str(event["LOCATION"]) == "Cabinet 1 (H-BSC1), H-01; Cabinet 2 (H-BSC2), H-01"


def test_long_stays_are_shown_however_long_ago_they_began(subscriber: Subscriber, world: World) -> None:
    researcher = world.viewer("researcher")
    start = next_weekday(9)
    end = local(start.date() + timedelta(days=120), 9)
    book(replace(request("H-LN2", start, title="Cell bank"), ends_at=end), researcher)
    tokens = [subscriber.link("researcher", scope) for scope in ("me", "resource:H-LN2", "facility:HUB")]
    with clock.travel(clock.now() + timedelta(days=90)):
        for token in tokens:
            assert set(subscriber.seen(token)) == {"Cell bank"}
        assert "Busy" in subscriber.seen(subscriber.link("birch", "resource:H-LN2", "busy"))
        assert "Busy" in subscriber.seen(subscriber.link("researcher", "me", "busy"))


def test_my_calendar_has_what_i_organise_join_and_supervise(subscriber: Subscriber, world: World) -> None:
    mine = request(participants=("colleague@hub.example",), supervisor="leader@hub.example")
    booking = book(mine, world.viewer("student"))
    for name in ("student", "colleague", "leader"):
        assert set(subscriber.seen(subscriber.link(name))) == {"Passage 12"}
    others = {
        name: (token := subscriber.link(name), subscriber.tag(token)) for name in ("colleague", "leader")
    }
    with clock.travel(clock.now() + timedelta(minutes=1)):
        change(booking.public_id, again(booking, participants=(), supervisor=None), world.viewer("student"))
        for name, (token, tag) in others.items():
            assert set(subscriber.seen(token)) == {"Calendar link created"}, name
            assert subscriber.tag(token) != tag, name


def test_a_cancelled_booking_reaches_everybody_in_it(subscriber: Subscriber, world: World) -> None:
    mine = request(participants=("colleague@hub.example",), supervisor="leader@hub.example")
    booking = book(mine, world.viewer("student"))
    tokens = [subscriber.link(name) for name in ("student", "colleague", "leader")]
    tags = [subscriber.tag(token) for token in tokens]
    cancel(booking.public_id, world.viewer("student"))
    assert not set(tags) & {subscriber.tag(token) for token in tokens}


def test_a_booking_that_changes_its_project_leaves_the_old_one(subscriber: Subscriber, world: World) -> None:
    researcher = world.viewer("researcher")
    booking = book(request(project="P-OPEN"), researcher)
    token = subscriber.link("student", "project:P-OPEN")
    tag = subscriber.tag(token)
    change(booking.public_id, again(booking, project="P-SECRET"), researcher)
    assert set(subscriber.seen(token)) == {"Calendar link created"}
    assert subscriber.tag(token) != tag


# --- who sees what ---------------------------------------------------------------------------------


def words_of(booking: Booking, world: World) -> list[str]:
    """Return everything that would give a partner's booking away."""
    return [
        *(
            "Secret serum",
            "Anna",
            "Okafor",
            "NWT",
            "Northwind",
            "Partner Amber",
            "P-AMBER",
            "partner.example",
        ),
        *(booking.public_id, booking.uid, f"{booking.created_at:%Y%m%dT%H%M%SZ}"),
    ]


@pytest.mark.parametrize("detail", ["busy", "full"])
def test_case_27_another_company_learns_nothing(subscriber: Subscriber, world: World, detail: str) -> None:
    tokens = [
        subscriber.link("birch", scope, detail) for scope in ("resource:H-BSC1", "room:H-01", "facility:HUB")
    ]
    with clock.travel(clock.now() + timedelta(minutes=17)):
        booking = book(request(title="Secret serum", project="P-AMBER"), world.viewer("amber"))
        for token in tokens:
            body = subscriber.calendar(token).decode().replace("\r\n ", "")
            assert "SUMMARY:Busy" in body
            assert [word for word in words_of(booking, world) if word in body] == []
            assert not {"URL", "CATEGORIES", "CREATED"} & {
                line.partition(":")[0] for line in body.partition("BEGIN:VEVENT")[2].splitlines()
            }


@pytest.mark.parametrize("detail", ["busy", "full"])
def test_case_28_neighbours_are_one_block(subscriber: Subscriber, world: World, detail: str) -> None:
    start, amber = next_weekday(10), world.viewer("amber")
    book(request(start=start), amber)
    book(request(start=start + timedelta(hours=1.5)), amber)
    event = subscriber.only(subscriber.link("birch", "resource:H-BSC1", detail))
    quarter = timedelta(minutes=15)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (start - quarter, start + 2.5 * 4 * quarter + quarter)


def test_case_29_blocks_of_two_links_cannot_be_compared(subscriber: Subscriber, world: World) -> None:
    book(request(), world.viewer("amber"))
    tokens = [subscriber.link(name, "resource:H-BSC1", "busy") for name in ("birch", "birch", "student")]
    assert len({str(subscriber.only(token)["UID"]) for token in tokens}) == 3


@pytest.mark.usefixtures("_never_again")
def test_case_30_who_leaves_a_project_sees_it_no_more(subscriber: Subscriber, world: World) -> None:
    book(request("H-BSC1", project="P-SECRET", title="Quiet"), world.viewer("researcher"))
    project = subscriber.link("leader", "project:P-SECRET")
    room = subscriber.link("leader", "room:H-01")
    tags = [subscriber.tag(token) for token in (project, room)]
    assert set(subscriber.seen(project)) == set(subscriber.seen(room)) == {"Quiet"}
    put(delete(Membership).where(Membership.user_id == world.users["leader"]))
    assert set(subscriber.seen(project)) == {"This calendar link was withdrawn"}
    assert set(subscriber.seen(room)) == {"Busy"}
    assert not set(tags) & {subscriber.tag(token) for token in (project, room)}


RIGHTS = {  # every way in which somebody may come to see more or less
    "left a project": delete(Membership).where(Membership.project_id == 1),
    "leads a project": update(Membership).values(lead=~Membership.lead),
    "joined a project": insert(Membership).values(project_id=1, user_id=3, lead=False),
    "coordinates": insert(Coordinator).values(organisation_id=1, user_id=4),
    "has a duty": insert(Duty).values(user_id=4, facility_id=1, duty="observer"),
    "became staff": update(User).values(role="admin"),
    "changed organisation": update(User).values(organisation_id=3),
    "went away": update(User).values(active=False),
    "the organisation became a partner": update(Organisation).values(kind="member"),
    "the organisation went away": update(Organisation).values(active=False),
}


@pytest.mark.usefixtures("_never_again")
@pytest.mark.parametrize("what", RIGHTS)
def test_case_30_every_change_of_rights_changes_the_tag(
    subscriber: Subscriber, world: World, what: str
) -> None:
    token = subscriber.link("leader")
    assert (world.users["leader"], world.organisations["host"], world.projects["P-OPEN"]) == (4, 1, 1)
    tag = subscriber.tag(token)
    assert subscriber.tag(token) == tag
    put(RIGHTS[what])
    assert subscriber.tag(token) != tag


def test_case_30_nothing_else_makes_a_viewer() -> None:
    """Whatever is added to a viewer's rights must be added to what a calendar's tag is made of."""
    assert {one.name for one in fields(Viewer)} == {
        *("id", "public_id", "name", "email"),  # who, and how they are called: no rights
        *("role", "organisation_id", "organisation_code", "organisation_name", "organisation_kind"),
        *("projects", "leads", "led_people", "coordinates", "duties"),
        "stands_in",  # for others who answer requests: it shows nothing more of a calendar
        "scope",  # of an API token
    }


@pytest.mark.usefixtures("_never_again")
def test_who_changes_company_sees_the_old_one_no_more(subscriber: Subscriber, world: World) -> None:
    book(request(title="Amber run"), world.viewer("amber"))
    tokens = [subscriber.link("amber2", scope) for scope in ("organisation", "resource:H-BSC1")]
    assert [set(subscriber.seen(token)) for token in tokens] == [{"Amber run"}] * 2
    put(
        update(User)
        .where(User.id == world.users["amber2"])
        .values(organisation_id=world.organisations["birch"])
    )
    assert [set(subscriber.seen(token)) for token in tokens] == [
        {"This calendar link was withdrawn"},
        {"Busy"},
    ]


@pytest.mark.usefixtures("_never_again")
def test_staff_who_lose_their_duty_see_less(subscriber: Subscriber, world: World) -> None:
    book(request(title="Amber run"), world.viewer("amber"))
    token = subscriber.link("technician", "resource:H-BSC1")
    assert set(subscriber.seen(token)) == {"Amber run"}
    put(delete(Duty).where(Duty.user_id == world.users["technician"]))
    assert set(subscriber.seen(token)) == {"Busy"}


def test_case_31_a_person_who_is_no_longer_here(subscriber: Subscriber, world: World) -> None:
    book(request(), world.viewer("student"))
    tokens = [subscriber.link("student", scope) for scope in ("me", "facility:HUB", "project:P-OPEN")]
    put(update(User).where(User.id == world.users["student"]).values(active=False))
    for token in tokens:
        assert set(subscriber.seen(token)) == {"This calendar link was withdrawn"}


@pytest.mark.parametrize("detail", ["full", "busy"])
def test_case_32_nobody_anonymous_makes_a_link(world: World, detail: str) -> None:
    with pytest.raises(Forbidden):
        create_feed(None, "facility:HUB", detail)


def test_case_33_a_confidential_project_is_busy_to_its_own_university(
    subscriber: Subscriber, world: World
) -> None:
    book(request(project="P-SECRET", title="Quiet"), world.viewer("researcher"))
    for scope in ("resource:H-BSC1", "room:H-01", "facility:HUB"):
        body = subscriber.calendar(subscriber.link("colleague", scope))
        assert b"SUMMARY:Busy" in body
        assert b"Quiet" not in body
        assert b"Rhona" not in body


def test_a_partners_confidential_booking_is_not_in_its_colleagues_calendar(
    subscriber: Subscriber, world: World
) -> None:
    book(request(project="P-HUSH", title="Hidden product"), world.viewer("amber"))
    assert set(subscriber.seen(subscriber.link("amber2", "organisation"))) == {"Calendar link created"}
    assert set(subscriber.seen(subscriber.link("amber2", "resource:H-BSC1"))) == {"Busy"}
    assert set(subscriber.seen(subscriber.link("coordinator", "organisation"))) == {"Hidden product"}


def test_a_colleagues_booking_shows_name_and_title_only(subscriber: Subscriber, world: World) -> None:
    with clock.travel(clock.now() + timedelta(minutes=17)):
        booking = book(request(project="P-OPEN", title="Open"), world.viewer("student"))
    with clock.travel(clock.now() + timedelta(minutes=40)):
        change(booking.public_id, again(booking, title="Opened"), world.viewer("student"))
        partial = subscriber.only(subscriber.link("colleague", "resource:H-BSC1"))
        full = subscriber.only(subscriber.link("researcher", "resource:H-BSC1"))
    assert str(partial["DESCRIPTION"]) == "Who: Stella Student"
    assert partial["UID"] == full["UID"]
    assert "CATEGORIES" not in partial
    assert partial["CREATED"].dt != booking.created_at == full["CREATED"].dt
    assert str(full["DESCRIPTION"]).split("\n") == [
        "Who: Stella Student",
        "Project: P-OPEN",
        "Set-up from 09:45",
        "Changeover until 11:15",
    ]


@pytest.mark.parametrize("scope", ["me", "organisation", "project:P-AMBER"])
def test_busy_times_of_a_person_a_company_and_a_project(
    subscriber: Subscriber, world: World, scope: str
) -> None:
    start = next_weekday(10)
    book(request(start=start, project="P-AMBER"), world.viewer("amber"))
    book(request("H-BSC2", start=start + timedelta(hours=1), project="P-AMBER"), world.viewer("amber"))
    event = subscriber.only(subscriber.link("amber", scope, "busy"))
    quarter = timedelta(minutes=15)
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (start - quarter, start + 9 * quarter)
    assert "LOCATION" not in event


# --- links -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "scope"),
    [
        ("colleague", "project:P-OPEN"),
        ("amber", "project:P-OPEN"),
        ("student", "project:NO-SUCH"),
        ("student", "organisation"),
        ("staff", "organisation"),
        ("birch", "organisation:NWT"),
        ("birch", "organisation:NO-SUCH"),
    ],
)
def test_links_to_what_is_not_mine_are_refused(world: World, name: str, scope: str) -> None:
    with pytest.raises(Forbidden):
        create_feed(world.viewer(name), scope, "busy")


@pytest.mark.parametrize(
    ("field", "scope", "detail", "label"),
    [
        ("scope", "", "full", ""),
        ("scope", "resource:NO-SUCH", "full", ""),
        ("scope", "resource:", "full", ""),
        ("scope", "room:H-BSC1", "full", ""),
        ("scope", "facility:\x00", "full", ""),
        ("scope", "campaign:1", "full", ""),
        ("scope", "me:1", "full", ""),
        ("detail", "me", "everything", ""),
        ("label", "me", "full", "x" * 101),
        ("label", "me", "full", "a\nb"),
    ],
)
def test_what_cannot_be_a_link_is_named(
    world: World, field: str, scope: str, detail: str, label: str
) -> None:
    with pytest.raises(Invalid) as refused:
        create_feed(world.viewer("student"), scope, detail, label)
    assert set(refused.value.errors) == {field}
    assert feeds_of(world.viewer("student")) == []


def test_a_token_is_never_stored(world: World) -> None:
    feed, token = create_feed(world.viewer("student"), "me", "full", " Phone ")
    row = db.session.execute(select(Feed.__table__).where(Feed.id == feed.id)).one()
    assert len(token) == 43
    assert token not in repr(row)
    assert (row.label, len(row.key), len(row.token_hash)) == ("Phone", 32, 64)


def test_a_read_only_token_makes_no_links(world: World) -> None:
    with pytest.raises(Forbidden):
        create_feed(world.viewer("student", scope="read"), "me")


def test_links_are_listed_replaced_and_withdrawn(subscriber: Subscriber, world: World) -> None:
    student = world.viewer("student")
    feed, token = create_feed(student, "resource:H-BSC1", "busy", "Phone")
    new, new_token = replace_feed(feed.public_id, student)
    assert [(link.public_id, link.subject, link.detail, link.label) for link in feeds_of(student)] == [
        (new.public_id, "resource:H-BSC1", "busy", "Phone")
    ]
    assert set(subscriber.seen(token)) == {"This calendar link was withdrawn"}
    assert set(subscriber.seen(new_token)) == {"Calendar link created"}
    with pytest.raises(NotFound):
        replace_feed(feed.public_id, student)
    for _ in range(2):
        revoke_feed(new.public_id, student)
    assert feeds_of(student) == []
    assert new.key != feed.key


def test_a_link_of_mine_is_nobody_elses(world: World) -> None:
    feed, _ = create_feed(world.viewer("student"), "room:H-01")
    for name in ("colleague", "admin", "staff"):
        with pytest.raises(NotFound):
            revoke_feed(feed.public_id, world.viewer(name))
        with pytest.raises(NotFound):
            replace_feed(feed.public_id, world.viewer(name))


def test_staff_see_and_withdraw_links_to_a_project_or_an_organisation(world: World) -> None:
    made = [
        create_feed(world.viewer("student"), "project:P-OPEN"),
        create_feed(world.viewer("amber"), "organisation"),
    ]
    staff = world.viewer("staff")
    for (feed, _), subject in zip(made, ("project:P-OPEN", "organisation:NWT"), strict=True):
        assert [link.public_id for link in links_to(subject, staff)] == [feed.public_id]
        revoke_feed(feed.public_id, staff)
        assert links_to(subject, staff) == []
    for name, subject in (
        ("student", "project:P-OPEN"),
        ("staff", "room:H-01"),
        ("amber", "organisation:NWT"),
    ):
        with pytest.raises(NotFound):
            links_to(subject, world.viewer(name))


def test_nobody_hoards_links(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("booking.calendars.actions.MAX_LINKS", 2)
    for _ in range(2):
        create_feed(world.viewer("student"), "me")
    with pytest.raises(Invalid):
        create_feed(world.viewer("student"), "me")


def test_a_link_that_nobody_fetches_for_a_year_ends(subscriber: Subscriber, world: World) -> None:
    token = subscriber.link("student")
    with clock.travel(clock.now() + timedelta(days=401)):
        assert set(subscriber.seen(token)) == {"This calendar link was withdrawn"}
        assert feeds_of(world.viewer("student")) == []


# --- how much, and how fast ------------------------------------------------------------------------


def count_renders(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Count from now on how many events are rendered."""
    rendered: list[int] = []
    render = stored.render_event

    def counting(*arguments: Any) -> bytes:
        rendered.append(1)
        return render(*arguments)

    monkeypatch.setattr(stored, "render_event", counting)
    return rendered


def many(world: World, count: int, name: str = "student", code: str = "H-HALL", step: int = 1) -> None:
    """Write bookings straight into the tables: an hour each, from two hours from now on."""
    start = clock.now().replace(minute=0) + timedelta(hours=2)
    first = max(db.session.scalar(select(func.max(Hold.id))) or 0, 1_000_000) + 1
    hosts = db.session.scalar(select(Organisation.id).where(Organisation.code == "UNI"))
    bookings, links = [], []
    for number in range(count):
        starts_at = start + timedelta(hours=number * step)
        bookings.append(
            {
                "id": first + number,
                "public_id": f"{first + number:016x}",
                "uid": f"00000000-0000-4000-8000-{first + number:012x}",
                "status": "confirmed",
                "title": f"Run {number} of many, with a title as people write them",
                "starts_at": starts_at,
                "ends_at": starts_at + timedelta(hours=1),
                "client": "host",
                "facility_id": world.facilities["HUB"],
                "organiser_id": world.users[name],
                "organisation_id": hosts,
                "made_by_id": world.users[name],
                "created_at": clock.now(),
                "updated_at": clock.now(),
                "revised_at": clock.now(),
            }
        )
        links.append(
            {
                "booking_id": first + number,
                "resource_id": world.resources[code],
                "units": 1,
                "starts_at": starts_at,
            }
        )
    with transaction():
        db.session.execute(insert(Hold), [{"id": row["id"], "kind": "booking"} for row in bookings])
        db.session.execute(insert(Booking), bookings)
        db.session.execute(insert(BookingResource), links)


def test_case_46_one_render_for_each_change_and_a_fixed_number_of_statements(
    subscriber: Subscriber, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    student = world.viewer("student")
    token = subscriber.link("student", "resource:H-HALL")
    rendered = count_renders(monkeypatch)
    many(world, 10)
    small = subscriber.calendar(token)
    assert len(rendered) == 10
    few = statements(lambda: subscriber.calendar(token))
    many(world, 200, step=2)
    subscriber.calendar(token)
    assert len(rendered) == 210
    assert statements(lambda: subscriber.calendar(token)) == few <= 15
    tag = subscriber.tag(token)
    assert statements(lambda: subscriber.ask(token, If_None_Match=tag)) <= 7
    assert len(rendered) == 210
    booking = book(request("H-HALL", next_weekday(10)), student)
    change(booking.public_id, again(booking, title="Other"), student)
    assert len(subscriber.calendar(token)) > len(small)
    assert len(rendered) == 211
    other = subscriber.link("colleague", "room:H-04")
    subscriber.calendar(other)
    subscriber.calendar(subscriber.link("technician", "room:H-04"))
    assert (
        len(rendered) == 211 + 211
    )  # once more for those who see part of it; staff see what the student sees


def test_case_47_what_does_not_fit_is_cut_with_a_notice(subscriber: Subscriber, world: World) -> None:
    many(world, 1_500)
    token = subscriber.link("student")
    body = subscriber.calendar(token)
    events = list(Calendar.from_ical(body).events)
    assert len(events) == 1_001
    assert len(body) <= 900_000
    (told,) = [event for event in events if "than this calendar can hold" in str(event["SUMMARY"])]
    last = max(event["DTSTART"].dt for event in events if event is not told)
    assert told["DTSTART"].dt == (last + timedelta(hours=1)).date()
    assert (told["TRANSP"], str(told["URL"])) == ("TRANSPARENT", "https://hub.example/calendar")
    subscriber.set(feed_max_events=20)
    assert len(subscriber.events(token)) == 21


def test_case_48_a_thousand_events_are_soon_there(
    subscriber: Subscriber, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    many(world, 1_000)
    token = subscriber.link("student")
    began = process_time()
    first = subscriber.ask(token).get_data()
    took = process_time() - began
    rendered = count_renders(monkeypatch)
    began = process_time()
    assert subscriber.ask(token).get_data() == first
    warm = process_time() - began
    assert rendered == []
    assert warm < took / 3 < 1, (took, warm)


def test_case_48_two_who_come_first_at_once(subscriber: Subscriber, world: World) -> None:
    many(world, 150)
    tokens = [subscriber.link("student"), subscriber.link("student", "resource:H-HALL")] * 2
    together = threading.Barrier(len(tokens))
    bodies: dict[int, bytes] = {}

    def fetch(number: int) -> None:
        together.wait()
        bodies[number] = subscriber.ask(tokens[number]).get_data()

    threads = [threading.Thread(target=fetch, args=(number,)) for number in range(len(tokens))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, token in enumerate(tokens):
        assert bodies[number] == subscriber.calendar(token)
        assert bodies[number].count(b"BEGIN:VEVENT") == 150


def test_an_answer_does_not_need_to_be_stored(
    subscriber: Subscriber, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    book(request(), world.viewer("student"))
    token = subscriber.link("student")

    def too_busy() -> Iterator[None]:
        raise Busy

    monkeypatch.setattr(stored, "transaction", too_busy)
    assert set(subscriber.seen(token)) == {"Passage 12"}
    assert db.session.scalar(select(func.count()).select_from(EventBytes)) == 0


def test_stored_events_are_dropped_once_no_feed_needs_them(subscriber: Subscriber, world: World) -> None:
    booking = book(request(), world.viewer("student"))
    subscriber.calendar(subscriber.link("student"))
    assert forget_old_events() == 0
    with clock.travel(booking.ends_at + timedelta(days=61)):
        assert forget_old_events() == 1
        assert forget_old_events() == 0
