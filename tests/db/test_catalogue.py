"""Catalogues: the demo's loads whole, twice changes nothing, a bad one names every fault with its place."""

import json
import re
from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from booking.base.audit import AuditEntry
from booking.base.db import db
from booking.catalogue import dates
from booking.catalogue.actions import faults_of, load
from booking.catalogue.faults import BadCatalogue
from booking.catalogue.known import Known
from booking.catalogue.reading import MAX_BYTES, given_twice, read
from booking.catalogue.rules import meaning_faults
from booking.catalogue.shape import SCHEMA, shape_faults, sound_part
from booking.cli.catalogue import demo_catalogue
from booking.facilities.models import Closure, Resource, Unit
from booking.facilities.places import Ruled
from booking.facilities.queries import directory_version, places
from booking.people.models import Membership, Organisation, User
from booking.training.models import Competence, Module
from booking.training.queries import requirements

T0 = date(2026, 11, 23)
DEMO = json.loads(demo_catalogue())


def small() -> dict[str, Any]:
    """Return a catalogue with a bit of everything."""
    return {
        "version": 1,
        "facilities": [
            {
                "code": "F",
                "name": "Facility",
                "timezone": "Europe/London",
                "holidays": "GB-ENG",
                "hours": [{"hours": "staffed", "days": ["mon", "tue"], "opens": "08:30", "closes": "17:30"}],
                "lifecycle": [{"state": "planned", "from": "T0-1w"}, {"state": "live", "from": "T0+1w"}],
                "role_openings": [{"role": "industry", "from": "T0+2w"}],
                "closures": [{"name": "Winter", "yearly": True, "first": "12-24", "days": 10}],
            },
            {"code": "G", "name": "Another", "timezone": "Asia/Tokyo", "hours": []},
        ],
        "rooms": [{"code": "R1", "facility": "F", "name": "Room", "max_persons": 3}],
        "resources": [
            {
                "code": "A",
                "facility": "F",
                "room": "R1",
                "name": "Incubator",
                "kind": "incubator",
                "units": 3,
                "twins": ["B"],
                "modules": ["M2"],
                "policy": {"min_minutes": 60, "max_minutes": 600, "grid_minutes": 30},
            },
            {
                "code": "B",
                "facility": "F",
                "name": "Cabinet",
                "kind": "workstation",
                "units": ["Left", "Right"],
            },
        ],
        "policies": [{"name": "House", "set_by": "Manager", "facility": "F", "max_minutes": 600}],
        "quotas": [
            {"name": "Each week", "set_by": "Manager", "facility": "F", "span": "week", "minutes": 600},
            {"name": "Open", "set_by": "M", "facility": "F", "span": "open", "bookings": 3, "resource": "A"},
        ],
        "modules": [{"code": "M1", "title": "One"}, {"code": "M2", "title": "Two", "first": ["M1"]}],
        "organisations": [
            {"code": "O", "name": "Host", "kind": "host"},
            {"code": "P", "name": "Company", "alias": "Partner Amber", "kind": "member"},
        ],
        "projects": [{"code": "X", "name": "Project", "organisation": "O"}],
        "people": [
            {
                "email": "Ann@Example.org",
                "name": "Ann",
                "role": "researcher",
                "organisation": "O",
                "duties": [{"duty": "trainer", "facility": "F"}],
                "projects": [{"project": "X", "lead": True}],
                "coordinates": ["P"],
                "competences": [{"module": "M1", "awarded": "T0-4w", "through": "T0+48w"}],
            }
        ],
        "permits": [
            {
                "reference": "RA-1",
                "kind": "Risk assessment",
                "from": "T0-1w",
                "through": "T0+9w",
                "project": "X",
            }
        ],
    }


def places_of_faults(data: Any) -> list[str]:
    """Return where a catalogue is wrong, judged without a database."""
    shape = shape_faults(data, T0)
    meaning = meaning_faults(sound_part(data, shape), Known(), T0)
    return sorted({f.place for f in [*given_twice(data), *(f for _, f in shape), *meaning]})


# --- the demo's catalogue ----------------------------------------------------------------------------


@pytest.fixture
def loaded(app: Flask) -> Flask:
    load(deepcopy(DEMO), T0)
    return app


