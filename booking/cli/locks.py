"""Locks between the processes of one machine: who prepares a database, and whether one is in use."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click


@contextmanager
def only_one(file: Path) -> Iterator[None]:
    """Wait until no other process is in such a block with the same file."""
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@contextmanager
def in_use(database: Path | None, alone: bool = False) -> Iterator[None]:
    """Say that an embedded database is in use; `alone` refuses while any other process says so."""
    if database is None:
        yield
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with database.with_name(f"{database.name}-running").open("a") as handle:
        try:
            fcntl.flock(handle, (fcntl.LOCK_EX if alone else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except BlockingIOError:
            what = "is in use: stop the server and the worker first" if alone else "is being replaced"
            raise click.ClickException(f"{database} {what}") from None
        yield
