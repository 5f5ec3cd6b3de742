"""The facility that is measured: 50 machines in five rooms, 200 people of the host and its partners.

What can be booked in a week is a fixed lattice of cells that never get into each other's way, whoever
books: some are taken in every week, so that each is equally dense however long the history; others are free.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

FACILITY = "BENCH"
TIMEZONE = "Europe/London"
DOMAIN = "bench.example"
HOUR, DAY = 60, 24 * 60
OPENS, CLOSES = 8 * HOUR + 30, 17 * HOUR + 30
WORKING_DAYS = 5
HORIZON_DAYS = 400


@dataclass(frozen=True)
class Kind:
    """Machines that are alike. `starts` are minutes of a week, for bookings of so many minutes."""

    code: str
    name: str
    kind: str
    machines: int
    room: str
    running: str
    grid: int
    setup: int
    changeover: int
    clearance: int
    starts: tuple[tuple[int, int], ...]
    taken: float
    units: int = 1
    unit_name: str = "place"


class Cell(NamedTuple):
    """One unit of one machine for some minutes of any week."""

    kind: Kind
    machine: str
    unit: int
    start: int
    end: int


def _daily(first: int, last: int, every: int, minutes: int) -> tuple[tuple[int, int], ...]:
    return tuple(
        (day * DAY + start, minutes) for day in range(WORKING_DAYS) for start in range(first, last, every)
    )


_TWICE_A_WEEK = ((9 * HOUR, 2 * DAY), (2 * DAY + 14 * HOUR, 2 * DAY))
_LONG_RUNS = ((14 * HOUR + 30, 43 * HOUR), (3 * DAY + 9 * HOUR + 30, 29 * HOUR))
KINDS = (
    Kind("BSC", "Cabinet", "workstation", 14, "B-01", "attended", 30, 0, 0, 30,
         _daily(OPENS, CLOSES - HOUR + 1, 90, HOUR), 0.50),
    Kind("DSP", "Chromatography skid", "downstream", 8, "B-02", "attended", 30, 30, 30, 60,
         _daily(OPENS, CLOSES - 2 * HOUR + 1, 210, 2 * HOUR), 0.30),
    Kind("ANA", "Analyser", "analytical", 12, "B-02", "free", 15, 0, 15, 15,
         _daily(0, DAY, HOUR, 45), 0.07),
    Kind("INC", "Incubator", "incubator", 6, "B-03", "ends", DAY, 0, 0, 120,
         _TWICE_A_WEEK, 0.50, 8, "shelf"),
    Kind("BR", "Bioreactor", "bioreactor", 6, "B-04", "ends", HOUR, 6 * HOUR, 3 * HOUR, 6 * HOUR,
         _LONG_RUNS, 0.75),
    Kind("PRE", "Preparation bench", "support", 4, "B-05", "attended", 15, 15, 15, 30,
         _daily(OPENS, CLOSES - HOUR + 1, 105, HOUR), 0.10, 4),
)  # fmt: skip
ROOMS = {
    "B-01": "Process laboratory",
    "B-02": "Analytical laboratory",
    "B-03": "Incubation",
    "B-04": "Pilot plant",
    "B-05": "Preparation",
}
ORGANISATIONS = {  # name, alias, kind, number of people, number of projects
    "UNI": ("Metropolitan University", "the university", "host", 120, 12),
    "AMB": ("Northwind Therapeutics", "Partner Amber", "member", 40, 4),
    "BIR": ("Aldermoor Biologics", "Partner Birch", "industry", 25, 3),
    "COB": ("Harbour Cell Works", "Partner Cobalt", "industry", 15, 2),
}
STAFF = 6  # of the host's people, the last


@dataclass(frozen=True)
class Member:
    """A person as the catalogue has it."""

    email: str
    name: str
    role: str
    organisation: str
    project: str
    leads: bool


@dataclass(frozen=True)
class Week:
    """The cells of any week: those that are taken in each, and those that are free."""

    taken: tuple[Cell, ...]
    free: tuple[Cell, ...]


def machines(kind: Kind) -> list[str]:
    """Return the codes of a kind's machines."""
    return [f"B-{kind.code}{number}" for number in range(1, kind.machines + 1)]


