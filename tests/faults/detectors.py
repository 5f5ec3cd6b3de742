"""Races, each a function that fails when a safeguard is missing."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from booking.base.db import db
from booking.bookings.actions import book, cancel, find
from booking.bookings.models import HOLDING, Booking
from booking.bookings.queries import request_of
from booking.bookings.request import BookingRequest, Wanted
from booking.bookings.series import Repeat, book_series
from booking.bookings.waitlist import join
from booking.bookings.waitlist_models import Wait
from booking.bookings.waitlist_queries import exactly
from tests.db.quota_world import a_quota, the_quotas
from tests.factories import World, request, working_day
from tests.faults.books import must_add_up, number_of_bookings
from tests.faults.crowd import ATTEMPTS, EVERYBODY, Crowd, Job, Outcome, to_book

MOST_SECONDS = 10  # three for each kind of lock, and what a machine busy with other tests adds
MOST_BUSY = EVERYBODY // 4  # on a machine that is busy with other things, some may be asked to come again
HOSTS = ("student", "researcher", "colleague", "leader", "staff", "technician", "admin", "sus_staff")
ANY = EVERYBODY * ATTEMPTS  # where one booking is torn between many, coming again is the answer
Race = Callable[[Crowd, World, str, int, str], None]


def of_one_kind(outcomes: list[Outcome]) -> Counter[str]:
    """Count what came of the jobs: `booked`, or the error."""
    return Counter("booked" if outcome.booking else outcome.error for outcome in outcomes)


def all_are_answered(outcomes: list[Outcome], *also: str, busy: int = MOST_BUSY) -> None:
    """Nothing but a booking or a refusal is an answer; nobody waits for long, few are asked to come again."""
    strange = [o for o in outcomes if not o.booking and o.error not in ("SlotTaken", *also)]
    assert strange == []
    assert max(outcome.seconds for outcome in outcomes) < MOST_SECONDS
    assert sum(outcome.busy for outcome in outcomes) <= busy


def who(world: World, n: int, names: tuple[str, ...] = HOSTS) -> int:
    return world.users[names[n % len(names)]]


def one_slot(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """All want the same cabinet at the same time: one gets it, nothing is left of the others."""
    wanted = request(start=working_day(n, 10), title=f"Round {n}")
    before = number_of_bookings()
    outcomes = crowd.rush(url, [to_book(who(world, k), wanted) for k in range(EVERYBODY)], defect)
    all_are_answered(outcomes)
    assert of_one_kind(outcomes) == {"booked": 1, "SlotTaken": EVERYBODY - 1}
    assert number_of_bookings() == before + 1
    must_add_up(outcomes)


def overlapping_slots(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """All want the cabinet, each half an hour later than the one before: what is booked never overlaps."""
    start = working_day(n, 9)
    wishes = [request(start=start + timedelta(minutes=30 * (k % 12)), hours=1.5) for k in range(EVERYBODY)]
    outcomes = crowd.rush(url, [to_book(who(world, k), wish) for k, wish in enumerate(wishes)], defect)
    all_are_answered(outcomes)
    booked = of_one_kind(outcomes)["booked"]
    assert 2 <= booked <= 4  # a day of six hours takes four of them with changeover
    must_add_up(outcomes)


def moves(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """Eight bookings want to move to the same free hour, and eight others want to book it."""
    target = working_day(n, 14)
    names = HOSTS[:4]
    places = ("H-BSC1", "H-BSC2")
    mine = [
        (name, book(request(code, working_day(n, 9 + 2 * k)), world.viewer(name)))
        for code in places
        for k, name in enumerate(names[:2])
    ]
    jobs = [
        Job(
            "change",
            world.users[name],
            (
                booking.public_id,
                replace(
                    request_of(booking),
                    resources=(Wanted("H-BSC1"),),
                    starts_at=target,
                    ends_at=target + timedelta(hours=1),
                ),
            ),
        )
        for name, booking in mine
    ]
    jobs += [to_book(who(world, k), request(start=target)) for k in range(EVERYBODY - len(jobs))]
    outcomes = crowd.rush(url, jobs, defect)
    all_are_answered(outcomes)
    assert of_one_kind(outcomes)["booked"] == 1
    must_add_up(outcomes)


def the_same_booking(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """Its organiser, group lead and staff move, rename and cancel one booking at once: it stays whole."""
    booking = book(request(start=working_day(n, 10)), world.viewer("student"))
    wanted = request_of(booking)
    jobs = [_meddle(world, booking.public_id, wanted, k) for k in range(EVERYBODY)]
    outcomes = crowd.rush(url, jobs, defect)
    all_are_answered(outcomes, "NotChangeable", "Busy", busy=ANY)
    assert of_one_kind(outcomes)["booked"] >= 1
    must_add_up()
    find(booking.public_id, world.viewer("student"))


def freed_time(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """A booking is cancelled while all others want its time: who waited first is offered it, nobody else."""
    wanted = request(start=working_day(n, 10))
    taken = book(wanted, world.viewer("student"))
    first, *others = (_wait(world, name, wanted) for name in ("leader", "colleague", "researcher"))
    jobs = [to_book(who(world, k), wanted) for k in range(EVERYBODY - 1)]
    jobs.append(Job("cancel", world.users["student"], (taken.public_id,)))
    outcomes = crowd.rush(url, jobs, defect)
    all_are_answered(outcomes)
    assert of_one_kind(outcomes) == {"booked": 1, "SlotTaken": EVERYBODY - 1}  # the one is the cancelled one
    db.session.expire_all()
    assert db.session.get_one(Wait, first).status == "offered"
    assert {db.session.get_one(Wait, other).status for other in others} == {"waiting"}
    must_add_up()


def _wait(world: World, name: str, wanted: BookingRequest) -> int:
    return join(exactly(wanted), wanted, world.viewer(name)).id


def _meddle(world: World, booking: str, wanted: BookingRequest, k: int) -> Job:
    user = world.users[("student", "leader")[k % 2]]
    if k == EVERYBODY - 1:
        return Job("cancel", user, (booking,))
    if k % 3 == 0:
        return Job("change", user, (booking, replace(wanted, title=f"Title {k}")))
    if k % 3 == 1:
        return Job("change", user, (booking, replace(wanted, resources=(Wanted("H-BSC2"),))))
    shift = timedelta(minutes=30 * (k % 5))
    moved = replace(wanted, starts_at=wanted.starts_at + shift, ends_at=wanted.ends_at + shift)
    return Job("change", user, (booking, moved))


def units(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """Thirty-two want one to three of eight shelves: eight are given, no more and no fewer."""
    start = working_day(n, 10, nights=1)
    wishes = [request(Wanted("H-INC1", 1 + k % 3), start, hours=24, people=0) for k in range(EVERYBODY)]
    outcomes = crowd.rush(url, [to_book(who(world, k), wish) for k, wish in enumerate(wishes)], defect)
    all_are_answered(outcomes)
    given = sum(1 + k % 3 for k, outcome in enumerate(outcomes) if outcome.booking)
    assert given == 8
    must_add_up(outcomes)


def opposite_order(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """Half want four machines, half the same in the other order: they do not lock each other out."""
    codes = ("H-BSC1", "H-HALL", "H-VEC", "H-BSC2")
    wanted = request(codes, working_day(n, 10))
    back = replace(wanted, resources=wanted.resources[::-1])
    jobs = [to_book(who(world, k), (wanted, back)[k % 2]) for k in range(EVERYBODY)]
    outcomes = crowd.rush(url, jobs, defect)
    all_are_answered(outcomes)
    assert of_one_kind(outcomes) == {"booked": 1, "SlotTaken": EVERYBODY - 1}
    must_add_up(outcomes)


def head_counts(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """Two machines of a room for three are free, but not for two times two people."""
    start = working_day(n, 10)
    wishes = [request(("H-VEC", "H-LC")[k % 2], start, hours=2, people=2) for k in range(EVERYBODY)]
    outcomes = crowd.rush(url, [to_book(who(world, k), wish) for k, wish in enumerate(wishes)], defect)
    all_are_answered(outcomes)
    assert of_one_kind(outcomes)["booked"] == 1
    must_add_up(outcomes)


def companies_apart(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """The host and two companies want the cabinet one after the other: always cleared in between."""
    start = working_day(n, 9)
    names = ("student", "amber", "birch", "researcher", "amber2")
    wishes = [request(start=start + timedelta(minutes=30 * (k % 13))) for k in range(EVERYBODY)]
    jobs = [to_book(who(world, k, names), wish) for k, wish in enumerate(wishes)]
    outcomes = crowd.rush(url, jobs, defect)
    all_are_answered(outcomes)
    assert of_one_kind(outcomes)["booked"] >= 2
    must_add_up(outcomes)


def without_conflict(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """Twenty places for twenty people, all at once: nobody is refused without reason."""
    wanted = request("H-HALL", working_day(n, 10), people=0, participants=("leader@hub.example",))
    jobs = [to_book(who(world, k), wanted) for k in range(20)]
    outcomes = crowd.rush(url, jobs, defect)
    assert of_one_kind(outcomes) == {"booked": 20}
    must_add_up(outcomes)


def cancel_and_book(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """A slot is given back while all want it: one at most gets it, and the cancelled one is really gone."""
    wanted = request(start=working_day(n, 10), participants=("leader@hub.example",))
    booking = book(wanted, world.viewer("student"))
    jobs = [Job("cancel", world.users["student"], (booking.public_id,)) for _ in range(2)]
    jobs += [to_book(who(world, k), wanted) for k in range(EVERYBODY - 2)]
    outcomes = crowd.rush(url, jobs, defect)
    all_are_answered(outcomes)
    assert all(outcome.booking for outcome in outcomes[:2])  # to cancel may be repeated
    assert of_one_kind(outcomes[2:])["booked"] <= 1
    must_add_up(outcomes)


def answers(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """Staff approve and decline one request at once: it is answered once."""
    start = working_day(5, 9.5, nights=1)
    booking = book(request("H-BR1", start, hours=24), world.viewer("student"))
    staff = ("staff", "technician", "admin")
    jobs = [
        Job(("approve", "decline")[k % 2], who(world, k, staff), (booking.public_id,))
        for k in range(EVERYBODY)
    ]
    outcomes = crowd.rush(url, jobs, defect)
    all_are_answered(outcomes, "NotChangeable")
    assert of_one_kind(outcomes) == {"booked": 1, "NotChangeable": EVERYBODY - 1}
    must_add_up()
    if find(booking.public_id, world.viewer("staff")).status == "confirmed":
        cancel(booking.public_id, world.viewer("staff"), f"Round {n} is over")


def different_machines(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """People who are in each other's bookings book, cancel and change on different machines: no deadlock."""
    start = working_day(n, 10)
    everybody = tuple(f"{name}@hub.example" for name in ("student", "researcher", "colleague", "leader"))
    codes = ("H-BSC1", "H-BSC2", "H-VEC", "H-HALL")
    names = ("student", "researcher", "colleague", "leader")
    old = [
        (name, book(request(code, start, people=0, participants=everybody), world.viewer(name)))
        for name, code in zip(names, codes, strict=True)
    ]
    jobs = [Job("cancel", world.users[name], (booking.public_id,)) for name, booking in old[:2]]
    jobs += [
        Job("change", world.users[name], (booking.public_id, replace(request_of(booking), participants=())))
        for name, booking in old[2:]
    ]
    later = start + timedelta(hours=3)
    jobs += [
        to_book(
            world.users[names[k % 4]], request(codes[k % 4], later, people=0, participants=everybody[::-1])
        )
        for k in range(EVERYBODY - len(jobs))
    ]
    outcomes = crowd.rush(url, jobs, defect)
    all_are_answered(outcomes)
    assert all(outcome.booking for outcome in outcomes[:4])
    must_add_up(outcomes)


