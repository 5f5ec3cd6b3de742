"""Changing and cancelling several bookings of a series at once: this and following ones, or all ahead."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from booking.base import clock
from booking.base.db import db, hold_back, lock, transaction
from booking.base.errors import Busy, NotChangeable, Stale
from booking.base.events import emit
from booking.base.period import Period, wall
from booking.bookings.actions import (
    ENDED,
    Edit,
    cancel,
    change,
    end_or_cancel,
    find,
    find_to_change,
    may_change_or_raise,
    must_have_reason,
    people_in,
    plan_edit,
    write_edit,
)
from booking.bookings.events import BookingChanged, SeriesCancelled, SeriesChanged
from booking.bookings.facts import Cast, before_of, find_cast, lock_everything
from booking.bookings.models import HOLDING, Booking
from booking.bookings.queries import details, request_of, resources_of
from booking.bookings.request import BookingRequest
from booking.bookings.series import Judged, SeriesClash, no_such_time
from booking.bookings.visibility import may_change
from booking.facilities.models import Resource
from booking.people.models import User
from booking.people.sessions import must_be_able_to_write
from booking.people.viewer import Viewer
from booking.schedule.recurrence import Occurrence, by_the_wall

SCOPES = ("this", "following", "all")


def change_series(
    booking_id: str,
    request: BookingRequest,
    by: Viewer,
    scope: str,
    reason: str = "",
    if_version: int | None = None,
) -> Booking:
    """Change a booking and, in the same way, others of its series: all of them or none."""
    if scope == "this":
        return change(booking_id, request, by, reason, if_version)
    must_be_able_to_write(by)
    with transaction():
        named = find_to_change(booking_id, by, if_version)
        if named.series_id is None:
            return change(booking_id, request, by, reason, if_version)
        bookings = _in_scope(named, by, scope)
        for booking in bookings:
            must_have_reason(booking, by, reason)
        shift = _shift_of(named, request, by)
        plans = [_planned(booking, named, request, shift, by) for booking in bookings]
        _lock_all(plans)
        emit(SeriesChanged(tuple(_write_all(plans, shift, by, reason)), by.id, reason))
    return named


def cancel_series(
    booking_id: str, by: Viewer, scope: str, reason: str = "", if_version: int | None = None
) -> Booking:
    """Cancel a booking and others of its series; a running one ends now, cancelled ones stay as they are."""
    if scope == "this":
        return cancel(booking_id, by, reason, if_version)
    must_be_able_to_write(by)
    with transaction():
        named = find(booking_id, by)
        if named.series_id is None:
            return cancel(booking_id, by, reason, if_version)
        may_change_or_raise(named, by)
        if if_version is not None and named.version != if_version:
            raise Stale
        bookings = _in_scope(named, by, scope)
        if not bookings and named.status not in ENDED:
            raise NotChangeable("Nothing of this series is ahead; it can no longer be cancelled.")
        for booking in bookings:
            must_have_reason(booking, by, reason)
        _cancel_all(bookings, by, reason)
    return named


# --- which ones ------------------------------------------------------------------------------------


def _in_scope(named: Booking, by: Viewer, scope: str) -> list[Booking]:
    """List what of a series is ahead and this person's to change, by time; and the one that is named."""
    now = clock.now()
    query = select(Booking).where(Booking.series_id == named.series_id, Booking.status.in_(HOLDING))
    query = query.where(Booking.ends_at > now, or_(Booking.starts_at > now, Booking.id == named.id))
    if scope == "following":
        query = query.where(Booking.starts_at >= named.starts_at)
    found = db.session.scalars(query.order_by(Booking.starts_at, Booking.id))
    return [one.booking for one in details(list(found), by) if may_change(by, one.relation)]


# --- change ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shift:
    """What is changed of a series: how far start and end move on the wall, and what is given anew."""

    start: timedelta
    end: timedelta
    given: dict[str, Any]
    tz: ZoneInfo


@dataclass(frozen=True)
class Plan:
    """What one booking of a series is to become; where there is no such time, nothing can be asked for."""

    booking: Booking
    occurrence: Occurrence
    cast: Cast
    request: BookingRequest | None
    held: frozenset[int]
    version: int