def week() -> Week:
    """Return the lattice; the same cells are taken every time that it is asked for."""
    rng = Random(50)  # noqa: S311 (what is measured must be the same in each run)
    taken: list[Cell] = []
    free: list[Cell] = []
    for kind in KINDS:
        cells = [
            Cell(kind, machine, unit, start, start + minutes)
            for machine in machines(kind)
            for unit in range(1, kind.units + 1)
            for start, minutes in kind.starts
        ]
        rng.shuffle(cells)
        number = round(len(cells) * kind.taken)
        taken += cells[:number]
        free += cells[number:]
    taken.sort(key=lambda cell: (cell.start, cell.machine, cell.unit))
    rng.shuffle(free)
    return Week(tuple(taken), tuple(free))


def midnight_of(monday: date) -> int:
    """Return the epoch second from which a week's minutes count; clocks change on Sundays, so one will do."""
    zone = ZoneInfo(TIMEZONE)
    days = (monday - date(1970, 1, 1)).days
    return days * 86400 - int(_offset(monday, zone).total_seconds())


def _offset(monday: date, zone: ZoneInfo) -> timedelta:
    return datetime.combine(monday, time(12), zone).utcoffset() or timedelta()


def members() -> list[Member]:
    """Return everybody."""
    return [member for code in ORGANISATIONS for member in _members_of(code)]


def _members_of(code: str) -> Iterator[Member]:
    _, _, kind, people, projects = ORGANISATIONS[code]
    for n in range(people):
        email = f"{code.lower()}.{n + 1}@{DOMAIN}"
        role = _role(n, people, kind)
        yield Member(
            email, f"{code.title()} Person {n + 1}", role, code, f"P-{code}-{n % projects + 1}", n < projects
        )


def _role(n: int, people: int, kind: str) -> str:
    if kind != "host":
        return "industry"
    if n >= people - STAFF:
        return "staff"
    return "student" if n % 3 == 2 else "researcher"


def catalogue() -> dict[str, Any]:
    """Return all of it as a catalogue that `booking load` takes."""
    return {
        "version": 1,
        "facilities": [_facility()],
        "rooms": [
            {"code": code, "facility": FACILITY, "name": name, "max_persons": 500}
            for code, name in ROOMS.items()
        ],
        "resources": [_resource(kind, code) for kind in KINDS for code in machines(kind)],
        "organisations": [
            {"code": code, "name": name, "alias": alias, "kind": kind}
            for code, (name, alias, kind, _, _) in ORGANISATIONS.items()
        ],
        "projects": [
            # the last of each organisation is confidential: a client of its own
            {
                "code": f"P-{code}-{n}",
                "name": f"Study {n}",
                "organisation": code,
                "confidential": n == projects,
            }
            for code, (_, _, _, _, projects) in ORGANISATIONS.items()
            for n in range(1, projects + 1)
        ],
        "people": [_person(member) for member in members()],
    }


def _facility() -> dict[str, Any]:
    days = ["mon", "tue", "wed", "thu", "fri"]
    hours = {"hours": "staffed", "days": days, "opens": "08:30", "closes": "17:30"}
    return {"code": FACILITY, "name": "Measured Hub", "timezone": TIMEZONE, "hours": [hours]}


def _resource(kind: Kind, code: str) -> dict[str, Any]:
    lengths = [minutes for _, minutes in kind.starts]
    return {
        "code": code,
        "facility": FACILITY,
        "name": f"{kind.name} {code.removeprefix(f'B-{kind.code}')}",
        "kind": kind.kind,
        "room": kind.room,
        "units": kind.units,
        "unit_name": kind.unit_name,
        "running": kind.running,
        "policy": {
            "min_minutes": min(lengths),
            "max_minutes": 4 * max(lengths),
            "grid_minutes": kind.grid,
            "horizon_days": HORIZON_DAYS,
            "setup_minutes": kind.setup,
            "changeover_minutes": kind.changeover,
            "clearance_minutes": kind.clearance,
        },
    }


def _person(member: Member) -> dict[str, Any]:
    staff = [{"duty": "technician", "facility": FACILITY}] if member.role == "staff" else []
    return {
        "email": member.email,
        "name": member.name,
        "role": member.role,
        "organisation": member.organisation,
        "duties": staff,
        "projects": [{"project": member.project, "lead": member.leads}],
    }
