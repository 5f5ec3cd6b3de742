"""Databases with the facility and so many bookings: built once, kept in a cache, copied to be measured."""

import hashlib
import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from benchmarks import world
from benchmarks.place import midnight_of, week
from benchmarks.postgresql import Postgresql
from benchmarks.rows import Entry, Ids, Moment, entries, rows_of
from benchmarks.sqlite import Sqlite
from benchmarks.stores import Loader, Store
from booking.base import clock
from booking.base.schema import head

WEEKS_AHEAD = 15
CHUNK = 5_000
BUILDING = "bench-building"
STORES: dict[str, type[Sqlite] | type[Postgresql]] = {"sqlite": Sqlite, "postgresql": Postgresql}


def cache_folder() -> Path:
    """Return the folder that keeps what was built, outside of the checkout; nobody else may write there."""
    folder = Path(tempfile.gettempdir()) / f"hub-booking-bench-{os.geteuid()}"
    folder.mkdir(mode=0o711, exist_ok=True)
    found = folder.lstat()
    if found.st_uid != os.geteuid() or found.st_mode & 0o022 or folder.is_symlink():
        raise PermissionError(f"{folder} belongs to somebody else")
    return folder


def monday(weeks: int = 0) -> date:
    """Return this week's Monday, or that of a week before or after it."""
    today = clock.now().date()
    return today - timedelta(days=today.weekday()) + timedelta(weeks=weeks)


def get(store: Store, bookings: int) -> str:
    """Return the key of a database with so many bookings, built if it is not there; old ones are dropped."""
    family = f"bench-{head()}-{_fingerprint()}"
    key = f"{family}-{bookings}"
    for old in store.kept():
        if not old.startswith(family):
            store.drop(old)
    if not store.has(key):
        build(store, BUILDING, bookings)
        store.rename(BUILDING, key)
    return key


def build(store: Store, key: str, bookings: int) -> str:
    """Make a database with so many bookings and return its address."""
    url = store.empty(key)
    world.build(url)
    ids = world.read_ids(url)
    with store.filling(key) as loader:
        fill(loader, store.moment, ids, bookings)
    return url


def _fingerprint() -> str:
    """Tell databases of other weeks, or built by other code, from today's."""
    here = Path(__file__).parent
    code = b"".join((here / f"{name}.py").read_bytes() for name in ("place", "rows", "stock", "world"))
    return hashlib.sha256(code + monday().isoformat().encode()).hexdigest()[:12]


def fill(loader: Loader, moment: Moment, ids: Ids, bookings: int) -> None:
    """Load so many bookings: the coming weeks and, as far back as needed, the past, all equally dense."""
    batch: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for count, entry in enumerate(_entries(bookings), 1):
        for table, row in rows_of(entry, ids, moment):
            batch[table].append(row)
        if count % CHUNK == 0 or count == bookings:
            for table, rows in batch.items():
                loader.add(table, rows)
            batch.clear()


def _entries(bookings: int) -> Iterator[Entry]:
    """Yield the bookings in the order of their weeks; only the oldest week may be incomplete."""
    cells = week().taken
    latest = int(clock.now().timestamp()) - 3600
    weeks = -(-bookings // len(cells))
    last = min(WEEKS_AHEAD, weeks)  # a small database holds the coming week first
    first_id = 1
    for number in range(last - weeks + 1, last + 1):
        is_oldest = number == last - weeks + 1
        size = bookings - (weeks - 1) * len(cells) if is_oldest else len(cells)
        yield from entries(cells, midnight_of(monday(number)), first_id, latest, size)
        first_id += size
