"""Bookings to come that lack training, a permit or a certificate today: listed, not changed."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import or_, select

from booking.base import clock
from booking.base.db import db
from booking.base.errors import Refusal
from booking.base.period import Period
from booking.bookings.models import HOLDING, Booking, BookingResource
from booking.bookings.request import Facts, Want
from booking.bookings.rules_people import PEOPLE_RULES
from booking.bookings.standing import practised
from booking.facilities.places import Places
from booking.facilities.queries import places
from booking.people.models import User
from booking.schedule.free import MAX_HOLD
from booking.training.queries import holdings, requirements
from booking.training.standing import Holdings, Requirements, Standing

MOST = 1000  # bookings looked at; the soonest first


@dataclass(frozen=True)
class Endangered:
    """A booking, and why it could not be made as things stand."""

    booking: Booking
    refusals: tuple[Refusal, ...]


def endangered(facility_ids: Collection[int], ahead: timedelta) -> list[Endangered]:
    """Return the bookings at some facilities that begin in time and lack something, soonest first."""
    catalogue = places()
    asked = requirements(catalogue)
    bookings = _to_come(facility_ids, ahead)
    takes = _resources_of(bookings)
    held = _holdings(bookings, asked)
    people = _people(bookings)
    found = [
        Endangered(one, tuple(dict.fromkeys(_refusals(one, takes[one.id], catalogue, asked, held, people))))
        for one in bookings
    ]
    return [one for one in found if one.refusals]


def _to_come(facility_ids: Collection[int], ahead: timedelta) -> Sequence[Booking]:
    now = clock.now()
    query = (
        select(Booking)
        .where(Booking.facility_id.in_(sorted(facility_ids)), Booking.status.in_(HOLDING))
        .where(Booking.ends_at > now, Booking.starts_at < now + ahead)
        .where(or_(Booking.long_stay, Booking.starts_at > now - MAX_HOLD))
        .order_by(Booking.starts_at, Booking.id)
        .limit(MOST)
    )
    return db.session.scalars(query).all()


def _resources_of(bookings: Sequence[Booking]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    query = select(BookingResource.booking_id, BookingResource.resource_id).where(
        BookingResource.booking_id.in_([one.id for one in bookings]), BookingResource.left_at.is_(None)
    )
    for booking_id, resource_id in db.session.execute(query.order_by(BookingResource.position)):
        found[booking_id].append(resource_id)
    return found


def _holdings(bookings: Sequence[Booking], asked: Requirements) -> Holdings:
    modules = {module.id: module for some in asked.modules.values() for module in some}
    users = {key for one in bookings for key in (one.organiser_id, one.supervisor_id) if key}
    projects = {one.project_id for one in bookings if one.project_id}
    kinds = {need.kind for need in asked.permits}
    if not users:
        return Holdings()
    return practised(holdings(users, list(modules), projects, kinds), modules)


def _people(bookings: Sequence[Booking]) -> dict[int, User]:
    keys = {key for one in bookings for key in (one.organiser_id, one.supervisor_id) if key}
    return {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(sorted(keys))))}


def _refusals(
    booking: Booking,
    resource_ids: Sequence[int],
    catalogue: Places,
    asked: Requirements,
    held: Holdings,
    people: dict[int, User],
) -> Iterator[Refusal]:
    supervisor = people.get(booking.supervisor_id or 0)
    standing = Standing(
        requirements=asked,
        holdings=held,
        organiser_id=booking.organiser_id,
        organiser=people[booking.organiser_id].name,
        project_id=booking.project_id,
        supervisor_id=booking.supervisor_id,
        supervisor=supervisor.name if supervisor else "",
    )
    wants = tuple(Want(catalogue.resources[key], 1) for key in resource_ids)
    role = people[booking.organiser_id].role
    facts = Facts(clock.now(), role, booking.client, wants, booking.people, standing=standing)
    period = Period(booking.starts_at, booking.ends_at)
    for want in wants:
        for rule in PEOPLE_RULES:
            yield from rule(period, facts, want)
