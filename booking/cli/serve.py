"""`booking serve`: the production server, and what it shares with the demo."""

import multiprocessing
import os
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import click
from flask.cli import ScriptInfo

from booking.base.db import db
from booking.cli.check import reasons_not_to_serve
from booking.cli.locks import in_use
from booking.cli.processes import Worker, become_supervisor
from booking.cli.shell import Shell, data_option
from booking.settings import Settings

WORKERS, THREADS = 2, 4
TO_ANSWER = 60
TO_STOP = 10
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 (only looked up)
_LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(levelname)s %(message)s"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "plain", "stream": "ext://sys.stderr"}
    },
    "loggers": {"_granian": {"handlers": ["stderr"], "level": "ERROR", "propagate": False}},
}


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535))
@click.option("--workers", default=WORKERS, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option(
    "--threads", default=THREADS, show_default=True, type=click.IntRange(1, 256), help="In each process."
)
@data_option
@click.pass_obj
def serve(shell: ScriptInfo, host: str, port: int, workers: int, threads: int) -> None:
    """Serve the configured database, with one background worker."""
    assert isinstance(shell, Shell)  # noqa: S101 (for the type checker)
    settings = shell.settings()
    _must_be_fit(shell, settings)
    multiprocessing.set_start_method("spawn")  # a reload (HUP) then brings new code
    with in_use(settings.sqlite_file()):
        port = a_port(host, port)
        hand_over(settings)
        here = address(host, port)
        worker = Worker(here.rstrip("/"))
        run_server(host, port, workers, threads, lambda: click.echo(f"Ready: {here}"), worker)


def _must_be_fit(shell: Shell, settings: Settings) -> None:
    faults = settings.faults()
    if not faults:
        app = shell.load_app()
        with app.app_context():
            faults = reasons_not_to_serve(settings)
            let_go()
    for fault in faults:
        click.echo(f"booking: {fault}", err=True)
    if faults:
        raise click.exceptions.Exit(1)


def let_go() -> None:
    """Close every connection: the server's processes must not inherit any."""
    db.session.remove()
    for engine in db.engines.values():
        engine.dispose()


def hand_over(settings: Settings) -> None:
    """Put the settings where the server's processes read them."""
    os.environ["BOOKING_DATABASE_URL"] = settings.database_url
    os.environ["BOOKING_SECRET_KEY"] = settings.secret_key
    if settings.base_url:
        os.environ["BOOKING_BASE_URL"] = settings.base_url


def address(host: str, port: int) -> str:
    """Return the address that a person types."""
    return f"http://[{host}]:{port}/" if ":" in host else f"http://{host}:{port}/"


def a_port(host: str, port: int) -> int:
    """Return the port, or a free one for 0; refuse one that is taken."""
    try:
        family, where = _resolved(host, port)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(where)
            return int(probe.getsockname()[1])
    except OSError as error:
        reason = error.strerror or str(error)
        raise click.ClickException(f"cannot listen on {host} port {port}: {reason}") from None


def _resolved(host: str, port: int) -> tuple[int, tuple[Any, ...]]:
    """Return the address family and the address of a host: IPv4 where it has both, as people expect."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, where = min(found, key=lambda one: one[0] != socket.AF_INET)
    return family, where


def run_server(
    host: str,
    port: int,
    workers: int,
    threads: int,
    ready: Callable[[], object],
    background: Worker,
) -> None:
    """Serve until told to stop; requests in flight are answered, and no process is left behind."""
    from granian import Granian  # type: ignore[attr-defined]
    from granian.constants import HTTPModes, Interfaces
    from granian.log import LogLevels

    become_supervisor()
    where = str(_resolved(host, port)[1][0])
    server: Any = Granian(
        "booking.cli.served:app",
        address=where,
        port=port,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=workers,
        blocking_threads=threads,
        respawn_failed_workers=True,
        workers_kill_timeout=TO_STOP,
        log_level=LogLevels.error,
        log_dictconfig=_LOGGING,
    )
    server.on_startup(background.start)
    told = threading.Thread(target=_tell_when_ready, args=(where, port, ready, server), daemon=True)
    server.on_startup(told.start)
    try:
        server.serve()
    except SystemExit:
        if not server.interrupt_signal:
            raise
    finally:
        background.stop()


def _tell_when_ready(host: str, port: int, ready: Callable[[], object], server: Any) -> None:
    time.sleep(0.2)  # the server's processes are forked meanwhile, while this thread holds nothing
    deadline = time.monotonic() + TO_ANSWER
    url = f"{address(EVERYWHERE.get(host, host), port)}healthz"
    while time.monotonic() < deadline and not server.interrupt_signal:
        if _answers(url):
            ready()
            sys.stdout.flush()
            return
        time.sleep(0.05)
    if not server.interrupt_signal:
        click.echo(f"booking: the server does not answer within {TO_ANSWER} seconds", err=True)
        server.interrupt_signal = True
        server.main_loop_interrupt.set()


def _answers(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False
