"""What managers overrule: which refusals they may, and what was overruled before. The guard never is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import insert, select, update

from booking.base import audit, clock
from booking.base.db import db, write
from booking.base.errors import Forbidden, Refusal
from booking.base.period import Period
from booking.bookings.facts import Cast, before_of, find_cast
from booking.bookings.models import Booking, Overruled
from booking.bookings.queries import resources_of
from booking.bookings.request import BookingRequest, Facts
from booking.bookings.rules import LONGEST_HOLD, check
from booking.people.models import User
from booking.people.viewer import Viewer

FOR_THEMSELVES = frozenset({"training_missing", "training_expires", "supervisor_needed"})
_OVERRULED = insert(Overruled)


@dataclass(frozen=True)
class Verdict:
    """What stands in the way of a booking, and what would but is overruled."""

    refusals: list[Refusal]
    overruled: list[Refusal]


def judge(
    request: BookingRequest, facts: Facts, cast: Cast, by: Viewer, before: Booking | None = None
) -> Verdict:
    """Run every rule; set aside what is overruled now, and what was for the same time and resources."""
    must_be_able_to_overrule(request, by, cast)
    found = check(request.period, facts)
    if not found:
        return Verdict([], [])
    kept = _overruled_before(before, request.period, cast) if before else frozenset()
    left = [one for one in found if (one.code, one.resource) not in kept]
    codes = request.override.codes if request.override else ()
    overruled = [one for one in left if one.code in codes and may_overrule(one, by, cast)]
    return Verdict([one for one in left if one not in overruled], overruled)


def must_be_able_to_overrule(request: BookingRequest, by: Viewer, cast: Cast) -> None:
    """Raise `Forbidden` if somebody wants to overrule where they manage nothing."""
    if request.override is not None and not any(by.manages(facility) for facility in cast.facilities):
        raise Forbidden("Rules are overruled by the facility's managers.")


def may_overrule(refusal: Refusal, by: Viewer, cast: Cast) -> bool:
    """Tell whether somebody may overrule a refusal: as a manager there, where the policy lets them."""
    resource = cast.places.by_code.get(refusal.resource or "")
    if resource is None or refusal.rule == LONGEST_HOLD or not by.manages(resource.facility.id):
        return False
    if refusal.code in FOR_THEMSELVES and cast.organiser.id != by.id:
        return False
    codes = resource.effective(cast.organiser.role)["overridable"].value
    return isinstance(codes, tuple) and refusal.code in codes


def stays_as_it_was(booking: Booking, period: Period, cast: Cast) -> bool:
    """Tell whether a change leaves a booking's time, resources and organiser alone."""
    before = Period(booking.starts_at, booking.ends_at), booking.organiser_id
    wanted = {want.resource.id: want.units for want in cast.wants}
    held = {row.resource_id: row.units for row in resources_of(booking.id)}
    return before == (period, cast.organiser.id) and wanted == held


def _overruled_before(booking: Booking, period: Period, cast: Cast) -> frozenset[tuple[str, str | None]]:
    if not stays_as_it_was(booking, period, cast):
        return frozenset()
    resources = cast.places.resources
    return frozenset((row.code, resources[row.resource_id].code) for row in overruled_of(booking.id))


def overruled_at(by: Viewer, facility_id: int | None, before: int | None, limit: int) -> Sequence[Any]:
    """List what was overruled where somebody is staff, the newest first, with its booking and who did it."""
    query = select(Overruled, Booking, User.name.label("who"))
    query = query.join(Booking, Booking.id == Overruled.booking_id).join(User, User.id == Overruled.by_id)
    if not by.is_admin:
        query = query.where(Overruled.facility_id.in_(sorted(by.staffed())))
    if facility_id is not None:
        query = query.where(Overruled.facility_id == facility_id)
    if before is not None:
        query = query.where(Overruled.id < before)
    return db.session.execute(query.order_by(Overruled.id.desc()).limit(limit)).all()


def overrulable(
    refusals: Iterable[Refusal], request: BookingRequest, by: Viewer, before: Booking | None = None
) -> list[Refusal]:
    """Return which refusals of a request somebody may overrule."""
    cast = find_cast(request, by, before_of(before) if before else None)
    return [one for one in refusals if may_overrule(one, by, cast)]


def overruled_of(booking_id: int) -> list[Overruled]:
    """List what was overruled for a booking and still counts."""
    query = select(Overruled).where(Overruled.booking_id == booking_id, Overruled.void_at.is_(None))
    return list(db.session.scalars(query.order_by(Overruled.id)))


def void_overruled(booking_id: int) -> None:
    """Let what was overruled count no longer: the booking is another one now."""
    standing = (Overruled.booking_id == booking_id, Overruled.void_at.is_(None))
    db.session.execute(update(Overruled).where(*standing).values(void_at=clock.now()))


def keep_overruled(
    booking: Booking, overruled: Sequence[Refusal], request: BookingRequest, cast: Cast, by: Viewer
) -> None:
    """Store what was overruled, why and by whom, in the transaction of the booking."""
    if not overruled or request.override is None:
        return
    reason = request.override.reason.strip()
    write(_OVERRULED, [_row(booking, one, reason, cast, by) for one in overruled])
    audit.record(
        "overruled", "booking", booking.id, by.id, after={"overruled": in_words(overruled)}, reason=reason
    )


def _row(booking: Booking, refusal: Refusal, reason: str, cast: Cast, by: Viewer) -> dict[str, object]:
    resource = cast.places.by_code[refusal.resource or ""]
    return {
        "booking_id": booking.id,
        "facility_id": resource.facility.id,
        "resource_id": resource.id,
        "code": refusal.code,
        "message": refusal.message,
        "rule": refusal.rule,
        "set_by": refusal.set_by,
        "reason": reason,
        "by_id": by.id,
        "at": clock.now(),
        "void_at": None,
    }


def in_words(overruled: Iterable[Refusal]) -> list[str]:
    """Return each refusal as history keeps it."""
    return [f"{one.message} ({one.rule})" for one in overruled]
