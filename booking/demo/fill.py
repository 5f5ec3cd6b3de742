"""Fills the demo: passwords, then bookings, each made through the rules on the day it would have been made.

The same day gives the same bookings: chance comes from the date, and nothing depends on the hour.
"""

import heapq
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import count
from random import Random
from zoneinfo import ZoneInfo

from sqlalchemy import func, select, update

from booking.base import clock
from booking.base.db import db, transaction
from booking.base.errors import BookingError
from booking.base.period import LocalTimeMissing, LocalTimeTwice, from_wall, zone
from booking.bookings.actions import approve, book, cancel, change, decline
from booking.bookings.models import Booking
from booking.bookings.queries import request_of
from booking.bookings.request import BookingRequest, Override, Wanted
from booking.bookings.series import Repeat, book_series
from booking.bookings.waiting import open_step, people_to_ask
from booking.demo.stories import series, stories
from booking.demo.teaching import show, teach
from booking.demo.wishes import DOMAIN, Wish, weekly
from booking.facilities.places import Places, ResourcePlace, opens_to
from booking.facilities.queries import places, viewer_of
from booking.people.models import Membership, Project, User
from booking.people.passwords import hash_password, password_fits
from booking.people.viewer import Viewer

TRIES = 3
ZONE = "Europe/London"
CANCELLED = ("Cells did not recover.", "The delivery is late.", "Not needed any more.", "")
CHANGED = ("The culture grows more slowly.", "Swapped with a colleague.", "")
DECLINED = (
    "The risk assessment does not cover this run.",
    "The pilot plant is kept free for teaching that week.",
)


def set_passwords(password: str) -> int:
    """Give the demo's people the demo's password; who has one of their own keeps it. Return how many."""
    shared = _shared_hash()
    if shared and password_fits(shared, password):
        new, old = shared, [""]
    else:
        new, old = hash_password(password), ["", shared]
    with transaction():
        demo = update(User).where(User.email.endswith(f"@{DOMAIN}"), User.password_hash.in_(old))
        return int(db.session.execute(demo.values(password_hash=new)).rowcount)  # type: ignore[attr-defined]


def _shared_hash() -> str:
    """Return the hash that most of the demo's people have: hashing takes long, so they share one."""
    query = select(User.password_hash).where(User.email.endswith(f"@{DOMAIN}"), User.password_hash != "")
    query = query.group_by(User.password_hash).having(func.count() > 1).order_by(func.count().desc())
    return db.session.scalar(query.limit(1)) or ""


def fill() -> int:
    """Make the demo's bookings around today, all in one transaction; return how many."""
    t0 = clock.now().astimezone(zone(ZONE)).date()
    catalogue = places()  # is remembered only outside of transactions
    with transaction():
        return _Filling(t0, catalogue).run()


def _members() -> dict[str, list[str]]:
    """Return who works together, by project: the names before the @; those who sign in come last."""
    query = select(Project.code, User.email).join(Membership, Membership.project_id == Project.id)
    found: dict[str, list[str]] = {}
    for code, email in db.session.execute(
        query.join(User, User.id == Membership.user_id).order_by(User.id.desc())
    ):
        found.setdefault(code, []).append(email.partition("@")[0])
    return found


@dataclass(order=True)
class _Event:
    moment: datetime
    order: int
    happens: Callable[[], object] = field(compare=False)