def test_the_demo_is_whole(loaded: Flask) -> None:
    found = places()
    assert (len(found.facilities), len(found.rooms), len(found.resources)) == (2, 18, 50)
    assert db.session.scalar(select(func.count()).select_from(Module)) == 28
    assert 290 <= (db.session.scalar(select(func.count()).select_from(Competence)) or 0) <= 700
    assert sum(code.startswith("H-") for code in found.by_code) == 33


def test_the_same_file_twice_changes_nothing_even_on_another_day(loaded: Flask) -> None:
    def state() -> tuple[int, int | None]:
        return directory_version(), db.session.scalar(select(func.count()).select_from(AuditEntry))

    before = state()
    for day in (T0, T0 + timedelta(days=40)):
        assert not load(deepcopy(DEMO), day).anything
    assert state() == before


RULED = [
    ("S-BSC", "student", "roles", ("student", "researcher", "industry")),
    ("S-QC", "student", "roles", ("student", "researcher", "industry")),
    ("H-BSC3", "student", "roles", ("researcher", "industry")),
    ("H-TL", "student", "roles", ()),
    ("H-AK2", "researcher", "max_minutes", 9 * 60),
    ("S-CHR", "researcher", "max_minutes", 9 * 60),
    ("H-LC", "researcher", "horizon_days", 104 * 7),
    ("H-BSC1", "student", "horizon_days", 14),
    ("H-A250", "researcher", "setup_minutes", 18 * 60),
    ("H-A250", "researcher", "changeover_minutes", 4 * 60),
    ("H-A250", "researcher", "clearance_minutes", 8 * 60),
    ("H-CNT", "student", "grid_minutes", 15),
    ("H-INC1", "student", "grid_minutes", 24 * 60),
    ("H-FER100", "researcher", "max_minutes", 10 * 24 * 60),
    ("H-FER100", "researcher", "notice_minutes", 10 * 24 * 60),
    ("S-SUB200", "industry", "opens_on", T0 + timedelta(weeks=30)),
    ("S-SUB200", "researcher", "opens_on", None),
]


def test_the_demo_keeps_the_rulings(loaded: Flask) -> None:
    resources = places().by_code
    for code, role, rule, value in RULED:
        found: Ruled = resources[code].effective(role)[rule]
        assert (code, rule, found.value) == (code, rule, value)
    running = {code: resources[code].running for code in ("H-LC", "H-INC1", "H-BSC1", "H-FER100", "H-AK2")}
    assert running == {
        "H-LC": "free",
        "H-INC1": "ends",
        "H-BSC1": "attended",
        "H-FER100": "ends",
        "H-AK2": "attended",
    }
    assert [r.code for r in resources.values() if r.long_stay] == ["H-LN2"]
    assert {r.code for r in resources.values() if len(r.units) == 16} == {"H-TL"}
    assert resources["H-A250"].approval
    assert resources["H-A250"].needs == "Risk assessment"
    assert resources["H-BSC3"].needs == "GMO permit"
    assert not resources["H-BSC3"].approval


def test_the_demo_has_the_quotas_of_shared_instruments(loaded: Flask) -> None:
    resources = places().by_code
    monday = date(2026, 11, 30)
    (prime,) = resources["H-FC1"].facility.prime_time(monday)
    assert (prime.start.hour, prime.end.hour) == (10, 18)
    for code in ("H-BSC1", "H-FC1", "H-CNT"):
        day, week, group = resources[code].quotas
        assert [(q.span, q.minutes, q.shared_by) for q in (day, week, group)] == [
            ("day", 5 * 60, "user"),
            ("week", 12 * 60, "user"),
            ("week", 40 * 60, "project"),
        ]
        assert day.prime
        assert day.each_resource
    assert not any(resources[code].quotas for code in ("H-LC", "H-IMG", "H-INC1", "H-AUT"))


