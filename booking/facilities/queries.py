"""Questions about facilities: the snapshot of all places, and who a viewer is."""

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine, select

from booking.base.db import db, noted, read
from booking.facilities.models import (
    ApprovalRule,
    Banner,
    Closure,
    Directory,
    Duty,
    Facility,
    LifecycleStep,
    OpeningHours,
    Policy,
    Quota,
    Resource,
    ResourceOwner,
    Room,
    ServiceCertificate,
    Substitute,
    Unit,
)
from booking.facilities.places import (
    POLICY_DEFAULTS,
    ApprovalPlace,
    BannerPlace,
    CertificatePlace,
    ClosedDays,
    FacilityPlace,
    Hours,
    Places,
    PolicyPlace,
    QuotaPlace,
    ResourcePlace,
    RoomPlace,
    Step,
    UnitPlace,
)
from booking.people.models import Coordinator, Deputy, Membership, Organisation, User
from booking.people.names import Names
from booking.people.viewer import Viewer

_VERSION = select(Directory.version).where(Directory.id == 1)


@dataclass
class Snapshot:
    """What is kept in memory of one version of the directory."""

    version: int
    places: Places | None = None
    names: Names = field(default_factory=Names)
    viewers: dict[int, Viewer] = field(default_factory=dict)


_snapshots: WeakKeyDictionary[Engine, Snapshot] = WeakKeyDictionary()
_building = threading.Lock()


def directory_version() -> int:
    """Return the number of the last change of facilities, rules, names or rights."""
    return next((row.version for row in read(_VERSION)), 0)


def _snapshot() -> Snapshot:
    """Return what is known of the directory as this database transaction sees it: one look at its version.

    What is not committed yet must not be kept: it may be rolled back.
    """
    session = db.session()
    under_way, known = session.info.get("snapshot", (None, None))
    if known is None or under_way is not session.get_transaction() or noted("directory changed"):
        known = _snapshot_of(directory_version())
        session.info["snapshot"] = session.get_transaction(), known
    return known


def _snapshot_of(version: int) -> Snapshot:
    if noted("directory changed"):
        return Snapshot(version)
    known = _snapshots.get(db.engine)
    if known is None or known.version != version:
        known = _snapshots[db.engine] = Snapshot(version)
    return known


def names() -> Names:
    """Return the names of people, organisations and projects as they stand now, those that it knows."""
    return _snapshot().names


def places() -> Places:
    """Return the catalogue as it stands now, from memory unless something changed."""
    known = _snapshot()
    if known.places is None:
        with _building:
            known.places = known.places or _build(known.version)
    return known.places


def _build(version: int) -> Places:
    steps, hours, closures, policies = _all(LifecycleStep), _all(OpeningHours), _all(Closure), _all(Policy)
    banners = list(db.session.scalars(select(Banner).order_by(Banner.first_day, Banner.id)))
    facilities = {
        f.id: FacilityPlace(
            id=f.id,
            code=f.code,
            name=f.name,
            timezone=f.timezone,
            description=f.description,
            holidays=f.holidays,
            steps=_steps(s for s in steps if s.facility_id == f.id),
            hours=tuple(_hours(h) for h in hours if h.facility_id == f.id and h.hours != "prime"),
            prime=tuple(_hours(h) for h in hours if h.facility_id == f.id and h.hours == "prime"),
            closures=tuple(_closed_days(c) for c in closures if c.facility_id == f.id),
            most_supervised=f.most_supervised,
            banners=tuple(_banner(b) for b in banners if b.facility_id == f.id),
        )
        for f in db.session.scalars(select(Facility).order_by(Facility.position, Facility.code))
    }
    rooms = {
        r.id: RoomPlace(
            r.id,
            r.code,
            r.name,
            r.room_class,
            r.max_persons,
            r.lone_working,
            r.accessible,
            r.note,
            r.facility_id,
            r.second_competent,
        )
        for r in db.session.scalars(select(Room).order_by(Room.position, Room.code))
    }
    resources = _resources(facilities, rooms, steps, policies)
    by_code = {resource.code: resource for resource in resources.values()}
    return Places(version, facilities, rooms, resources, by_code)


def _resources(
    facilities: dict[int, FacilityPlace],
    rooms: dict[int, RoomPlace],
    steps: Sequence[LifecycleStep],
    policies: Sequence[Policy],
) -> dict[int, ResourcePlace]:
    units, twins, owners = defaultdict(list), defaultdict(list), defaultdict(list)
    certificates, approvals = _certificates(), _all(ApprovalRule)
    quotas = [quota_place(row) for row in _all(Quota)]
    for owner in db.session.scalars(select(ResourceOwner).order_by(ResourceOwner.user_id)):
        owners[owner.resource_id].append(owner.user_id)
    for unit in db.session.scalars(select(Unit).where(Unit.active).order_by(Unit.number)):
        units[unit.resource_id].append(UnitPlace(unit.id, unit.number, unit.name))
    for pair in db.session.scalars(select(Substitute)):
        twins[pair.resource_id].append(pair.twin_id)
    found = (
        ResourcePlace(
            id=r.id,
            code=r.code,
            name=r.name,
            kind=r.kind,
            model_class=r.model_class,
            unit_name=r.unit_name,
            running=r.running,
            approval=r.approval,
            needs=r.needs,
            long_stay=r.long_stay,
            outlook=r.outlook,
            description=r.description,
            facility=facilities[r.facility_id],
            room=rooms.get(r.room_id) if r.room_id else None,
            units=tuple(units[r.id]),
            steps=_steps(s for s in steps if s.resource_id == r.id),
            policies=tuple(_policy(p) for p in policies if _concerns(p, r)),
            twins=tuple(twins[r.id]),
            renamed_at=r.renamed_at,
            certificates=tuple(certificates[r.id].values()),
            approvals=tuple(approval_place(rule) for rule in approvals if _concerns(rule, r)),
            owners=tuple(owners[r.id]),
        )
        for r in db.session.scalars(select(Resource).order_by(Resource.position, Resource.code))
    )
    return {r.id: replace(r, quotas=tuple(quota for quota in quotas if quota.concerns(r))) for r in found}