class _Filling:
    """What happens in the demo's past, in order of time."""

    def __init__(self, t0: date, catalogue: Places) -> None:
        self.t0, self.catalogue = t0, catalogue
        self.tz: ZoneInfo = zone(ZONE)
        self.rng = Random(t0.isoformat())  # noqa: S311 (demo data needs no cryptography)
        self.order = count()
        self.events: list[_Event] = []
        self.users = {email: id_ for id_, email in db.session.execute(select(User.id, User.email))}
        self.viewers: dict[str, Viewer] = {}
        self.members = _members()
        self.made = 0

    def run(self) -> int:
        """Let everything happen and return how many bookings were made."""
        show(self.t0, self._viewer)
        for wish in (*stories(self.t0), *weekly(self.t0, self.rng)):
            self._plan(wish)
        for wish in series(self.t0):
            yesterday = datetime.combine(self.t0 - timedelta(days=1), time(9))
            self._at(from_wall(yesterday, self.tz), partial(self._repeat, wish))
        while self.events:
            event = heapq.heappop(self.events)
            with clock.travel(event.moment):
                event.happens()
        teach(self.t0, self._viewer)
        return self.made

    def _plan(self, wish: Wish) -> None:
        day = self._made_on(wish)
        if day is not None:
            self._at(self._office_hour(day), lambda: self._book(wish))

    def _made_on(self, wish: Wish) -> date | None:
        """Return the day on which a wish would be booked: before today, with notice, within the horizon."""
        organiser = self._viewer(wish.on_behalf_of or wish.who)
        rules = [resource.effective(organiser.role) for resource in self._resources(wish)]
        notice = max(int(str(rule["notice_minutes"].value)) for rule in rules) // (24 * 60) + 1
        yesterday = self.t0 - timedelta(days=1)
        if wish.fate in ("waiting", "halfway"):
            return yesterday
        day = min(wish.day - timedelta(days=max(wish.ahead, notice)), yesterday)
        return day if day >= self._earliest(wish, organiser.role) else None

    def _earliest(self, wish: Wish, role: str) -> date:
        """Return the first day on which a wish's day is within the horizon of all it takes."""
        days = []
        for resource in self._resources(wish):
            horizon = timedelta(days=int(str(resource.effective(role)["horizon_days"].value)))
            opens = opens_to(resource, role, self.t0 - timedelta(weeks=10))
            days.append(wish.day - horizon if opens is None or opens < wish.day - horizon else date.min)
        return max(days)

    def _office_hour(self, day: date) -> datetime:
        minute = self.rng.randrange(8 * 60, 18 * 60)
        return from_wall(datetime.combine(day, time(minute // 60, minute % 60)), self.tz)

    def _at(self, moment: datetime, happens: Callable[[], object]) -> None:
        heapq.heappush(self.events, _Event(moment, next(self.order), happens))

    def _viewer(self, name: str) -> Viewer:
        if name not in self.viewers:
            viewer = viewer_of(self.users[f"{name}@{DOMAIN}"])
            if viewer is None:
                raise LookupError(name)
            self.viewers[name] = viewer
        return self.viewers[name]

    # --- what happens

    def _book(self, wish: Wish) -> None:
        for attempt in range(TRIES):
            moved = self._moved(wish, attempt)
            if not self._may_be_open(moved):
                continue
            try:
                booking = book(self._request(moved), self._viewer(wish.who))
            except (BookingError, LocalTimeMissing, LocalTimeTwice):
                continue  # taken, closed or not open yet: they look for another time, or give up
            self.made += 1
            self._follow_up(booking, wish)
            return

    def _repeat(self, wish: Wish) -> None:
        """Book a series, but for what is taken or closed."""
        with suppress(BookingError):
            made = book_series(self._request(wish), Repeat(wish.rrule, "skip"), self._viewer(wish.who))
            self.made += len(made.bookings)

    def _may_be_open(self, wish: Wish) -> bool:
        """Spare the rules what is plain from the calendar: nobody starts or ends on a weekend or closure."""
        end = datetime.combine(wish.day, wish.starts) + timedelta(minutes=wish.minutes)
        return not any(
            resource.closed_on(day) or (day.weekday() > 4 and resource.running != "free")
            for resource in self._resources(wish)
            for day in {wish.day, end.date()}
        )

    def _resources(self, wish: Wish) -> list[ResourcePlace]:
        return [self.catalogue.by_code[code] for code, _ in wish.takes]

    def _moved(self, wish: Wish, attempt: int) -> Wish:
        return wish if attempt == 0 else replace(wish, day=wish.day + timedelta(days=attempt))

    def _request(self, wish: Wish) -> BookingRequest:
        start = datetime.combine(wish.day, wish.starts)
        return BookingRequest(
            starts_at=from_wall(start, self.tz),
            ends_at=from_wall(start + timedelta(minutes=wish.minutes), self.tz),
            resources=tuple(Wanted(code, units) for code, units in wish.takes),
            title=wish.title,
            project=wish.project or None,
            people=wish.people,
            participants=tuple(f"{name}@{DOMAIN}" for name in self._company(wish)),
            on_behalf_of=f"{wish.on_behalf_of}@{DOMAIN}" if wish.on_behalf_of else None,
            supervisor=f"{wish.supervisor}@{DOMAIN}" if wish.supervisor else None,
            notes=wish.notes,
            override=Override((wish.overrules,), wish.because) if wish.overrules else None,
        )

    def _company(self, wish: Wish) -> tuple[str, ...]:
        """Return who is named: somebody of the project where nobody works alone, and a technician else."""
        alone = any(one.room and one.room.lone_working == "no" for one in self._resources(wish))
        if wish.participants or wish.supervisor or not wish.people or not alone:
            return wish.participants
        others = (*self.members.get(wish.project, ()), "leila.haddad", "owen.price")
        return (next(name for name in others if name not in (wish.who, wish.on_behalf_of)),)

    def _follow_up(self, booking: Booking, wish: Wish) -> None:
        code, asked = booking.public_id, booking.status == "requested"
        by = self._viewer(wish.who)
        if asked and wish.fate != "waiting":
            self._answer(booking, wish)
        elif wish.fate == "cancelled":
            self._soon(booking, lambda: self._try(cancel, code, by, self.rng.choice(CANCELLED)))
        elif wish.fate == "changed":
            self._soon(booking, lambda: self._change(code, by))

    def _answer(self, booking: Booking, wish: Wish) -> None:
        if wish.fate == "declined":
            self._soon(booking, lambda: self._decline(booking))
        else:
            self._soon(booking, lambda: self._approve(booking, until_the_end=wish.fate != "halfway"))

    def _decline(self, booking: Booking) -> None:
        asked = sorted(people_to_ask(step)) if (step := open_step(booking.id)) else []
        by = viewer_of(asked[0]) if asked else None
        if by:
            self._try(decline, booking.public_id, by, self.rng.choice(DECLINED))

    def _approve(self, booking: Booking, until_the_end: bool = True) -> None:
        """Let who is asked say yes, and after them who is asked next."""
        step = open_step(booking.id)
        if step is None:
            return
        asked, manager = sorted(people_to_ask(step)), self._viewer("staff")
        by = manager if manager.id in asked else viewer_of(asked[0])
        if by and self._try(approve, booking.public_id, by) and until_the_end:
            self._soon(booking, lambda: self._approve(booking))

    def _soon(self, booking: Booking, happens: Callable[[], object]) -> None:
        """Let something follow within a day, before the booking starts and before today."""
        later = clock.now() + timedelta(minutes=self.rng.randrange(30, 20 * 60))
        today = from_wall(datetime.combine(self.t0, time()), self.tz)
        self._at(min(later, booking.starts_at - timedelta(minutes=10), today - timedelta(minutes=5)), happens)

    def _change(self, code: str, by: Viewer) -> None:
        """Move a booking by half an hour, or a day, if that is possible; else note something."""
        booking = db.session.scalars(select(Booking).where(Booking.public_id == code)).one()
        request = request_of(booking)
        reason = self.rng.choice(CHANGED)
        for step in (timedelta(minutes=30), timedelta(days=1)):
            moved = replace(request, starts_at=request.starts_at + step, ends_at=request.ends_at + step)
            if self._try(change, code, moved, by, reason):
                return
        self._try(change, code, replace(request, notes="Please leave the machine on."), by, reason)

    def _try(self, action: Callable[..., object], *arguments: object) -> bool:
        try:
            action(*arguments)
        except BookingError:
            return False
        return True
