"""What people do with training sessions: plan them, take a place, and say how they went."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from booking.base import audit, clock
from booking.base.db import bump, db, lock, transaction
from booking.base.edits import Faults, must_be_as_read, record, storable
from booking.base.errors import Forbidden, Invalid, NotChangeable, NotFound
from booking.base.events import emit
from booking.base.period import zone
from booking.facilities.actions import facility_named
from booking.facilities.models import Facility
from booking.people.models import User
from booking.people.permissions import Permission, able_to, must_be_able_to
from booking.people.sessions import must_be_able_to_write
from booking.people.viewer import Viewer
from booking.training.competences import give
from booking.training.events import SessionCalledOff
from booking.training.models import Competence, Module, Prerequisite, SessionPlace, TrainingSession
from booking.training.standing import add_months
from booking.training.words import OUTCOMES

MOST_PLACES = 500
GAINS = {"passed": "competent", "practice": "trainee"}  # the level that an outcome leads to


@dataclass(frozen=True)
class SessionDetails:
    """A session as a trainer plans it; times are aware."""

    module: str
    facility: str
    trainer: str
    starts_at: datetime | None
    ends_at: datetime | None
    places: int | None
    place: str = ""
    note: str = ""


def plan_session(details: SessionDetails, by: Viewer) -> TrainingSession:
    """Plan a session of a module: people see it and take places."""
    facility = facility_named(details.facility)
    must_be_able_to(by, Permission.TEACH, facility.id)
    with transaction():
        session = TrainingSession(facility_id=facility.id)
        _write(session, details, taken=0)
        db.session.add(session)
        db.session.flush()
        record("added", "session", session.id, by.id, {}, picture(session))
    return session


def change_session(
    session_id: int, details: SessionDetails, by: Viewer, as_read: str | None = None
) -> TrainingSession:
    """Change a session that is not over; its facility stays, and so do the places that people took."""
    _may_teach(session_id, by)
    with transaction():
        session = _locked(session_id)
        _must_stand(session)
        before = picture(session)
        must_be_as_read(before, as_read)
        _write(session, details, _taken(session_id))
        db.session.flush()
        record("changed", "session", session.id, by.id, before, picture(session))
    return session


def cancel_session(session_id: int, by: Viewer, reason: str) -> TrainingSession:
    """Call a session off."""
    _may_teach(session_id, by)
    faults = Faults()
    faults.text("reason", reason, 1000, "Say why: those who have a place see it.", lines=True)
    faults.stop()
    with transaction():
        session = _locked(session_id)
        _must_stand(session)
        session.cancelled_at, session.note = clock.now(), reason.strip()
        audit.record("cancelled", "session", session.id, by.id, reason=reason)
        places_taken = select(SessionPlace.user_id).where(SessionPlace.session_id == session.id)
        people = frozenset(db.session.scalars(places_taken))
        emit(SessionCalledOff(session.id, by.id, reason.strip(), people))
    return session


def take_place(session_id: int, by: Viewer, person: str = "") -> SessionPlace:
    """Book a place in a session, for oneself or, as its trainer, for somebody else; once is enough."""
    must_be_able_to_write(by)
    found = find_session(session_id)
    user_id = _person(person, found, by) if person else by.id
    with transaction():
        session = _locked(session_id)
        known = db.session.get(SessionPlace, (session_id, user_id))
        if known is not None:
            return known
        _must_stand(session)
        _must_have_room(session, user_id, teaches=user_id != by.id)
        place = SessionPlace(session_id=session_id, user_id=user_id, booked_at=clock.now())
        db.session.add(place)
        db.session.flush()
        audit.record("place_taken", "session", session_id, by.id, after={"person": user_id})
    return place


def leave_place(session_id: int, by: Viewer, user_id: int | None = None) -> None:
    """Give a place back; somebody else may have it. Repeating changes nothing."""
    must_be_able_to_write(by)
    session = find_session(session_id)
    whose = user_id or by.id
    if whose != by.id:
        must_be_able_to(by, Permission.TEACH, session.facility_id)
    with transaction():
        session = _locked(session_id)
        place = db.session.get(SessionPlace, (session_id, whose))
        if place is None:
            return
        if place.outcome or session.starts_at <= clock.now():
            raise NotChangeable("This session has begun: its trainer records who came.")
        db.session.delete(place)
        audit.record("place_left", "session", session_id, by.id, before={"person": whose})


def record_outcomes(session_id: int, outcomes: Mapping[int, str], by: Viewer) -> int:
    """Say how a session went for people; who passed is competent from that day. Return for how many."""
    _may_teach(session_id, by)
    if not set(outcomes.values()) <= set(OUTCOMES):
        raise Invalid({"outcome": ["Choose one of the list."]})
    with transaction():
        lock(User, sorted(outcomes))
        session = _locked(session_id)
        if session.cancelled_at or session.starts_at > clock.now():
            raise NotChangeable("Outcomes are recorded once the session has begun.")
        query = select(SessionPlace).where(
            SessionPlace.session_id == session_id, SessionPlace.user_id.in_(sorted(outcomes))
        )
        changed = [place for place in db.session.scalars(query) if place.outcome != outcomes[place.user_id]]
        for place in changed:
            _record(session, place, outcomes[place.user_id], by)
        bump(User, {place.user_id for place in changed})
    return len(changed)


def find_session(session_id: int) -> TrainingSession:
    """Return a session; raise `NotFound` if there is none."""
    session = db.session.get(TrainingSession, session_id)
    if session is None:
        raise NotFound
    return session


def teaches(by: Viewer, session: TrainingSession) -> bool:
    """Tell whether somebody may see who comes and record how it went."""
    return able_to(by, Permission.TEACH, session.facility_id)


def picture(session: TrainingSession) -> dict[str, Any]:
    """Return a session as its history and its form keep it."""
    return {
        "module": db.session.get_one(Module, session.module_id).code,
        "trainer": db.session.get_one(User, session.trainer_id).email,
        "starts_at": session.starts_at.isoformat(),
        "ends_at": session.ends_at.isoformat(),
        "places": session.places,
        "place": session.place,
        "note": session.note,
    }


# --- steps -----------------------------------------------------------------------------------------


def _active(email: str) -> User | None:
    named = email.strip().casefold()
    query = select(User).where(User.email == named, User.active)
    return db.session.scalar(query) if storable(named) else None


def _may_teach(session_id: int, by: Viewer) -> None:
    must_be_able_to(by, Permission.TEACH, find_session(session_id).facility_id)


def _locked(session_id: int) -> TrainingSession:
    rows = lock(TrainingSession, [session_id])
    if session_id not in rows:
        raise NotFound
    return rows[session_id]


def _must_stand(session: TrainingSession) -> None:
    if session.cancelled_at is not None:
        raise NotChangeable("This session was called off.")
    if session.ends_at <= clock.now():
        raise NotChangeable("This session is over.")


def _taken(session_id: int) -> int:
    query = select(func.count()).where(SessionPlace.session_id == session_id)
    return db.session.scalar(query) or 0


def _write(session: TrainingSession, details: SessionDetails, taken: int) -> None:
    faults = Faults()
    module = None
    if storable(details.module):
        module = db.session.scalar(select(Module).where(Module.code == details.module))
    trainer = _active(details.trainer)
    faults.add("module", "Choose one of the list." if module is None else None)
    faults.add("trainer", "Nobody here has this address." if trainer is None else None)
    faults.text("place", details.place, 200)
    faults.text("note", details.note, 2000, lines=True)
    faults.add("places", "Say how many people can come." if details.places is None else None)
    faults.number("places", details.places, max(taken, 1), MOST_PLACES)
    _check_times(details, faults)
    faults.stop()
    if module is None or trainer is None:
        raise NotFound
    session.module_id, session.trainer_id = module.id, trainer.id
    session.starts_at, session.ends_at = details.starts_at, details.ends_at  # type: ignore[assignment]
    session.places, session.place, session.note = details.places or 0, details.place.strip(), details.note


def _check_times(details: SessionDetails, faults: Faults) -> None:
    start, end = details.starts_at, details.ends_at
    faults.add("start_date", "Say when it begins." if start is None else None)
    faults.add("end_time", "Say when it ends." if end is None else None)
    if start and end:
        faults.day("start_date", start.date())
        faults.add("end_time", "The end must be after the start." if end <= start else None)
        faults.add("start_date", "The start lies in the past." if end <= clock.now() else None)


def _person(email: str, session: TrainingSession, by: Viewer) -> int:
    must_be_able_to(by, Permission.TEACH, session.facility_id)
    user = _active(email)
    if user is None:
        raise Invalid({"person": ["Nobody here has this address."]})
    return int(user.id)


def _must_have_room(session: TrainingSession, user_id: int, teaches: bool) -> None:
    if session.starts_at <= clock.now() and not teaches:
        raise NotChangeable("This session has begun.")
    if _taken(session.id) >= session.places:
        raise NotChangeable("This session is full.")
    missing = missing_before(session, user_id)
    if missing and not teaches:
        codes = ", ".join(f"{module.code} {module.title}" for module in missing)
        raise Forbidden(f"First you need {codes}: valid on the day of the session.")
    clash = (
        select(TrainingSession.id)
        .join(SessionPlace, SessionPlace.session_id == TrainingSession.id)
        .where(SessionPlace.user_id == user_id, TrainingSession.cancelled_at.is_(None))
        .where(TrainingSession.starts_at < session.ends_at, TrainingSession.ends_at > session.starts_at)
    )
    if db.session.scalar(clash.limit(1)) is not None:
        raise NotChangeable("You have a place in another session at this time.")


def missing_before(session: TrainingSession, user_id: int) -> list[Module]:
    """Return the modules that must come first and that a person does not hold on the day of a session."""
    facility = db.session.get_one(Facility, session.facility_id)
    day = session.starts_at.astimezone(zone(facility.timezone)).date()
    held = (
        select(Competence.module_id)
        .where(Competence.user_id == user_id, Competence.level != "trainee")
        .where((Competence.valid_through.is_(None)) | (Competence.valid_through >= day))
    )
    query = (
        select(Module)
        .join(Prerequisite, Prerequisite.first_id == Module.id)
        .where(Prerequisite.module_id == session.module_id, Module.id.not_in(held))
        .order_by(Module.code)
    )
    return list(db.session.scalars(query))


def _record(session: TrainingSession, place: SessionPlace, outcome: str, by: Viewer) -> None:
    audit.record(
        "outcome",
        "session",
        session.id,
        by.id,
        {"person": place.user_id, "outcome": place.outcome},
        {"person": place.user_id, "outcome": outcome},
    )
    place.outcome = outcome
    if outcome in GAINS:
        module = db.session.get_one(Module, session.module_id)
        facility = db.session.get_one(Facility, session.facility_id)
        day = session.starts_at.astimezone(zone(facility.timezone)).date()
        through = add_months(day, module.valid_months) if module.valid_months else None
        give(place.user_id, module, GAINS[outcome], day, through, by)
