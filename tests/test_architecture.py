"""The rules of the house, read from the code itself: ranks, foreign keys, who knows Flask, who commits."""

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table

import booking
from booking.base.db import Base

PACKAGE = Path(booking.__file__).parent
RANKS = {
    "base": 0,
    "people": 1,
    "facilities": 2,
    "training": 3,
    "schedule": 3,
    "bookings": 5,
    "notifications": 7,
    "calendars": 7,
    "catalogue": 7,
    "demo": 7,
    "web": 8,
    "api": 8,
    "cli": 8,
}
UNRANKED = {
    "booking.settings",
    "booking.paths",
    "booking.logs",
    "booking.limits",
}  # plain modules that all may ask
DOOR_PACKAGES = ("web", "api", "cli")
DOORS = tuple(f"{package}/" for package in DOOR_PACKAGES)
FACTORY = {"create_app", "wsgi", "__version__"}  # what a door may take from the house as a whole
MAY_KNOW_FLASK = {"__init__.py", "settings.py", "logs.py", "base/db.py"}
FRAMEWORKS = {
    "flask",
    "flask_sqlalchemy",
    "flask_migrate",
    "flask_login",
    "flask_wtf",
    "flask_smorest",
    "wtforms",
}
PURE = {
    "base/errors.py",
    "base/events.py",
    "base/period.py",
    "people/viewer.py",
    "facilities/places.py",
    "facilities/workdays.py",
    "schedule/free.py",
    "training/standing.py",
    "bookings/approving.py",
    "bookings/grid.py",
    "bookings/measures.py",
    "bookings/measures_people.py",
    "bookings/measuring.py",
    "bookings/request.py",
    "bookings/rules.py",
    "bookings/rules_people.py",
    "bookings/visibility.py",
    "calendars/busy.py",
    "calendars/contentlines.py",
    "calendars/lint.py",
    "calendars/packed.py",
    "calendars/render.py",
    "calendars/text.py",
    "calendars/vtimezone.py",
    "calendars/window.py",
}
PURE_NAMES = {"rules.py", "period.py", "recurrence.py", "words.py"}
CLOCKS = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "time_ns"),
    ("time", "localtime"),
    ("time", "gmtime"),
}
COMMITS = {"commit", "begin", "begin_nested", "set_autocommit"}


# --- reading the code


def sources() -> dict[str, str]:
    """Return the text of every module by its path within the package."""
    return {
        str(path.relative_to(PACKAGE)): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")
    }


