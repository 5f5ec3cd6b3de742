"""Questions about bookings: every answer is already reduced to what its viewer may see."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, false, func, or_, select, true, union_all
from sqlalchemy.orm import aliased

from booking.base import clock
from booking.base.db import db, read, read_composed
from booking.base.period import Period
from booking.bookings.facts import relation, relation_columns, takes_part
from booking.bookings.models import HOLDING, Booking, BookingResource, Participant, Series
from booking.bookings.request import BookingRequest, Wanted
from booking.bookings.visibility import Level, Relation, level, may_change
from booking.facilities.models import Resource
from booking.facilities.places import Places, ResourcePlace
from booking.facilities.queries import names, places
from booking.people.models import Organisation, Project, User
from booking.people.names import Names, OrganisationName, PersonName, ProjectName
from booking.people.viewer import Viewer
from booking.schedule.free import MAX_HOLD, use_over_time
from booking.schedule.models import Occupancy
from booking.schedule.queries import in_window, window_values


@dataclass(frozen=True)
class Held:
    """One unit of a resource as the timeline draws it."""

    resource_id: int
    unit_id: int
    starts_at: datetime
    held_until: datetime
    cleared_until: datetime


@dataclass(frozen=True)
class Block:
    """What one viewer sees on one resource: a booking (full, partial), or a busy stretch (alias, busy)."""

    level: Level
    resource_id: int
    starts_at: datetime
    ends_at: datetime
    units: int
    status: str = "busy"
    label: str = ""
    booking_id: str = ""
    title: str = ""
    organiser: str = ""
    mine: bool = False
    changeable: bool = False
    version: int = 0
    held: tuple[Held, ...] = ()
    unit_ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Contents:
    """A booking with what its other rows say: (resource id, units) in order, units held, who takes part."""

    booking: Booking
    resources: tuple[tuple[int, int], ...]
    held: tuple[Held, ...]
    participants: frozenset[int]


@dataclass(frozen=True)
class Detail:
    """A booking as one viewer may see it, with the names that a page or an answer shows."""

    booking: Booking
    level: Level
    relation: Relation
    resources: tuple[tuple[ResourcePlace, int, tuple[str, ...]], ...]
    organiser: PersonName
    organisation: OrganisationName
    project: ProjectName | None
    supervisor: PersonName | None
    participants: tuple[PersonName, ...]
    held: tuple[Held, ...]

    @property
    def status(self) -> str:
        return status_now(self.booking)

    @property
    def timezone(self) -> str:
        return self.resources[0][0].facility.timezone


def status_now(booking: Booking) -> str:
    """Return a booking's status as of now: a confirmed one that has ended is completed."""
    return _status_now(booking.status, booking.ends_at)


def next_end(shown: Iterable[Detail]) -> datetime | None:
    """Return when the first of some bookings ends, and so changes its status without anybody's doing."""
    now = clock.now()
    ends = (one.booking.ends_at for one in shown if one.booking.status in ("confirmed", "in_use"))
    return min((end for end in ends if end > now), default=None)


def _status_now(status: str, ends_at: datetime) -> str:
    return "completed" if status in ("confirmed", "in_use") and ends_at <= clock.now() else status


# --- one booking -----------------------------------------------------------------------------------


def resources_of(booking_id: int, also_left: bool = False) -> list[BookingResource]:
    """List what a booking takes, in the order asked for."""
    query = select(BookingResource).where(BookingResource.booking_id == booking_id)
    if not also_left:
        query = query.where(BookingResource.left_at.is_(None))
    query = query.order_by(BookingResource.position).execution_options(populate_existing=True)
    return list(db.session.scalars(query))


def relation_of(booking: Booking, by: Viewer | None) -> Relation:
    """Return what decides who sees a booking."""
    catalogue = places()
    held = {row.resource_id for row in resources_of(booking.id)}
    facilities = frozenset(catalogue.resources[r].facility.id for r in held if r in catalogue.resources)
    (row,) = read(_RELATION, {"booking": booking.id, "viewer": by.id if by else 0})
    return relation(row, facilities | {booking.facility_id})


_RELATION = (
    select(*relation_columns())
    .select_from(Booking)
    .join(Organisation, Organisation.id == Booking.organisation_id)
    .outerjoin(Project, Project.id == Booking.project_id)
    .outerjoin(Participant, takes_part())
    .where(Booking.id == bindparam("booking"))
)


def detail(booking: Booking, by: Viewer | None) -> Detail:
    """Return a booking with all the names around it; the caller shows what its level allows."""
    return details([booking], by)[0]


