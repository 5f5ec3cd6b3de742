"""Lists for pages and answers: sessions with their places, and what ends soon."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, select

from booking.base import clock
from booking.base.db import db
from booking.facilities.models import Resource, ServiceCertificate
from booking.people.models import Organisation, Project, User
from booking.training.models import Competence, Module, Permit, SessionPlace, TrainingSession

PAGE = 100


@dataclass(frozen=True)
class Listed:
    """A session with its module, its trainer, the places left, and my own place if I have one."""

    session: TrainingSession
    module: Module
    trainer: str
    left: int
    mine: SessionPlace | None

    @property
    def open(self) -> bool:
        session = self.session
        return session.cancelled_at is None and session.starts_at > clock.now()


def _listed(user_id: int) -> Any:
    taken = select(func.count()).where(SessionPlace.session_id == TrainingSession.id)
    own = and_(SessionPlace.session_id == TrainingSession.id, SessionPlace.user_id == user_id)
    counted = taken.correlate(TrainingSession).scalar_subquery()
    return (
        select(TrainingSession, Module, User.name, counted, SessionPlace)
        .join(Module, Module.id == TrainingSession.module_id)
        .join(User, User.id == TrainingSession.trainer_id)
        .outerjoin(SessionPlace, own)
    )


def _read(row: Any) -> Listed:
    session, module, trainer, taken, mine = row
    return Listed(session, module, trainer, max(session.places - taken, 0), mine)


def sessions_to_come(
    user_id: int, after: tuple[datetime, int] | None = None, limit: int = PAGE
) -> list[Listed]:
    """Return sessions that are not over, soonest first, as somebody sees them."""
    query = _listed(user_id).where(TrainingSession.ends_at > clock.now())
    query = query.where(TrainingSession.cancelled_at.is_(None) | SessionPlace.user_id.is_not(None))
    if after is not None:
        moment, key = after
        later = and_(TrainingSession.starts_at == moment, TrainingSession.id > key)
        query = query.where((TrainingSession.starts_at > moment) | later)
    query = query.order_by(TrainingSession.starts_at, TrainingSession.id).limit(limit)
    return [_read(row) for row in db.session.execute(query)]


def sessions_to_record(facility_ids: Sequence[int]) -> list[TrainingSession]:
    """Return sessions that are over and whose outcomes are not all recorded."""
    open_places = select(SessionPlace.session_id).where(SessionPlace.outcome.is_(None))
    query = select(TrainingSession).where(
        TrainingSession.facility_id.in_(facility_ids),
        TrainingSession.ends_at <= clock.now(),
        TrainingSession.cancelled_at.is_(None),
        TrainingSession.id.in_(open_places),
    )
    return list(db.session.scalars(query.order_by(TrainingSession.starts_at).limit(PAGE)))


def session_as_seen(session_id: int, user_id: int) -> Listed | None:
    """Return one session as somebody sees it."""
    row = db.session.execute(_listed(user_id).where(TrainingSession.id == session_id)).one_or_none()
    return _read(row) if row is not None else None


def people_in(session_id: int) -> list[tuple[SessionPlace, User, Organisation]]:
    """List who has a place, by name: for those who teach."""
    query = (
        select(SessionPlace, User, Organisation)
        .join(User, User.id == SessionPlace.user_id)
        .join(Organisation, Organisation.id == User.organisation_id)
        .where(SessionPlace.session_id == session_id)
        .order_by(User.name, User.id)
    )
    return [(place, user, organisation) for place, user, organisation in db.session.execute(query)]


# --- what ends soon --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Ending:
    """Something that ends: what it is, whose, and its last day."""

    kind: str
    what: str
    whose: str
    last_day: date
    key: str


def ending_competences(last: date, since: date, limit: int = PAGE) -> list[tuple[Competence, Module, User]]:
    """Return the competences of open accounts that end within some days, soonest first.

    Reminders read this too: one row is one certificate of one person.
    """
    query = (
        select(Competence, Module, User)
        .join(Module, Module.id == Competence.module_id)
        .join(User, User.id == Competence.user_id)
        .where(User.active, Competence.valid_through.between(since, last))
        .order_by(Competence.valid_through, Competence.id)
        .limit(limit)
    )
    return [(competence, module, user) for competence, module, user in db.session.execute(query)]


def ending_permits(last: date, since: date, limit: int = PAGE) -> list[tuple[Permit, str]]:
    """Return the permits that stand and end within some days, with whose they are."""
    query = (
        select(Permit, User.name, Project.name)
        .outerjoin(User, User.id == Permit.user_id)
        .outerjoin(Project, Project.id == Permit.project_id)
        .where(Permit.withdrawn_on.is_(None), Permit.valid_through.between(since, last))
        .order_by(Permit.valid_through, Permit.id)
        .limit(limit)
    )
    return [
        (permit, ", ".join(name for name in (user, project) if name) or "everybody")
        for permit, user, project in db.session.execute(query)
    ]


def ending_certificates(
    last: date, since: date, limit: int = PAGE
) -> list[tuple[ServiceCertificate, Resource]]:
    """Return the newest certificates of each kind of resources that end within some days."""
    newer = ServiceCertificate.__table__.alias()
    follows = select(newer.c.id).where(
        newer.c.resource_id == ServiceCertificate.resource_id,
        newer.c.kind == ServiceCertificate.kind,
        newer.c.examined_on > ServiceCertificate.examined_on,
    )
    query = (
        select(ServiceCertificate, Resource)
        .join(Resource, Resource.id == ServiceCertificate.resource_id)
        .where(ServiceCertificate.valid_through.between(since, last), ~follows.exists())
        .order_by(ServiceCertificate.valid_through, ServiceCertificate.id)
        .limit(limit)
    )
    return [(certificate, resource) for certificate, resource in db.session.execute(query)]


def ending(days: int, back: int = 30) -> list[Ending]:
    """Return everything that ends within some days, or ended lately, soonest first."""
    today = clock.now().date()
    last, since = today + timedelta(days=days), today - timedelta(days=back)
    found = [
        Ending("Competence", f"{m.code} {m.title}", user.name, c.valid_through or last, user.public_id)
        for c, m, user in ending_competences(last, since)
    ]
    found += [
        Ending("Permit", f"{permit.kind}, {permit.reference}", whose, permit.valid_through, str(permit.id))
        for permit, whose in ending_permits(last, since)
    ]
    found += [
        Ending("Certificate", one.kind, f"{resource.code} {resource.name}", one.valid_through, resource.code)
        for one, resource in ending_certificates(last, since)
    ]
    return sorted(found, key=lambda one: (one.last_day, one.kind, one.whose))
