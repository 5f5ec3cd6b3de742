"""Gathers what people hold for a booking: one statement, and more only where something is in question."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, union_all

from booking.base import clock
from booking.base.db import db
from booking.base.period import Period
from booking.bookings.models import HOLDING, Booking, BookingResource, Participant
from booking.facilities.places import EVERY_HOUR, Places, ResourcePlace, hour_kinds, staffed
from booking.people.models import User
from booking.schedule.free import MAX_HOLD, presence_of
from booking.training.models import ResourceModule
from booking.training.queries import holdings, next_sessions, requirements
from booking.training.standing import (
    Engaged,
    Held,
    Holdings,
    ModuleAsked,
    Requirements,
    Standing,
    Supervised,
    add_months,
)
from booking.training.words import reaches

USED = ("confirmed", "in_use", "completed")
DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Judged:
    """Who and what a booking names, as far as competence and permits are concerned."""

    resources: tuple[ResourcePlace, ...]
    places: Places
    organiser_id: int
    organiser: str
    project_id: int | None
    supervisor_id: int | None
    supervisor: str
    before: Booking | None = None
    role: str = ""
    company: frozenset[int] = frozenset()
    company_before: frozenset[int] = frozenset()
    students: int = 0

    @property
    def same_company(self) -> bool:
        """Tell whether everybody who was named before still is."""
        return self.before is not None and self.company_before <= self.company

    @property
    def same_people(self) -> bool:
        before = self.before
        return before is not None and (before.organiser_id, before.supervisor_id, before.project_id) == (
            self.organiser_id,
            self.supervisor_id,
            self.project_id,
        )


def standing_of(judged: Judged, window: Period) -> Standing:
    """Return what the rules need to know of the people of a booking that lies within a window."""
    asked = requirements(judged.places)
    modules, kinds = _modules_of(asked, judged.resources), _kinds_of(asked, judged, window)
    standing = Standing(
        requirements=asked,
        organiser_id=judged.organiser_id,
        organiser=judged.organiser,
        project_id=judged.project_id,
        supervisor_id=judged.supervisor_id,
        supervisor=judged.supervisor,
        same_people=judged.same_people,
        company=tuple(sorted(judged.company)),
        same_company=judged.same_company,
        students=judged.students,
        supervised=_supervised(judged, window),
    )
    if not modules and not kinds:
        return standing
    people = {judged.organiser_id, *({judged.supervisor_id} if judged.supervisor_id else ())}
    if any(resource.room and resource.room.second_competent for resource in judged.resources):
        people |= judged.company
    held = holdings(people, list(modules), [judged.project_id] if judged.project_id else [], kinds)
    standing = replace(standing, holdings=practised(held, modules))
    return _looked_into(standing, judged, modules.values(), window)


def _modules_of(asked: Requirements, resources: Iterable[ResourcePlace]) -> dict[int, ModuleAsked]:
    return {module.id: module for resource in resources for module in asked.modules_of(resource.id)}


def _kinds_of(asked: Requirements, judged: Judged, window: Period) -> set[str]:
    """Return the kinds of permits that are asked for, or that open hours which the role does not have."""
    kinds = {need.kind for one in judged.resources for need in asked.permits_of(one, judged.project_id)}
    if hour_kinds(judged.role) != EVERY_HOUR:
        for resource in judged.resources:
            if _may_need_extended_hours(resource, window):
                kinds |= asked.out_of_hours(resource.facility.id)
    return kinds


def _may_need_extended_hours(resource: ResourcePlace, window: Period) -> bool:
    if resource.running == "free":
        return False
    ends = (Period(window.start, window.start + SECOND), Period(window.end - SECOND, window.end))
    parts = (window,) if resource.running == "attended" else ends
    return not all(staffed(resource, part) for part in parts)


def _looked_into(
    standing: Standing, judged: Judged, modules: Collection[ModuleAsked], window: Period
) -> Standing:
    """Add what is needed only if something is lacking: sessions, and whether the supervisor is free."""
    tz = judged.resources[0].facility.tz
    last = window.end.astimezone(tz).date()
    mine = [(module, standing.mine(module.id)) for module in modules]
    lacking = [module.id for module, held in mine if held is None or _ends_by(held, module, last)]
    if lacking:
        standing = replace(standing, sessions=next_sessions(lacking, clock.now()))
    learns = any(held is not None and not reaches(held.level, module.level) for module, held in mine)
    if learns and judged.supervisor_id:
        engaged = tuple(engagements(judged.supervisor_id, window, judged.places, judged.before))
        standing = replace(standing, supervisor_engaged=engaged)
    return standing


def _ends_by(held: Held, module: ModuleAsked, last: date) -> bool:
    ends = [day for day in (held.valid_through, held.lapses_on(module.lapse_months)) if day]
    return any(day <= last for day in ends)


# --- practice --------------------------------------------------------------------------------------


def practised(held: Holdings, modules: Mapping[int, ModuleAsked]) -> Holdings:
    """Add the bookings that kept people in practice, where the record alone would say that they lapsed."""
    tomorrow = clock.now().date() + DAY  # where the facility is, it may be so already
    doubtful = {
        (user_id, module_id)
        for user_id, mine in held.competences.items()
        for module_id, one in mine.items()
        if module_id in modules
        and (lapses := one.lapses_on(modules[module_id].lapse_months))
        and lapses <= tomorrow
    }
    if not doubtful:
        return held
    uses = _last_uses({user for user, _ in doubtful}, {module for _, module in doubtful}, modules)
    found: dict[int, dict[int, Held]] = {user: dict(mine) for user, mine in held.competences.items()}
    for (user_id, module_id), day in uses.items():
        one = found.get(user_id, {}).get(module_id)
        if one is not None and day > one.used_on:
            found[user_id][module_id] = replace(one, used_on=day)
    return Holdings(found, held.permits)


def _last_uses(
    users: Collection[int], module_ids: Collection[int], modules: Mapping[int, ModuleAsked]
) -> dict[tuple[int, int], date]:
    """Return the last day on which people booked or took part in work that a module is for."""
    now = clock.now()
    longest = max(modules[module_id].lapse_months for module_id in module_ids)
    since = datetime.combine(add_months(now.date(), -longest) - DAY, time(), UTC)
    past = (Booking.status.in_(USED), Booking.starts_at <= now, Booking.starts_at >= since)
    booked = select(Booking.organiser_id.label("user_id"), Booking.id, Booking.ends_at).where(
        Booking.organiser_id.in_(sorted(users)), *past
    )
    joined = (
        select(Participant.user_id, Booking.id, Booking.ends_at)
        .join(Booking, Booking.id == Participant.booking_id)
        .where(Participant.user_id.in_(sorted(users)), *past)
    )
    work = union_all(booked, joined).subquery()
    query = (
        select(work.c.user_id, ResourceModule.module_id, func.max(work.c.ends_at))
        .join(BookingResource, BookingResource.booking_id == work.c.id)
        .join(ResourceModule, ResourceModule.resource_id == BookingResource.resource_id)
        .where(BookingResource.left_at.is_(None), ResourceModule.module_id.in_(sorted(module_ids)))
        .group_by(work.c.user_id, ResourceModule.module_id)
    )
    return {(user, module): min(ends, now).date() for user, module, ends in db.session.execute(query)}


# --- supervisors -----------------------------------------------------------------------------------


def engagements(
    user_id: int, window: Period, places: Places, without: Booking | None = None
) -> Iterator[Engaged]:
    """Yield when somebody has to be in which room: their own bookings and those that they supervise."""
    parts = select(Participant.booking_id).where(Participant.user_id == user_id)
    query = (
        select(Booking.id, Booking.starts_at, Booking.ends_at, BookingResource.resource_id)
        .join(BookingResource, BookingResource.booking_id == Booking.id)
        .where(Booking.status.in_(HOLDING), Booking.people > 0, BookingResource.left_at.is_(None))
        .where(*_in(window))
        .where(or_(Booking.organiser_id == user_id, Booking.supervisor_id == user_id, Booking.id.in_(parts)))
    )
    for row in db.session.execute(query):
        if without is None or row.id != without.id:
            yield from _engaged(Period(row.starts_at, row.ends_at), places.resources[row.resource_id])


def _engaged(used: Period, resource: ResourcePlace) -> Iterator[Engaged]:
    room_id = resource.room.id if resource.room else None
    for stay in presence_of(room_id or 0, used, 1, resource.running == "attended"):
        yield Engaged(stay.period, room_id)


def _supervised(judged: Judged, window: Period) -> tuple[Supervised, ...]:
    """Return when the supervisor has students, where a facility says how many they may have at a time."""
    limited = any(resource.facility.most_supervised is not None for resource in judged.resources)
    if judged.supervisor_id is None or not judged.students or not limited:
        return ()
    others = (
        select(func.count())
        .select_from(Participant)
        .join(User, User.id == Participant.user_id)
        .where(Participant.booking_id == Booking.id, User.role == "student")
        .scalar_subquery()
    )
    query = (
        select(Booking.id, Booking.starts_at, Booking.ends_at, BookingResource.resource_id)
        .add_columns(User.role, others.label("others"))
        .join(BookingResource, BookingResource.booking_id == Booking.id)
        .join(User, User.id == Booking.organiser_id)
        .where(Booking.supervisor_id == judged.supervisor_id, Booking.status.in_(HOLDING))
        .where(BookingResource.left_at.is_(None), *_in(window))
    )
    rows = db.session.execute(query)
    return tuple(one for row in rows for one in _students_of(row, judged))


def _students_of(row: Any, judged: Judged) -> Iterator[Supervised]:
    resource, students = judged.places.resources[row.resource_id], row.others + (row.role == "student")
    if students and (judged.before is None or row.id != judged.before.id):
        for engaged in _engaged(Period(row.starts_at, row.ends_at), resource):
            yield Supervised(row.id, resource.facility.id, engaged.period, students)


def _in(window: Period) -> tuple[ColumnElement[bool], ...]:
    """Return the conditions for bookings in a window, however long the past before it is."""
    return (
        Booking.starts_at < window.end,
        Booking.ends_at > window.start,
        or_(Booking.long_stay, Booking.starts_at > window.start - MAX_HOLD),
    )