def details(bookings: Sequence[Booking], by: Viewer | None) -> list[Detail]:
    """Return bookings with their names: a fixed number of queries, however many there are."""
    if not bookings:
        return []
    asked = {"ids": [booking.id for booking in bookings]}
    links, rows, people = (_grouped(read(query, asked)) for query in (_LINKS, _HOLDING, _PARTICIPANTS))
    contents = [
        Contents(
            booking,
            tuple((resource_id, units) for _, resource_id, units in links[booking.id]),
            tuple(Held(*row[1:]) for row in rows[booking.id]),
            frozenset(user_id for _, user_id in people[booking.id]),
        )
        for booking in bookings
    ]
    return with_names(contents, by)


def with_names(contents: Sequence[Contents], by: Viewer | None) -> list[Detail]:
    """Return bookings, whose contents are known, with the names around them."""
    known, catalogue = names(), places()
    bookings = [one.booking for one in contents]
    known.know(
        {
            *(person for one in contents for person in one.participants),
            *(person for booking in bookings for person in (booking.organiser_id, booking.supervisor_id)),
        },
        {booking.organisation_id for booking in bookings},
        {booking.project_id for booking in bookings},
    )
    return [_detail(one, by, catalogue, known) for one in contents]


_LINKS = (
    select(BookingResource.booking_id, BookingResource.resource_id, BookingResource.units)
    .where(BookingResource.booking_id.in_(bindparam("ids", expanding=True)))
    .where(BookingResource.left_at.is_(None))
    .order_by(BookingResource.position)
)
_HOLDING = (
    select(
        Occupancy.hold_id,
        Occupancy.resource_id,
        Occupancy.unit_id,
        Occupancy.starts_at,
        Occupancy.held_until,
        Occupancy.cleared_until,
    )
    .where(Occupancy.hold_id.in_(bindparam("ids", expanding=True)), Occupancy.active)
    .order_by(Occupancy.unit_id)
)
_PARTICIPANTS = select(Participant.booking_id, Participant.user_id).where(
    Participant.booking_id.in_(bindparam("ids", expanding=True))
)


def _grouped(rows: Iterable[Any]) -> dict[int, list[Any]]:
    """Sort rows by the booking that their first column names."""
    groups: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        groups[row[0]].append(row)
    return groups


def _detail(one: Contents, by: Viewer | None, catalogue: Places, known: Names) -> Detail:
    booking = one.booking
    resources = tuple(
        (resource, units, _unit_names(resource, one.held))
        for resource_id, units in one.resources
        if (resource := catalogue.resources.get(resource_id))
    )
    organisation = known.organisations[booking.organisation_id]
    project = known.projects[booking.project_id] if booking.project_id else None
    participants = sorted((known.people[person] for person in one.participants), key=lambda p: (p.name, p.id))
    seen = Relation(
        organiser_id=booking.organiser_id,
        organisation_id=booking.organisation_id,
        organisation_is_host=organisation.is_host,
        project_id=booking.project_id,
        confidential=project is not None and project.confidential,
        supervisor_id=booking.supervisor_id,
        takes_part=by is not None and by.id in one.participants,
        facilities=frozenset(resource.facility.id for resource, _, _ in resources) | {booking.facility_id},
    )
    return Detail(
        booking,
        level(by, seen),
        seen,
        resources,
        known.people[booking.organiser_id],
        organisation,
        project,
        known.people[booking.supervisor_id] if booking.supervisor_id else None,
        tuple(participants),
        one.held,
    )


def _unit_names(resource: ResourcePlace, held: Iterable[Held]) -> tuple[str, ...]:
    ids = {row.unit_id for row in held if row.resource_id == resource.id}
    return tuple(unit.name for unit in resource.units if unit.id in ids)


def request_of(booking: Booking) -> BookingRequest:
    """Return a booking as the request that would make it: the start of every change."""
    full = detail(booking, None)
    return BookingRequest(
        starts_at=booking.starts_at,
        ends_at=booking.ends_at,
        resources=tuple(Wanted(resource.code, units) for resource, units, _ in full.resources),
        title=booking.title,
        project=full.project.code if full.project else None,
        people=booking.people,
        participants=tuple(user.public_id for user in full.participants),
        supervisor=full.supervisor.public_id if full.supervisor else None,
        notes=booking.notes,
    )


def picture_of(booking: Booking) -> dict[str, Any]:
    """Return what a booking's history keeps of it, as it stands."""
    full = detail(booking, None)
    return picture(
        booking,
        [(resource.code, units) for resource, units, _ in full.resources],
        [user.name for user in full.participants],
        full.project.code if full.project else None,
        full.supervisor.name if full.supervisor else None,
        full.organiser.name,
    )


