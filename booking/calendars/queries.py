"""Questions about calendar links: who may have one, what it points to, and what it has to show."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from booking.base import clock
from booking.base.db import db, read, read_composed
from booking.base.errors import NotFound
from booking.base.period import Period
from booking.bookings.facts import relation_columns, takes_part
from booking.bookings.models import Booking, BookingResource, Participant
from booking.calendars.models import EventBytes, Feed
from booking.facilities.models import Closure, Directory, Facility, Resource, Room
from booking.facilities.places import ResourcePlace
from booking.facilities.queries import places
from booking.people.models import Organisation, Project, User
from booking.people.sessions import digest
from booking.people.viewer import Viewer
from booking.schedule.free import MAX_HOLD
from booking.schedule.models import Occupancy

LONDON = "Europe/London"
TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
UNUSED_FOR = timedelta(days=400)
ON_PLACES = ("resource", "room", "facility")
GONE = ("cancelled", "declined", "no_show")
KEPT_AFTER_CANCELLING = timedelta(days=30)
KEPT_AFTER_ITS_END = timedelta(days=1)


@dataclass(frozen=True)
class Link:
    """A calendar link, and how often what it shows has changed."""

    id: int
    public_id: str
    owner_id: int
    owner: str
    scope: str
    code: str
    name: str
    detail: str
    label: str
    key: bytes
    facility_id: int | None
    room_id: int | None
    resource_id: int | None
    project_id: int | None
    organisation_id: int | None
    created_at: datetime
    revoked_at: datetime | None
    fetched_at: datetime | None
    fetched_by: str
    timezone: str
    version: int
    directory: int

    @property
    def subject(self) -> str:
        """What it shows, as people and programs write it: `me`, `organisation`, `resource:H-BSC1`."""
        return self.scope if self.scope in ("me", "organisation") else f"{self.scope}:{self.code}"

    @property
    def withdrawn_at(self) -> datetime | None:
        """When it stopped to show anything: revoked, or not fetched for more than a year."""
        unused_since = (self.fetched_at or self.created_at) + UNUSED_FOR
        return self.revoked_at or (unused_since if unused_since <= clock.now() else None)


# --- links -----------------------------------------------------------------------------------------


def find_link(token: str) -> Link | None:
    """Return the link that a token opens: one statement."""
    if not TOKEN.fullmatch(token):
        return None
    row = next(iter(read(_link_by_token(), {"hash": digest(token)})), None)
    return None if row is None else _link(row)


@cache
def _link_by_token() -> Select[Any]:
    return _links().where(Feed.token_hash == bindparam("hash"))


def feeds_of(viewer: Viewer) -> list[Link]:
    """List a person's links that still work, newest first."""
    return _working(Feed.owner_id == viewer.id)


def links_to(subject: str, viewer: Viewer) -> list[Link]:
    """List everybody's links to a project or an organisation, for the staff who may withdraw them."""
    kind, _, code = subject.partition(":")
    if kind not in ("project", "organisation") or not viewer.staffs_anything:
        raise NotFound
    return _working(and_(Feed.scope == kind, _code() == code))


def link_by_id(public_id: str, viewer: Viewer) -> Link:
    """Return a link that the viewer may withdraw; for all others there is nothing here."""
    row = db.session.execute(_links().where(Feed.public_id == public_id)).one_or_none()
    if row is None or not may_withdraw(viewer, link := _link(row)):
        raise NotFound
    return link


def may_withdraw(viewer: Viewer, link: Link) -> bool:
    """Tell who may end a link: its owner, and staff where it shows a project or an organisation."""
    return link.owner_id == viewer.id or (
        link.scope in ("project", "organisation") and viewer.staffs_anything
    )


def may_have(
    viewer: Viewer, scope: str, project_id: int | None = None, organisation_id: int | None = None
) -> bool:
    """Tell whether a person may subscribe to this at all; what they see is decided booking by booking."""
    if scope == "project":
        return project_id in viewer.projects or viewer.staffs_anything
    if scope == "organisation":
        own = viewer.organisation_id == organisation_id and viewer.organisation_kind != "host"
        return own or organisation_id in viewer.coordinates
    return True


def choices_of(viewer: Viewer) -> dict[str, list[tuple[str, str]]]:
    """List by group what a person may subscribe to: (scope, words)."""
    catalogue = places()
    mine = Project.id.in_(sorted(viewer.projects))
    projects = select(Project.code, Project.name).where(Project.active)
    projects = projects if viewer.staffs_anything else projects.where(mine)
    own = {viewer.organisation_id} if viewer.organisation_kind != "host" else set()
    partners = select(Organisation.code, Organisation.name).where(
        Organisation.id.in_(sorted(viewer.coordinates | own))
    )
    groups = {
        "Mine": [("me", "My bookings")],
        "Projects": _options("project", db.session.execute(projects.order_by(Project.code))),
        "Organisations": _options("organisation", db.session.execute(partners.order_by(Organisation.code))),
        "Facilities": _options("facility", ((one.code, one.name) for one in catalogue.facilities.values())),
        "Rooms": _options("room", ((one.code, one.name) for one in catalogue.rooms.values())),
        "Resources": _options("resource", ((one.code, one.name) for one in catalogue.resources.values())),
    }
    return {group: options for group, options in groups.items() if options}


