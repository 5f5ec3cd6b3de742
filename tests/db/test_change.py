"""To change a booking: it keeps its id and history, and the rules judge what is new about it."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from booking.base import audit, clock
from booking.base.db import db, transaction
from booking.base.errors import Busy, Forbidden, Invalid, NotChangeable, NotFound, Refused, SlotTaken, Stale
from booking.bookings import actions
from booking.bookings.actions import advised, book, cancel, change
from booking.bookings.models import Booking, BookingResource, Participant
from booking.bookings.queries import request_of
from booking.bookings.request import Wanted
from booking.facilities.actions import directory_changed
from booking.facilities.models import Closure, Resource
from booking.people.models import Project, User
from booking.schedule.guard import overlaps
from booking.schedule.models import Occupancy
from tests.db.ledger import afresh, held, messages, presence, risen, units_of, versions, whole_state
from tests.factories import MONDAY, World, next_weekday, request


def changed(booking: Booking, world: World, by: str = "student", reason: str = "", **fields: Any) -> Booking:
    """Change some fields of a booking and leave the others."""
    return change(booking.public_id, replace(request_of(booking), **fields), world.viewer(by), reason)


def moved(booking: Booking, hours: float) -> dict[str, Any]:
    """Return the fields that shift a booking by some hours."""
    shift = timedelta(hours=hours)
    return {"starts_at": booking.starts_at + shift, "ends_at": booking.ends_at + shift}


@pytest.fixture
def booking(world: World) -> Booking:
    """The student's two hours at the cabinet, from ten o'clock tomorrow."""
    return book(request(hours=2, notes="Flask B", people=2), world.viewer("student"))


# --- what changes and what stays


def test_a_move_keeps_id_and_history_and_gives_the_old_time_back(world: World, booking: Booking) -> None:
    before, uid, public_id = booking.starts_at, booking.uid, booking.public_id
    after = afresh(changed(booking, world, **moved(booking, 3)))
    assert (after.id, after.uid, after.public_id) == (booking.id, uid, public_id)
    assert after.starts_at == before + timedelta(hours=3)
    assert (after.version, after.sequence, after.status) == (2, 1, "confirmed")
    (row,) = held(after)
    assert row.starts_at == after.starts_at - timedelta(minutes=15)
    assert presence(after) == [(after.starts_at, after.ends_at, 2)]
    book(request(start=before, hours=2), world.viewer("researcher"))
    assert overlaps() == 0


def test_the_rows_of_the_past_stay_as_history(world: World, booking: Booking) -> None:
    first = held(booking)[0].id
    changed(booking, world, **moved(booking, 3))
    old = db.session.get_one(Occupancy, first, populate_existing=True)
    assert (old.active, old.starts_at) == (False, next_weekday(9.75))


def test_history_tells_only_what_changed(world: World, booking: Booking) -> None:
    changed(booking, world, title="Passage 13", **moved(booking, 1))
    newest, oldest = audit.history("booking", booking.id)
    assert (newest.action, oldest.action) == ("changed", "booked")
    assert newest.before == {
        "title": "Passage 12",
        "start": "2027-01-12T10:00:00Z",
        "end": "2027-01-12T12:00:00Z",
    }
    assert newest.after == {
        "title": "Passage 13",
        "start": "2027-01-12T11:00:00Z",
        "end": "2027-01-12T13:00:00Z",
    }


def test_texts_change_without_touching_what_is_held(world: World, booking: Booking) -> None:
    rows = [row.id for row in held(booking)]
    after = afresh(changed(booking, world, title="Passage 13", notes="Flask C"))
    assert (after.title, after.notes, after.version) == ("Passage 13", "Flask C", 2)
    assert [row.id for row in held(after)] == rows


def test_each_change_raises_version_and_sequence(world: World, booking: Booking) -> None:
    with clock.travel(MONDAY):
        seen = [(booking.version, booking.sequence, booking.revised_at)]
        for title in ("a", "b", "c"):
            after = changed(booking, world, title=title)
            seen.append((after.version, after.sequence, after.revised_at))
    assert seen == sorted(set(seen))


def test_it_may_move_over_itself(world: World, booking: Booking) -> None:
    after = changed(booking, world, **moved(booking, 0.5))
    after = changed(after, world, ends_at=after.ends_at + timedelta(hours=1))
    after = changed(after, world, **moved(after, -1))
    assert len(held(after)) == 1


def test_people_are_exchanged(world: World) -> None:
    with_two = book(
        request(participants=("researcher@hub.example", "leader@hub.example")), world.viewer("student")
    )
    before = versions()
    changed(with_two, world, participants=("researcher@hub.example", "colleague@hub.example"))
    named = db.session.scalars(select(Participant.user_id).where(Participant.booking_id == with_two.id))
    assert set(named) == {world.users["researcher"], world.users["colleague"]}
    people = {("users", world.users[name]) for name in ("student", "researcher", "leader", "colleague")}
    assert people <= risen(before)


def test_units_grow_and_shrink(world: World) -> None:
    shelves = world.units["H-INC1"]
    wanted = request(Wanted("H-INC1", 2), hours=24)
    mine = book(wanted, world.viewer("student"))
    theirs = book(wanted, world.viewer("researcher"))
    changed(mine, world, resources=(Wanted("H-INC1", 4),))
    assert units_of(mine) == [*shelves[:2], *shelves[4:6]]
    changed(mine, world, resources=(Wanted("H-INC1", 1),))
    assert units_of(mine) == [shelves[0]]
    with pytest.raises(SlotTaken):
        changed(mine, world, resources=(Wanted("H-INC1", 7),))
    assert (units_of(mine), units_of(theirs)) == ([shelves[0]], list(shelves[2:4]))


def test_a_booking_goes_to_another_resource_and_leaves_a_trace(world: World, booking: Booking) -> None:
    before = versions()
    after = afresh(changed(booking, world, resources=(Wanted("H-BSC2"), Wanted("H-VEC"))))
    assert {row.resource_id for row in held(after)} == {world.resources["H-BSC2"], world.resources["H-VEC"]}
    query = select(BookingResource).where(BookingResource.booking_id == after.id)
    assert {row.resource_id: row.left_at for row in db.session.scalars(query)} == {
        world.resources["H-BSC1"]: MONDAY,
        world.resources["H-BSC2"]: None,
        world.resources["H-VEC"]: None,
    }
    everywhere = {("resources", world.resources[code]) for code in ("H-BSC1", "H-BSC2", "H-VEC")}
    assert everywhere <= risen(before)
    back = afresh(changed(after, world, resources=(Wanted("H-BSC1"),)))
    assert [resource.code for resource in request_of(back).resources] == ["H-BSC1"]


def test_another_clients_project_is_judged_anew(world: World) -> None:
    """A booking that becomes confidential needs clearance to its neighbours."""
    ten = next_weekday(10)
    first = book(request(start=ten), world.viewer("leader"))
    book(request(start=ten + timedelta(hours=1.5)), world.viewer("student"))
    with pytest.raises(SlotTaken):
        changed(first, world, "leader", project="P-SECRET")
    after = changed(first, world, "leader", project="P-SECRET", **moved(first, -2))
    assert after.client == f"project:{world.projects['P-SECRET']}" == held(after)[0].client


# --- what is refused


def test_a_refused_change_leaves_everything_as_it_was(world: World, booking: Booking) -> None:
    book(request(start=next_weekday(14), hours=2), world.viewer("researcher"))
    before = whole_state()
    for refused in (
        moved(booking, 4),
        moved(booking, -12),
        {"resources": (Wanted("H-BSC1"), Wanted("S-BSC"))},
    ):
        with pytest.raises(Refused):
            changed(booking, world, **refused)
    with pytest.raises(Invalid):
        changed(booking, world, title="")
    db.session.expire_all()
    assert whole_state() == before


def test_a_refused_move_offers_times_that_are_accepted(world: World, booking: Booking) -> None:
    book(request(start=next_weekday(14), hours=3), world.viewer("researcher"))
    wanted = replace(request_of(booking), resources=(Wanted("H-BSC1"),), **moved(booking, 4.5))
    viewer = world.viewer("student")
    with pytest.raises(SlotTaken) as caught, advised(wanted, viewer, booking.public_id):
        change(booking.public_id, wanted, viewer)
    assert caught.value.alternatives
    for other in caught.value.alternatives:
        resources = tuple(Wanted(code, units) for code, units in other.resources)
        again = replace(wanted, starts_at=other.starts_at, ends_at=other.ends_at, resources=resources)
        refusals, _ = actions.check_only(again, viewer, booking.public_id)
        assert refusals == []


def test_a_head_count_is_judged_without_the_bookings_own_people(world: World) -> None:
    mine = book(request("H-VEC", people=2), world.viewer("student"))
    changed(mine, world, people=3)
    with pytest.raises(SlotTaken) as caught:
        changed(mine, world, people=4)
    assert caught.value.code == "room_full"


def test_what_was_accepted_once_stays_when_the_rules_change(world: World, booking: Booking) -> None:
    with transaction():
        day = booking.starts_at.date()
        closed = Closure(
            facility_id=world.facilities["HUB"],
            name="Deep clean",
            first_day=day,
            last_day=day,
            created_at=MONDAY,
        )
        db.session.add(closed)
        directory_changed()
    changed(booking, world, title="Still on")
    with pytest.raises(Refused) as caught:
        changed(booking, world, **moved(booking, 1))
    assert caught.value.code == "closed"
    changed(booking, world, **moved(booking, 48))


def test_a_project_that_ended_may_be_kept_but_not_taken_up(world: World) -> None:
    mine = book(request(project="P-OPEN"), world.viewer("student"))
    other = book(request(start=next_weekday(14)), world.viewer("student"))
    with transaction():
        db.session.get_one(Project, world.projects["P-OPEN"]).active = False
        directory_changed()
    changed(mine, world, title="Go on")
    with pytest.raises(Invalid):
        changed(other, world, project="P-OPEN")


def test_a_person_who_left_may_stay_named(world: World) -> None:
    mine = book(request(participants=("colleague@hub.example",)), world.viewer("student"))
    with transaction():
        db.session.get_one(User, world.users["colleague"]).active = False
        directory_changed()
    changed(mine, world, title="Go on")
    with pytest.raises(Invalid):
        book(request("H-VEC", participants=("colleague@hub.example",)), world.viewer("student"))


# --- when


def test_a_running_booking_may_end_later_but_not_start_elsewhere(world: World, booking: Booking) -> None:
    with clock.travel(booking.starts_at + timedelta(minutes=30)):
        later = changed(booking, world, ends_at=booking.ends_at + timedelta(hours=1))
        assert later.ends_at == next_weekday(13, days=0)
        with pytest.raises(Refused) as caught:
            changed(booking, world, **moved(booking, -1))
        assert caught.value.code == "in_past"


@pytest.mark.parametrize("after", [timedelta(hours=2), timedelta(days=9)])
def test_what_is_over_is_not_changed(world: World, booking: Booking, after: timedelta) -> None:
    with clock.travel(booking.starts_at + after), pytest.raises(NotChangeable):
        changed(booking, world, title="Too late")


def test_what_is_cancelled_is_not_changed(world: World, booking: Booking) -> None:
    cancel(booking.public_id, world.viewer("student"))
    with pytest.raises(NotChangeable):
        changed(booking, world, title="Too late")


def test_who_read_an_older_version_is_told(world: World, booking: Booking) -> None:
    wanted = replace(request_of(booking), title="Passage 13")
    change(booking.public_id, wanted, world.viewer("student"), if_version=1)
    with pytest.raises(Stale):
        change(booking.public_id, replace(wanted, title="Passage 14"), world.viewer("student"), if_version=1)
    assert afresh(booking).title == "Passage 13"


# --- who

WHO = {  # the organiser, the project, who: what comes of it
    ("student", None, "student"): "changed",
    ("student", None, "leader"): "changed",  # leads the student's group
    ("student", None, "researcher"): Forbidden,
    ("student", None, "colleague"): Forbidden,
    ("student", None, "amber"): NotFound,
    ("student", None, "staff"): "reason",
    ("student", None, "technician"): "reason",
    ("student", None, "admin"): "reason",
    ("student", None, "sus_staff"): Forbidden,
    ("colleague", None, "leader"): Forbidden,
    ("amber", None, "amber2"): Forbidden,
    ("amber", None, "coordinator"): "changed",
    ("amber", None, "birch"): NotFound,
    ("amber", None, "student"): NotFound,
    ("amber", None, "staff"): "reason",
    ("amber", "P-HUSH", "amber2"): NotFound,
    ("amber", "P-HUSH", "coordinator"): "changed",
    ("birch", None, "coordinator"): NotFound,
    ("researcher", "P-SECRET", "student"): NotFound,
    ("researcher", "P-SECRET", "leader"): "changed",
    ("leader", "P-SECRET", "researcher"): Forbidden,
}


@pytest.mark.parametrize(("organiser", "project", "by"), WHO)
def test_who_may_change(world: World, organiser: str, project: str | None, by: str) -> None:
    outcome = WHO[organiser, project, by]
    theirs = book(request(project=project), world.viewer(organiser))
    if isinstance(outcome, type):
        with pytest.raises(outcome):
            changed(theirs, world, by, "so", title="Mine")
        with pytest.raises(outcome):
            cancel(theirs.public_id, world.viewer(by), "so")
        assert (afresh(theirs).title, theirs.status, theirs.version) == ("Passage 12", "confirmed", 1)
        return
    if outcome == "reason":
        with pytest.raises(Invalid) as caught:
            changed(theirs, world, by, title="Mine")
        assert set(caught.value.errors) == {"reason"}
    after = afresh(changed(theirs, world, by, "Needed for an audit", title="Mine"))
    assert after.organiser_id == world.users[organiser]
    newest = audit.history("booking", theirs.id)[0]
    assert (newest.actor_id, newest.reason) == (world.users[by], "Needed for an audit")
    assert ("booking_changed", world.users[organiser]) in messages(theirs)


def test_missing_and_hidden_are_told_alike(world: World, booking: Booking) -> None:
    answers = []
    for name in (booking.public_id, "0123456789abcdef", "", "'"):
        with pytest.raises(NotFound) as caught:
            change(name, request(), world.viewer("birch"))
        answers.append(str(caught.value))
    assert len(set(answers)) == 1


def test_a_participant_may_look_but_not_change(world: World) -> None:
    mine = book(request(participants=("colleague@hub.example",)), world.viewer("student"))
    with pytest.raises(Forbidden):
        changed(mine, world, "colleague", title="Ours")


def test_a_token_that_may_read_only_changes_nothing(world: World, booking: Booking) -> None:
    viewer = world.viewer("student", scope="read")
    with pytest.raises(Forbidden):
        change(booking.public_id, request_of(booking), viewer)
    with pytest.raises(Forbidden):
        cancel(booking.public_id, viewer)


# --- two at once on PostgreSQL: what was read before the lock is old


def _meanwhile(app: Flask, act: Any) -> None:
    """Let somebody else act in another session until they are done."""
    failures: list[BaseException] = []

    def run() -> None:
        with app.app_context():
            try:
                act()
            except BaseException as error:
                failures.append(error)
            finally:
                db.session.remove()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join(20)
    assert failures == []


@pytest.mark.parametrize("engine_kind", ["postgresql"])
def test_a_change_does_not_undo_a_move_that_it_did_not_see(
    world: World, world_app: Flask, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link and what is held agree, whoever comes first."""
    wanted = replace(request_of(booking), title="Passage 13")
    away = replace(request_of(booking), resources=(Wanted("H-BSC2"),))
    student, leader = world.viewer("student"), world.viewer("leader")
    locking = actions.lock_everything

    def after_the_other(*arguments: Any, **more: Any) -> None:
        monkeypatch.setattr(actions, "lock_everything", locking)
        _meanwhile(world_app, lambda: change(booking.public_id, away, leader))
        locking(*arguments, **more)

    monkeypatch.setattr(actions, "lock_everything", after_the_other)
    with pytest.raises(Busy):
        change(booking.public_id, wanted, student)
    assert {row.resource_id for row in held(booking)} == {world.resources["H-BSC2"]}
    assert [one.code for one in request_of(afresh(booking)).resources] == ["H-BSC2"]


@pytest.mark.parametrize("engine_kind", ["postgresql"])
def test_a_change_waits_for_the_cancellation_before_it(
    world: World, world_app: Flask, booking: Booking, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = replace(request_of(booking), title="Passage 13")
    student, leader = world.viewer("student"), world.viewer("leader")
    locking = actions.lock_everything

    def after_the_other(*arguments: Any, **more: Any) -> None:
        monkeypatch.setattr(actions, "lock_everything", locking)
        _meanwhile(world_app, lambda: cancel(booking.public_id, leader))
        locking(*arguments, **more)

    monkeypatch.setattr(actions, "lock_everything", after_the_other)
    with pytest.raises(NotChangeable):
        change(booking.public_id, wanted, student)
    assert afresh(booking).status == "cancelled"
    assert held(booking) == []


def test_versions_are_kept_where_bookings_are(world: World, booking: Booking) -> None:
    """Whoever reads a calendar of the resource, or of a person in it, learns of the change."""
    before = versions()
    changed(booking, world, title="Passage 13")
    assert risen(before) == {
        (Resource.__tablename__, world.resources["H-BSC1"]),
        (User.__tablename__, world.users["student"]),
    }
