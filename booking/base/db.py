"""The database: one transaction per action, row locks in a fixed order, UTC everywhere.

The only module that commits. On SQLite a writer waits for its turn in a fair queue and starts with
BEGIN IMMEDIATE; on PostgreSQL it waits at most three seconds for a row lock.
"""

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, TypeVar, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import (
    ARRAY,
    BigInteger,
    DateTime,
    Dialect,
    Engine,
    Executable,
    Insert,
    Integer,
    MetaData,
    Select,
    Update,
    bindparam,
    event,
    func,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import DisconnectionError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import (
    DeclarativeBase,
    InstrumentedAttribute,
    SessionTransaction,
    make_transient_to_detached,
)
from sqlalchemy.types import TypeDecorator, TypeEngine

from booking.base.errors import Busy
from booking.base.prepared import Values, prepared, send

LOCK_SECONDS = 3
RESTS = 1.0  # seconds after which a connection may have been cut off unnoticed
NEXT, NEXT_BUT_ONE = 0.0001, 0.001  # seconds between two looks of the writer whose turn it is soon
_LOCK_NOT_AVAILABLE = {"55P03", "40P01", "40001", "57014"}
_CONVENTION = {
    "ix": "ix_%(column_0_label)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """The common ancestor of all models."""

    metadata = MetaData(naming_convention=_CONVENTION)


db = SQLAlchemy(model_class=Base, session_options={"expire_on_commit": False, "autoflush": False})
Row = TypeVar("Row", bound=Base)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment to the second: timestamptz on PostgreSQL, epoch seconds on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(BigInteger())
        return dialect.type_descriptor(DateTime(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        whole = value.astimezone(UTC).replace(microsecond=0)
        return int(whole.timestamp()) if dialect.name == "sqlite" else whole

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if dialect.name == "sqlite":
            return datetime.fromtimestamp(value, UTC)
        moment: datetime = value
        return moment.astimezone(UTC)


def engine_options(url: str, threads: int = 8) -> dict[str, Any]:
    """Return the engine options that fit a database URL."""
    if make_url(url).get_backend_name() == "sqlite":
        return {
            "connect_args": {"timeout": LOCK_SECONDS},
            "pool_size": threads,
            "max_overflow": threads,
            "pool_timeout": LOCK_SECONDS,
        }
    server = f"-c lock_timeout={LOCK_SECONDS}s -c statement_timeout=30s -c timezone=UTC"
    return {
        "connect_args": {"options": server, "connect_timeout": 5},
        "pool_size": threads,
        "max_overflow": threads,
        "pool_timeout": LOCK_SECONDS,
    }


def init_app(app: Flask) -> None:
    """Give the application its database and set up the dialect's habits."""
    db.init_app(app)
    with app.app_context():
        prepare(db.engine)


def prepare(engine: Engine) -> None:
    """Set up the habits of an engine's dialect."""
    if engine.dialect.name == "sqlite":
        _tame_sqlite(engine)
    else:
        _wake(engine)


def _wake(engine: Engine) -> None:
    """Try a connection that rested before it is used: the server may have been restarted meanwhile."""

    @event.listens_for(engine, "checkin")
    def lay_down(_: Any, record: Any) -> None:
        record.info["rests_since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def try_it(dbapi: Any, record: Any, _: Any) -> None:
        if time.monotonic() - record.info.get("rests_since", 0) > RESTS:
            try:
                engine.dialect.do_ping(dbapi)
            except Exception as error:
                raise DisconnectionError from error  # the pool then opens a new one


def _tame_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(dbapi: Any, _: Any) -> None:
        dbapi.isolation_level = None
        for pragma in ("foreign_keys=ON", "synchronous=FULL", f"busy_timeout={LOCK_SECONDS * 1000}"):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        how = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        send(connection, f"BEGIN {how}", ())


class InOrder:
    """A lock that lets those who wait for it in by the order in which they came."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False

    def acquire(self, seconds: float) -> bool:
        """Wait for one's turn for so long; tell whether it came."""
        with self._guard:
            if not self._taken:
                self._taken = True
                return True
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=seconds):
            return True
        with self._guard:
            if turn not in self._waiting:  # it came at the last moment
                return True
            self._waiting.remove(turn)
            return False

    def release(self) -> None:
        """Hand over to the next."""
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()
            else:
                self._taken = False


class _WritersQueue:
    """Lets SQLite's writers in one by one: fair within a process, by lock files between processes.

    SQLite itself makes waiting writers sleep longer and longer, so that some starve. Whoever is next keeps
    the others behind it with a lock of its own: the process that just wrote cannot slip in again before it.
    """

    def __init__(self) -> None:
        self._head = InOrder()

    @contextmanager
    def turn(self, database: str) -> Iterator[None]:
        deadline = time.monotonic() + LOCK_SECONDS
        if not self._head.acquire(LOCK_SECONDS):
            raise Busy
        try:
            with _opened(f"{database}-next") as following, _opened(f"{database}-queue") as writing:
                self._wait(following, deadline, NEXT_BUT_ONE)
                self._wait(writing, deadline, NEXT)
                fcntl.flock(following, fcntl.LOCK_UN)
                yield
        finally:
            self._head.release()

    def _wait(self, handle: int, deadline: float, pause: float) -> None:
        while True:
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Busy from None
                time.sleep(pause)


@contextmanager
def _opened(path: str) -> Iterator[int]:
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield handle
    finally:
        os.close(handle)


_queue = _WritersQueue()


@contextmanager
def transaction() -> Iterator[None]:
    """Run one action: everything in the block is stored together or not at all.

    A transaction inside another joins it. Raises `Busy` when a lock cannot be had in time.
    """
    session = db.session()
    if session.info.get("writing"):
        yield
        return
    session.commit()  # ends the read transaction without forgetting what was read
    with _turn():
        session.info["writing"] = True
        try:
            session.connection(execution_options={"sqlite_begin": "IMMEDIATE"})
            yield
            session.commit()
        except OperationalError as error:
            session.rollback()
            raise (Busy() if _is_lock_failure(error) else error) from error
        except PoolTimeout as error:
            session.rollback()
            raise Busy from error
        except BaseException:
            session.rollback()
            raise
        finally:
            session.info["writing"] = False
            session.info.pop("marks", None)


@contextmanager
def _turn() -> Iterator[None]:
    url = db.engine.url
    if url.get_backend_name() == "sqlite" and url.database:
        with _queue.turn(_place_of(url.database)):
            yield
    else:
        yield


@lru_cache(maxsize=8)
def _place_of(database: str) -> str:
    return str(Path(database).resolve())


def _is_lock_failure(error: OperationalError) -> bool:
    state = getattr(error.orig, "sqlstate", None)
    return state in _LOCK_NOT_AVAILABLE or "database is locked" in str(error.orig)


def note(mark: str) -> None:
    """Remember something about the transaction under way, until it ends."""
    db.session().info.setdefault("marks", set()).add(mark)


def noted(mark: str) -> bool:
    """Tell whether this was noted in the transaction under way."""
    return mark in db.session().info.get("marks", ())


def lock(model: type[Row], ids: Collection[int]) -> dict[int, Row]:
    """Lock rows in the order of their ids until the transaction ends, and return them afresh."""
    if not ids:
        return {}
    key = _id(model)
    # NO KEY UPDATE: rows that merely refer to these (foreign keys) need not wait, and cannot deadlock.
    query = select(model).where(key.in_(sorted(ids))).order_by(key).with_for_update(key_share=True)
    rows = db.session.scalars(query.execution_options(populate_existing=True))
    return {row.id: row for row in rows}  # type: ignore[attr-defined]


def hold_back(model: type[Row], ids: Collection[int]) -> None:
    """Lock rows without reading them: nothing to do on SQLite, where one transaction at a time writes."""
    if ids and not is_sqlite():
        write(_locking(model), {"ids": sorted(ids)})


@cache
def _locking(model: type[Base]) -> Select[Any]:
    key = _id(model)
    among = key == func.any(bindparam("ids", type_=ARRAY(Integer)))
    return select(key).where(among).order_by(key).with_for_update(key_share=True)


def bump(model: type[Row], ids: Collection[int], *counters: str) -> None:
    """Raise counters (the version) of locked rows, so that every kept view of them is known to be old."""
    if ids:
        write(_raising(model, *counters or ("version",)), [{"one": row_id} for row_id in sorted(ids)])


@cache
def _raising(model: type[Base], *counters: str) -> Update:
    raised = {name: model.__table__.c[name] + 1 for name in counters}
    return update(model).where(_id(model) == bindparam("one")).values(raised)


def _id(model: type[Base]) -> InstrumentedAttribute[int]:
    key: InstrumentedAttribute[int] = model.id  # type: ignore[attr-defined]
    return key


# --- prepared statements: built once, run past the ORM ---------------------------------------------


def read(query: Executable, values: Values | None = None) -> Sequence[Any]:
    """Run a prepared query (the same object each time) and return plain rows, unknown to the session."""
    connection, given = _connection(), values or {}
    return prepared(query, connection.dialect, tuple(given)).rows(connection, given)


def read_composed(query: Executable, values: Values) -> Sequence[Any]:
    """Run a query that was put together for this occasion, and return plain rows as `read` does."""
    return _connection().execute(query, values).all()


def write(statement: Executable, values: Values | Sequence[Values]) -> None:
    """Run a prepared insert, update or delete once, or once for each set of values."""
    connection = _connection()
    many = [values] if isinstance(values, Mapping) else values
    if many:
        prepared(statement, connection.dialect, tuple(many[0])).run(connection, many)


def _connection() -> Connection:
    """Return the connection of the database transaction under way: the session is asked once for each."""
    session = db.session()
    known: tuple[SessionTransaction, Connection] | None = session.info.get("connection")
    if known is None or known[0] is not session.get_transaction():
        connection = session.connection()
        known = session.info["connection"] = cast(SessionTransaction, session.get_transaction()), connection
    return known[1]


def store(row: Base) -> None:
    """Insert a new row at once, by itself; every column must be set. The session then knows it as stored."""
    columns = inspect(type(row)).column_attrs
    write(_inserting(type(row)), {column.key: getattr(row, column.key) for column in columns})
    make_transient_to_detached(row)
    db.session.add(row)


@cache
def _inserting(model: type[Base]) -> Insert:
    return insert(model)


def is_sqlite() -> bool:
    """Tell whether the application runs on its embedded database."""
    return db.engine.dialect.name == "sqlite"