def test_the_demo_opens_and_closes_in_time(loaded: Flask) -> None:
    resources = places().by_code
    states = {weeks: resources["S-VEC"].state_on(T0 + timedelta(weeks=weeks)) for weeks in (0, 8, 20, 26)}
    assert states == {0: "planned", 8: "commissioning", 20: "pilot", 26: "live"}
    fermenter = resources["H-FER100"]
    assert [fermenter.state_on(T0 + timedelta(weeks=w)) for w in (25, 26, 38)] == [
        "live",
        "retiring",
        "closed",
    ]
    assert resources["H-BSC1"].closed_on(date(2026, 12, 24))
    assert resources["H-BSC1"].closed_on(date(2027, 1, 2))
    assert resources["H-BSC1"].closed_on(date(2027, 8, 9))
    assert not resources["H-BSC1"].closed_on(date(2026, 12, 23))
    names = {r.id: r.code for r in resources.values()}
    twins = {r.code: [names[twin] for twin in r.twins] for r in resources.values() if r.twins}
    assert twins["H-RM1"] == ["H-RM2"]
    assert twins["H-CTP1"] == ["S-CTP2"]
    assert "H-RM2" not in twins


# --- what loading does -------------------------------------------------------------------------------


def test_what_is_left_out_stays_and_what_is_given_changes(app: Flask) -> None:
    load(small(), T0)
    version = directory_version()
    again = {
        "version": 1,
        "resources": [{"code": "A", "facility": "F", "name": "New name", "kind": "incubator", "units": 2}],
        "people": [
            {
                "email": "ann@example.org",
                "name": "Ann",
                "role": "researcher",
                "organisation": "O",
                "projects": [],
            }
        ],
    }
    summary = load(again, T0)
    assert (summary.created, summary.changed) == ({}, {"resources": 1, "people": 1})
    assert directory_version() > version
    resource = db.session.scalars(select(Resource).where(Resource.code == "A")).one()
    assert (resource.name, resource.version) == ("New name", 1)
    assert len(places().by_code["A"].units) == 2
    assert len(places().by_code["A"].twins) == 1
    assert not db.session.scalars(select(Membership)).all()
    row = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc())).first()
    assert row is not None
    assert (row.action, row.object_kind) == ("changed", "user")
    assert (row.before, row.after) == ({"projects": ["X"]}, {"projects": []})


def test_a_quota_is_known_by_its_name_and_replaced_as_a_whole(app: Flask) -> None:
    data = small()
    assert "2 quotas made" in str(load(deepcopy(data), T0))
    assert not load(deepcopy(data), T0).anything
    data["quotas"] = [{"name": "Each week", "set_by": "M", "facility": "F", "span": "day", "bookings": 2}]
    data["quotas"][0] |= {"shared_by": "project", "project": "X", "prime": True}
    assert str(load(deepcopy(data), T0)) == "1 quotas changed"
    week, other = places().by_code["A"].quotas
    assert (week.span, week.minutes, week.bookings, week.prime) == ("day", None, 2, True)
    assert (week.shared_by, week.project_id is not None, other.name) == ("project", True, "Open")
    assert [quota.name for quota in places().by_code["B"].quotas] == ["Each week"]


def test_units_are_put_to_rest_and_come_back(app: Flask) -> None:
    load(small(), T0)
    units = {unit.id for unit in places().by_code["A"].units}
    data = small()
    for count in (1, 3):
        data["resources"][0]["units"] = count
        load(data, T0)
    assert {unit.id for unit in places().by_code["A"].units} == units
    assert [unit.name for unit in places().by_code["B"].units] == ["Left", "Right"]
    assert db.session.scalar(select(func.count()).select_from(Unit)) == 5


def test_closures_are_only_added(app: Flask) -> None:
    load(small(), T0)
    count = db.session.scalar(select(func.count()).select_from(Closure))
    data = small()
    data["facilities"][0]["closures"] = [{"name": "Flood", "first": "T0+1d", "last": "T0+3d", "room": "R1"}]
    load(data, T0)
    assert db.session.scalar(select(func.count()).select_from(Closure)) == (count or 0) + 1
    assert places().by_code["A"].closed_on(T0 + timedelta(days=2))
    assert not places().by_code["B"].closed_on(T0 + timedelta(days=2))


def test_a_host_is_shown_by_its_name_and_addresses_are_lower_case(app: Flask) -> None:
    load(small(), T0)
    aliases = {o.code: o.alias for o in db.session.scalars(select(Organisation))}
    assert aliases == {"O": "Host", "P": "Partner Amber"}
    assert db.session.scalars(select(User.email)).all() == ["ann@example.org"]


