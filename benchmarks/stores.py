"""The two kinds of database: how each is filled fast, kept, copied and weighed. Settings are production's."""

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from benchmarks.rows import COLUMNS
from tests import engines

POSTGRESQL = {
    **engines.DURABLE,
    "shared_buffers": "512MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "4GB",
}


class Loader(Protocol):
    """Writes rows in bulk."""

    def add(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Store rows of one table, given in the order of COLUMNS."""


class Store(Protocol):
    """Where the databases of one kind are."""

    name: str

    def moment(self, seconds: int) -> Any:
        """Return a moment as the driver takes it."""

    def has(self, key: str) -> bool:
        """Tell whether this database was built."""

    def kept(self) -> list[str]:
        """Name the databases that were built."""

    def drop(self, key: str) -> None:
        """Forget a database."""

    def empty(self, key: str) -> str:
        """Make an empty database and return its address."""

    def rename(self, key: str, new: str) -> None:
        """Give a finished database its name."""

    def address(self, key: str) -> str:
        """Return the address of a database."""

    def copy(self, key: str) -> AbstractContextManager[str]:
        """Lend a copy."""

    def filling(self, key: str) -> AbstractContextManager[Loader]:
        """Let rows be loaded fast; what guards and finds them is put back and proves them at the end."""

    def size(self, key: str) -> int:
        """Return the bytes that a database takes."""

    def version(self) -> str:
        """Name the engine and its version."""


# --- SQLite ----------------------------------------------------------------------------------------


class Sqlite:
    """Files in the cache folder."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def moment(self, seconds: int) -> int:
        return seconds

    def _file(self, key: str) -> Path:
        return self._folder / f"{key}.db"

    def has(self, key: str) -> bool:
        return self._file(key).exists()

    def kept(self) -> list[str]:
        return [file.stem for file in self._folder.glob("*.db")]

    def drop(self, key: str) -> None:
        for file in self._folder.glob(f"{key}.db*"):
            file.unlink()

    def empty(self, key: str) -> str:
        self.drop(key)
        return self.address(key)

    def rename(self, key: str, new: str) -> None:
        self._file(key).rename(self._file(new))

    def address(self, key: str) -> str:
        return f"sqlite:///{self._file(key)}"

    @contextmanager
    def copy(self, key: str) -> Iterator[str]:
        with tempfile.TemporaryDirectory(prefix="hub-booking-bench-") as folder:
            file = Path(folder) / "booking.db"
            shutil.copyfile(self._file(key), file)
            yield f"sqlite:///{file}"

    @contextmanager
    def filling(self, key: str) -> Iterator[Loader]:
        with closing(sqlite3.connect(self._file(key), isolation_level=None)) as connection:
            for pragma in ("foreign_keys=OFF", "journal_mode=OFF", "synchronous=OFF", "cache_size=-400000"):
                connection.execute(f"PRAGMA {pragma}")
            around = _taken_off(connection)
            connection.execute("BEGIN")
            yield _SqliteLoader(connection)
            for statement in around:
                connection.execute(statement)
            connection.execute("COMMIT")
            connection.execute("PRAGMA journal_mode=WAL")

    def size(self, key: str) -> int:
        return self._file(key).stat().st_size

    def version(self) -> str:
        return f"SQLite {sqlite3.sqlite_version}"


class _SqliteLoader:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        names, places = ", ".join(COLUMNS[table]), ", ".join("?" for _ in COLUMNS[table])
        self._connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows)  # noqa: S608


def _taken_off(connection: sqlite3.Connection) -> list[str]:
    """Drop triggers and indexes of the tables to be filled; return what makes them anew."""
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type IN ('index', 'trigger')"
    found = [row for row in connection.execute(query) if row[2] in COLUMNS and row[3]]
    for kind, name, _, _ in found:
        connection.execute(f"DROP {kind} {name}")
    return [statement for _, _, _, statement in sorted(found)]  # indexes before triggers


# --- PostgreSQL ------------------------------------------------------------------------------------


