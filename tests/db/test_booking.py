"""To book: everything is stored together or nothing is, and every rule has its say."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import select

from booking.base import audit, clock, events
from booking.base.db import db, transaction
from booking.base.errors import Forbidden, Invalid, Refused, SlotTaken
from booking.bookings.actions import advised, book, book_and_show, check_only, find
from booking.bookings.alternatives import next_free
from booking.bookings.events import BookingMade
from booking.bookings.models import BookingResource, Participant
from booking.bookings.queries import detail
from booking.bookings.request import BookingRequest, Wanted
from booking.facilities.actions import directory_changed
from booking.facilities.models import Policy, Resource
from booking.facilities.queries import places
from booking.notifications.models import OutboxMessage
from booking.people.models import Project, User
from booking.schedule.guard import overlaps
from booking.schedule.models import Hold, Presence
from tests.db.ledger import everything, held, rows
from tests.factories import MONDAY, ORGANISATIONS, PROJECTS, USERS, World, email_of, next_weekday, request


def refused(wanted: BookingRequest, viewer: Any) -> Refused:
    """Return the refusal that a booking meets, with its alternatives."""
    with pytest.raises(Refused) as caught, advised(wanted, viewer):
        book(wanted, viewer)
    return caught.value


# --- what is stored


def shown_anew(world: World) -> Iterator[tuple[str, BookingRequest]]:
    """Yield who books what: with several units, overnight, with many people, for somebody else."""
    yield "student", request()
    yield "student", request(Wanted("H-HALL", 5))
    yield "researcher", request("H-BR1", next_weekday(9.5, days=7), hours=24)
    people = {"participants": ("leader@hub.example", "researcher@hub.example"), "people": 2}
    yield "student", request("H-BSC2", project="P-OPEN", supervisor="leader@hub.example", **people)
    yield "staff", request("H-BSC1", next_weekday(14), on_behalf_of="student@hub.example")


def test_what_is_shown_at_once_is_what_is_stored(world: World) -> None:
    for name, wanted in shown_anew(world):
        viewer = world.viewer(name)
        shown = book_and_show(wanted, viewer)
        db.session.remove()
        stored = detail(find(shown.booking.public_id, viewer), viewer)
        assert replace(shown, booking=stored.booking) == stored


def test_a_booking_is_stored_with_all_that_belongs_to_it(world: World) -> None:
    start = next_weekday(10)
    wanted = request(
        "H-BSC1",
        start,
        hours=2,
        title="  Passage 12 ",
        notes="Flask B\nsecond line",
        project="P-OPEN",
        people=2,
        participants=("researcher@hub.example", "STUDENT@hub.example"),
        supervisor="leader@hub.example",
    )
    booking = book(wanted, world.viewer("student"))
    db.session.expire_all()
    assert (booking.status, booking.title, booking.notes) == (
        "confirmed",
        "Passage 12",
        "Flask B\nsecond line",
    )
    assert (booking.starts_at, booking.ends_at) == (start, start + timedelta(hours=2))
    assert (booking.people, booking.version, booking.sequence) == (2, 1, 0)
    assert booking.organiser_id == booking.made_by_id == world.users["student"]
    assert booking.organisation_id == world.organisations["host"]
    assert booking.facility_id == world.facilities["HUB"]
    assert booking.project_id == world.projects["P-OPEN"]
    assert booking.supervisor_id == world.users["leader"]
    assert booking.created_at == booking.updated_at == MONDAY
    named = db.session.scalars(select(Participant.user_id).where(Participant.booking_id == booking.id))
    assert list(named) == [world.users["researcher"]]  # who organises is not named twice


def test_a_booking_holds_set_up_changeover_and_clearance(world: World) -> None:
    booking = book(request(hours=2), world.viewer("student"))
    (row,) = held(booking)
    assert row.starts_at == booking.starts_at - timedelta(minutes=15)
    assert row.held_until == booking.ends_at + timedelta(minutes=15)
    assert row.cleared_until == booking.ends_at + timedelta(minutes=60)
    assert (row.client, row.kind, row.long_stay, row.hold_id) == ("host", "booking", False, booking.id)


@pytest.mark.parametrize(
    ("name", "project", "client"),
    [
        ("student", None, "host"),
        ("leader", "P-OPEN", "host"),
        ("leader", "P-SECRET", "project:{P-SECRET}"),
        ("amber", None, "organisation:{amber}"),
        ("amber", "P-AMBER", "organisation:{amber}"),
        ("amber", "P-HUSH", "project:{P-HUSH}"),
    ],
)
def test_whose_work_it_is(world: World, name: str, project: str | None, client: str) -> None:
    booking = book(request(project=project), world.viewer(name))
    expected = client.format(**world.projects, **world.organisations)
    assert booking.client == expected
    assert [row.client for row in held(booking)] == [expected]


def test_people_are_counted_in_the_room(world: World) -> None:
    attended = book(request(hours=3, people=2), world.viewer("student"))
    night = book(request("H-INC1", hours=24, people=1), world.viewer("student"))
    found = {
        booking.id: [
            (row.starts_at, row.ends_at, row.people, row.room_id)
            for row in db.session.scalars(
                select(Presence).where(Presence.hold_id == booking.id).order_by(Presence.starts_at)
            )
        ]
        for booking in (attended, night)
    }
    room, half = world.rooms["H-01"], timedelta(minutes=30)
    assert found[attended.id] == [(attended.starts_at, attended.ends_at, 2, room)]
    assert found[night.id] == [
        (night.starts_at, night.starts_at + half, 1, room),
        (night.ends_at - half, night.ends_at, 1, room),
    ]


def test_history_and_news_are_written_with_it(world: World) -> None:
    booking = book(
        request(project="P-OPEN", participants=("researcher@hub.example",)), world.viewer("student")
    )
    (entry,) = audit.history("booking", booking.id)
    assert (entry.action, entry.actor_id, entry.at) == ("booked", world.users["student"], MONDAY)
    assert entry.after["resources"] == ["H-BSC1"]
    assert entry.after["participants"] == ["Rhona Researcher"]
    assert entry.after["organiser"] == "Stella Student"
    assert entry.after["start"] == "2027-01-12T10:00:00Z"
    messages = db.session.execute(select(OutboxMessage.kind, OutboxMessage.recipient_id)).all()
    assert ("booking_confirmed", world.users["student"]) in [tuple(message) for message in messages]


def test_times_with_an_offset_are_kept_in_utc_everywhere(world: World) -> None:
    india = timezone(timedelta(hours=5, minutes=30))
    start = next_weekday(10).astimezone(india)
    booking = book(request(start=start), world.viewer("student"))
    assert booking.starts_at.utcoffset() == booking.ends_at.utcoffset() == timedelta(0)
    assert audit.history("booking", booking.id)[0].after["start"] == "2027-01-12T10:00:00Z"
    db.session.expire_all()
    assert booking.starts_at == start


def test_versions_of_all_that_is_concerned_rise(world: World) -> None:
    def versions() -> dict[str, int]:
        models = {"r": Resource, "u": User, "p": Project}
        return {
            f"{key}:{row_id}": version
            for key, model in models.items()
            for row_id, version in db.session.execute(select(model.id, model.version))
        }

    before = versions()
    wanted = request(("H-BSC1", "H-VEC"), project="P-OPEN", participants=("researcher@hub.example",))
    book(wanted, world.viewer("student"))
    risen = {key for key, version in versions().items() if version != before[key]}
    assert risen == {
        f"r:{world.resources['H-BSC1']}",
        f"r:{world.resources['H-VEC']}",
        f"u:{world.users['student']}",
        f"u:{world.users['researcher']}",
        f"p:{world.projects['P-OPEN']}",
    }


def test_public_names_are_not_in_sequence(world: World) -> None:
    one, two = (book(request("H-HALL"), world.viewer("student")) for _ in range(2))
    assert len({one.public_id, two.public_id, one.uid, two.uid}) == 4
    assert len(one.public_id) == 16


# --- nothing is stored


def test_a_refused_booking_leaves_nothing(world: World) -> None:
    book(request(), world.viewer("student"))
    before = everything()
    with pytest.raises(SlotTaken):
        book(request(), world.viewer("researcher"))
    with pytest.raises(Refused):
        book(request(hours=5), world.viewer("researcher"))
    with pytest.raises(Invalid):
        book(request("H-NOTHING"), world.viewer("researcher"))
    assert everything() == before


def test_of_several_resources_all_are_booked_or_none(world: World) -> None:
    book(request("H-BSC2"), world.viewer("student"))
    before = everything()
    error = refused(request(("H-BSC1", "H-BSC2", "H-VEC")), world.viewer("researcher"))
    assert [refusal.resource for refusal in error.refusals] == ["H-BSC2"]
    assert everything() == before
    booking = book(request(("H-VEC", "H-BSC1"), start=next_weekday(14)), world.viewer("researcher"))
    assert {row.resource_id for row in held(booking)} == {
        world.resources[code] for code in ("H-BSC1", "H-VEC")
    }


def test_a_listener_that_fails_takes_the_booking_with_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(news: BookingMade) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(
        events, "_listeners", {**events._listeners, BookingMade: [*events._listeners[BookingMade]]}
    )
    events.on(BookingMade)(fail)
    before = everything()
    with pytest.raises(RuntimeError):
        book(request(), world.viewer("student"))
    assert everything() == before
    monkeypatch.undo()
    book(request(), world.viewer("student"))


def test_a_dry_run_stores_nothing_and_says_the_same(world: World) -> None:
    before = everything()
    refusals, _ = check_only(request(), world.viewer("student"))
    assert (refusals, everything()) == ([], before)
    book(request(), world.viewer("student"))
    refusals, _ = check_only(request(), world.viewer("researcher"))
    assert refusals == refused(request(), world.viewer("researcher")).refusals


def test_a_token_that_may_read_only_books_nothing(world: World) -> None:
    with pytest.raises(Forbidden, match="read only"):
        book(request(), world.viewer("student", scope="read"))
    assert rows(Hold) == 0


# --- units


def test_a_booking_takes_the_lowest_free_units(world: World) -> None:
    shelves = world.units["H-INC1"]
    first = book(request(Wanted("H-INC1", 3), hours=24), world.viewer("student"))
    second = book(request(Wanted("H-INC1", 2), hours=24), world.viewer("researcher"))
    assert [row.unit_id for row in held(first)] == list(shelves[:3])
    assert [row.unit_id for row in held(second)] == list(shelves[3:5])
    error = refused(request(Wanted("H-INC1", 4), hours=24), world.viewer("student"))
    assert error.code == "slot_taken"
    third = book(request(Wanted("H-INC1", 3), hours=24), world.viewer("student"))
    assert [row.unit_id for row in held(third)] == list(shelves[5:])


def test_units_may_be_named(world: World) -> None:
    named = Wanted("H-INC1", unit_names=("shelf 7", "shelf 2"))
    booking = book(request(named, hours=24), world.viewer("student"))
    shelves = world.units["H-INC1"]
    assert [row.unit_id for row in held(booking)] == [shelves[1], shelves[6]]
    links = db.session.scalars(select(BookingResource.units).where(BookingResource.booking_id == booking.id))
    assert list(links) == [2]
    error = refused(request(Wanted("H-INC1", unit_names=("shelf 2",)), hours=24), world.viewer("researcher"))
    assert error.code == "slot_taken"
    book(request(Wanted("H-INC1", unit_names=("shelf 1",)), hours=24), world.viewer("researcher"))


def test_a_unit_is_kept_throughout(world: World) -> None:
    """Two stays of half the time each on shelf 1 and shelf 2 leave no shelf of two for the whole time."""
    start = next_weekday(10)
    full = Wanted("H-INC1", unit_names=tuple(f"shelf {n}" for n in range(3, 9)))
    book(request(full, start, hours=72), world.viewer("student"))
    for shelf, days in (("shelf 1", 0), ("shelf 2", 2)):
        one = Wanted("H-INC1", unit_names=(shelf,))
        book(request(one, start + timedelta(days=days), hours=24), world.viewer("student"))
    error = refused(request("H-INC1", start, hours=72), world.viewer("student"))
    assert error.code == "slot_taken"
    assert overlaps() == 0


# --- clients and changeover


def test_one_client_needs_changeover_another_clearance(world: World) -> None:
    ten = next_weekday(10)
    book(request(start=ten), world.viewer("student"))  # held until 11:15, cleared by 12:00
    quarter_to = request(start=ten + timedelta(hours=1))
    assert refused(quarter_to, world.viewer("researcher")).code == "changeover"
    assert refused(quarter_to, world.viewer("amber")).code == "slot_taken"
    half_past = request(start=ten + timedelta(hours=1.5))
    assert refused(half_past, world.viewer("amber")).code == "slot_taken"
    assert refused(replace(half_past, project="P-SECRET"), world.viewer("researcher")).code == "changeover"
    book(half_past, world.viewer("researcher"))


def test_another_client_comes_when_it_is_cleared(world: World) -> None:
    ten = next_weekday(10)
    book(request(start=ten), world.viewer("student"))
    assert refused(request(start=ten + timedelta(hours=2)), world.viewer("amber")).code == "slot_taken"
    book(request(start=ten + timedelta(hours=2.5)), world.viewer("amber"))  # set up from 12:15


def test_two_companies_keep_their_distance(world: World) -> None:
    ten = next_weekday(10)
    book(request(start=ten), world.viewer("amber"))
    assert refused(request(start=ten + timedelta(hours=1.5)), world.viewer("birch")).code == "slot_taken"
    book(request(start=ten + timedelta(hours=1.5)), world.viewer("amber2"))


def test_set_up_and_changeover_may_lie_outside_opening_hours_and_in_the_past(world: World) -> None:
    book(request(start=MONDAY, hours=1), world.viewer("student"))
    book(request(start=next_weekday(8.5), hours=1), world.viewer("student"))
    book(request(start=next_weekday(16.5), hours=1), world.viewer("student"))


# --- head-counts


def test_a_room_takes_no_more_than_its_persons(world: World) -> None:
    book(request("H-VEC", people=2), world.viewer("student"))
    error = refused(request("H-LC", hours=2, people=2), world.viewer("researcher"))
    assert (error.code, error.status) == ("room_full", 409)
    book(request("H-LC", hours=2, people=1), world.viewer("researcher"))


def test_who_works_remotely_is_not_counted(world: World) -> None:
    book(request("H-VEC", people=3), world.viewer("student"))
    book(request("H-LC", hours=2, people=0), world.viewer("researcher"))


# --- on whose behalf, with whom


ON_BEHALF = {  # who books for whom: allowed
    ("staff", "student"): True,
    ("staff", "amber"): True,
    ("technician", "birch"): True,
    ("admin", "amber"): True,
    ("leader", "student"): True,
    ("leader", "colleague"): False,
    ("leader", "amber"): False,
    ("coordinator", "amber"): True,
    ("coordinator", "birch"): False,
    ("coordinator", "student"): False,
    ("student", "researcher"): False,
    ("researcher", "student"): False,
    ("amber", "amber2"): False,
    ("sus_staff", "student"): False,
    ("student", "student"): True,
}


@pytest.mark.parametrize(("by", "whom"), ON_BEHALF)
def test_who_books_for_whom(world: World, by: str, whom: str) -> None:
    organiser = db.session.get(User, world.users[whom])
    assert organiser is not None
    wanted = request(on_behalf_of=organiser.email)
    if not ON_BEHALF[by, whom]:
        with pytest.raises(Invalid) as caught:
            book(wanted, world.viewer(by))
        assert set(caught.value.errors) == {"on_behalf_of"}
        return
    booking = book(wanted, world.viewer(by))
    assert (booking.organiser_id, booking.made_by_id) == (world.users[whom], world.users[by])
    assert booking.organisation_id == organiser.organisation_id


def test_the_rules_are_those_of_the_organiser(world: World) -> None:
    """Staff may book what a partner may not, but not for a partner."""
    book(request("H-VEC"), world.viewer("staff"))
    later = request("H-VEC", next_weekday(14), on_behalf_of="amber@partner.example")
    assert refused(later, world.viewer("staff")).code == "not_allowed"


@pytest.mark.parametrize(
    ("by", "project", "allowed"),
    [
        ("student", "P-OPEN", True),
        ("colleague", "P-OPEN", False),
        ("student", "P-SECRET", False),
        ("amber", "P-OPEN", False),
        ("amber2", "P-HUSH", False),
        ("staff", "P-OPEN", True),
        ("staff", "P-AMBER", False),
        ("student", "P-NONE", False),
    ],
)
def test_who_books_for_which_project(world: World, by: str, project: str, allowed: bool) -> None:
    if allowed:
        assert book(request(project=project), world.viewer(by)).project_id == world.projects[project]
        return
    with pytest.raises(Invalid) as caught:
        book(request(project=project), world.viewer(by))
    name = USERS[by][0]
    assert caught.value.errors == {"project": [f"{name} has no project {project!r}."]}


# --- the shape

SHAPES: dict[str, tuple[Callable[[BookingRequest], BookingRequest], set[str]]] = {
    "unknown resource": (lambda r: replace(r, resources=(Wanted("H-XX"),)), {"resources"}),
    "no resource": (lambda r: replace(r, resources=()), {"resources"}),
    "a resource twice": (lambda r: replace(r, resources=(Wanted("H-BSC1"),) * 2), {"resources"}),
    "too many resources": (lambda r: replace(r, resources=(Wanted("H-BSC1"),) * 21), {"resources"}),
    "more units than exist": (lambda r: replace(r, resources=(Wanted("H-INC1", 9),)), {"resources"}),
    "no unit": (lambda r: replace(r, resources=(Wanted("H-INC1", 0),)), {"resources"}),
    "fewer than none": (lambda r: replace(r, resources=(Wanted("H-INC1", -1),)), {"resources"}),
    "unknown unit": (
        lambda r: replace(r, resources=(Wanted("H-INC1", unit_names=("shelf 9",)),)),
        {"resources"},
    ),
    "a unit twice": (
        lambda r: replace(r, resources=(Wanted("H-INC1", unit_names=("shelf 1",) * 2),)),
        {"resources"},
    ),
    "naive start": (lambda r: replace(r, starts_at=r.starts_at.replace(tzinfo=None)), {"start"}),
    "naive both": (
        lambda r: replace(r, starts_at=datetime(2027, 1, 12), ends_at=datetime(2027, 1, 13)),
        {"start", "end"},
    ),
    "end at start": (lambda r: replace(r, ends_at=r.starts_at), {"end"}),
    "end before start": (lambda r: replace(r, ends_at=r.starts_at - timedelta(hours=1)), {"end"}),
    "the year 9999": (lambda r: replace(r, ends_at=r.ends_at.replace(year=9999)), {"end"}),
    "the year 1": (lambda r: replace(r, starts_at=r.starts_at.replace(year=1)), {"start"}),
    "no title": (lambda r: replace(r, title="   "), {"title"}),
    "long title": (lambda r: replace(r, title="x" * 201), {"title"}),
    "two lines of title": (lambda r: replace(r, title="a\nb"), {"title"}),
    "a surrogate": (lambda r: replace(r, title="a\ud800"), {"title"}),
    "a zero in notes": (lambda r: replace(r, notes="a\x00b"), {"notes"}),
    "long notes": (lambda r: replace(r, notes="x" * 5001), {"notes"}),
    "nobody and less": (lambda r: replace(r, people=-1), {"people"}),
    "a crowd": (lambda r: replace(r, people=1001), {"people"}),
    "unknown participant": (lambda r: replace(r, participants=("nobody@x.example",)), {"participants"}),
    "too many participants": (
        lambda r: replace(r, participants=("student@hub.example",) * 51),
        {"participants"},
    ),
    "unknown supervisor": (lambda r: replace(r, supervisor="nobody"), {"supervisor"}),
    "unknown organiser": (lambda r: replace(r, on_behalf_of="nobody"), {"on_behalf_of"}),
    "unknown project": (lambda r: replace(r, project="P-X"), {"project"}),
    "several": (lambda r: replace(r, title="", people=-1, resources=()), {"title", "people", "resources"}),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_has_no_right_shape_is_invalid_before_any_rule(world: World, shape: str) -> None:
    spoil, fields = SHAPES[shape]
    with pytest.raises(Invalid) as caught:
        book(spoil(request()), world.viewer("student"))
    assert set(caught.value.errors) == fields
    assert rows(Hold) == 0


def test_what_is_just_right_in_shape_is_accepted(world: World) -> None:
    most = request(title="x" * 200, notes="é\n\t" * 1666, participants=("researcher@hub.example",) * 50)
    book(most, world.viewer("student"))


# --- refusals tell nothing of others

MARKERS = [
    *(name for name, _, _ in USERS.values()),
    *(text for code, name, alias, _ in ORGANISATIONS.values() for text in (code, name, alias)),
    *PROJECTS,
    *(name for name, *_ in PROJECTS.values()),
    "Tell nobody",
    "Not for you",
    "hub.example",
    "partner.example",
]


@pytest.mark.parametrize("asker", ["student", "colleague", "amber2", "birch", "coordinator", "technician"])
@pytest.mark.parametrize(
    ("owner", "project"), [("leader", "P-SECRET"), ("amber", "P-HUSH"), ("amber", None), ("birch", None)]
)
def test_a_refusal_names_nothing_of_others(world: World, asker: str, owner: str, project: str | None) -> None:
    taken = book(
        request(hours=4, title="Tell nobody", notes="Not for you", project=project, people=5),
        world.viewer(owner),
    )
    for wanted in (
        request(hours=2),
        request(("H-BSC1", "H-BSC2"), people=3),
        request(start=next_weekday(14)),
    ):
        error = refused(wanted, world.viewer(asker))
        told = f"{error} {error.refusals} {error.alternatives}"
        own = {USERS[asker][0], *(ORGANISATIONS[USERS[asker][2]][:3]), "Simon Staff"}  # sets the rules
        assert not [marker for marker in MARKERS if marker in told and marker not in own]
        assert taken.public_id not in told


@pytest.mark.parametrize("asker", ["student", "birch"])
def test_who_may_not_see_a_booking_is_not_told_of_changeover(world: World, asker: str) -> None:
    book(request(project="P-HUSH"), world.viewer("amber"))
    assert {
        refused(request(start=next_weekday(10) + timedelta(hours=hours)), world.viewer(asker)).code
        for hours in (-1, 0, 0.5, 1, 1.5)
    } == {"slot_taken"}


# --- alternatives


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("student", lambda: request(hours=2)),
        ("amber", lambda: request(hours=2)),
        ("researcher", lambda: request(("H-BSC1", "H-BSC2"), hours=2)),
        ("student", lambda: request(Wanted("H-INC1", 6), hours=48)),
        ("student", lambda: request("H-LC", hours=4)),
        ("student", lambda: request(start=next_weekday(17), hours=2)),
        ("student", lambda: request(start=next_weekday(10) + timedelta(days=200), hours=2)),
        ("student", lambda: request(start=MONDAY - timedelta(days=3), hours=2)),
        ("student", lambda: request(start=next_weekday(10.25))),
        ("amber", lambda: request("S-BSC")),
        ("student", lambda: request("H-BR1", start=next_weekday(9.5, days=1), hours=48)),
    ],
)
def test_every_alternative_is_accepted_as_it_stands(
    world: World, name: str, wanted: Callable[[], BookingRequest]
) -> None:
    for busy in (
        request("H-BSC1", hours=4),
        request(Wanted("H-INC1", 3), hours=72),
        request("H-LC", hours=8),
    ):
        book(busy, world.viewer("colleague"))
    asked = wanted()
    error = refused(asked, world.viewer(name))
    assert 1 <= len(error.alternatives) <= 3
    for other in error.alternatives:
        resources = tuple(Wanted(code, units) for code, units in other.resources)
        again = replace(asked, starts_at=other.starts_at, ends_at=other.ends_at, resources=resources)
        assert check_only(again, world.viewer(name))[0] == []
        moved = (other.starts_at, other.ends_at) != (asked.starts_at, asked.ends_at)
        swapped = resources != asked.resources
        assert other.differs == tuple(["start"] * moved + ["resource"] * swapped)
    first = error.alternatives[0]
    resources = tuple(Wanted(code, units) for code, units in first.resources)
    book(
        replace(asked, starts_at=first.starts_at, ends_at=first.ends_at, resources=resources),
        world.viewer(name),
    )


def test_a_free_twin_is_offered_first(world: World) -> None:
    book(request("H-BSC1", hours=2), world.viewer("student"))
    asked = request("H-BSC1", hours=2)
    first = refused(asked, world.viewer("researcher")).alternatives[0]
    assert (first.resources, first.starts_at, first.differs) == (
        (("H-BSC2", 1),),
        asked.starts_at,
        ("resource",),
    )


def test_alternatives_are_near_and_apart(world: World) -> None:
    book(request("H-VEC", start=next_weekday(12), hours=2), world.viewer("student"))
    asked = request("H-VEC", start=next_weekday(12), hours=2)
    others = refused(asked, world.viewer("researcher")).alternatives
    assert [other.starts_at - asked.starts_at for other in others][:2] == [
        timedelta(hours=-2),
        timedelta(hours=2),
    ]


def test_what_may_never_be_booked_has_no_other_time(world: World) -> None:
    assert refused(request("H-VEC"), world.viewer("amber")).alternatives == []


@pytest.mark.parametrize("minute", [0, 7, 31])
@pytest.mark.parametrize("code", ["H-BSC1", "H-LC", "H-INC1", "H-BR1", "H-LN2", "S-BSC"])
@pytest.mark.parametrize("name", ["researcher", "amber"])
def test_the_next_free_time_is_accepted(world: World, code: str, minute: int, name: str) -> None:
    book(request("H-BSC1", MONDAY, hours=4), world.viewer("colleague"))
    with clock.travel(MONDAY.replace(minute=minute)):
        found = next_free(places().by_code[code], world.viewer(name))
        assert found is not None
        wanted = BookingRequest(found.start, found.end, (Wanted(code),), "Next", people=0)
        assert check_only(wanted, world.viewer(name))[0] == []


def test_what_is_closed_for_good_is_never_free(world: World) -> None:
    assert next_free(places().by_code["H-VEC"], world.viewer("amber")) is None


@pytest.mark.parametrize("start", [10.25, 10.5])
def test_a_time_off_the_grid_of_a_free_machine_is_offered_on_it(world: World, start: float) -> None:
    error = refused(request("H-LC", next_weekday(start), hours=2), world.viewer("student"))
    assert error.code == "off_grid"
    assert error.alternatives[0].starts_at in (next_weekday(10), next_weekday(11))


# --- requests


def test_a_booking_that_needs_approval_is_requested_and_holds_its_time(world: World) -> None:
    wanted = request("H-BR1", next_weekday(9.5, days=7), hours=48)
    booking = book(wanted, world.viewer("student"))
    assert booking.status == "requested"
    assert booking.answer_due_at == MONDAY + timedelta(days=3)
    assert refused(wanted, world.viewer("researcher")).code == "slot_taken"
    kinds = set(db.session.scalars(select(OutboxMessage.kind)))
    assert "booking_requested" in kinds


@pytest.mark.parametrize("by", ["staff", "technician", "admin"])
def test_staff_need_nobodys_approval(world: World, by: str) -> None:
    wanted = request("H-BR1", next_weekday(9.5, days=7), hours=48)
    assert book(wanted, world.viewer(by)).status == "confirmed"


def test_staff_of_another_facility_ask_like_everybody(world: World) -> None:
    wanted = request("H-BR1", next_weekday(9.5, days=7), hours=48)
    assert book(wanted, world.viewer("sus_staff")).status == "requested"


# --- long stays and long holds


def test_a_long_stay_is_seen_years_later(world: World) -> None:
    start = next_weekday(10)
    end = next_weekday(10, days=600)
    stay = replace(request(Wanted("H-LN2", 4), start), ends_at=end)
    booking = book(stay, world.viewer("researcher"))
    assert booking.long_stay
    later = request("H-LN2", next_weekday(10, days=560), hours=24 * 7)
    assert refused(later, world.viewer("amber")).code == "slot_taken"


def test_what_the_database_would_not_store_is_refused_as_too_long(world: World) -> None:
    with transaction():
        policy = db.session.scalar(select(Policy).where(Policy.resource_id == world.resources["H-LC"]))
        assert policy is not None
        policy.max_minutes = 60 * 24 * 60
        directory_changed()
    assert refused(request("H-LC", hours=35 * 24), world.viewer("student")).code == "too_long"
    book(request("H-LC", hours=34 * 24), world.viewer("student"))


@pytest.mark.parametrize("name", ["participants", "supervisor"])
def test_a_partner_cannot_find_out_who_works_for_a_rival(world: World, name: str) -> None:
    rival, nobody = email_of("birch"), "nobody@partner.example"
    told = {}
    for address in (rival, nobody):
        value = (address,) if name == "participants" else address
        with pytest.raises(Invalid) as caught:
            book(request(**{name: value}), world.viewer("amber"))
        told[address] = str(caught.value).replace(address, "…")
    assert told[rival] == told[nobody]
    with_colleague = {name: (email_of("amber2"),) if name == "participants" else email_of("amber2")}
    assert book(request(**with_colleague), world.viewer("amber")).id
