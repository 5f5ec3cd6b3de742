"""SQLite's databases: files in the cache folder."""

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.rows import COLUMNS
from benchmarks.stores import Loader


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
    """Drop triggers and indexes of the tables to be filled; return what makes them anew.

    They come back in their old order: by it, SQLite chooses between indexes that look equally good.
    """
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE type <> 'table' ORDER BY rowid"
    found = [row for row in connection.execute(query) if row[2] in COLUMNS and row[3]]
    for kind, name, _, _ in found:
        connection.execute(f"DROP {kind} {name}")
    return [statement for *_, statement in found]
