"""`booking worker`: the background work. Any number may run at once, each piece is done by one of them."""

import signal
import threading
import time
from contextlib import suppress
from datetime import timedelta
from typing import Any

import click
import structlog
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy import delete

from booking.base import clock
from booking.base.acts import carry_out_due
from booking.base.db import db, transaction
from booking.base.errors import Busy
from booking.calendars.actions import forget_old_events
from booking.cli.locks import in_use
from booking.cli.processes import end_with_parent
from booking.cli.shell import data_option
from booking.notifications.delivery import deliver_due
from booking.notifications.training import plan_reminders
from booking.people.idempotency import forget_old
from booking.people.models import SignInFailure

EVERY = 3  # seconds between two looks at what is due
TIDY_EVERY = 60
FAILURES_KEPT = timedelta(days=1)


@click.command()
@click.option("--once", is_flag=True, help="Do what is due now and stop.")
@data_option
@click.pass_obj
def worker(shell: ScriptInfo, once: bool) -> None:
    """Run the background work (mails, reminders, expiry of requests, housekeeping) until stopped."""
    end_with_parent()
    app = shell.load_app()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with in_use(app.config["SETTINGS"].sqlite_file()):
        if once:
            _begin(app)
            while any(work(app).values()) and not stop.is_set():
                continue
            tidy(app)
        else:
            _until(stop, app)


def _until(stop: threading.Event, app: Flask) -> None:
    log: Any = structlog.get_logger("worker")
    log.info("worker started")
    tidied = float("-inf")
    while not stop.is_set():
        try:
            if tidied == float("-inf"):
                _begin(app)
            done = work(app)
            if time.monotonic() - tidied > TIDY_EVERY:
                tidy(app)
                tidied = time.monotonic()
        except Exception as error:  # the database may come back: the worker stays
            log.warning("could not work", reason=str(error).splitlines()[:1])
            done = {}
        if any(done.values()):
            log.info("worked", **done)
        else:
            stop.wait(EVERY)
    log.info("worker stopped")


def _begin(app: Flask) -> None:
    """Plan what comes back every day, unless it is planned."""
    with app.app_context():
        plan_reminders()
        db.session.remove()


def work(app: Flask) -> dict[str, int]:
    """Do some of what is due and return how much that was."""
    with app.app_context():
        try:
            return {"acts": carry_out_due(), "mails": deliver_due(app.config["SETTINGS"])}
        except Busy:
            return {}
        finally:
            db.session.remove()


def tidy(app: Flask) -> None:
    """Remove what nobody needs any more."""
    with app.app_context(), suppress(Busy):
        try:
            with transaction():
                forget_old()
                old = SignInFailure.at < clock.now() - FAILURES_KEPT
                db.session.execute(delete(SignInFailure).where(old))
            forget_old_events()
        finally:
            db.session.remove()