def _shift_of(named: Booking, request: BookingRequest, by: Viewer) -> Shift:
    before, kept = request_of(named), before_of(named)
    old, new = find_cast(before, by, kept), find_cast(request, by, kept)
    tz = old.wants[0].resource.facility.tz
    same = {
        "title": before.title == request.title.strip(),
        "notes": before.notes == request.notes,
        "people": before.people == request.people,
        "resources": old.wants == new.wants,
        "project": old.project == new.project,
        "participants": set(old.participants) == set(new.participants),
        "supervisor": old.supervisor == new.supervisor,
        "on_behalf_of": old.organiser == new.organiser,
    }
    return Shift(
        wall(request.starts_at, tz) - wall(before.starts_at, tz),
        wall(request.ends_at, tz) - wall(before.ends_at, tz),
        {name: getattr(request, name) for name, is_same in same.items() if not is_same},
        tz,
    )


def _planned(booking: Booking, named: Booking, request: BookingRequest, shift: Shift, by: Viewer) -> Plan:
    now = request_of(booking)
    occurrence = _shifted(now.period, shift)
    if booking is named:
        occurrence = replace(occurrence, period=request.period)
    held = frozenset(row.resource_id for row in resources_of(booking.id))
    asked = replace(now, **shift.given)
    if occurrence.period is not None:
        asked = replace(asked, starts_at=occurrence.period.start, ends_at=occurrence.period.end)
    cast = find_cast(asked, by, before_of(booking))
    return Plan(booking, occurrence, cast, asked if occurrence.period else None, held, booking.version)


def _shifted(period: Period, shift: Shift) -> Occurrence:
    start, end = wall(period.start, shift.tz), wall(period.end, shift.tz)
    if not shift.start and not shift.end:
        return Occurrence(start, end, shift.tz, period)
    return by_the_wall(start + shift.start, end + shift.end, shift.tz)


def _lock_all(plans: Sequence[Plan]) -> None:
    """Lock what all of them hold and want, and themselves; nobody may have changed one meanwhile."""
    wants = tuple(want for plan in plans for want in plan.cast.wants)
    people = {person for plan in plans for person in plan.cast.user_ids | people_in(plan.booking)}
    held = {resource for plan in plans for resource in plan.held}
    lock_everything(replace(plans[0].cast, wants=wants), held, people)
    fresh = lock(Booking, [plan.booking.id for plan in plans])
    if any(fresh[plan.booking.id].version != plan.version for plan in plans):
        raise Busy("Others are changing this series at this moment; please try again.")


def _write_all(plans: Sequence[Plan], shift: Shift, by: Viewer, reason: str) -> list[BookingChanged]:
    """Judge and write them, those first into whose time others move; raise `SeriesClash` with all reasons."""
    later = shift.start > timedelta(0)
    refused, news = [], []
    for plan in sorted(plans, key=lambda plan: plan.booking.starts_at, reverse=later):
        edit = _judged(plan, by)
        if isinstance(edit, Judged):
            refused.append(edit)
        else:
            news.append(write_edit(edit, by, reason, in_series=True))
    if refused:
        raise SeriesClash(sorted(refused, key=lambda one: one.occurrence.start))
    return sorted(news, key=lambda one: one.booking.starts_at)


def _judged(plan: Plan, by: Viewer) -> Edit | Judged:
    if plan.request is None:
        return Judged(plan.occurrence, (no_such_time(plan.occurrence),))
    edit = plan_edit(plan.booking, plan.request, plan.cast, plan.held, by)
    return Judged(plan.occurrence, tuple(edit.refusals)) if edit.refusals else edit


# --- cancel ----------------------------------------------------------------------------------------


def _cancel_all(bookings: Sequence[Booking], by: Viewer, reason: str) -> None:
    held = {booking.id: [row.resource_id for row in resources_of(booking.id)] for booking in bookings}
    hold_back(Resource, {resource for resources in held.values() for resource in resources})
    people = {person for booking in bookings for person in people_in(booking)}
    hold_back(User, people)
    fresh = lock(Booking, list(held))
    ended = [
        end_or_cancel(booking, by, reason, held[booking.id], in_series=True)
        for booking in fresh.values()
        if booking.status in HOLDING
    ]
    if ended:
        ended.sort(key=lambda booking: booking.starts_at)
        emit(SeriesCancelled(tuple(ended), by.id, reason, frozenset(people)))
