"""The transaction: all or nothing, one inside another, and no longer than three seconds in a queue."""

import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from booking.base import audit, events
from booking.base.db import LOCK_SECONDS, UTCDateTime, bump, db, lock, transaction
from booking.base.errors import Busy
from booking.facilities.models import Resource
from tests.db.ledger import rows
from tests.factories import World


def note(action: str = "tried") -> None:
    audit.record(action, "thing", 1, None)


def test_what_ends_well_is_stored(world: World) -> None:
    with transaction():
        note()
    assert rows(audit.AuditEntry) == 1


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_what_fails_leaves_nothing(world: World, error: type[BaseException]) -> None:
    def fail() -> None:
        with transaction():
            note()
            db.session.flush()
            raise error

    with pytest.raises(error):
        fail()
    assert rows(audit.AuditEntry) == 0
    with transaction():
        note()
    assert rows(audit.AuditEntry) == 1


def test_one_inside_another_joins_it(world: World) -> None:
    def fail() -> None:
        with transaction():
            with transaction():
                note("inner")
            raise ValueError("outer")

    with pytest.raises(ValueError, match="outer"):
        fail()
    assert rows(audit.AuditEntry) == 0
    with transaction():
        with transaction():
            note("inner")
        note("outer")
    assert rows(audit.AuditEntry) == 2


def test_a_failure_of_the_database_leaves_nothing(world: World) -> None:
    def fail() -> None:
        with transaction():
            note()
            db.session.flush()
            db.session.execute(text("INSERT INTO coordinators (organisation_id, user_id) VALUES (0, 0)"))

    with pytest.raises(IntegrityError):
        fail()
    assert rows(audit.AuditEntry) == 0


def test_locked_rows_are_read_afresh_and_in_order(world: World, world_app: Flask) -> None:
    ids = sorted(world.resources.values(), reverse=True)
    stale = db.session.get_one(Resource, ids[0])
    before = stale.version
    _elsewhere(world_app, lambda: _bump(ids[0]))
    assert stale.version == before
    with transaction():
        locked = lock(Resource, ids)
        assert list(locked) == sorted(ids)
        assert locked[ids[0]].version == before + 1


def test_nothing_to_lock_is_no_statement(world: World) -> None:
    with transaction():
        assert lock(Resource, []) == {}
        bump(Resource, [])


def _bump(row_id: int) -> None:
    with transaction():
        bump(Resource, [row_id])


def _elsewhere(app: Flask, act: object) -> None:
    assert callable(act)

    def run() -> None:
        with app.app_context():
            act()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


@contextmanager
def somebody_writes(app: Flask, row_id: int, seconds: float) -> Iterator[None]:
    """Let another session hold a row for some seconds, or until the block ends."""
    has_begun, may_end = threading.Event(), threading.Event()

    def run() -> None:
        with app.app_context(), transaction():
            lock(Resource, [row_id])
            has_begun.set()
            may_end.wait(seconds)

    thread = threading.Thread(target=run)
    thread.start()
    has_begun.wait(10)
    try:
        yield
    finally:
        may_end.set()
        thread.join()


def test_who_waits_a_little_gets_a_turn(world: World, world_app: Flask) -> None:
    row = world.resources["H-BSC1"]
    with somebody_writes(world_app, row, 0.5), transaction():
        lock(Resource, [row])
        note()
    assert rows(audit.AuditEntry) == 1


def test_who_waits_too_long_is_told_that_it_is_busy(world: World, world_app: Flask) -> None:
    row = world.resources["H-BSC1"]
    began = time.monotonic()

    def write() -> None:
        with transaction():
            lock(Resource, [row])
            note()

    with somebody_writes(world_app, row, 20), pytest.raises(Busy) as caught:
        write()
    assert LOCK_SECONDS - 0.5 <= time.monotonic() - began <= LOCK_SECONDS + 1.5
    assert (caught.value.status, caught.value.retry_after >= 1) == (503, True)
    assert rows(audit.AuditEntry) == 0
    with transaction():
        lock(Resource, [row])


@pytest.mark.parametrize("engine_kind", ["postgresql"])
def test_on_postgresql_others_write_elsewhere_meanwhile(world: World, world_app: Flask) -> None:
    """SQLite has one writer at a time."""
    with somebody_writes(world_app, world.resources["H-BSC1"], 20), transaction():
        lock(Resource, [world.resources["H-BSC2"]])


def test_reading_does_not_wait_for_a_writer(world: World, world_app: Flask) -> None:
    with somebody_writes(world_app, world.resources["H-BSC1"], 20):
        began = time.monotonic()
        assert db.session.scalar(select(Resource.version).where(Resource.code == "H-BSC1")) is not None
        assert time.monotonic() - began < 1
    db.session.rollback()


@pytest.mark.parametrize("engine_kind", ["sqlite"])
def test_sqlites_writers_wait_in_a_queue_without_starving(world: World, world_app: Flask) -> None:
    """PostgreSQL has row locks."""
    waits: list[float] = []

    def write() -> None:
        with world_app.app_context():
            for _ in range(5):
                began = time.monotonic()
                with transaction():
                    note()
                waits.append(time.monotonic() - began)

    threads = [threading.Thread(target=write) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.rollback()  # see what the others stored
    assert len(waits) == rows(audit.AuditEntry) == 60
    assert max(waits) < LOCK_SECONDS


def test_a_time_without_zone_is_not_stored(world: World) -> None:
    with pytest.raises(ValueError, match="naive"):
        UTCDateTime().process_bind_param(datetime(2027, 1, 1), db.engine.dialect)
    assert UTCDateTime().process_bind_param(None, db.engine.dialect) is None
    assert UTCDateTime().process_result_value(None, db.engine.dialect) is None


def test_times_are_whole_seconds(world: World) -> None:
    with transaction():
        note()
    stored = db.session.scalar(select(audit.AuditEntry.at))
    assert stored is not None
    assert (stored.microsecond, stored.tzinfo) == (0, UTC)


def test_news_reach_who_listens_for_their_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    class Rain: ...

    class Snow: ...

    monkeypatch.setattr(events, "_listeners", defaultdict(list))
    heard: list[object] = []
    events.on(Rain)(heard.append)
    events.on(Rain)(heard.append)
    rain = Rain()
    events.emit(rain)
    events.emit(Snow())
    assert heard == [rain]


def test_history_is_newest_first_and_bounded(world: World) -> None:
    with transaction():
        for n in range(5):
            audit.record(f"a{n}", "thing", 7, None, {"n": n - 1}, {"n": n}, "why")
        audit.record("other", "thing", 8, None)
    assert [entry.action for entry in audit.history("thing", 7)] == ["a4", "a3", "a2", "a1", "a0"]
    assert [entry.action for entry in audit.history("thing", 7, limit=2)] == ["a4", "a3"]