def test_nothing_is_loaded_from_a_bad_file(app: Flask) -> None:
    data = small()
    data["permits"][0]["through"] = "T0-9w"
    with pytest.raises(BadCatalogue, match="ends on 2026-09-21, before it begins"):
        load(data, T0)
    assert not places().facilities
    assert not db.session.scalars(select(AuditEntry)).all()


def test_a_file_may_refer_to_what_was_loaded_before(app: Flask) -> None:
    load(small(), T0)
    more = {"version": 1, "rooms": [{"code": "R2", "facility": "F", "name": "Second", "max_persons": 1}]}
    assert faults_of(more, T0) == []
    more["rooms"][0]["facility"] = "G"  # type: ignore[index]
    load(more, T0)
    more["rooms"][0]["facility"] = "F"  # type: ignore[index]
    assert [f.place for f in faults_of(more, T0)] == ["rooms[0].facility"]
    longer = {
        "version": 1,
        "policies": [{"name": "n", "set_by": "s", "facility": "F", "kind": "incubator", "min_minutes": 900}],
    }
    assert faults_of(longer, T0) == []
    longer["policies"][0].update(resource="A", max_minutes=800)  # type: ignore[index]
    del longer["policies"][0]["kind"]  # type: ignore[attr-defined]
    assert {f.place for f in faults_of(longer, T0)} == {"policies[0].min_minutes"}


# --- faults, each with its place ---------------------------------------------------------------------

Spoil = Callable[[dict[str, Any]], object]


def put(value: Any, *path: str | int) -> Spoil:
    """Return what puts a value somewhere into a catalogue."""

    def spoil(data: dict[str, Any]) -> None:
        holder: Any = data
        for step in path[:-1]:
            holder = holder[step]
        if path[-1] == "+":
            holder.append(value)
        else:
            holder[path[-1]] = value

    return spoil


def cut(*path: str | int) -> Spoil:
    """Return what takes something out of a catalogue."""

    def spoil(data: dict[str, Any]) -> None:
        holder: Any = data
        for step in path[:-1]:
            holder = holder[step]
        del holder[path[-1]]

    return spoil


