"""The database: one transaction per action, row locks in a fixed order, UTC everywhere.

The only module that commits. On SQLite a writer waits for its turn in a fair queue and starts with
BEGIN IMMEDIATE; on PostgreSQL it waits at most three seconds for a row lock.
"""

import fcntl
import os
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Dialect, Engine, MetaData, event, select, update
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, InstrumentedAttribute
from sqlalchemy.types import TypeDecorator, TypeEngine

from booking.base.errors import Busy

LOCK_SECONDS = 3
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
        "pool_pre_ping": True,
    }


def init_app(app: Flask) -> None:
    """Give the application its database and set up the dialect's habits."""
    db.init_app(app)
    with app.app_context():
        if db.engine.dialect.name == "sqlite":
            _tame_sqlite(db.engine)


def _tame_sqlite(engine: Engine) -> None:
    @event.listens_for(engine, "connect")
    def configure(dbapi: Any, _: Any) -> None:
        dbapi.isolation_level = None
        for pragma in ("foreign_keys=ON", "synchronous=FULL", f"busy_timeout={LOCK_SECONDS * 1000}"):
            dbapi.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        how = connection.get_execution_options().get("sqlite_begin", "DEFERRED")
        connection.exec_driver_sql(f"BEGIN {how}")


class _WritersQueue:
    """Lets SQLite's writers in one by one: fair within a process, by lock file between processes.

    SQLite itself makes waiting writers sleep longer and longer, so that some starve.
    """

    def __init__(self) -> None:
        self._head = threading.Lock()

    @contextmanager
    def turn(self, database: str) -> Iterator[None]:
        deadline = time.monotonic() + LOCK_SECONDS
        if not self._head.acquire(timeout=LOCK_SECONDS):
            raise Busy
        try:
            handle = os.open(f"{database}-queue", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                self._wait(handle, deadline)
                yield
            finally:
                os.close(handle)
        finally:
            self._head.release()

    def _wait(self, handle: int, deadline: float) -> None:
        while True:
            try:
                return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise Busy from None
                time.sleep(0.001)


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
        with _queue.turn(str(Path(url.database).resolve())):
            yield
    else:
        yield


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


def bump(model: type[Row], ids: Collection[int]) -> None:
    """Raise the version of locked rows, so that every cached view of them is known to be old."""
    if ids:
        version = model.version  # type: ignore[attr-defined]
        statement = update(model).where(_id(model).in_(sorted(ids))).values(version=version + 1)
        db.session.execute(statement, execution_options={"synchronize_session": False})


def _id(model: type[Row]) -> InstrumentedAttribute[int]:
    key: InstrumentedAttribute[int] = model.id  # type: ignore[attr-defined]
    return key


def is_sqlite() -> bool:
    """Tell whether the application runs on its embedded database."""
    return db.engine.dialect.name == "sqlite"
