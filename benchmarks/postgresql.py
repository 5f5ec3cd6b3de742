"""PostgreSQL's databases: those of a private server, durable as in production, kept in the cache folder."""

import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from benchmarks.rows import COLUMNS
from benchmarks.stores import Loader
from tests import engines

SETTINGS = {
    **engines.DURABLE,
    "shared_buffers": "512MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "4GB",
}


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
        return engines.start(programs, folder, data, SETTINGS, to_remove=folder)

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