def picture(
    booking: Booking,
    resources: Iterable[tuple[str, int]],
    participants: Iterable[str],
    project: str | None,
    supervisor: str | None,
    organiser: str,
) -> dict[str, Any]:
    """Build a history picture: plain values with the names that people use."""
    return {
        "status": booking.status,
        "title": booking.title,
        "start": text_of(booking.starts_at),
        "end": text_of(booking.ends_at),
        "resources": [f"{units} × {code}" if units > 1 else code for code, units in resources],
        "people": booking.people,
        "notes": booking.notes,
        "participants": sorted(participants),
        "project": project,
        "supervisor": supervisor,
        "organiser": organiser,
    }


def text_of(moment: datetime) -> str:
    """Return a moment as history stores it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


# --- many bookings ---------------------------------------------------------------------------------


def changes_of(resource_ids: Collection[int]) -> int:
    """Count the changes so far of all bookings on some resources: while it stays, so does what they show."""
    ((total,),) = read(_CHANGES, {"ids": sorted(resource_ids)})
    return int(total or 0)


_CHANGES = select(func.sum(Resource.version)).where(Resource.id.in_(bindparam("ids", expanding=True)))


def blocks(
    viewer: Viewer | None,
    resource_ids: Collection[int],
    window: Period,
    by_unit: bool = False,
    hidden_only: bool = False,
) -> list[Block]:
    """Return what a viewer sees on some resources in a window, in order of time: two statements.

    What is only alias or busy to the viewer is merged with its held time and its neighbours (per unit
    if `by_unit`), so that nobody can count or follow another's runs.
    With `hidden_only` the others are left out.
    """
    catalogue = places()
    known = [r for r in resource_ids if r in catalogue.resources]
    long_stays = any(catalogue.resources[r].long_stay for r in known)
    if not known:
        return []
    query = _blocks(long_stays)
    values = {"resources": known, "viewer": viewer.id if viewer else 0, **window_values(window)}
    if hidden_only and viewer is not None:
        seen = func.coalesce(_visible_to(viewer, Level.PARTIAL), false())
        found = _reduce(read_composed(query.where(~seen), values), viewer, catalogue, by_unit)
    else:
        found = _reduce(read(query, values), viewer, catalogue, by_unit)
    return [block for block in found if block.level < Level.PARTIAL] if hidden_only else found


@cache
def _blocks(long_stays: bool) -> Any:
    return (
        select(
            Occupancy.hold_id,
            Occupancy.resource_id,
            Occupancy.unit_id,
            Occupancy.starts_at,
            Occupancy.held_until,
            Occupancy.cleared_until,
            Booking.public_id,
            Booking.status,
            Booking.title,
            Booking.version,
            User.name.label("organiser"),
            Organisation.alias,
            *relation_columns(),
        )
        .join(Booking, Booking.id == Occupancy.hold_id)
        .join(User, User.id == Booking.organiser_id)
        .join(Organisation, Organisation.id == Booking.organisation_id)
        .outerjoin(Project, Project.id == Booking.project_id)
        .outerjoin(Participant, takes_part())
        .where(Occupancy.resource_id.in_(bindparam("resources", expanding=True)))
        .where(in_window(long_stays), Occupancy.held_until > bindparam("window_start"))
        .order_by(Occupancy.starts_at, Occupancy.hold_id, Occupancy.unit_id)
    )


def _reduce(rows: Sequence[Any], viewer: Viewer | None, catalogue: Places, by_unit: bool) -> list[Block]:
    facilities: dict[int, set[int]] = defaultdict(set)
    for row in rows:
        facilities[row.hold_id].add(catalogue.resources[row.resource_id].facility.id)
    shown: dict[tuple[int, int], list[Row[Any]]] = defaultdict(list)
    hidden: dict[tuple[int, str, int], list[tuple[Period, int]]] = defaultdict(list)
    levels: dict[int, tuple[Level, Relation]] = {}
    for row in rows:
        if row.hold_id not in levels:
            seen = relation(row, frozenset(facilities[row.hold_id]))
            levels[row.hold_id] = level(viewer, seen), seen
        how, _ = levels[row.hold_id]
        if how >= Level.PARTIAL:
            shown[row.hold_id, row.resource_id].append(row)
        else:
            label = row.alias if how is Level.ALIAS else ""
            lane = row.unit_id if by_unit else 0
            hidden[row.resource_id, label, lane].append((Period(row.starts_at, row.held_until), 1))
    result = [_shown(group, viewer, *levels[hold]) for (hold, _), group in shown.items()]
    for (resource_id, label, lane), stretches in hidden.items():
        how = Level.ALIAS if label else Level.BUSY
        result += [
            Block(how, resource_id, p.start, p.end, units, label=label, unit_ids=(lane,) if lane else ())
            for p, units in use_over_time(stretches)
        ]
    return sorted(result, key=lambda b: (b.starts_at, b.resource_id, b.booking_id))


def _shown(group: list[Row[Any]], viewer: Viewer | None, how: Level, seen: Relation) -> Block:
    row = group[0]
    held = tuple(Held(r.resource_id, r.unit_id, r.starts_at, r.held_until, r.cleared_until) for r in group)
    return Block(
        level=how,
        resource_id=row.resource_id,
        starts_at=row.booked_from,
        ends_at=row.booked_until,
        units=len(group),
        status=_status_now(row.status, row.booked_until),
        booking_id=row.public_id,
        title=row.title,
        organiser=row.organiser,
        mine=viewer is not None and (viewer.id == row.organiser_id or seen.takes_part),
        changeable=viewer is not None and may_change(viewer, seen) and row.booked_until > clock.now(),
        version=row.version,
        held=held,
        unit_ids=tuple(r.unit_id for r in group),
    )


def _mine(viewer: Viewer) -> Any:
    """A union of ids, each found by its index: joined by OR, PostgreSQL would read the whole table."""
    own = aliased(Booking)
    mine = union_all(
        select(own.id).where(own.organiser_id == viewer.id),
        select(own.id).where(own.supervisor_id == viewer.id),
        select(Participant.booking_id).where(Participant.user_id == viewer.id),
    )
    return Booking.id.in_(mine)


def _of_group(viewer: Viewer) -> Any:
    """What belongs to my projects, and what is organised by those whom I lead: found as `_mine` is."""
    own = aliased(Booking)
    ours = union_all(
        select(own.id).where(own.project_id.in_(sorted(viewer.projects))),
        select(own.id).where(own.organiser_id.in_(sorted(viewer.led_people))),
    )
    return Booking.id.in_(ours)


def my_bookings(
    viewer: Viewer,
    upcoming: bool,
    limit: int = 50,
    after: tuple[datetime, int] | None = None,
    group: bool = False,
) -> list[Booking]:
    """List my bookings, or my group's, by time: the next forwards, past and cancelled ones backwards."""
    now = clock.now()
    live = and_(Booking.ends_at > now, Booking.status.in_(HOLDING))
    whose = _of_group(viewer) if group else _mine(viewer)
    query = select(Booking).where(whose, live if upcoming else ~live)
    if upcoming:
        query = query.order_by(Booking.starts_at, Booking.id)
        if after:
            query = query.where(_beyond(after, forwards=True))
    else:
        query = query.order_by(Booking.starts_at.desc(), Booking.id.desc())
        if after:
            query = query.where(_beyond(after, forwards=False))
    return list(db.session.scalars(query.limit(limit)))


