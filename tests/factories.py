"""A small world to book in: two facilities, three companies, the people and the machines that tests name."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from argon2 import PasswordHasher
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import Engine, create_engine, select
from sqlalchemy.orm import Session, scoped_session

from booking import MOST_KEPT, create_app, without_doors
from booking.base import clock
from booking.base import db as database
from booking.base.db import Base, db, transaction
from booking.base.kept import Kept
from booking.base.period import at
from booking.bookings.request import BookingRequest, Wanted
from booking.facilities.actions import directory_changed
from booking.facilities.models import (
    Duty,
    Facility,
    LifecycleStep,
    OpeningHours,
    Policy,
    Resource,
    Room,
    Substitute,
    Unit,
)
from booking.facilities.places import holiday_name
from booking.facilities.queries import viewer_of
from booking.limits import Limits
from booking.people.models import Coordinator, Membership, Organisation, Project, User
from booking.people.viewer import Viewer
from booking.settings import Settings

AnySession = Session | scoped_session[Any]
LONDON = ZoneInfo("Europe/London")
MONDAY = datetime(2027, 1, 11, 9, tzinfo=UTC)  # where tests stop the clock: no holiday is near
PASSWORD = "a kettle of warm media"
SECRET_KEY = "only for the tests"
HOUR, DAY, WEEK = 60, 24 * 60, 7 * 24 * 60

ORGANISATIONS = {
    "host": ("UNI", "Metropolitan University", "the university", "host"),
    "amber": ("NWT", "Northwind Therapeutics", "Partner Amber", "member"),
    "birch": ("ALD", "Aldermoor Biologics", "Partner Birch", "industry"),
}
USERS = {  # name, role, organisation
    "student": ("Stella Student", "student", "host"),
    "researcher": ("Rhona Researcher", "researcher", "host"),
    "colleague": ("Colin Colleague", "researcher", "host"),
    "leader": ("Lena Leader", "researcher", "host"),
    "amber": ("Anna Okafor", "industry", "amber"),
    "amber2": ("Amir Dhillon", "industry", "amber"),
    "coordinator": ("Carla Moreau", "industry", "amber"),
    "birch": ("Boris Lindqvist", "industry", "birch"),
    "technician": ("Tessa Technician", "staff", "host"),
    "staff": ("Simon Staff", "staff", "host"),
    "sus_staff": ("Suki Elsewhere", "staff", "host"),
    "admin": ("Ada Admin", "admin", "host"),
}
DUTIES = (
    ("technician", "technician", "HUB"),
    ("staff", "facility_manager", "HUB"),
    ("sus_staff", "facility_manager", "SUS"),
)
PROJECTS = {  # name, organisation, confidential, lead, members
    "P-OPEN": ("Open media study", "host", False, "leader", ("student", "researcher")),
    "P-SECRET": ("Quiet vector study", "host", True, "leader", ("researcher",)),
    "P-AMBER": ("Northwind scale-up", "amber", False, "amber", ("amber2",)),
    "P-HUSH": ("Northwind hidden product", "amber", True, "amber", ()),
}


class Machine(NamedTuple):
    """A resource of the small world: what differs from one to the next."""

    code: str
    name: str
    kind: str
    room: str
    running: str
    policy: dict[str, Any]
    units: int = 1
    unit_name: str = "place"
    twin: str = ""
    approval: bool = False
    long_stay: bool = False


CABINET = {
    "min_minutes": 30,
    "max_minutes": 4 * HOUR,
    "grid_minutes": 30,
    "setup_minutes": 15,
    "changeover_minutes": 15,
    "clearance_minutes": 60,
}
MACHINES = {
    "cabinet": Machine("H-BSC1", "Cabinet 1", "workstation", "H-01", "attended", CABINET, twin="H-BSC2"),
    "twin": Machine("H-BSC2", "Cabinet 2", "workstation", "H-01", "attended", CABINET, twin="H-BSC1"),
    "incubator": Machine(
        "H-INC1",
        "Incubator 1",
        "incubator",
        "H-01",
        "ends",
        {"min_minutes": DAY, "max_minutes": 4 * WEEK, "grid_minutes": DAY, "clearance_minutes": 2 * HOUR},
        units=8,
        unit_name="shelf",
    ),
    "chromatograph": Machine(
        "H-LC",
        "Chromatograph",
        "analytical",
        "H-02",
        "free",
        {
            "min_minutes": 2 * HOUR,
            "max_minutes": 3 * DAY,
            "grid_minutes": HOUR,
            "horizon_days": 104 * 7,
            "setup_minutes": HOUR,
            "changeover_minutes": 30,
            "clearance_minutes": 2 * HOUR,
        },
    ),
    "bioreactor": Machine(
        "H-BR1",
        "Bioreactor 1",
        "bioreactor",
        "H-02",
        "ends",
        {
            "min_minutes": DAY,
            "max_minutes": 3 * WEEK,
            "grid_minutes": HOUR,
            "notice_minutes": 3 * DAY,
            "setup_minutes": 6 * HOUR,
            "changeover_minutes": 3 * HOUR,
            "clearance_minutes": 6 * HOUR,
        },
        approval=True,
    ),
    "rack": Machine(
        "H-LN2",
        "Cryostore rack",
        "storage",
        "H-03",
        "ends",
        {
            "roles": ["researcher", "industry"],
            "min_minutes": WEEK,
            "max_minutes": 730 * DAY,
            "grid_minutes": DAY,
            "horizon_days": 104 * 7,
        },
        units=4,
        unit_name="rack",
        long_stay=True,
    ),
    "vector": Machine(
        "H-VEC",
        "Vector cabinet",
        "workstation",
        "H-02",
        "attended",
        {"roles": ["student", "researcher"], "grid_minutes": 30, "min_minutes": 30, "max_minutes": 8 * HOUR},
    ),
    "hall": Machine(  # no set-up, no changeover, no clearance: only time itself is in the way
        "H-HALL",
        "Teaching places",
        "teaching",
        "H-04",
        "attended",
        {"min_minutes": 30, "max_minutes": 9 * HOUR, "grid_minutes": 30},
        units=20,
    ),
    "sus_cabinet": Machine("S-BSC", "Suite cabinet", "workstation", "S-01", "attended", CABINET),
}
ROOMS = {  # name, most persons, facility
    "H-01": ("Cell culture laboratory", 6, "HUB"),
    "H-02": ("Analytical laboratory", 3, "HUB"),
    "H-03": ("Cryostore", 2, "HUB"),
    "H-04": ("Teaching laboratory", 18, "HUB"),
    "S-01": ("Seed room", 3, "SUS"),
}


@dataclass(frozen=True)
class World:
    """The database ids of everything in the small world, by the names that tests use."""

    facilities: dict[str, int]
    rooms: dict[str, int]
    resources: dict[str, int]
    units: dict[str, tuple[int, ...]]
    organisations: dict[str, int]
    projects: dict[str, int]
    users: dict[str, int]

    def viewer(self, name: str, scope: str = "write") -> Viewer:
        """Return a person with everything they may see and do now."""
        viewer = viewer_of(self.users[name], scope)
        assert viewer is not None
        return viewer


def a_world(session: AnySession) -> World:
    """Build the small world in one transaction; call it inside the application's context."""
    with transaction():
        organisations = _organisations(session)
        users = _users(session, organisations)
        projects = _projects(session, organisations, users)
        facilities = _facilities(session, users)
        rooms = _rooms(session, facilities)
        resources = _machines(session, facilities, rooms)
        units = _units(session, resources)
        directory_changed()
    return World(facilities, rooms, resources, units, organisations, projects, users)