def subjects() -> list[tuple[str, str]]:
    """List the projects and organisations whose links staff look after: (scope, words)."""
    organisations = select(Organisation.code, Organisation.name).where(Organisation.kind != "host")
    projects = select(Project.code, Project.name)
    return [
        *_options("organisation", db.session.execute(organisations.order_by(Organisation.code))),
        *_options("project", db.session.execute(projects.order_by(Project.code))),
    ]


def _options(kind: str, rows: Iterable[Any]) -> list[tuple[str, str]]:
    return [(f"{kind}:{code}", f"{name} ({code})") for code, name in rows]


def _working(condition: ColumnElement[bool]) -> list[Link]:
    query = _links().where(condition, Feed.revoked_at.is_(None)).order_by(Feed.id.desc())
    return [link for row in db.session.execute(query) if (link := _link(row)).withdrawn_at is None]


def _link(row: Row[Any]) -> Link:
    return Link(**row._asdict())


@cache
def _links() -> Select[Any]:
    """Select links with all they need: one statement, whatever a link shows."""
    own = [
        column for column in Feed.__table__.columns if column.name in Link.__dataclass_fields__
    ]  # not the hash of the token
    directory = select(Directory.version).where(Directory.id == 1).scalar_subquery()
    return (
        select(
            *own,
            User.name.label("owner"),
            _code().label("code"),
            func.coalesce(Resource.name, Room.name, Facility.name, Project.name, Organisation.name, "").label(
                "name"
            ),
            func.coalesce(Facility.timezone, _first_timezone(), LONDON).label("timezone"),
            func.coalesce(_version(), 0).label("version"),
            func.coalesce(directory, 0).label("directory"),
        )
        .join(User, User.id == Feed.owner_id)
        .outerjoin(Resource, Resource.id == Feed.resource_id)
        .outerjoin(Room, Room.id == Feed.room_id)
        .outerjoin(
            Facility, Facility.id == func.coalesce(Resource.facility_id, Room.facility_id, Feed.facility_id)
        )
        .outerjoin(Project, Project.id == Feed.project_id)
        .outerjoin(Organisation, Organisation.id == Feed.organisation_id)
    )


def _code() -> ColumnElement[str]:
    return func.coalesce(Resource.code, Room.code, Facility.code, Project.code, Organisation.code, "")


def _first_timezone() -> ColumnElement[str]:
    """A person, a project and an organisation have no zone: their days are the first facility's."""
    first = aliased(Facility)
    return select(first.timezone).order_by(first.position, first.code).limit(1).scalar_subquery()


def _version() -> ColumnElement[int]:
    """Return the sum of the numbers of what a link shows: whatever calendars show of a booking raises one."""
    place, colleague = aliased(Resource), aliased(User)
    on_the_places = select(func.sum(place.revision)).where(
        or_(
            place.id == Feed.resource_id,
            place.room_id == Feed.room_id,
            place.facility_id == Feed.facility_id,
        )
    )
    of_colleagues = select(func.sum(colleague.version)).where(
        colleague.organisation_id == Feed.organisation_id
    )
    return case(
        (Feed.scope == "me", User.version),
        (Feed.scope == "project", Project.version),
        (Feed.scope == "organisation", of_colleagues.scalar_subquery()),
        else_=on_the_places.scalar_subquery(),
    )


# --- what a link shows -----------------------------------------------------------------------------


def booking_rows(
    link: Link,
    viewer: Viewer,
    shown: Sequence[ResourcePlace],
    window: Period,
    today: datetime,
    audiences: Collection[str],
    only: Collection[int] | None = None,
) -> list[Row[Any]]:
    """Return a window's bookings, with what decides who sees them and their stored events: one statement.

    A booking comes once for each of the shown resources and each audience. Cancelled ones stay among them
    for a while, else clients would keep them as they were. With `only` come those of them that it names.
    """
    base = _base(audiences).where(_still_shown(today))
    if only is not None:
        base = base.where(Booking.id.in_(sorted(only)))
    if link.scope in ON_PLACES:
        place = BookingResource
        base = base.add_columns(place.resource_id, place.starts_at.label("on_from"), place.left_at)
    else:
        base = base.add_columns(null().label("resource_id"), null().label("on_from"), null().label("left_at"))
    return _all(*_in_window(base, link, shown, window), viewer=viewer.id)


def booking_versions(
    link: Link, shown: Sequence[ResourcePlace], window: Period, today: datetime
) -> dict[int, int]:
    """Return the versions of the bookings that `booking_rows` would return."""
    base = select(Booking.id, Booking.version).where(_still_shown(today))
    return dict(_all(*_in_window(base, link, shown, window)))  # type: ignore[arg-type]