def _beyond(after: tuple[datetime, int], forwards: bool) -> Any:
    moment, row_id = after
    if forwards:
        return or_(Booking.starts_at > moment, and_(Booking.starts_at == moment, Booking.id > row_id))
    return or_(Booking.starts_at < moment, and_(Booking.starts_at == moment, Booking.id < row_id))


@dataclass(frozen=True)
class Search:
    """What a list of bookings is filtered by; a window is always given."""

    window: Period
    resource_id: int | None = None
    facility_id: int | None = None
    room_id: int | None = None
    project: str | None = None
    status: str | None = None
    mine: bool = False


def search(
    viewer: Viewer, asked: Search, after: tuple[datetime, str] | None = None, limit: int | None = None
) -> list[Detail]:
    """List the bookings of a window that a viewer may see at least in part, cancelled ones too.

    They come by start and public id; a page begins beyond the pair `after` of the one before. Which project
    a booking belongs to is known only to those who see all of it: so with a project, only those are listed.
    """
    least = Level.FULL if asked.project is not None else Level.PARTIAL
    start, end = asked.window.start, asked.window.end
    query = select(Booking).where(Booking.starts_at < end, Booking.ends_at > start)
    query = query.where(_visible_to(viewer, least))
    if after is not None:
        same = and_(Booking.starts_at == after[0], Booking.public_id > after[1])
        query = query.where(Booking.starts_at >= after[0], or_(Booking.starts_at > after[0], same))
    query = query.order_by(Booking.starts_at, Booking.public_id).limit(limit)
    near = Period(start - MAX_HOLD, end)  # no normal booking is longer
    normal = _filtered(query, viewer, asked, near).where(~Booking.long_stay, Booking.starts_at > near.start)
    long = _filtered(query, viewer, asked, None).where(Booking.long_stay)
    found = [*db.session.scalars(normal), *db.session.scalars(long)]
    found.sort(key=lambda booking: (booking.starts_at, booking.public_id))
    return [d for d in details(found[:limit], viewer) if d.level >= least]