def anything(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """All do what comes to their mind: book one or several machines, move, grow, rename or cancel."""
    chance = random.Random(n)
    known = [(b.public_id, request_of(b)) for b in db.session.scalars(select(Booking)) if b.status in HOLDING]
    jobs = [_anything(world, chance, known) for _ in range(EVERYBODY)]
    outcomes = crowd.rush(url, jobs, defect)
    all_are_answered(outcomes, "NotChangeable", "Refused", "Forbidden", "NotFound", "Busy", busy=ANY)
    must_add_up(outcomes)


def series(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """Series that cross each other on two machines, others who move and end one, and single bookings."""
    start = working_day(n, 10)
    viewer = world.viewer("student")
    mine = book_series(request("H-VEC", start), Repeat("FREQ=WEEKLY;COUNT=3", "skip"), viewer).bookings[0]
    later = replace(
        request_of(mine), starts_at=start + timedelta(hours=2), ends_at=start + timedelta(hours=3)
    )
    jobs = [Job("change_series", viewer.id, (mine.public_id, later)) for _ in range(2)]
    jobs += [Job("cancel_series", viewer.id, (mine.public_id,))]
    for k in range(12):
        wanted = request(
            (("H-BSC1", "H-VEC"), ("H-VEC", "H-BSC1"))[k % 2], start + timedelta(days=7 * (k % 3))
        )
        repeat = Repeat("FREQ=WEEKLY;COUNT=3", ("skip", "refuse")[k // 2 % 2])
        jobs += [Job("book_series", who(world, k), (wanted, repeat)), to_book(who(world, k), wanted)]
    outcomes = crowd.rush(url, jobs, defect)
    all_are_answered(outcomes, "SeriesClash", "NotChangeable", "Busy", busy=ANY)
    assert of_one_kind(outcomes)["booked"] >= 2
    must_add_up(outcomes)


def _anything(world: World, chance: random.Random, known: list[tuple[str, BookingRequest]]) -> Job:
    machines = (Wanted("H-BSC1"), Wanted("H-BSC2"), Wanted("H-VEC"), Wanted("H-HALL", chance.randint(1, 12)))
    start = working_day(chance.randrange(2), 9 + chance.randrange(14) / 2)
    wanted = request(
        tuple(chance.sample(machines, chance.choice((1, 1, 2, 3)))),
        start,
        hours=chance.choice((0.5, 1, 2)),
        people=chance.randrange(4),
        participants=tuple(chance.sample(("student@hub.example", "leader@hub.example"), chance.randrange(3))),
    )
    user = who(
        world, chance.randrange(12), ("student", "researcher", "leader", "amber", "birch", "colleague")
    )
    action = chance.choice(("book", "book", "change", "cancel")) if known else "book"
    if action == "book":
        return to_book(user, wanted)
    booking, before = chance.choice(known)
    if action == "cancel":
        return Job("cancel", world.users["leader"], (booking,))
    shapes = (wanted, replace(before, title="New"), replace(before, resources=wanted.resources))
    return Job("change", world.users["leader"], (booking, chance.choice(shapes)))


MACHINES = ("H-BSC1", "H-BSC2", "H-VEC", "H-HALL")
SESSIONS = 8


def _at_once(world: World, n: int, names: tuple[str, ...], **more: str) -> list[Job]:
    """Let eight sessions want an hour each, on four machines, so that only a quota can be in the way."""
    start = working_day(n, 9)
    return [
        to_book(
            who(world, k, names),
            request(MACHINES[k % 4], start + timedelta(hours=3 * (k // 4)), people=0, **more),
        )
        for k in range(SESSIONS)
    ]


def _three_hours_a_day(crowd: Crowd, url: str, jobs: list[Job], defect: str) -> None:
    outcomes = crowd.rush(url, jobs, defect)
    all_are_answered(outcomes, "Refused")
    assert {codes for o in outcomes if not o.booking for codes in o.codes} == {"quota"}
    assert of_one_kind(outcomes) == {"booked": 3, "Refused": SESSIONS - 3}
    must_add_up(outcomes)


def own_quota(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """One person books in eight sessions at once: the quota of three hours a day is never exceeded."""
    if not the_quotas():
        a_quota(world, minutes=180, kind=None)
    _three_hours_a_day(crowd, url, _at_once(world, n, ("student",)), defect)


def group_quota(crowd: Crowd, world: World, url: str, n: int, defect: str = "") -> None:
    """The people of a project and of an organisation book at once: nor is what they share."""
    if not the_quotas():
        a_quota(world, minutes=180, kind=None, shared_by="project", project="P-OPEN")
        a_quota(world, name="Theirs", minutes=180, kind=None, shared_by="organisation", organisation="NWT")
    names = ("student", "researcher", "leader")
    _three_hours_a_day(crowd, url, _at_once(world, 2 * n, names, project="P-OPEN"), defect)
    machines = ("H-BSC1", "H-BSC2", "H-HALL", "H-HALL")  # those that companies may book
    start = working_day(2 * n + 1, 9)
    jobs = [
        to_book(
            who(world, k, ("amber", "amber2", "coordinator")),
            request(machines[k % 4], start + timedelta(hours=3 * (k // 4)), people=0),
        )
        for k in range(SESSIONS)
    ]
    _three_hours_a_day(crowd, url, jobs, defect)


RACES: dict[str, Race] = {
    race.__name__: race
    for race in (
        one_slot,
        overlapping_slots,
        moves,
        the_same_booking,
        units,
        opposite_order,
        head_counts,
        companies_apart,
        without_conflict,
        cancel_and_book,
        freed_time,
        answers,
        series,
        different_machines,
        own_quota,
        group_quota,
        anything,
    )
}