def _in_window(
    base: Select[Any], link: Link, shown: Sequence[ResourcePlace], window: Period
) -> list[Select[Any]]:
    """Limit a query to what a link shows in a window: normal bookings, and long stays."""
    if link.scope in ON_PLACES:
        return _on_places(base, shown, window)
    base = base.where(_belongs(link))
    normal = base.where(
        ~Booking.long_stay, _starts_near(Booking.starts_at, window), Booking.ends_at > window.start
    )
    return [normal, base.where(_long_stay_in(window))]


def _on_places(base: Select[Any], shown: Sequence[ResourcePlace], window: Period) -> list[Select[Any]]:
    """Find bookings by what they take; those that a change took elsewhere come with `left_at`."""
    place = BookingResource
    base = base.join(place, place.booking_id == Booking.id)
    ids, for_long = [one.id for one in shown], [one.id for one in shown if one.long_stay]
    normal = base.where(
        place.resource_id.in_(ids),
        _starts_near(place.starts_at, window),
        ~Booking.long_stay,
        or_(place.left_at.is_not(None), Booking.ends_at > window.start),
    )
    return [normal, base.where(place.resource_id.in_(for_long), _long_stay_in(window))]


def _base(audiences: Collection[str]) -> Select[Any]:
    return (
        select(
            Booking.id,
            Booking.version,
            Booking.status,
            Booking.facility_id,
            *relation_columns(),
            User.name.label("organiser"),
            Project.code.label("project"),
            Organisation.code.label("organisation"),
            EventBytes.audience,
            EventBytes.stamp,
            EventBytes.body,
        )
        .join(User, User.id == Booking.organiser_id)
        .join(Organisation, Organisation.id == Booking.organisation_id)
        .outerjoin(Project, Project.id == Booking.project_id)
        .outerjoin(Participant, takes_part())
        .outerjoin(
            EventBytes, and_(EventBytes.booking_id == Booking.id, EventBytes.audience.in_(sorted(audiences)))
        )
    )


def _still_shown(today: datetime) -> ColumnElement[bool]:
    """Whole days only: what is shown must not change during a day unless something happens."""
    gone_but_kept = and_(
        Booking.ended_at >= today - KEPT_AFTER_CANCELLING, Booking.ends_at >= today - KEPT_AFTER_ITS_END
    )
    return or_(Booking.status.not_in(GONE), gone_but_kept)


def _belongs(link: Link) -> ColumnElement[bool]:
    if link.scope == "project":
        return Booking.project_id == link.project_id
    if link.scope == "organisation":
        return Booking.organisation_id == link.organisation_id
    takes_part_in = select(Participant.booking_id).where(Participant.user_id == link.owner_id)
    return or_(
        Booking.organiser_id == link.owner_id,
        Booking.supervisor_id == link.owner_id,
        Booking.id.in_(takes_part_in),
    )


def _starts_near(starts_at: Any, window: Period) -> ColumnElement[bool]:
    """No normal booking is longer than the longest hold, so that the start is bounded from both sides."""
    return and_(starts_at > window.start - MAX_HOLD, starts_at < window.end)


def _long_stay_in(window: Period) -> ColumnElement[bool]:
    return and_(Booking.long_stay, Booking.ends_at > window.start, Booking.starts_at < window.end)


def _all(*queries: Select[Any], viewer: int = 0) -> list[Row[Any]]:
    return list(read_composed(union_all(*queries), {"viewer": viewer}))


def held_by(link: Link, window: Period) -> list[tuple[datetime, datetime]]:
    """Return when the bookings of a person, project or organisation hold something, for a busy link."""
    query: Any = (
        select(Occupancy.starts_at, Occupancy.held_until)
        .join(Booking, Booking.id == Occupancy.hold_id)
        .where(_belongs(link), Occupancy.active, Occupancy.held_until > window.start)
    )
    normal = query.where(
        ~Booking.long_stay,
        _starts_near(Booking.starts_at, window),
        Occupancy.starts_at < window.end,
    )
    return [(row.starts_at, row.held_until) for row in _all(normal, query.where(_long_stay_in(window)))]


def closures_of(link: Link, shown: Sequence[ResourcePlace], first: date, last: date) -> list[Closure]:
    """Return the closures that concern a link's places on some days."""
    facilities = {place.facility.id for place in shown} | ({link.facility_id} if link.facility_id else set())
    rooms = {place.room.id for place in shown if place.room}
    query = select(Closure).where(
        Closure.facility_id.in_(sorted(facilities)),
        or_(Closure.room_id.is_(None), Closure.room_id.in_(sorted(rooms))),
        or_(Closure.resource_id.is_(None), Closure.resource_id.in_(sorted(place.id for place in shown))),
        Closure.first_day <= last,
        Closure.last_day >= first,
    )
    return list(db.session.scalars(query.order_by(Closure.id)))