def _visible_to(viewer: Viewer, least: Level) -> ColumnElement[bool]:
    """Return the condition for what a viewer may see in part, or in full: `level` said in SQL.

    Only so can the database cut a list into pages; `level` still has the last word.
    """
    if viewer.is_admin:
        return true()
    hidden_project = select(Project.id).where(Project.confidential)
    open_to_all = or_(Booking.project_id.is_(None), Booking.project_id.not_in(hidden_project))
    partners = select(Organisation.id).where(Organisation.kind != "host")
    own = and_(Booking.organisation_id == viewer.organisation_id, Booking.organisation_id.in_(partners))
    in_part = viewer.is_host and least is Level.PARTIAL
    staffed = select(BookingResource.booking_id).where(
        BookingResource.resource_id.in_(_staffed_resources(viewer)), BookingResource.left_at.is_(None)
    )
    return or_(
        _mine(viewer),
        Booking.project_id.in_(viewer.projects),
        Booking.organisation_id.in_(viewer.coordinates),
        Booking.organiser_id.in_(viewer.led_people),
        Booking.facility_id.in_(viewer.staffed()),
        Booking.id.in_(staffed) if viewer.staffs_anything else false(),
        and_(open_to_all, own),
        and_(open_to_all, Booking.organisation_id.not_in(partners)) if in_part else false(),
    )


def _has_status(status: str) -> ColumnElement[bool]:
    """Return the condition for a status as of now: `status_now` said in SQL."""
    running, over = ("confirmed", "in_use"), Booking.ends_at <= clock.now()
    if status == "completed":
        return or_(Booking.status == status, and_(Booking.status.in_(running), over))
    if status in running:
        return and_(Booking.status == status, ~over)
    return Booking.status == status


def _filtered(query: Select[Any], viewer: Viewer, asked: Search, near: Period | None) -> Select[Any]:
    """Narrow a list; `near` is when its bookings start, so that no filter reads a resource's whole past."""
    if asked.mine:
        query = query.where(_mine(viewer))
    if asked.status is not None:
        query = query.where(_has_status(asked.status))
    if asked.project is not None:
        query = query.where(
            Booking.project_id == select(Project.id).where(Project.code == asked.project).scalar_subquery()
        )
    catalogue = places()
    if asked.resource_id or asked.room_id or asked.facility_id:
        wanted = [
            r.id
            for r in catalogue.resources_of(asked.facility_id, asked.room_id)
            if asked.resource_id in (None, r.id)
        ]
        on_them = select(BookingResource.booking_id).where(
            BookingResource.resource_id.in_(wanted), BookingResource.left_at.is_(None)
        )
        if near is None:
            return query.where(on_them.where(BookingResource.booking_id == Booking.id).exists())
        soon = (BookingResource.starts_at > near.start, BookingResource.starts_at < near.end)
        query = query.where(Booking.id.in_(on_them.where(*soon)))
    return query


def _staffed_resources(viewer: Viewer) -> list[int]:
    return [r.id for r in places().resources.values() if viewer.staffs(r.facility.id)]


def in_series(series_id: str, viewer: Viewer) -> list[Detail]:
    """List the bookings of a series that a viewer may see at least in part, in order of time."""
    query = select(Booking).where(Booking.series_id == series_id).order_by(Booking.starts_at, Booking.id)
    return [one for one in details(list(db.session.scalars(query)), viewer) if one.level >= Level.PARTIAL]


def rrule_of(series_id: str) -> str:
    """Return the pattern by which a series was made."""
    return db.session.scalars(select(Series.rrule).where(Series.id == series_id)).one()


def row_id(public_id: str) -> int | None:
    """Return the key of a booking for paging on from it."""
    return db.session.scalar(select(Booking.id).where(Booking.public_id == public_id))


def my_projects(viewer: Viewer) -> list[Project]:
    """List the projects that a person may book for."""
    query = select(Project).where(Project.id.in_(sorted(viewer.projects)), Project.active)
    return list(db.session.scalars(query.order_by(Project.code)))