class Postgresql:
    """Databases of a private server, durable as in production, whose data stay in the cache folder."""

    name = "postgresql"

    def __init__(self, folder: Path, server: str = "") -> None:
        self._folder, self._server = folder, server

    def moment(self, seconds: int) -> str:
        return _moment(seconds)

    @cached_property
    def _url(self) -> str:
        return self._server or self._start()

    def _start(self) -> str:
        programs = engines.programs() or engines.fetch_programs()
        folder = Path(tempfile.mkdtemp(prefix="hub-booking-"))
        data = self._folder / f"postgresql-{_major(programs)}"
        data.mkdir(mode=0o700, exist_ok=True)
        return engines.start(programs, folder, data, POSTGRESQL, passing=folder)

    def _connect(self, key: str = "postgres") -> "psycopg.Connection[tuple[Any, ...]]":
        return connect(self.address(key))

    def has(self, key: str) -> bool:
        return key in self.kept()

    def kept(self) -> list[str]:
        with self._connect() as connection:
            names = connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'bench-%'")
            return [name for (name,) in names]

    def drop(self, key: str) -> None:
        with self._connect() as connection:
            connection.execute(_named("DROP DATABASE IF EXISTS {} WITH (FORCE)", key))

    def empty(self, key: str) -> str:
        self.drop(key)
        with self._connect() as connection:
            connection.execute(_named("CREATE DATABASE {}", key))
        return self.address(key)

    def rename(self, key: str, new: str) -> None:
        with self._connect() as connection:
            connection.execute(_named("ALTER DATABASE {} RENAME TO {}", key, new))

    def address(self, key: str) -> str:
        return make_url(self._url).set(database=key).render_as_string(hide_password=False)

    @contextmanager
    def copy(self, key: str) -> Iterator[str]:
        name = f"bench-copy-{os.getpid()}"
        self.drop(name)
        with self._connect() as connection:
            connection.execute(_named("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy", name, key))
            connection.execute("CHECKPOINT")
        try:
            yield self.address(name)
        finally:
            self.drop(name)

    @contextmanager
    def filling(self, key: str) -> Iterator[Loader]:
        with self._connect(key) as connection:
            connection.autocommit = False
            around = _put_aside(connection)
            yield _PostgresqlLoader(connection)
            for statement in around:
                connection.execute(statement)
            connection.execute("SELECT setval('holds_id_seq', (SELECT max(id) FROM holds))")
            connection.commit()
            connection.autocommit = True
            connection.execute("VACUUM ANALYZE")

    def size(self, key: str) -> int:
        with self._connect() as connection:
            (size,) = connection.execute("SELECT pg_database_size(%s)", [key]).fetchone() or (0,)
            return int(size)

    def version(self) -> str:
        with self._connect() as connection:
            return f"PostgreSQL {connection.info.parameter_status('server_version')}"


class _PostgresqlLoader:
    def __init__(self, connection: "psycopg.Connection[tuple[Any, ...]]") -> None:
        self._connection = connection

    def add(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        columns = sql.SQL(", ").join(map(sql.Identifier, COLUMNS[table]))
        command = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(table), columns)
        with self._connection.cursor() as cursor, cursor.copy(command) as copy:
            for row in rows:
                copy.write_row(row)


@lru_cache(maxsize=100_000)
def _moment(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _put_aside(connection: "psycopg.Connection[tuple[Any, ...]]") -> list[str]:
    """Drop what guards and finds the rows of the tables to be filled, rest triggers; return the way back."""
    tables = list(COLUMNS)
    constraints = connection.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE contype IN ('f', 'x') AND conrelid::regclass::text = ANY(%s)",
        [tables],
    ).fetchall()
    indexes = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s)"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [tables],
    ).fetchall()
    for table, name, _ in constraints:
        connection.execute(_named("ALTER TABLE {} DROP CONSTRAINT {}", table, name))
    for name, _ in indexes:
        connection.execute(_named("DROP INDEX {}", name))
    for table in tables:
        connection.execute(_named("ALTER TABLE {} DISABLE TRIGGER USER", table))
    return [
        *(definition for _, definition in indexes),
        *(f"ALTER TABLE {table} ADD CONSTRAINT {name} {text}" for table, name, text in constraints),
        *(f"ALTER TABLE {table} ENABLE TRIGGER USER" for table in tables),
    ]


def _named(text: str, *names: str) -> sql.Composed:
    return sql.SQL(text).format(*map(sql.Identifier, names))  # type: ignore[arg-type]


def _major(programs: Path) -> str:
    command = [str(programs / "postgres"), "--version"]
    said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 (found by us)
    return said.stdout.split()[-1].split(".")[0]


def connect(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    """Open a plain connection to a PostgreSQL database."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)