LATE = {"hours": "staffed", "days": ["tue"], "opens": "17:00", "closes": "18:00"}
SPOILT: list[tuple[Spoil, str]] = [
    (put(2, "version"), "version"),
    (put(True, "version"), "version"),
    (cut("version"), "version"),
    (put([], "kits"), "kits"),
    (put({}, "rooms"), "rooms"),
    (put("x", "rooms", 0), "rooms[0]"),
    (cut("rooms", 0, "name"), "rooms[0].name"),
    (put("3", "rooms", 0, "max_persons"), "rooms[0].max_persons"),
    (put(3.0, "rooms", 0, "max_persons"), "rooms[0].max_persons"),
    (put(-1, "rooms", 0, "max_persons"), "rooms[0].max_persons"),
    (put("", "rooms", 0, "name"), "rooms[0].name"),
    (put("a\0b", "rooms", 0, "name"), "rooms[0].name"),
    (put("\ud800", "rooms", 0, "note"), "rooms[0].note"),
    (put("two\nlines", "rooms", 0, "name"), "rooms[0].name"),
    (put("x" * 1_000_000, "rooms", 0, "name"), "rooms[0].name"),
    (put("R 1", "rooms", 0, "code"), "rooms[0].code"),
    (put("NO", "rooms", 0, "facility"), "rooms[0].facility"),
    (put("Europe/Nowhere", "facilities", 0, "timezone"), "facilities[0].timezone"),
    (put("../../etc/passwd", "facilities", 0, "timezone"), "facilities[0].timezone"),
    (put("XX-YY", "facilities", 0, "holidays"), "facilities[0].holidays"),
    (put("08:00", "facilities", 0, "hours", 0, "closes"), "facilities[0].hours[0].closes"),
    (put("24:00", "facilities", 0, "hours", 0, "closes"), "facilities[0].hours[0].closes"),
    (put(["mon", "mon"], "facilities", 0, "hours", 0, "days"), "facilities[0].hours[0].days"),
    (put(["moon"], "facilities", 0, "hours", 0, "days"), "facilities[0].hours[0].days[0]"),
    (put(LATE, "facilities", 0, "hours", "+"), "facilities[0].hours[1]"),
    (put("T0-2w", "facilities", 0, "lifecycle", 1, "from"), "facilities[0].lifecycle[1].from"),
    (put("planned", "facilities", 0, "lifecycle", 1, "state"), "facilities[0].lifecycle[1].state"),
    (put("burning", "facilities", 0, "lifecycle", 1, "state"), "facilities[0].lifecycle[1].state"),
    (put("12-32", "facilities", 0, "closures", 0, "first"), "facilities[0].closures[0].first"),
    (put("02-29", "facilities", 0, "closures", 0, "first"), "facilities[0].closures[0].first"),
    (cut("facilities", 0, "closures", 0, "days"), "facilities[0].closures[0].last"),
    (put("R9", "facilities", 0, "closures", 0, "room"), "facilities[0].closures[0].room"),
    (put("A", "resources", 1, "code"), "resources[1].code"),
    (put("a", "resources", 1, "code"), "resources[1].code"),
    (put(5, "resources", 0, "room"), "resources[0].room"),
    (put("R9", "resources", 0, "room"), "resources[0].room"),
    (put("G", "rooms", 0, "facility"), "resources[0].room"),
    (put(0, "resources", 0, "units"), "resources[0].units"),
    (put([], "resources", 0, "units"), "resources[0].units"),
    (put("many", "resources", 0, "units"), "resources[0].units"),
    (put(["a", 5], "resources", 0, "units"), "resources[0].units[1]"),
    (put(["A"], "resources", 0, "twins"), "resources[0].twins"),
    (put(["Z"], "resources", 0, "twins"), "resources[0].twins[0]"),
    (put(["M1", "Z"], "resources", 0, "modules"), "resources[0].modules[1]"),
    (put("maybe", "resources", 0, "approval"), "resources[0].approval"),
    (put("oven", "resources", 0, "kind"), "resources[0].kind"),
    (put(7, "resources", 0, "policy", "grid_minutes"), "resources[0].policy.grid_minutes"),
    (put(None, "resources", 0, "policy", "grid_minutes"), "resources[0].policy.grid_minutes"),
    (put(0, "resources", 0, "policy", "max_minutes"), "resources[0].policy.max_minutes"),
    (put(700, "resources", 0, "policy", "min_minutes"), "resources[0].policy.min_minutes"),
    (put(720, "resources", 0, "policy", "grid_minutes"), "resources[0].policy.grid_minutes"),
    (put(10081, "resources", 0, "policy", "clearance_minutes"), "resources[0].policy.clearance_minutes"),
    (put(35 * 1440 + 30, "resources", 0, "policy", "max_minutes"), "resources[0].policy"),
    (put(34 * 1440 + 23 * 60, "resources", 0, "policy", "setup_minutes"), "resources[0].policy"),
    (put(900000, "resources", 0, "policy", "notice_minutes"), "resources[0].policy.notice_minutes"),
    (put(["guest"], "resources", 0, "policy", "roles"), "resources[0].policy.roles[0]"),
    (put(3, "resources", 0, "policy", "kits"), "resources[0].policy.kits"),
    (put("A", "policies", 0, "resource"), "policies[0]"),
    (put("Z", "policies", 0, "resource"), "policies[0].resource"),
    (cut("policies", 0, "set_by"), "policies[0].set_by"),
    (put("F9", "quotas", 0, "facility"), "quotas[0].facility"),
    (put("year", "quotas", 0, "span"), "quotas[0].span"),
    (put(3, "quotas", 0, "bookings"), "quotas[0].minutes"),
    (cut("quotas", 0, "minutes"), "quotas[0].minutes"),
    (put(-1, "quotas", 0, "minutes"), "quotas[0].minutes"),
    (put("Z", "quotas", 1, "resource"), "quotas[1].resource"),
    (put("incubator", "quotas", 1, "kind"), "quotas[1].resource"),
    (put("X9", "quotas", 0, "project"), "quotas[0].project"),
    (put("O9", "quotas", 0, "organisation"), "quotas[0].organisation"),
    (put("Each week", "quotas", 1, "name"), "quotas[1].name"),
    (put(["M2"], "modules", 0, "first"), "modules[0].first"),
    (put(["M9"], "modules", 0, "first"), "modules[0].first[0]"),
    (cut("organisations", 1, "alias"), "organisations[1].alias"),
    (put("Company", "organisations", 1, "alias"), "organisations[1].alias"),
    (put("O9", "projects", 0, "organisation"), "projects[0].organisation"),
    (put("nobody", "people", 0, "email"), "people[0].email"),
    (put("guest", "people", 0, "role"), "people[0].role"),
    (put("O9", "people", 0, "organisation"), "people[0].organisation"),
    (put("F9", "people", 0, "duties", 0, "facility"), "people[0].duties[0].facility"),
    (put("X9", "people", 0, "projects", 0, "project"), "people[0].projects[0].project"),
    (put({"project": "X"}, "people", 0, "projects", "+"), "people[0].projects[1].project"),
    (put(["O9"], "people", 0, "coordinates"), "people[0].coordinates[0]"),
    (put("M9", "people", 0, "competences", 0, "module"), "people[0].competences[0].module"),
    (put("T0-9w", "people", 0, "competences", 0, "through"), "people[0].competences[0].through"),
    (put("0001-01-01", "people", 0, "competences", 0, "through"), "people[0].competences[0].through"),
    (put("9999-12-31", "people", 0, "competences", 0, "through"), "people[0].competences[0].through"),
    (put("T0+99999w", "people", 0, "competences", 0, "through"), "people[0].competences[0].through"),
    (put("2026-02-30", "people", 0, "competences", 0, "through"), "people[0].competences[0].through"),
    (put("tomorrow", "people", 0, "competences", 0, "through"), "people[0].competences[0].through"),
    (put("\u0662026-01-01", "people", 0, "competences", 0, "through"), "people[0].competences[0].through"),
    (put("x@y.org", "permits", 0, "user"), "permits[0].user"),
    (put("T0-2w", "permits", 0, "through"), "permits[0].through"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("spoil", "where"), SPOILT, ids=[f"{n}-{where}" for n, (_, where) in enumerate(SPOILT)]
)
def test_a_fault_is_named_with_its_place(spoil: Spoil, where: str) -> None:
    data = small()
    assert places_of_faults(data) == []
    spoil(data)
    assert where in places_of_faults(data)


def test_all_faults_are_named_at_once() -> None:
    expected = {
        "rooms[0].max_persons",
        "facilities[0].timezone",
        "facilities[0].lifecycle[1].from",
        "resources[0].policy.grid_minutes",
        "people[0].organisation",
        "permits[0].through",
    }
    data = small()
    for where, spoil in {where: spoil for spoil, where in SPOILT}.items():
        if where in expected:
            spoil(data)
    assert set(places_of_faults(data)) == expected


@pytest.mark.parametrize("data", [None, [], 5, "x", True, {"version": 1, "people": [None, 3, []]}])
def test_whatever_is_no_catalogue_has_faults(data: Any) -> None:
    assert places_of_faults(data)


def test_messages_are_short_and_can_be_printed() -> None:
    data = small()
    data["rooms"][0].update(name="x" * 1_000_000, facility="\ud800\x1b[31m" * 100000)
    data["y" * 100000 + "\x07"] = 1
    for fault in (fault for _, fault in shape_faults(data, T0)):
        assert len(str(fault)) < 300
        assert str(fault).isprintable()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "not JSON"),
        (b'{"version": 1', "not JSON: .* line 1, column 14"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"version": NaN}', "NaN is no number"),
        (b'{"version": ' + b"9" * 5000 + b"}", "not JSON"),
        (b" " * (MAX_BYTES + 1), "at most 20 MB"),
    ],
    ids=["empty", "cut", "latin", "deep", "nan", "long-number", "large"],
)
def test_what_is_not_json_is_refused(raw: bytes, message: str) -> None:
    with pytest.raises(BadCatalogue, match=message):
        read(raw)


