"""The rules of competence, permits and certificates: each must hold through the end of the booking.

Everybody is judged alike, staff too, by the organiser: who books for somebody else needs nothing themself,
and a booking without people on site still needs somebody who can start and stop the work.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from booking.base.errors import Refusal
from booking.base.period import Period, midnight
from booking.bookings import words
from booking.bookings.request import Facts, Want
from booking.facilities.places import EVERY_HOUR, ResourcePlace, staffed, within_hours
from booking.schedule.free import presence_of
from booking.training.standing import (
    Held,
    HeldPermit,
    ModuleAsked,
    PermitAsked,
    covered_through,
    session_that_cures,
)
from booking.training.words import reaches

DAY = timedelta(days=1)


def user_must_be_trained(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    if judged_before(period, facts, want) or not want.resource.is_for(facts.role):
        return  # who may not book a resource at all is told only that
    for asked in facts.standing.requirements.modules_of(want.resource.id):
        held = facts.standing.mine(asked.id)
        if held is None:
            yield _training_missing(period, facts, want, asked)
        elif (last := last_day_of(held, asked, want.resource, facts.now)) and ends_after(
            period, last, want.resource
        ):
            yield _training_expires(period, facts, want, asked, held, last)
        elif not reaches(held.level, asked.level):
            yield from _supervisor_must_be_there(period, facts, want, asked, held)


def permit_must_be_valid(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    if judged_before(period, facts, want) or not want.resource.is_for(facts.role):
        return
    standing = facts.standing
    for asked in standing.requirements.permits_of(want.resource, standing.project_id):
        if _applies(asked, period, facts, want):
            permits = [p for p in standing.permits() if p.kind == asked.kind and p.covers(want.resource)]
            yield from _permit_refusal(period, facts, want, asked, permits)


def resource_must_be_serviceable(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    resource, certificate = want.resource, want.resource.serviceable_until
    if certificate is None or judged_before(period, facts, want):
        return
    if ends_after(period, certificate.valid_through, resource):
        yield Refusal(
            "certificate_expires",
            f"{resource.code} may be used through {words.day(certificate.valid_through)}: "
            f"then its {certificate.kind.lower()} runs out.",
            resource.code,
            f"serviceable until: {certificate.kind}",
            f"{resource.facility.code} {resource.facility.name}",
            "End by then, choose another resource, or ask the facility's staff for the next examination.",
        )


# --- competence ------------------------------------------------------------------------------------


def _training_missing(period: Period, facts: Facts, want: Want, asked: ModuleAsked) -> Refusal:
    module = f"{asked.code} {asked.title}"
    message = f"{want.resource.code} asks for {module}, which is not on record for {facts.standing.you}."
    return _training_refusal("training_missing", message, period, facts, want, asked)


def _training_expires(
    period: Period, facts: Facts, want: Want, asked: ModuleAsked, held: Held, last: date
) -> Refusal:
    your = facts.standing.your
    if last == held.valid_through:
        message = (
            f"{your} {asked.code} {asked.title} is valid through {words.day(last)}; the booking ends later."
        )
    else:
        message = (
            f"{your} {asked.code} {asked.title} lapsed after {words.day(last)}: "
            f"it was not used for {asked.lapse_months} months."
        )
    return _training_refusal("training_expires", message, period, facts, want, asked)


def _training_refusal(
    code: str, message: str, period: Period, facts: Facts, want: Want, asked: ModuleAsked
) -> Refusal:
    resource = want.resource
    sessions = facts.standing.sessions.get(asked.id, ())
    last_day = _last_day(period, resource)
    session = session_that_cures(sessions, asked.valid_months, period.start, last_day)
    if session is None:
        fix, ok_from = f"Ask the trainers of {resource.facility.code} for a session of {asked.code}.", None
    else:
        when = words.moment(session.starts_at, resource)
        fix = f"Book a place in {asked.code} on {when}: the page Training has it."
        ok_from = session.ends_at if session.ends_at > period.start else None
        fix += f" Then book from {words.moment(ok_from, resource)} on." if ok_from else ""
    return Refusal(
        code, message, resource.code, f"{asked.code} {asked.title}", _owner(asked, resource), fix, ok_from
    )


def _supervisor_must_be_there(
    period: Period, facts: Facts, want: Want, asked: ModuleAsked, held: Held
) -> Iterator[Refusal]:
    standing, resource = facts.standing, want.resource
    theirs = standing.supervisors(asked.id)
    last = last_day_of(theirs, asked, resource, facts.now) if theirs else None
    if standing.supervisor_id is None:
        who = f"{standing.organiser} is" if standing.organiser else "You are"
        reason = f"{who} {held.level} in {asked.code} {asked.title}: {resource.code} needs a supervisor."
    elif theirs is None or not reaches(theirs.level, asked.level):
        reason = f"{standing.supervisor} cannot supervise {asked.code} {asked.title}."
    elif last and ends_after(period, last, resource):
        reason = f"{standing.supervisor} can supervise {asked.code} only through {words.day(last)}."
    elif _supervisor_is_elsewhere(period, facts, want):
        reason = f"{standing.supervisor} has to be somewhere else at this time."
    else:
        return
    yield Refusal(
        "supervisor_needed",
        reason,
        resource.code,
        f"{asked.code} {asked.title}",
        _owner(asked, resource),
        f"Name a supervisor who is {asked.level} in {asked.code} and free then; they are told.",
    )


def _supervisor_is_elsewhere(period: Period, facts: Facts, want: Want) -> bool:
    """Tell whether a supervisor has to be in another room while the work is begun, done or ended."""
    room_id = want.resource.room.id if want.resource.room else None
    attended = want.resource.running == "attended"
    stays = presence_of(room_id or 0, period, max(facts.people, 1), attended)
    return any(
        engaged.period.overlaps(stay.period) and (room_id is None or engaged.room_id != room_id)
        for engaged in facts.standing.supervisor_engaged
        for stay in stays
    )


def last_day_of(held: Held, asked: ModuleAsked, resource: ResourcePlace, now: datetime) -> date | None:
    """Return the last day on which a competence counts; a lapse by disuse counts once it has happened."""
    lapsed = held.lapses_on(asked.lapse_months)
    if lapsed is not None and now >= midnight(lapsed + DAY, resource.facility.tz):
        return min(lapsed, held.valid_through or lapsed)
    return held.valid_through


def _owner(asked: ModuleAsked, resource: ResourcePlace) -> str:
    return asked.set_by or f"{resource.facility.code} trainers"


# --- permits ---------------------------------------------------------------------------------------


def _applies(asked: PermitAsked, period: Period, facts: Facts, want: Want) -> bool:
    resource = want.resource
    if asked.at_times == "overnight":
        return not within_hours(resource, period, EVERY_HOUR)
    if asked.at_times == "out_of_hours":
        return works_out_of_hours(period, facts.people, resource)
    return True


def works_out_of_hours(period: Period, people: int, resource: ResourcePlace) -> bool:
    """Tell whether people are there outside staffed hours."""
    stays = presence_of(0, period, people, resource.running == "attended")
    return any(not staffed(resource, stay.period) for stay in stays)


def _permit_refusal(
    period: Period, facts: Facts, want: Want, asked: PermitAsked, permits: list[HeldPermit]
) -> Iterator[Refusal]:
    resource, tz = want.resource, want.resource.facility.tz
    first, last = period.start.astimezone(tz).date(), _last_day(period, resource)
    reached = covered_through(permits, first)
    if reached is not None and reached >= last:
        return
    code, ok_from = "permit_missing", None
    message = (
        f"{resource.code} asks for a permit ({asked.kind}): none fits {facts.standing.you} and this project."
    )
    ended = [permit.valid_through for permit in permits if permit.valid_through < first]
    if reached is not None or ended:
        code = "permit_expires"
        through = reached or max(ended)
        message = (
            f"{facts.standing.your} permit for {resource.code} ({asked.kind}) "
            f"is valid through {words.day(through)}."
        )
    later = [permit.valid_from for permit in permits if permit.valid_from > first]
    if reached is None and later:
        ok_from = midnight(min(later), tz)
    yield Refusal(
        code, message, resource.code, asked.kind, asked.set_by, _permit_fix(asked, resource), ok_from
    )


def _permit_fix(asked: PermitAsked, resource: ResourcePlace) -> str:
    return f"Ask {asked.set_by or f'the staff of {resource.facility.code}'} to grant it or to prolong it."


# --- small steps -----------------------------------------------------------------------------------


def judged_before(period: Period, facts: Facts, want: Want) -> bool:
    """A booking that keeps its people and stays within its time is not judged anew."""
    before = facts.before
    return (
        before is not None
        and facts.standing.same_people
        and want.resource.id in facts.before_resources
        and before.contains(period)
    )


def ends_after(period: Period, last: date, resource: ResourcePlace) -> bool:
    return period.end > midnight(last + DAY, resource.facility.tz)


def _last_day(period: Period, resource: ResourcePlace) -> date:
    return (period.end - timedelta(seconds=1)).astimezone(resource.facility.tz).date()


PEOPLE_RULES = (user_must_be_trained, permit_must_be_valid, resource_must_be_serviceable)
