"""Thirty-two clients in four processes who act at the same moment, each with the application of its own.

The processes are started once and told which database to act on; each keeps the clock where tests stop it.
"""

import multiprocessing
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import Any

from booking.base import clock
from booking.base.db import db
from booking.base.errors import BookingError, Refused
from booking.bookings import actions, series, series_changes
from booking.bookings.models import Booking
from booking.bookings.request import BookingRequest
from booking.facilities.queries import places, viewer_of
from tests import factories
from tests.faults import defects

PROCESSES, THREADS = 4, 8
ACTIONS: dict[str, Callable[..., Booking]] = {
    "book": lambda viewer, request: actions.book(request, viewer),
    "change": lambda viewer, booking, request: actions.change(booking, request, viewer),
    "cancel": lambda viewer, booking: actions.cancel(booking, viewer, "race"),
    "book_series": lambda viewer, *asked: series.book_series(*asked, viewer).bookings[0],
    "change_series": lambda viewer, booking, request: series_changes.change_series(
        booking, request, viewer, "all"
    ),
    "cancel_series": lambda viewer, booking: series_changes.cancel_series(booking, viewer, "all", "race"),
    "approve": lambda viewer, booking: actions.approve(booking, viewer),
    "decline": lambda viewer, booking: actions.decline(booking, viewer, "race"),
}
EVERYBODY = PROCESSES * THREADS
GET_READY = 0.12  # seconds until all have read who they are and stand at the line
PATIENCE = 120
ATTEMPTS = 5


@dataclass(frozen=True)
class Job:
    """What one client is going to do: an action's name, who does it, and with what."""

    action: str
    user_id: int
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of a job: the booking's public id, or the kind of error with its codes."""

    booking: str = ""
    error: str = ""
    codes: tuple[str, ...] = ()
    text: str = ""
    seconds: float = 0.0
    busy: int = 0


def to_book(user_id: int, request: BookingRequest) -> Job:
    """A client who books."""
    return Job("book", user_id, (request,))


class Crowd:
    """The clients; `rush` lets them act at once."""

    def __init__(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipes: list[Connection] = []
        self._processes = []
        self._known: set[str] = set()
        for _ in range(PROCESSES):
            ours, theirs = context.Pipe()
            process = context.Process(target=_live, args=(theirs,), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def rush(self, url: str, jobs: list[Job], defect: str = "") -> list[Outcome]:
        """Let each job be done by a client of its own, all at the same moment; `defect` is seeded before."""
        self._known.add(url)
        shares = [jobs[n::PROCESSES] for n in range(PROCESSES)]
        for pipe, share in zip(self._pipes, shares, strict=True):
            pipe.send((url, share, defect))
        for pipe in self._pipes:
            assert self._heard(pipe) == "ready"
        start = time.monotonic() + GET_READY
        for pipe in self._pipes:
            pipe.send(start)
        outcomes: list[Outcome | None] = [None] * len(jobs)
        for n, pipe in enumerate(self._pipes):
            outcomes[n::PROCESSES] = self._heard(pipe)
        return [outcome for outcome in outcomes if outcome is not None]

    @staticmethod
    def _heard(pipe: Connection) -> Any:
        assert pipe.poll(PATIENCE), "a process of the crowd does not answer"
        return pipe.recv()

    def leave(self, url: str) -> None:
        """Close every connection to a database that was met."""
        if url in self._known:
            self.rush(url, [], "leave")
            self._known.remove(url)

    def go_home(self) -> None:
        """End all processes."""
        for pipe in self._pipes:
            pipe.send(None)
        for process in self._processes:
            process.join(10)
            if process.is_alive():
                process.kill()
                process.join()


def _live(pipe: Connection) -> None:
    apps: dict[str, Any] = {}
    with clock.travel(factories.MONDAY):
        while True:
            try:
                message = pipe.recv()
            except (EOFError, OSError):
                return
            if message is None:
                return
            url, jobs, defect = message
            app = apps.get(url) or apps.setdefault(url, factories.an_app(url))
            if defect == "leave":
                with app.app_context():
                    db.engine.dispose()
                del apps[url]
                defect = ""
            with defects.seeded(defect):
                _take_part(pipe, app, jobs)


def _take_part(pipe: Connection, app: Any, jobs: list[Job]) -> None:
    outcomes: list[Outcome] = [Outcome(error="did nothing")] * len(jobs)
    at_the_line = threading.Barrier(len(jobs) + 1)
    start = [0.0]
    go = threading.Event()

    def run(n: int) -> None:
        with app.app_context():
            try:
                viewer = viewer_of(jobs[n].user_id)
                places()
                db.session.commit()
            finally:
                at_the_line.wait()
            go.wait()
            time.sleep(max(start[0] - time.monotonic(), 0))
            outcomes[n] = _act(jobs[n], viewer)
            db.session.remove()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(jobs))]
    for thread in threads:
        thread.start()
    at_the_line.wait()
    pipe.send("ready")
    start[0] = pipe.recv()
    go.set()
    for thread in threads:
        thread.join()
    pipe.send(outcomes)


def _act(job: Job, viewer: Any) -> Outcome:
    """Act, and do what a busy database asks for: try again a moment later."""
    for attempt in range(ATTEMPTS):
        outcome = replace(_try(job, viewer), busy=attempt)
        if outcome.error != "Busy":
            break
        time.sleep(0.1 * (attempt + 1))
    return outcome


def _try(job: Job, viewer: Any) -> Outcome:
    began = time.monotonic()
    try:
        booking = ACTIONS[job.action](viewer, *job.arguments)
        return Outcome(booking=booking.public_id, seconds=time.monotonic() - began)
    except Refused as error:
        codes = tuple(sorted({refusal.code for refusal in error.refusals}))
        return Outcome("", type(error).__name__, codes, str(error), time.monotonic() - began)
    except BookingError as error:
        return Outcome("", type(error).__name__, (error.code,), str(error), time.monotonic() - began)
    except Exception as error:
        return Outcome("", f"!{type(error).__name__}", (), str(error)[:300], time.monotonic() - began)
