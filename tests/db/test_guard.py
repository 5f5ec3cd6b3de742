"""The database refuses a double booking by itself: direct SQL, past every rule of the application."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, create_engine, insert, select, text, update
from sqlalchemy.exc import IntegrityError

from booking.base.db import db, transaction
from booking.schedule.guard import CLEARANCE, OVERLAP, guard_that_refused, missing_guards, overlaps
from booking.schedule.models import Hold, Occupancy
from tests.factories import MONDAY, World

NOON = MONDAY.replace(hour=12)
AMBER = "organisation:2"


@pytest.fixture
def hold(world: World) -> int:
    """A hold under which rows can be written."""
    with transaction():
        return int(db.session.execute(insert(Hold).values(kind="booking")).inserted_primary_key[0])


@pytest.fixture
def row(world: World, hold: int) -> Callable[..., dict[str, Any]]:
    """Return a row of occupancy: hours of a Monday on the cabinet, held for the host by default."""

    def build(start: float, end: float, cleared: float | None = None, **more: Any) -> dict[str, Any]:
        midnight = MONDAY.replace(hour=0)
        held_until = midnight + timedelta(hours=end)
        return {
            "hold_id": hold,
            "unit_id": world.units["H-BSC1"][0],
            "resource_id": world.resources["H-BSC1"],
            "client": "host",
            "starts_at": midnight + timedelta(hours=start),
            "held_until": held_until,
            "cleared_until": midnight + timedelta(hours=cleared if cleared is not None else end),
            "kind": "booking",
            "long_stay": False,
            "active": True,
            **more,
        }

    return build


def write(*rows: dict[str, Any]) -> list[int]:
    """Insert rows in one statement and return their ids."""
    with transaction():
        statement = insert(Occupancy).values(list(rows)).returning(Occupancy.id)
        return list(db.session.scalars(statement))


def alter(row_id: int, **values: Any) -> None:
    with transaction():
        db.session.execute(update(Occupancy).where(Occupancy.id == row_id).values(**values))


@contextmanager
def refused_by(*guards: str) -> Iterator[None]:
    with pytest.raises(IntegrityError) as caught:
        yield
    assert guard_that_refused(caught.value) in guards


Rows = Callable[..., dict[str, Any]]

# --- overlap


@pytest.mark.parametrize(
    ("start", "end"),
    [(10, 12), (9, 10.5), (11.5, 13), (10.5, 11), (9, 13), (10, 10.25), (11.75, 12), (9, 12), (10, 13)],
)
@pytest.mark.parametrize("client", ["host", "organisation:2", None])
def test_what_overlaps_is_refused(row: Rows, start: float, end: float, client: str | None) -> None:
    write(row(10, 12))
    with refused_by(OVERLAP, *([CLEARANCE] if client == AMBER else [])):
        write(row(start, end, client=client))
    assert db.session.scalar(select(db.func.count()).select_from(Occupancy)) == 1


@pytest.mark.parametrize(("start", "end"), [(8, 10), (12, 14), (2, 3), (20, 21)])
def test_what_touches_or_is_apart_is_stored(row: Rows, start: float, end: float) -> None:
    write(row(10, 12))
    write(row(start, end))
    assert overlaps() == 0


def test_another_unit_is_another_place(row: Rows, world: World) -> None:
    first, second = world.units["H-INC1"][:2]
    write(row(10, 12, unit_id=first), row(10, 12, unit_id=second))


def test_the_guard_finds_what_is_in_the_way_among_many(row: Rows) -> None:
    write(*(row(hour, hour + 0.5) for hour in range(24)))
    write(row(10.5, 11))
    for start in range(24):
        with refused_by(OVERLAP):
            write(row(start + 0.25, start + 0.75))


def test_a_long_row_before_is_seen(row: Rows) -> None:
    write(row(-800, 12))
    with refused_by(OVERLAP):
        write(row(11, 13))


def test_two_rows_of_one_insert_do_not_overlap(row: Rows) -> None:
    with refused_by(OVERLAP):
        write(row(10, 12), row(11, 13))
    assert db.session.scalar(select(db.func.count()).select_from(Occupancy)) == 0


def test_a_row_does_not_grow_into_the_next(row: Rows) -> None:
    first, _ = write(row(10, 11), row(12, 13))
    alter(first, held_until=NOON, cleared_until=NOON)
    with refused_by(OVERLAP):
        alter(first, held_until=NOON + timedelta(minutes=1), cleared_until=NOON + timedelta(minutes=1))
    with refused_by(OVERLAP):
        alter(
            first,
            starts_at=NOON,
            held_until=NOON + timedelta(hours=1),
            cleared_until=NOON + timedelta(hours=1),
        )


def test_a_row_does_not_move_to_a_unit_that_is_held(row: Rows, world: World) -> None:
    first, _ = write(row(10, 11), row(10, 11, unit_id=world.units["H-BSC2"][0]))
    with refused_by(OVERLAP):
        alter(first, unit_id=world.units["H-BSC2"][0])


def test_a_cancelled_row_is_not_in_the_way_and_does_not_come_back(row: Rows) -> None:
    (cancelled,) = write(row(10, 12))
    alter(cancelled, active=False)
    write(row(11, 13))
    with refused_by(OVERLAP):
        alter(cancelled, active=True)


def test_a_cancelled_row_comes_back_where_nobody_took_its_place(row: Rows) -> None:
    (cancelled,) = write(row(10, 12))
    alter(cancelled, active=False)
    write(row(12, 13))
    alter(cancelled, active=True)


def test_a_cancelled_row_may_be_written_over_others(row: Rows) -> None:
    write(row(10, 12), row(10, 12, active=False), row(11, 13, active=False))


def test_a_row_may_move_over_itself(row: Rows) -> None:
    (only,) = write(row(10, 12))
    alter(
        only,
        starts_at=NOON - timedelta(hours=1),
        held_until=NOON + timedelta(hours=1),
        cleared_until=NOON + timedelta(hours=1),
    )
    assert overlaps() == 0


# --- clearance between clients


@pytest.mark.parametrize(
    ("client", "start", "refused"),
    [
        (AMBER, 12, True),
        (AMBER, 13, True),
        (AMBER, 13.75, True),
        (AMBER, 14, False),
        ("host", 12, False),
        (None, 12, False),
    ],
)
def test_another_client_waits_until_a_unit_is_cleared(
    row: Rows, client: str | None, start: float, refused: bool
) -> None:
    write(row(10, 12, cleared=14))
    if refused:
        with refused_by(CLEARANCE):
            write(row(start, start + 1, client=client))
    else:
        write(row(start, start + 1, client=client))


@pytest.mark.parametrize(("end", "cleared", "refused"), [(10, 10.25, True), (10, 11, True), (9, 10, False)])
def test_who_comes_before_must_be_cleared_in_time(
    row: Rows, end: float, cleared: float, refused: bool
) -> None:
    write(row(10, 12))
    if refused:
        with refused_by(CLEARANCE):
            write(row(8, end, cleared, client=AMBER))
    else:
        write(row(8, end, cleared, client=AMBER))


def test_after_an_outage_nothing_is_cleared(row: Rows) -> None:
    write(row(10, 12, client=None, kind="outage"))
    write(row(12, 13, client=AMBER))
    with refused_by(OVERLAP):
        write(row(11, 12, client=None, kind="outage"))


def test_two_clients_in_one_insert_are_cleared(row: Rows) -> None:
    with refused_by(CLEARANCE):
        write(row(10, 11, cleared=12), row(11, 12, client=AMBER))


def test_a_change_of_client_is_cleared(row: Rows) -> None:
    first, _ = write(row(10, 11, cleared=12), row(11, 12))
    with refused_by(CLEARANCE):
        alter(first, client=AMBER)


def test_a_longer_clearance_is_looked_at_in_a_change(row: Rows) -> None:
    first, _ = write(row(10, 11), row(11, 12, client=AMBER))
    with refused_by(CLEARANCE):
        alter(first, cleared_until=NOON)


def test_a_cancelled_row_of_another_client_does_not_come_back(row: Rows) -> None:
    (cancelled,) = write(row(10, 11, cleared=12))
    alter(cancelled, active=False)
    write(row(11, 12, client=AMBER))
    with refused_by(CLEARANCE):
        alter(cancelled, active=True)


def test_the_longest_hold_with_the_longest_clearance_is_seen(row: Rows) -> None:
    write(row(-35 * 24, 0, cleared=7 * 24))
    with refused_by(CLEARANCE):
        write(row(7 * 24 - 0.25, 7 * 24 + 1, client=AMBER))
    write(row(7 * 24, 7 * 24 + 1, client=AMBER))


def test_the_clearance_of_a_long_stay_is_seen_however_long_ago_it_began(row: Rows) -> None:
    write(row(-700 * 24, 0, cleared=2, long_stay=True))
    with refused_by(CLEARANCE):
        write(row(1, 3, client=AMBER))
    write(row(2, 3, client=AMBER))


# --- lengths and order


@pytest.mark.parametrize(
    ("start", "end", "cleared", "more", "stored"),
    [
        (0, 35 * 24, None, {}, True),
        (0, 35 * 24 + 0.25, None, {}, False),
        (0, 700 * 24, None, {"long_stay": True}, True),
        (0, 1, 1 + 7 * 24, {}, True),
        (0, 1, 1.25 + 7 * 24, {}, False),
        (0, 1, 1.25 + 7 * 24, {"long_stay": True}, False),
        (1, 1, None, {}, False),
        (2, 1, None, {}, False),
        (0, 2, 1, {}, False),
        (0, 1, None, {"kind": "party"}, False),
    ],
)
def test_lengths_and_order_are_checked(
    row: Rows, start: float, end: float, cleared: float | None, more: dict[str, Any], stored: bool
) -> None:
    if stored:
        write(row(start, end, cleared, **more))
        return
    with pytest.raises(IntegrityError) as caught:
        write(row(start, end, cleared, **more))
    assert guard_that_refused(caught.value) is None


def test_a_hold_stays_while_rows_refer_to_it(row: Rows, hold: int) -> None:
    write(row(10, 11))
    with pytest.raises(IntegrityError), transaction():
        db.session.execute(text("DELETE FROM holds"))


# --- that it stands


def test_every_guard_stands(world: World) -> None:
    assert missing_guards() == []


DROPS = {
    "sqlite": [
        ("DROP TRIGGER occupancy_no_overlap_insert", "occupancy_no_overlap_insert"),
        ("DROP TRIGGER occupancy_no_overlap_update", "occupancy_no_overlap_update"),
        ("DROP TRIGGER occupancy_clearance_insert", "occupancy_clearance_insert"),
        ("DROP TRIGGER occupancy_clearance_update", "occupancy_clearance_update"),
    ],
    "postgresql": [
        ("ALTER TABLE occupancy DROP CONSTRAINT occupancy_no_overlap", OVERLAP),
        ("DROP TRIGGER occupancy_clearance ON occupancy", CLEARANCE),
        ("ALTER TABLE occupancy DISABLE TRIGGER occupancy_clearance", CLEARANCE),
    ],
}


def test_a_guard_that_is_missing_is_named(world: World, engine_kind: str) -> None:
    missing = set()
    for statement, name in DROPS[engine_kind][:-1]:
        with transaction():
            db.session.execute(text(statement))
        missing.add(name)
        assert set(missing_guards()) == missing


def test_a_disabled_trigger_is_named(world: World, engine_kind: str) -> None:
    statement, name = DROPS[engine_kind][-1]
    with transaction():
        db.session.execute(text(statement))
    assert missing_guards() == [name]


def test_overlaps_are_counted_where_the_guard_is_gone(row: Rows, engine_kind: str) -> None:
    with transaction():
        for statement, _ in DROPS[engine_kind]:
            if "overlap" in statement:
                db.session.execute(text(statement))
    write(row(10, 12), row(11, 13), row(15, 16), row(15, 16, active=False))
    assert overlaps() == 1


# --- two sessions at once


@pytest.mark.parametrize("engine_kind", ["postgresql"], indirect=False)
class TestTwoSessionsOnPostgreSQL:
    """SQLite has one writer at a time; on PostgreSQL the second session waits for the first."""

    @pytest.mark.parametrize(
        ("second", "guard"),
        [
            ({"start": 11, "end": 13}, OVERLAP),
            ({"start": 12, "end": 13, "client": AMBER}, CLEARANCE),
            ({"start": 8, "end": 10, "cleared": 11, "client": AMBER}, CLEARANCE),
        ],
    )
    def test_the_second_of_two_sessions_is_refused(
        self, row: Rows, world_url: str, second: dict[str, Any], guard: str
    ) -> None:
        first_row, second_row = row(10, 12, cleared=14), row(**second)
        outcome = _race(world_url, first_row, second_row, commit=True)
        assert isinstance(outcome, IntegrityError)
        assert guard_that_refused(outcome) == guard
        assert overlaps() == 0

    def test_the_second_proceeds_when_the_first_gives_up(self, row: Rows, world_url: str) -> None:
        assert _race(world_url, row(10, 12, cleared=14), row(12, 13, client=AMBER), commit=False) is None

    def test_repeatable_read_is_refused(self, row: Rows, world_url: str) -> None:
        engine = create_engine(world_url, isolation_level="REPEATABLE READ")
        with engine.connect() as session, pytest.raises(IntegrityError, match="READ COMMITTED"):
            session.execute(insert(Occupancy).values(row(10, 12)))
        engine.dispose()


def _race(url: str, first: dict[str, Any], second: dict[str, Any], commit: bool) -> BaseException | None:
    """Insert in one session, then in another before the first has ended; return what the second met."""
    engine = create_engine(url)
    outcome: list[BaseException | None] = []
    with engine.connect() as one, engine.connect() as two:
        one.execute(insert(Occupancy).values(first))
        thread = threading.Thread(target=lambda: outcome.append(_try(two, second)))
        thread.start()
        _wait_until_blocked(engine.connect(), thread)
        if commit:
            one.commit()
        else:
            one.rollback()
        thread.join(10)
    engine.dispose()
    return outcome[0]


def _try(session: Connection, values: dict[str, Any]) -> BaseException | None:
    try:
        session.execute(insert(Occupancy).values(values))
        session.commit()
    except IntegrityError as error:
        session.rollback()
        return error
    return None


def _wait_until_blocked(session: Connection, thread: threading.Thread) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    with session:
        for _ in range(500):
            if session.scalar(waiting) or not thread.is_alive():
                return
            session.rollback()
            thread.join(0.01)
    raise AssertionError("the second session did not wait for the first")


def test_the_time_is_utc_and_to_the_second(row: Rows) -> None:
    """What is stored comes back as the same moment, aware, whatever zone it was given in."""
    from datetime import timezone

    given = datetime(2027, 1, 11, 14, 30, tzinfo=timezone(timedelta(hours=5, minutes=30)))
    values = row(10, 12) | {
        "starts_at": given - timedelta(hours=1),
        "held_until": given,
        "cleared_until": given,
    }
    (row_id,) = write(values)
    stored = db.session.get(Occupancy, row_id)
    assert stored is not None
    assert stored.held_until == given
    assert stored.held_until.isoformat() == "2027-01-11T09:00:00+00:00"
