"""`guard`: the database alone checks for overlaps and stores a hold, whatever the length of history."""

import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from benchmarks.bench import Bench
from benchmarks.clients import quantile
from benchmarks.figures import Figure
from benchmarks.place import midnight_of, week
from benchmarks.rows import COLUMNS, Ids, entries, rows_of
from benchmarks.stock import WEEKS_AHEAD, monday
from benchmarks.world import read_ids
from booking.base import clock
from booking.schedule.guard import OVERLAPS

TABLES = ("holds", "occupancy")
HOLDS, TO_WARM_UP = 600, 100


def guard(bench: Bench) -> Iterator[Figure]:
    """Holds in one transaction, each timed alone and all given back at the end."""
    ids = read_ids(bench.url)
    taken, hello = bench.beside_p50(lambda: _hold(bench, ids))
    p50 = median(taken)
    yield Figure("guard: check and insert", f"{p50 * 1e6:.0f} µs", p50 / hello)


def _hold(bench: Bench, ids: Ids) -> float:
    """Return the median seconds of storing one hold in a week in which others hold much."""
    engine = create_engine(bench.url, poolclass=NullPool)
    place = "?" if engine.dialect.paramstyle == "qmark" else "%s"
    statements = {
        table: f"INSERT INTO {table} ({', '.join(COLUMNS[table])})"  # noqa: S608 (names of our own)
        f" VALUES ({', '.join([place] * len(COLUMNS[table]))})"
        for table in TABLES
    }
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        seconds = []
        for rows in _rows(bench, ids):
            began = time.perf_counter()
            for table in TABLES:
                cursor.execute(statements[table], rows[table])
            seconds.append(time.perf_counter() - began)
        return quantile(sorted(seconds[TO_WARM_UP:]), 0.5)
    finally:
        connection.rollback()
        connection.close()


def _rows(bench: Bench, ids: Ids) -> Iterator[dict[str, tuple[Any, ...]]]:
    """Yield the rows of holds on free cells of the last week that has bookings."""
    moment = bench.store.moment
    latest = int(clock.now().timestamp())
    for entry in entries(
        week().free, midnight_of(monday(WEEKS_AHEAD)), bench.bookings + 10**6, latest, HOLDS
    ):
        if entry.cancelled_at is None:
            rows = dict(rows_of(entry, ids, moment))
            yield {table: rows[table] for table in TABLES}


def overlaps(url: str) -> int:
    """Count holds of one unit that overlap: always 0."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return int(connection.scalar(OVERLAPS) or 0)


def stored(url: str) -> int:
    """Count the bookings."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM bookings")) or 0)
