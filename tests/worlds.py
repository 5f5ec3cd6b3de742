"""Databases that hold the small world: copied on SQLite, swept clean after each test on PostgreSQL.

To copy a PostgreSQL database takes half a second, to sweep one a few milliseconds.
"""

import shutil
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from booking.base import clock
from booking.base.db import Base
from booking.facilities.queries import _snapshots
from booking.training.queries import _snapshots as _requirements
from tests import engines, factories

WHAT_TESTS_WRITE = frozenset(
    {
        "api_tokens",
        "approval_steps",
        "audit",
        "booking_links",
        "booking_resources",
        "bookings",
        "event_bytes",
        "favourites",
        "feeds",
        "holds",
        "idempotency_keys",
        "mail_preferences",
        "occupancy",
        "one_use_links",
        "outbox",
        "overruled",
        "participants",
        "presence",
        "series",
        "sign_in_failures",
        "sign_ins",
        "timed_acts",
        "wait_resources",
        "waits",
    }
)
# What a test that changed the world leaves behind: such a database is not used again.
UNCHANGED = text(
    """
    SELECT (SELECT version FROM directory),
        (SELECT md5(string_agg(concat(name, role, active, password_hash), '' ORDER BY id)) FROM users),
        (SELECT count(*) FROM memberships),
        (SELECT count(*) FROM coordinators),
        (SELECT count(*) FROM duties),
        (SELECT count(*) FROM modules),
        (SELECT count(*) FROM competences),
        (SELECT count(*) FROM permits),
        (SELECT count(*) FROM pg_constraint WHERE contype IN ('x', 'c')),
        (SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'occupancy%' AND tgenabled = 'O')
    """
)


class Worlds(engines.Databases):
    """The small world, built once for each kind of database."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, _build)
        self._swept: list[str] = []
        self._state: tuple[Any, ...] | None = None

    def borrow(self, kind: str, folder: Path) -> str:
        """Return the address of a database that holds the small world and no bookings."""
        if kind == "postgresql" and self._swept:
            return self._swept.pop()
        url = self.fresh(kind, folder)
        if kind == "postgresql" and self._state is None:
            with _engine(url).connect() as connection:
                self._state = tuple(connection.execute(UNCHANGED).one())
        return url

    def place(self) -> Path:
        """Return the worker's own folder for the SQLite database of one test, empty."""
        place = self._folder / "world"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        return place

    def give_back(self, url: str) -> None:
        """Sweep a PostgreSQL database for the next test, unless the test changed the world itself."""
        _snapshots.clear()
        _requirements.clear()
        if make_url(url).get_backend_name() != "postgresql":
            return
        if self._sweep(url):
            self._swept.append(url)
        else:
            engines.drop(url)

    def _sweep(self, url: str) -> bool:
        try:
            with _engine(url).begin() as connection:
                connection.execute(text("SET LOCAL lock_timeout = '1s'"))
                _delete_all(connection)
                return tuple(connection.execute(UNCHANGED).one()) == self._state
        except OperationalError:
            return False

    def drop_templates(self) -> None:
        """Remove every database of the store."""
        for url in self._swept:
            engines.drop(url)
        super().drop_templates()


def _build(url: str) -> None:
    with clock.travel(factories.MONDAY):
        factories.build(url)


def _engine(url: str) -> Any:
    return create_engine(url, poolclass=NullPool)


def _delete_all(connection: Connection) -> None:
    for table in reversed(Base.metadata.sorted_tables):
        if table.name in WHAT_TESTS_WRITE:
            connection.execute(table.delete())
