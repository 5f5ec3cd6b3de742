"""The benchmark's databases: as consistent as if every booking had been made through the rules."""

import uuid
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text

from benchmarks import place, stock, world
from benchmarks.postgresql import Postgresql
from benchmarks.rows import COLUMNS, Entry, rows_of
from benchmarks.sqlite import Sqlite
from booking.base import clock
from booking.base.db import Base, db
from booking.bookings.actions import book
from booking.bookings.models import Booking
from booking.bookings.request import BookingRequest, Wanted
from booking.calendars.queries import find_link
from booking.cli.check import QUESTIONS
from booking.facilities.queries import viewer_of
from booking.people.models import User
from booking.people.sessions import token_user
from tests import engines, factories
from tests.faults import books

BOOKINGS = 600  # more than a week's
CLEARANCE = text(
    """
    SELECT count(*) FROM (
        SELECT starts_at, client, lag(cleared_until) OVER w AS cleared, lag(client) OVER w AS other
        FROM occupancy WHERE active WINDOW w AS (PARTITION BY unit_id ORDER BY starts_at)
    ) AS rows WHERE cleared > starts_at AND client <> other
    """
)
SQLITE_SCHEMA = text("SELECT tbl_name, name, sql FROM sqlite_master ORDER BY rowid")
POSTGRESQL_SCHEMA = text(
    """
    SELECT tablename::text, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    UNION ALL SELECT tgrelid::regclass::text, tgname, tgenabled::text FROM pg_trigger WHERE NOT tgisinternal
    ORDER BY 1, 2, 3
    """
)
GIVEN_BY_CHANCE = {"id", "hold_id", "booking_id", "object_id", "public_id", "uid", "unit_id"}
TIMES = ("starts_at", "ends_at", "held_until", "cleared_until")
SAME_TITLE = 7 * 90  # bookings whose ids are so far apart have the same title


@pytest.fixture
def store(engine_kind: str, tmp_path: Path):
    """Databases of a kind: files of this test, or of the tests' server."""
    if engine_kind == "sqlite":
        return Sqlite(tmp_path)
    return Postgresql(tmp_path, engines.postgres_server())


@pytest.fixture
def key(store):
    key = f"bench-test-{uuid.uuid4().hex}"
    yield key
    store.drop(key)


@pytest.fixture
def built(store, key):
    """The application on a database with some bookings."""
    app = factories.an_app(stock.build(store, key, BOOKINGS))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_what_is_built_adds_up(built):
    assert [fault for question in QUESTIONS.values() for fault in question()] == []
    assert books.faults() == []
    assert books.number_of_bookings() == BOOKINGS
    assert db.session.scalar(CLEARANCE) == 0


def test_indexes_and_guards_are_as_the_migrations_made_them(built, database_url):
    """`database_url` is another database, with the schema and nothing in it."""
    ours = schema_here()
    with factories.an_app(database_url).app_context():
        theirs = schema_here()
        db.session.remove()
        db.engine.dispose()
    assert ours == theirs


def schema_here() -> dict[str, list[Any]]:
    """Return what each table has, in order: by it, SQLite chooses between indexes that look equally good."""
    query = SQLITE_SCHEMA if db.engine.dialect.name == "sqlite" else POSTGRESQL_SCHEMA
    found = defaultdict(list)
    for table, *rest in db.session.execute(query):
        found[table].append(rest)
    return found


def test_tokens_and_links_open_what_they_are_for(built):
    member = place.members()[0]
    user_id, scope = token_user(world.token_of(member.email))
    assert (db.session.get_one(User, user_id).email, scope) == (member.email, "write")
    assert find_link(world.link_of(member.email)).owner == member.name
    assert find_link(world.link_of(world.ROOM)).code == world.ROOM


def test_rows_are_what_book_would_have_written(built, store, key):
    """Of each kind one is booked, and one loaded for the week after: they are the same in every table."""
    before = sizes()
    with clock.travel(clock.now().replace(microsecond=0)):
        pairs = [in_both_ways(kind) for kind in place.KINDS]
    assert {name for name, size in sizes().items() if size != before[name]} == set(COLUMNS)
    ids = world.read_ids(store.address(key))
    db.session.remove()
    db.engine.dispose()
    with store.filling(key) as loader:
        for _, entry in pairs:
            for table, row in rows_of(entry, ids, store.moment):
                loader.add(table, [row])
    for made, entry in pairs:
        assert everything_of(entry.id) == everything_of(made), entry.cell
    assert books.faults() == []


def sizes() -> dict[str, int]:
    tables = Base.metadata.tables.items()
    return {name: db.session.scalar(select(func.count()).select_from(table)) or 0 for name, table in tables}


def in_both_ways(kind: place.Kind) -> tuple[int, Entry]:
    """Book a free cell, and return the booking's id beside the entry that is the same in the week after."""
    cell = next(cell for cell in place.week().free if cell.kind == kind)
    organiser, participant = place.members()[:2]
    first, second = (place.midnight_of(stock.monday(week)) for week in (2, 3))
    plan = Entry(BOOKINGS + 1, cell, first, 0, organiser, True, (participant,))
    made = book(wish(plan), viewer_of(user_id(organiser)))
    made_at = int(made.created_at.timestamp())
    return made.id, replace(plan, id=BOOKINGS + 1 + made.id * SAME_TITLE, midnight=second, made_at=made_at)


def wish(entry: Entry) -> BookingRequest:
    return BookingRequest(
        starts_at=datetime.fromtimestamp(entry.start, UTC),
        ends_at=datetime.fromtimestamp(entry.end, UTC),
        resources=(Wanted(entry.cell.machine),),
        title=entry.title,
        project=entry.organiser.project,
        participants=tuple(one.email for one in entry.participants),
    )


def user_id(member: place.Member) -> int:
    return db.session.scalars(select(User.id).where(User.email == member.email)).one()


def everything_of(hold: int) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of a booking, without what is given by chance, its times counted from its start."""
    start = db.session.get_one(Booking, hold).starts_at
    return {name: sorted((plain(row, start) for row in rows_in(name, hold)), key=repr) for name in COLUMNS}


def rows_in(name: str, hold: int) -> list[dict[str, Any]]:
    table = Base.metadata.tables[name]
    keys = {
        "holds": "id",
        "bookings": "id",
        "audit": "object_id",
        "occupancy": "hold_id",
        "presence": "hold_id",
    }
    query = select(table).where(table.c[keys.get(name, "booking_id")] == hold)
    if name == "audit":
        query = query.where(table.c.object_kind == "booking")
    return [dict(row) for row in db.session.execute(query).mappings()]


def plain(row: dict[str, Any], start: datetime) -> dict[str, Any]:
    kept = {name: value for name, value in row.items() if name not in GIVEN_BY_CHANCE}
    times = {name: kept[name] - start for name in TIMES if name in kept}
    if "after" in kept:
        shown = {name: datetime.fromisoformat(kept["after"][name]) - start for name in ("start", "end")}
        kept["after"] = {**kept["after"], **shown}
    if kept.get("kind") == "booking_reminder":
        times = {name: kept[name] - start for name in ("due_at", "next_try_at")}
        kept["facts"] = datetime.fromisoformat(kept["facts"]["start"]) - start
    return kept | times
