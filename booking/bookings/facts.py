"""The only reader of what the rules judge: it locks, resolves people and gathers what is taken."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, or_, select

from booking.base import clock
from booking.base.db import db, hold_back, is_sqlite, read
from booking.base.errors import Busy, Invalid
from booking.base.period import Period
from booking.bookings.models import Booking, Participant
from booking.bookings.quota_use import Charged, use_of_quotas
from booking.bookings.request import BookingRequest, Facts, Want, wants_of
from booking.bookings.standing import Judged, standing_of
from booking.bookings.visibility import Level, Relation, level
from booking.facilities.models import Resource, Room
from booking.facilities.places import Places, ResourcePlace
from booking.facilities.queries import directory_version, places
from booking.people.models import Membership, Organisation, Project, User
from booking.people.names import ProjectName
from booking.people.viewer import Viewer, client_of
from booking.schedule.free import Taken, group_by_resource
from booking.schedule.models import Occupancy
from booking.schedule.queries import in_window, people_there, window_values


@dataclass(frozen=True)
class Person:
    """A person named in a request."""

    id: int
    public_id: str
    name: str
    role: str
    organisation_id: int
    organisation_kind: str


@dataclass(frozen=True)
class Cast:
    """Everybody and everything a request names, found."""

    wants: tuple[Want, ...]
    organiser: Person
    participants: tuple[Person, ...]
    supervisor: Person | None
    project: ProjectName | None
    client: str
    places: Places
    company_before: frozenset[int] = frozenset()

    @property
    def facilities(self) -> frozenset[int]:
        return frozenset(want.resource.facility.id for want in self.wants)

    @property
    def user_ids(self) -> set[int]:
        people = [self.organiser, *self.participants, *([self.supervisor] if self.supervisor else [])]
        return {person.id for person in people}

    @property
    def charged(self) -> Charged:
        """Return whose quotas a booking draws on."""
        project_id = self.project.id if self.project else None
        return Charged(self.organiser.role, self.organiser.id, self.organiser.organisation_id, project_id)

    @property
    def resources(self) -> list[ResourcePlace]:
        return [want.resource for want in self.wants]


@dataclass(frozen=True)
class Before:
    """Who and what a booking already has: a change may keep them even if they were not accepted anew."""

    organiser: Person
    people: frozenset[int]
    project_id: int | None


def find_cast(request: BookingRequest, by: Viewer, before: Before | None = None) -> Cast:
    """Find resources, people and project; raise `Invalid` naming each field that is wrong."""
    catalogue = places()
    wants = wants_of(request, catalogue)
    errors: dict[str, list[str]] = {}
    found = _people(request, by, before.people if before else frozenset())
    organiser = before.organiser if before else _me(by)
    if request.on_behalf_of:
        organiser = _on_behalf(request.on_behalf_of, found, by, wants, errors) or organiser
    if request.handed_to:
        organiser = _receiver(request.handed_to, found, by, wants, organiser, errors) or organiser
    participants = [_named(name, found, "participants", errors) for name in request.participants]
    supervisor = _named(request.supervisor, found, "supervisor", errors) if request.supervisor else None
    kept = before.project_id if before else None
    project = _project(request.project, organiser, by, wants, kept, errors) if request.project else None
    if errors:
        raise Invalid(errors)
    others = {p.id: p for p in participants if p and p.id != organiser.id}
    confidential = project.id if project is not None and project.confidential else None
    client = client_of(organiser.organisation_id, organiser.organisation_kind, confidential)
    company = before.people if before else frozenset[int]()
    return Cast(wants, organiser, tuple(others.values()), supervisor, project, client, catalogue, company)


def _me(by: Viewer) -> Person:
    return Person(by.id, by.public_id, by.name, by.role, by.organisation_id, by.organisation_kind)


def before_of(booking: Booking) -> Before:
    """Return who and what a booking already has."""
    query = select(User, Organisation).join(Organisation).where(User.id == booking.organiser_id)
    user, organisation = db.session.execute(query).one()
    organiser = Person(user.id, user.public_id, user.name, user.role, organisation.id, organisation.kind)
    named = set(db.session.scalars(select(Participant.user_id).where(Participant.booking_id == booking.id)))
    named |= {booking.supervisor_id} if booking.supervisor_id else set()
    return Before(organiser, frozenset(named), booking.project_id)


def _people(request: BookingRequest, by: Viewer, kept: frozenset[int]) -> dict[str, Person]:
    names = {
        n.strip()
        for n in (*request.participants, request.on_behalf_of, request.handed_to, request.supervisor)
        if n
    }
    if not names:
        return {}
    query = (
        select(User, Organisation)
        .join(Organisation)
        .where(or_(and_(User.active, Organisation.active), User.id.in_(kept)))
    )
    if not by.is_host:  # who works for a rival must not be found out by trying addresses
        near = or_(Organisation.kind == "host", Organisation.id == by.organisation_id)
        query = query.where(or_(near, User.id.in_(kept)))
    folded = [name.casefold() for name in names]
    rows = db.session.execute(query.where(or_(User.public_id.in_(names), User.email.in_(folded))))
    found = {}
    for user, organisation in rows:
        person = Person(user.id, user.public_id, user.name, user.role, organisation.id, organisation.kind)
        found[user.public_id] = found[user.email] = person
    return found


def _named(name: str, found: dict[str, Person], field: str, errors: dict[str, list[str]]) -> Person | None:
    person = found.get(name.strip()) or found.get(name.strip().casefold())
    if person is None:
        errors.setdefault(field, []).append(f"Nobody here is known as {name[:60]!r}.")
    return person


def _on_behalf(
    name: str, found: dict[str, Person], by: Viewer, wants: Iterable[Want], errors: dict[str, list[str]]
) -> Person | None:
    person = _named(name, found, "on_behalf_of", errors)
    if person is None or person.id == by.id:
        return person
    if may_book_for(person, by, wants):
        return person
    errors.setdefault("on_behalf_of", []).append(
        "You may book for others as staff, for your organisation as its coordinator, or for your group."
    )
    return None


def may_book_for(person: Person, by: Viewer, wants: Iterable[Want]) -> bool:
    """Tell whether somebody may book for another: as staff, coordinator or group lead."""
    staffs = all(by.staffs(want.resource.facility.id) for want in wants)
    return staffs or person.organisation_id in by.coordinates or person.id in by.led_people


def _receiver(
    name: str,
    found: dict[str, Person],
    by: Viewer,
    wants: Iterable[Want],
    organiser: Person,
    errors: dict[str, list[str]],
) -> Person | None:
    """Find who takes a booking over: whoever its organiser may name of their own organisation, too."""
    person = _named(name, found, "handed_to", errors)
    if person is None or may_book_for(person, by, wants):
        return person
    if organiser.id == by.id and person.organisation_id == by.organisation_id:
        return person
    text = f"{person.name} is not of your organisation." if organiser.id == by.id else "Their organiser may."
    errors.setdefault("handed_to", []).append(text)
    return None


def _project(
    code: str,
    organiser: Person,
    by: Viewer,
    wants: Iterable[Want],
    kept: int | None,
    errors: dict[str, list[str]],
) -> ProjectName | None:
    row = next(iter(read(_PROJECT, {"code": code, "organiser": organiser.id})), None)
    if row is not None and (row.active or row.id == kept):
        own_staff = all(by.staffs(want.resource.facility.id) for want in wants)
        own_project = own_staff and row.organisation_id == organiser.organisation_id
        if row.id == kept or row.member_id is not None or own_project:
            return ProjectName(row.id, row.code, row.name, row.confidential)
    errors.setdefault("project", []).append(f"{organiser.name} has no project {code[:40]!r}.")
    return None


_PROJECT = (
    select(
        Project.id,
        Project.code,
        Project.name,
        Project.confidential,
        Project.active,
        Project.organisation_id,
        Membership.user_id.label("member_id"),
    )
    .outerjoin(
        Membership, (Membership.project_id == Project.id) & (Membership.user_id == bindparam("organiser"))
    )
    .where(Project.code == bindparam("code"))
)


def lock_everything(
    cast: Cast, others: Collection[int] = (), people: Collection[int] = (), rooms: Collection[int] = ()
) -> None:
    """Lock resources, rooms, people, then groups that share a quota, each by id; `others` are resources."""
    resources = {want.resource.id for want in cast.wants} | set(others)
    hold_back(Resource, resources)
    hold_back(Room, {want.resource.room.id for want in cast.wants if want.resource.room} | set(rooms))
    hold_back(User, cast.user_ids | set(people))
    hold_back(Project, cast.charged.groups(cast.resources, "project"))
    hold_back(Organisation, cast.charged.groups(cast.resources, "organisation"))
    if not is_sqlite() and directory_version() != cast.places.version:  # SQLite lets nobody in between
        raise Busy("The facility's rules changed at this moment; please try again.")


def gather(
    cast: Cast,
    people: int,
    window: Period,
    by: Viewer,
    before: Booking | None = None,
    before_resources: frozenset[int] = frozenset(),
) -> Facts:
    """Return the facts for judging any period inside a window; what `before` holds does not count."""
    facts = Facts(
        now=clock.now(),
        role=cast.organiser.role,
        client=cast.client,
        wants=cast.wants,
        people=people,
        before=Period(before.starts_at, before.ends_at) if before else None,
        before_resources=before_resources if _keeps_organiser(cast, before) else frozenset(),
    )
    without = before.id if before else None
    reach = _reach(facts, window)
    rooms = {want.resource.room.id for want in cast.wants if want.resource.room}
    there = people_there(rooms, window, without) if people and rooms else []
    return replace(
        facts,
        taken=taken(cast.wants, reach, by, without),
        there=there,
        standing=standing_of(_named_in(cast, by, before), window),
        quotas=use_of_quotas(cast.resources, cast.charged, cast.places, window, without),
    )


def _keeps_organiser(cast: Cast, before: Booking | None) -> bool:
    """Tell so of a change: what it had is judged anew for somebody else, but for its start."""
    return before is not None and before.organiser_id == cast.organiser.id


def _named_in(cast: Cast, by: Viewer, before: Booking | None) -> Judged:
    """Name the people whose standing the rules look at."""
    organiser, supervisor = cast.organiser, cast.supervisor
    attending = (organiser, *cast.participants)
    project_id = cast.project.id if cast.project else None
    return Judged(
        tuple(cast.resources),
        cast.places,
        organiser.id,
        "" if organiser.id == by.id else organiser.name,
        project_id,
        supervisor.id if supervisor else None,
        supervisor.name if supervisor else "",
        before,
        organiser.role,
        frozenset(cast.user_ids - {organiser.id}),
        cast.company_before,
        sum(person.role == "student" for person in attending),
    )


def _reach(facts: Facts, window: Period) -> Period:
    claims = [facts.claim(want, window) for want in facts.wants]
    start = min(claim.starts_at for claim in claims)
    return Period(start, max(claim.cleared_until for claim in claims) + timedelta(seconds=1))


def taken(
    wants: Iterable[Want], window: Period, by: Viewer, without: int | None = None
) -> dict[int, list[Taken]]:
    """Return what is held of the wanted resources, marked with whether the viewer may know whose it is."""
    resources = {want.resource.id: want.resource for want in wants}
    query = _taken_on(any(resource.long_stay for resource in resources.values()))
    values = {"resources": sorted(resources), "viewer": by.id, "without": without or 0}
    rows = read(query, values | window_values(window))
    return dict(group_by_resource(_taken(row, by, resources[row.resource_id].facility.id) for row in rows))


@cache
def _taken_on(long_stays: bool) -> Select[Any]:
    return (
        select(
            Occupancy.hold_id,
            Occupancy.unit_id,
            Occupancy.resource_id,
            Occupancy.client,
            Occupancy.starts_at,
            Occupancy.held_until,
            Occupancy.cleared_until,
            Occupancy.kind,
            *relation_columns(),
        )
        .outerjoin(Booking, Booking.id == Occupancy.hold_id)
        .outerjoin(Organisation, Organisation.id == Booking.organisation_id)
        .outerjoin(Project, Project.id == Booking.project_id)
        .outerjoin(Participant, takes_part())
        .where(Occupancy.resource_id.in_(bindparam("resources", expanding=True)))
        .where(in_window(long_stays), Occupancy.hold_id != bindparam("without"))
    )


def relation_columns() -> list[Any]:
    """Return the columns that decide who sees a booking; join `takes_part` beside them."""
    return [
        Booking.starts_at.label("booked_from"),
        Booking.ends_at.label("booked_until"),
        Booking.organiser_id,
        Booking.organisation_id,
        Organisation.kind.label("organisation_kind"),
        Booking.project_id,
        Project.confidential,
        Booking.supervisor_id,
        Participant.user_id.label("participant_id"),
    ]


def takes_part() -> Any:
    """Return the join condition that finds the viewer, given as the value `viewer`, among participants."""
    return (Participant.booking_id == Booking.id) & (Participant.user_id == bindparam("viewer"))


def relation(row: Row[Any], facilities: frozenset[int]) -> Relation:
    """Read a relation from a row with `relation_columns`."""
    return Relation(
        organiser_id=row.organiser_id,
        organisation_id=row.organisation_id,
        organisation_is_host=row.organisation_kind == "host",
        project_id=row.project_id,
        confidential=bool(row.confidential),
        supervisor_id=row.supervisor_id,
        takes_part=row.participant_id is not None,
        facilities=facilities,
    )


def _taken(row: Row[Any], by: Viewer, facility_id: int) -> Taken:
    used, seen = None, False
    if row.organiser_id is not None:
        used = Period(row.booked_from, row.booked_until)
        seen = level(by, relation(row, frozenset({facility_id}))) >= Level.PARTIAL
    return Taken(
        hold_id=row.hold_id,
        unit_id=row.unit_id,
        resource_id=row.resource_id,
        client=row.client,
        starts_at=row.starts_at,
        held_until=row.held_until,
        cleared_until=row.cleared_until,
        kind=row.kind,
        used=used,
        seen=seen,
    )