def test_a_key_given_twice_is_a_fault() -> None:
    data = read(b'{"version": 1, "rooms": [{"code": "R", "code": "S"}]}')
    assert [str(fault) for fault in given_twice(data)] == [
        "rooms[0]: the key \u201ccode\u201d is given twice"
    ]


def test_the_documentation_names_every_member() -> None:
    text = (Path(__file__).parents[2] / "docs" / "catalogue.md").read_text(encoding="utf-8")
    words = set(re.findall(r"[a-z_]+", text))
    members = [name for shape in (SCHEMA, *SCHEMA["$defs"].values()) for name in shape.get("properties", {})]
    assert len(members) > 80
    assert [name for name in members if name not in words] == []


# --- days --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-23", date(2026, 11, 23)),
        ("T0", T0),
        ("T0+26w", date(2027, 5, 24)),
        ("T0-8w", date(2026, 9, 28)),
        ("T0+3d", date(2026, 11, 26)),
        ("T0>mon", T0),
        ("T0+1d>mon", date(2026, 11, 30)),
        ("2026-11-24>fri", date(2026, 11, 27)),
    ],
)
def test_days(text: str, day: date) -> None:
    assert dates.day(text, T0) == day


@pytest.mark.parametrize(
    "text", ["", "T0+1", "T1+1w", "T0+1m", "T0 + 1w", "T0>mo", "26-11-23", "2026-11-23T10:00", "1989-12-31"]
)
def test_what_is_no_day(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        dates.day(text, T0)


# --- training, permits, certificates


def a_training_file() -> dict[str, Any]:
    return {
        "version": 1,
        "facilities": [{"code": "F", "name": "F", "timezone": "Europe/London", "hours": []}],
        "resources": [
            {
                "code": "R",
                "facility": "F",
                "name": "R",
                "kind": "workstation",
                "modules": ["T-1", {"module": "T-2", "level": "trainee"}],
                "certificates": [{"kind": "Calibration", "examined": "T0-1w", "through": "T0+9d"}],
            }
        ],
        "modules": [{"code": "T-1", "title": "One", "set_by": "Us"}, {"code": "T-2", "title": "Two"}],
        "organisations": [{"code": "O", "name": "O", "kind": "host"}],
        "projects": [{"code": "P", "name": "P", "organisation": "O", "works": ["Donor material"]}],
        "permits": [
            {
                "reference": "RA-1",
                "kind": "RA",
                "from": "T0",
                "through": "T0+1w",
                "project": "P",
                "resources": ["R"],
            }
        ],
        "permit_needs": [
            {"facility": "F", "permit": "RA", "set_by": "Safety", "resource": "R", "at_times": "overnight"}
        ],
    }


def test_what_work_asks_of_people_is_loaded(app: Flask) -> None:
    load(a_training_file(), T0)
    found = places()
    resource = found.by_code["R"]
    asked = requirements(found)
    assert [(one.code, one.level, one.set_by) for one in asked.modules_of(resource.id)] == [
        ("T-1", "competent", "Us"),
        ("T-2", "trainee", ""),
    ]
    (need,) = asked.permits
    assert (need.kind, need.set_by, need.resource_id, need.at_times) == (
        "RA",
        "Safety",
        resource.id,
        "overnight",
    )
    assert list(asked.works.values()) == [frozenset({"Donor material"})]
    assert resource.serviceable_until is not None
    assert resource.serviceable_until.valid_through == T0 + timedelta(days=9)
    assert not load(a_training_file(), T0).anything
    other = a_training_file()
    other["permit_needs"][0]["set_by"] = "The committee"
    other["resources"][0]["modules"] = ["T-2"]
    assert load(other, T0).changed == {"resources": 1, "permit needs": 1}
    assert [one.code for one in requirements(places()).modules_of(resource.id)] == ["T-2"]


def test_what_is_wrong_with_training_is_named() -> None:
    bad = a_training_file()
    bad["resources"][0]["modules"] = ["T-1", {"module": "T-9"}, "T-1", {"level": "trainee"}]
    bad["resources"][0]["certificates"][0] |= {"through": "T0-2w"}
    bad["permits"][0]["resources"] = ["Q"]
    bad["permit_needs"].append(
        {"facility": "G", "permit": "RA", "set_by": "S", "room": "X", "at_times": "never"}
    )
    assert places_of_faults(bad) == [
        "permit_needs[1].at_times",
        "permit_needs[1].facility",
        "permit_needs[1].room",
        "permits[0].resources[0]",
        "resources[0].certificates[0].through",
        "resources[0].modules[1]",
        "resources[0].modules[2]",
        "resources[0].modules[3].module",
    ]