def imports(code: str) -> Iterator[tuple[str, int]]:
    """Yield the full name of each module or thing that a module imports, with its line."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from ((name.name, node.lineno) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from ((f"{node.module or ''}.{name.name}", node.lineno) for name in node.names)
            if node.level:
                yield "<relative>", node.lineno


def calls(code: str) -> Iterator[tuple[str, str, int]]:
    """Yield (object, attribute, line) of every call of an attribute, and ("", name, line) of a name."""
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
            yield name, node.func.attr, node.lineno
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield "", node.func.id, node.lineno


def package_of(path: str) -> str:
    return path.split("/")[0] if "/" in path else ""


# --- the rules, each a list of faults


def rank_faults(path: str, code: str) -> list[str]:
    """A package imports only packages of a lower rank; those of the same rank are strangers."""
    own = package_of(path)
    if not own:
        return []
    faults = []
    for name, line in imports(code):
        if name == "<relative>":
            faults.append(f"{path}:{line} imports relatively")
        if not name.startswith("booking.") or any(f"{name}.".startswith(f"{u}.") for u in UNRANKED):
            continue
        other = name.split(".")[1]
        if other == own or (own in DOOR_PACKAGES and other in FACTORY):
            continue
        if other not in RANKS:
            faults.append(f"{path}:{line} imports {name}, which has no rank")
        elif RANKS[other] >= RANKS[own]:
            faults.append(f"{path}:{line} imports {name}: rank {RANKS[other]} from rank {RANKS[own]}")
    return faults


def flask_faults(path: str, code: str) -> list[str]:
    """Only the doors, the factory and the foundation know Flask."""
    if path.startswith(DOORS) or path in MAY_KNOW_FLASK:
        return []
    return [f"{path}:{line} knows {name}" for name, line in imports(code) if name.split(".")[0] in FRAMEWORKS]


def is_pure(path: str) -> bool:
    return path in PURE or path.split("/")[-1] in PURE_NAMES


def purity_faults(path: str, code: str) -> list[str]:
    """Plain values in, plain values out: what is pure imports neither a framework nor the database."""
    if not is_pure(path) or path.startswith(DOORS):
        return []
    banned = FRAMEWORKS | {"sqlalchemy", "alembic", "psycopg"}
    faults = [f"{path}:{line} knows {name}" for name, line in imports(code) if name.split(".")[0] in banned]
    for name, line in imports(code):
        module, _, thing = name.rpartition(".")
        of_database = module.endswith(".models") or module == "booking.base.db"
        if name.startswith("booking.") and of_database and not thing.isupper():  # lists of words are plain
            faults.append(f"{path}:{line} imports {name}")
    return faults


def commit_faults(path: str, code: str) -> list[str]:
    """Only base/db.py commits."""
    if path == "base/db.py":
        return []
    return [f"{path}:{line} calls {owner}.{name}()" for owner, name, line in calls(code) if name in COMMITS]


def clock_faults(path: str, code: str) -> list[str]:
    """Only base/clock.py reads the clock; time.monotonic measures and is free to all."""
    if path == "base/clock.py":
        return []
    faults = [
        f"{path}:{line} calls {owner}.{name}()"
        for owner, name, line in calls(code)
        if (owner, name) in CLOCKS
    ]
    hidden = {f"{module}.{name}" for module, name in CLOCKS if module == "time"}
    return faults + [f"{path}:{line} imports {name}" for name, line in imports(code) if name in hidden]


def print_faults(path: str, code: str) -> list[str]:
    """Only commands print."""
    if path.startswith("cli/"):
        return []
    return [f"{path}:{line} prints" for owner, name, line in calls(code) if (owner, name) == ("", "print")]


CHECKS = (rank_faults, flask_faults, purity_faults, commit_faults, clock_faults, print_faults)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_code_keeps_the_rule(check: object) -> None:
    assert callable(check)
    assert [fault for path, code in sources().items() for fault in check(path, code)] == []


def test_every_package_has_a_rank() -> None:
    packages = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert packages <= set(RANKS)


def test_pure_modules_exist() -> None:
    """A module that was renamed is not silently let off."""
    assert set(sources()) >= PURE


# --- foreign keys point downwards


def owners() -> dict[str, str]:
    """Return which package each table belongs to."""
    for path in sources():
        if path.endswith("models.py"):
            importlib.import_module(f"booking.{path.removesuffix('.py').replace('/', '.')}")
    return {
        mapper.local_table.name: mapper.class_.__module__.split(".")[1]
        for mapper in Base.registry.mappers
        if isinstance(mapper.local_table, Table)
    }


def key_faults(metadata: MetaData, packages: dict[str, str]) -> list[str]:
    """A foreign key points to the own package or to one of a lower rank."""
    faults = []
    for table in metadata.tables.values():
        for key in table.foreign_keys:
            here, there = packages[table.name], packages[key.column.table.name]
            if here != there and RANKS[there] >= RANKS[here]:
                faults.append(f"{table.name}.{key.parent.name} points from {here} to {there}")
    return faults


def test_foreign_keys_point_downwards() -> None:
    packages = owners()
    assert set(Base.metadata.tables) == set(packages)
    assert key_faults(Base.metadata, packages) == []


# --- and the checks find what they are for

BAD = [
    (rank_faults, "people/models.py", "from booking.facilities.models import Facility"),
    (rank_faults, "schedule/free.py", "from booking.training.models import Module"),
    (rank_faults, "training/queries.py", "import booking.schedule.free"),
    (rank_faults, "web/home.py", "from booking.api import errors"),
    (rank_faults, "base/db.py", "from booking import people"),
    (rank_faults, "people/models.py", "from booking import create_app"),
    (rank_faults, "bookings/rules.py", "from ..calendars import render"),
    (
        rank_faults,
        "bookings/rules.py",
        "def f():\n    import booking.notifications.models",
    ),
    (rank_faults, "bookings/rules.py", "from booking.surprise import something"),
    (flask_faults, "bookings/actions.py", "from flask import current_app"),
    (flask_faults, "people/sessions.py", "import flask_login"),
    (flask_faults, "calendars/render.py", "def f():\n    import flask"),
    (purity_faults, "bookings/rules.py", "from sqlalchemy import select"),
    (purity_faults, "catalogue/rules.py", "from booking.people.models import User"),
    (purity_faults, "agreements/rules.py", "import sqlalchemy.orm"),
    (purity_faults, "schedule/recurrence.py", "from booking.base.db import db"),
    (purity_faults, "schedule/free.py", "from booking.schedule.models import Occupancy"),
    (commit_faults, "bookings/actions.py", "db.session.commit()"),
    (commit_faults, "web/home.py", "session.commit()"),
    (commit_faults, "cli/load.py", "with engine.begin() as c:\n    pass"),
    (clock_faults, "bookings/actions.py", "datetime.now(UTC)"),
    (clock_faults, "bookings/actions.py", "datetime.datetime.utcnow()"),
    (clock_faults, "web/home.py", "date.today()"),
    (clock_faults, "web/home.py", "time.time()"),
    (clock_faults, "web/home.py", "from time import time"),
    (print_faults, "bookings/actions.py", "print('x')"),
]
GOOD = [
    (rank_faults, "people/models.py", "from booking.base.db import Base"),
    (rank_faults, "people/models.py", "from booking.people.viewer import Viewer"),
    (rank_faults, "web/home.py", "from booking.bookings.queries import blocks"),
    (rank_faults, "cli/serve.py", "from booking import create_app"),
    (rank_faults, "people/models.py", "from booking.settings import Settings"),
    (purity_faults, "catalogue/rules.py", "from booking.people.models import ROLES"),
    (rank_faults, "calendars/render.py", "from booking.bookings.models import Booking"),
    (flask_faults, "web/home.py", "from flask import request"),
    (flask_faults, "base/db.py", "from flask_sqlalchemy import SQLAlchemy"),
    (purity_faults, "bookings/actions.py", "from sqlalchemy import select"),
    (purity_faults, "bookings/rules.py", "from booking.base.period import Period"),
    (commit_faults, "base/db.py", "session.commit()"),
    (clock_faults, "base/clock.py", "datetime.now(UTC)"),
    (clock_faults, "base/db.py", "time.monotonic()"),
    (clock_faults, "web/home.py", "clock.now()"),
    (print_faults, "cli/demo.py", "print('x')"),
]


@pytest.mark.parametrize(("check", "path", "code"), BAD)
def test_a_fault_is_found(check: object, path: str, code: str) -> None:
    assert callable(check)
    assert len(check(path, code)) >= 1


@pytest.mark.parametrize(("check", "path", "code"), GOOD)
def test_what_is_allowed_is_no_fault(check: object, path: str, code: str) -> None:
    assert callable(check)
    assert check(path, code) == []


def test_a_foreign_key_that_points_upwards_is_found() -> None:
    metadata = MetaData()
    Table("high", metadata, Column("id", Integer, primary_key=True))
    Table("low", metadata, Column("high_id", Integer, ForeignKey("high.id"), primary_key=True))
    assert key_faults(metadata, {"low": "people", "high": "bookings"})
    assert key_faults(metadata, {"low": "training", "high": "schedule"})
    assert key_faults(metadata, {"low": "bookings", "high": "people"}) == []