def _certificates() -> dict[int, dict[str, CertificatePlace]]:
    """Return the newest certificate of each kind, by resource."""
    found: dict[int, dict[str, CertificatePlace]] = defaultdict(dict)
    query = select(ServiceCertificate).order_by(ServiceCertificate.examined_on, ServiceCertificate.id)
    for row in db.session.scalars(query):
        newest = CertificatePlace(row.kind, row.reference, row.valid_through, row.issued_by)
        found[row.resource_id][row.kind] = newest
    return found


def _all(model: Any) -> list[Any]:
    return list(db.session.scalars(select(model).order_by(model.id)))


def _hours(row: OpeningHours) -> Hours:
    return Hours(row.hours, row.weekday, row.opens, row.closes)


def quota_place(row: Quota) -> QuotaPlace:
    """Return a quota as a plain value."""
    return QuotaPlace(**{field.name: getattr(row, field.name) for field in fields(QuotaPlace)})


def _steps(rows: Iterable[LifecycleStep]) -> tuple[Step, ...]:
    return tuple(sorted((Step(row.starts_on, row.state) for row in rows), key=lambda step: step.starts_on))


def _closed_days(row: Closure) -> ClosedDays:
    return ClosedDays(row.first_day, row.last_day, row.name, row.reason, row.room_id, row.resource_id, row.id)


def _banner(row: Banner) -> BannerPlace:
    return BannerPlace(row.id, row.text, row.first_day, row.last_day, row.room_id)


def _concerns(policy: Policy | ApprovalRule, resource: Resource) -> bool:
    return (
        policy.facility_id == resource.facility_id
        and policy.kind in (None, resource.kind)
        and policy.resource_id in (None, resource.id)
    )


def _policy(row: Policy) -> PolicyPlace:
    says = {name: getattr(row, name) for name in POLICY_DEFAULTS if getattr(row, name) is not None}
    says |= {name: tuple(says[name]) for name in ("roles", "overridable") if name in says}
    return PolicyPlace(row.id, row.name, row.set_by, row.kind, row.resource_id, row.role, says)


def approval_place(row: ApprovalRule) -> ApprovalPlace:
    """Return a rule of approval as a plain value."""
    return ApprovalPlace(
        row.name,
        row.set_by,
        row.kind,
        row.resource_id,
        row.role,
        row.longer_than_minutes,
        row.outside_hours,
        (row.first, row.second) if row.second else (row.first,),
        row.own,
        row.answer_days,
    )


def viewer_of(user_id: int, scope: str = "write") -> Viewer | None:
    """Return everything that decides what a person may see and do now; None if there is no such account."""
    known = _snapshot().viewers
    viewer = known.get(user_id) or _viewer(user_id)
    if viewer is None:
        return None
    known[user_id] = viewer
    return viewer if scope == viewer.scope else replace(viewer, scope=scope)


def _viewer(user_id: int) -> Viewer | None:
    row = db.session.execute(
        select(User, Organisation)
        .join(Organisation)
        .where(User.id == user_id, User.active, Organisation.active)
    ).one_or_none()
    if row is None:
        return None
    user, organisation = row
    memberships = list(db.session.scalars(select(Membership).where(Membership.user_id == user_id)))
    leads = frozenset(m.project_id for m in memberships if m.lead)
    standing_in = select(Deputy.user_id, Deputy.first_day, Deputy.last_day).where(Deputy.deputy_id == user_id)
    return Viewer(
        id=user.id,
        public_id=user.public_id,
        name=user.name,
        email=user.email,
        role=user.role,
        organisation_id=organisation.id,
        organisation_code=organisation.code,
        organisation_name=organisation.name,
        organisation_kind=organisation.kind,
        projects=frozenset(m.project_id for m in memberships),
        leads=leads,
        led_people=_people_of(leads),
        coordinates=frozenset(
            db.session.scalars(select(Coordinator.organisation_id).where(Coordinator.user_id == user_id))
        ),
        duties=tuple(
            sorted(
                (duty, facility_id)
                for duty, facility_id in db.session.execute(
                    select(Duty.duty, Duty.facility_id).where(Duty.user_id == user_id)
                )
            )
        ),
        stands_in=tuple((row[0], row[1], row[2]) for row in db.session.execute(standing_in)),
    )


def _people_of(projects: frozenset[int]) -> frozenset[int]:
    if not projects:
        return frozenset()
    query = select(Membership.user_id).where(Membership.project_id.in_(projects))
    return frozenset(db.session.scalars(query))