def the_world() -> World:
    """Find the small world in a database that holds it."""

    def ids(model: Any) -> dict[str, int]:
        return {code: key for code, key in db.session.execute(select(model.code, model.id))}

    resources, organisations = ids(Resource), ids(Organisation)
    units = {
        code: tuple(db.session.scalars(select(Unit.id).where(Unit.resource_id == key).order_by(Unit.number)))
        for code, key in resources.items()
    }
    users = {email.split("@")[0]: key for email, key in db.session.execute(select(User.email, User.id))}
    named = {key: organisations[code] for key, (code, *_) in ORGANISATIONS.items()}
    return World(ids(Facility), ids(Room), resources, units, named, ids(Project), users)


def email_of(name: str) -> str:
    """Return the address with which a person signs in."""
    return f"{name}@{'hub' if name not in ('amber', 'amber2', 'birch', 'coordinator') else 'partner'}.example"


@cache
def _password_hash() -> str:
    """Hash the password of the small world cheaply: it is checked at every sign-in of the tests."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def _added(session: AnySession, row: Base) -> int:
    session.add(row)
    session.flush()
    return int(row.id)  # type: ignore[attr-defined]


def _organisations(session: AnySession) -> dict[str, int]:
    return {
        key: _added(session, Organisation(code=code, name=name, alias=alias, kind=kind))
        for key, (code, name, alias, kind) in ORGANISATIONS.items()
    }


def _users(session: AnySession, organisations: dict[str, int]) -> dict[str, int]:
    now = clock.now()
    users = {
        key: _added(
            session,
            User(
                email=email_of(key),
                name=name,
                role=role,
                organisation_id=organisations[organisation],
                password_hash=_password_hash(),
                created_at=now,
                renamed_at=now,
            ),
        )
        for key, (name, role, organisation) in USERS.items()
    }
    session.add(Coordinator(organisation_id=organisations["amber"], user_id=users["coordinator"]))
    return users


def _projects(session: AnySession, organisations: dict[str, int], users: dict[str, int]) -> dict[str, int]:
    projects = {}
    for code, (name, organisation, confidential, lead, members) in PROJECTS.items():
        project = Project(
            code=code, name=name, organisation_id=organisations[organisation], confidential=confidential
        )
        projects[code] = _added(session, project)
        session.add(Membership(project_id=project.id, user_id=users[lead], lead=organisation == "host"))
        session.add_all(Membership(project_id=project.id, user_id=users[member]) for member in members)
    return projects


def _facilities(session: AnySession, users: dict[str, int]) -> dict[str, int]:
    today = clock.now().date()
    facilities = {}
    for code, name in (("HUB", "Manufacturing Hub"), ("SUS", "Single-Use Suite")):
        facility = Facility(code=code, name=name, timezone="Europe/London", holidays="GB-ENG")
        facilities[code] = _added(session, facility)
        for day in range(5):
            session.add(_hours(facility.id, "staffed", day, time(8, 30), time(17, 30)))
            session.add(_hours(facility.id, "extended", day, time(7), time(19)))
    sus = facilities["SUS"]
    for days, state in ((-182, "planned"), (30, "commissioning"), (37, "pilot"), (44, "live")):
        session.add(LifecycleStep(facility_id=sus, state=state, starts_on=today + timedelta(days=days)))
    for name, duty, code in DUTIES:
        session.add(Duty(user_id=users[name], duty=duty, facility_id=facilities[code]))
    return facilities


def _hours(facility_id: int, hours: str, weekday: int, opens: time, closes: time) -> OpeningHours:
    return OpeningHours(facility_id=facility_id, hours=hours, weekday=weekday, opens=opens, closes=closes)


def _rooms(session: AnySession, facilities: dict[str, int]) -> dict[str, int]:
    return {
        code: _added(session, Room(code=code, name=name, max_persons=most, facility_id=facilities[facility]))
        for code, (name, most, facility) in ROOMS.items()
    }


def _machines(session: AnySession, facilities: dict[str, int], rooms: dict[str, int]) -> dict[str, int]:
    ids: dict[str, int] = {}
    for position, machine in enumerate(MACHINES.values()):
        facility_id = facilities["SUS" if machine.code.startswith("S-") else "HUB"]
        resource = Resource(
            code=machine.code,
            name=machine.name,
            kind=machine.kind,
            facility_id=facility_id,
            room_id=rooms[machine.room],
            running=machine.running,
            unit_name=machine.unit_name,
            approval=machine.approval,
            long_stay=machine.long_stay,
            position=position,
            renamed_at=clock.now(),
        )
        ids[machine.code] = _added(session, resource)
        policy = Policy(name=f"{machine.code} rules", set_by="Simon Staff", facility_id=facility_id)
        policy.resource_id = resource.id
        for name, value in machine.policy.items():
            setattr(policy, name, value)
        session.add(policy)
    for machine in MACHINES.values():
        if machine.twin:
            session.add(Substitute(resource_id=ids[machine.code], twin_id=ids[machine.twin]))
    return ids


def _units(session: AnySession, resources: dict[str, int]) -> dict[str, tuple[int, ...]]:
    ids = {}
    for machine in MACHINES.values():
        rows = [
            Unit(resource_id=resources[machine.code], number=n, name=f"{machine.unit_name} {n}")
            for n in range(1, machine.units + 1)
        ]
        ids[machine.code] = tuple(_added(session, row) for row in rows)
    return ids


# --- An application on such a world ----------------------------------------------------------------


def an_app(url: str) -> Flask:
    """Return the application on a database."""
    return create_app(Settings(database_url=url, secret_key=SECRET_KEY))


_apps: dict[bool, Flask] = {}


@cache
def _engine(url: str) -> Engine:
    engine = create_engine(url, **database.engine_options(url))
    database.prepare(engine)
    return engine


def moved_to(url: str, doors: bool) -> Flask:
    """Return the one application of a worker, moved to a database and with nothing in memory.

    To build one takes longer than most tests. Without its doors it has no pages, no API and no commands.
    """
    settings = Settings(database_url=url, secret_key=SECRET_KEY)
    if doors not in _apps:
        _apps[doors] = create_app(settings) if doors else without_doors(settings)
    app = _apps[doors]
    app.config.update(SETTINGS=settings, KEPT=Kept(MOST_KEPT), LIMITS=Limits(settings))
    with app.app_context():
        db.engines[None] = _engine(url)
    return app


def build(url: str) -> World:
    """Bring a database to the newest schema and put the small world into it."""
    app = an_app(url)
    with app.app_context():
        upgrade()
        world = a_world(db.session)
        db.session.remove()
        db.engine.dispose()
    return world


# --- What tests ask for ----------------------------------------------------------------------------


def next_weekday(hour: float = 10, days: int = 1) -> datetime:
    """Return a local hour of a working day, the first that is at least `days` away."""
    day = clock.now().astimezone(LONDON).date() + timedelta(days=days)
    while not is_working_day(day):
        day += timedelta(days=1)
    return local(day, hour)


def working_day(number: int, hour: float = 10, nights: int = 0) -> datetime:
    """Return an hour of the `number`-th working day from tomorrow on; `nights` later is one too."""
    day = clock.now().astimezone(LONDON).date()
    while number >= 0:
        day += timedelta(days=1)
        number -= is_working_day(day) and is_working_day(day + timedelta(days=nights))
    return local(day, hour)


def is_working_day(day: date) -> bool:
    return day.weekday() < 5 and not holiday_name("GB-ENG", day)


def local(day: date, hour: float) -> datetime:
    """Return a wall-clock hour of a day in London, in UTC; 10.5 is half past ten."""
    return at(day, time(int(hour), round(hour % 1 * 60)), LONDON)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def request(
    what: str | Wanted | tuple[str | Wanted, ...] = "H-BSC1",
    start: datetime | None = None,
    hours: float = 1,
    title: str = "Passage 12",
    **more: Any,
) -> BookingRequest:
    """Ask for resources, by code, for some hours from a start (else ten o'clock on the next working day)."""
    start = start or next_weekday(10)
    resources = tuple(
        one if isinstance(one, Wanted) else Wanted(one)
        for one in (what if isinstance(what, tuple) else (what,))
    )
    return BookingRequest(start, start + timedelta(hours=hours), resources, title, **more)
