"""`booking backup` and `booking restore`: consistent copies of the embedded database."""

import os
import sqlite3
from contextlib import closing
from datetime import datetime
from pathlib import Path

import click
from flask.cli import ScriptInfo

from booking.base import clock, schema
from booking.cli.locks import in_use
from booking.cli.shell import Shell, data_option

MAGIC = b"SQLite format 3\x00"
AT_ONCE = 2000  # pages copied before writers get their turn


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@data_option
@click.pass_context
def backup(context: click.Context, file: Path) -> None:
    """Copy the embedded database into FILE while it is in use, and check the copy."""
    source = _embedded(context, "pg_dump --format=custom --file=FILE DATABASE")
    if file.exists() and not _is_database(file):
        raise click.ClickException(f"{file} is no database: it is left as it is")
    if not source.is_file():
        raise click.ClickException(f"there is no database {source}")
    if file.exists() and file.samefile(source):
        raise click.ClickException("FILE is the database itself")
    _copy(source, file)
    click.echo(f"{file}: {file.stat().st_size} bytes, checked")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_option
@click.pass_context
def restore(context: click.Context, file: Path) -> None:
    """Put a copy back in place of the embedded database; what was there is kept beside it."""
    target = _embedded(context, "pg_restore --clean --if-exists --single-transaction --dbname=DATABASE FILE")
    _must_be_ours(file)
    if target.exists() and file.samefile(target):
        raise click.ClickException("FILE is the database itself")
    with in_use(target, alone=True):
        if target.exists():
            kept = target.with_name(f"{target.name}.before-restore-{_stamp(clock.now())}")
            _copy(target, kept)
            click.echo(f"What was there is in {kept}.")
        target.parent.mkdir(parents=True, exist_ok=True)
        _copy(file, target)
    click.echo(f"{target} is restored. If the copy is of an older version: booking db upgrade.")


def _embedded(context: click.Context, other_tool: str) -> Path:
    """Return the embedded database's file; for PostgreSQL, name the tool that does this there."""
    shell = context.ensure_object(ScriptInfo)
    assert isinstance(shell, Shell)  # noqa: S101 (for the type checker)
    file = shell.settings().sqlite_file()
    if file is None:
        raise click.ClickException(f"this is for the embedded database; for PostgreSQL use: {other_tool}")
    return file


def _is_database(file: Path) -> bool:
    with file.open("rb") as handle:
        return handle.read(len(MAGIC)) in (MAGIC, b"")


def _copy(source: Path, target: Path) -> None:
    """Copy a database as it is at one moment, check the copy, and only then give it its name."""
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(_open(source)) as old, closing(sqlite3.connect(part)) as new:
            old.backup(new, pages=AT_ONCE, sleep=0.01)
            new.execute("PRAGMA journal_mode=DELETE")
            _must_be_sound(new, source)
            new.execute("PRAGMA journal_mode=WAL")
        _write_through(part)
        for tail in ("-wal", "-shm"):
            target.with_name(target.name + tail).unlink(missing_ok=True)
        part.replace(target)
        _write_through(target.parent)
    except sqlite3.Error as error:
        raise click.ClickException(f"{source}: {error}") from None
    finally:
        for tail in ("", "-wal", "-shm", "-journal"):
            part.with_name(part.name + tail).unlink(missing_ok=True)


def _open(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=10)
    connection.execute("PRAGMA query_only=ON")
    return connection


def _must_be_sound(connection: sqlite3.Connection, file: Path) -> None:
    found = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
    if found != ["ok"]:
        raise click.ClickException(f"{file} is damaged: {' '.join(' '.join(map(str, found)).split())[:300]}")


def _must_be_ours(file: Path) -> None:
    """Refuse what is no database of this product, or of a version that this code does not know."""
    try:
        with closing(sqlite3.connect(f"{file.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            version = str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])
            connection.execute("SELECT 1 FROM occupancy LIMIT 1")
            _must_be_sound(connection, file)
    except (sqlite3.Error, TypeError):
        raise click.ClickException(f"{file} is no backup of a booking database") from None
    if version > schema.head():
        raise click.ClickException(
            f"{file} is of a newer version (schema {version}): update the program first"
        )


def _write_through(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _stamp(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"
