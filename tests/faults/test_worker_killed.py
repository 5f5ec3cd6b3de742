"""kill -9 of a worker at every step: no mail and no act is lost, and nothing known as done is repeated."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from booking import create_app
from booking.base import audit, clock
from booking.base.acts import TimedAct
from booking.base.db import db
from booking.base.work import LEASE
from booking.bookings.actions import book
from booking.bookings.models import Booking
from booking.cli.worker import work
from booking.notifications.models import OutboxMessage
from booking.settings import Settings
from tests import factories
from tests.factories import MONDAY, World, next_weekday, request, working_day
from tests.faults.server import Client, as_json, serving, tokens
from tests.mail_server import MailBox, free_port, mail_server

pytestmark = pytest.mark.faults
SENDER = "booking@hub.example"
MAILS = 3
# A worker in a process of its own, at a moment of the tests' time: it dies before or after a call.
WORKER = """
import os, signal, sys
from datetime import datetime
from booking import create_app
from booking.base import acts, clock
from booking.bookings import actions
from booking.cli.worker import work
from booking.notifications import delivery, post
from booking.settings import Settings

when, what, moment = sys.argv[1:4]
if what:
    place, _, name = what.rpartition(".")
    owner = {"acts": acts, "actions": actions, "delivery": delivery, "Post": post.Post}[place]
    real = getattr(owner, name)
    def dying(*given, **more):
        if when == "after":
            real(*given, **more)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(owner, name, dying)
app = create_app(Settings.from_environment(os.environ))
with clock.travel(datetime.fromisoformat(moment)):
    print("working", flush=True)
    work(app)
"""
# At which step it dies, and how many mails may arrive twice: those that were taken but not yet known as sent.
STEPS = {
    ("before", "delivery.claim"): 0,
    ("after", "delivery.claim"): 0,
    ("before", "Post.send"): 0,
    ("after", "Post.send"): 1,
    ("after", "delivery.finish"): 1,  # the mark is written, but not committed
    ("after", "delivery._deal_with"): 0,
}


@pytest.fixture
def box() -> Iterator[MailBox]:
    """A mail server that takes everything."""
    with mail_server() as found:
        yield found


def a_worker(
    url: str, box: MailBox, step: tuple[str, str] = ("", ""), at: str = MONDAY.isoformat()
) -> "subprocess.Popen[str]":
    environment = {name: text for name, text in os.environ.items() if not name.startswith("BOOKING_")}
    environment |= {
        "BOOKING_DATABASE_URL": url,
        "BOOKING_SECRET_KEY": factories.SECRET_KEY,
        "BOOKING_MAIL_URL": box.url,
        "BOOKING_MAIL_FROM": SENDER,
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    command = [sys.executable, "-c", WORKER, *step, at]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def end_of(worker: "subprocess.Popen[str]") -> int:
    worker.communicate(timeout=60)
    return worker.returncode


def the_next_worker(url: str, box: MailBox, at: datetime) -> None:
    """Let another worker do all there is, once the lease of the dead one is over."""
    mail = {"mail_url": box.url, "mail_from": SENDER}
    app = create_app(Settings(database_url=url, secret_key=factories.SECRET_KEY, **mail))
    with clock.travel(at + LEASE + timedelta(seconds=1)):
        while any(work(app).values()):
            continue
    with app.app_context():
        db.engine.dispose()
    db.session.remove()


@pytest.fixture
def written(world: World) -> set[str]:
    """The Message-IDs of the mails about three bookings."""
    for n in range(MAILS):
        start = next_weekday(9 + n, days=3)
        book(request("H-HALL", start), world.viewer("student"))
    due = select(OutboxMessage.public_id).where(OutboxMessage.next_try_at <= clock.now())
    found = {f"<{name}@hub.example>" for name in db.session.scalars(due)}
    db.session.remove()
    assert len(found) == MAILS
    return found


@pytest.mark.parametrize("step", STEPS, ids=" ".join)
def test_no_mail_is_lost_and_none_known_as_sent_is_repeated(
    world_url: str, box: MailBox, written: set[str], step: tuple[str, str]
) -> None:
    assert end_of(a_worker(world_url, box, step)) == -signal.SIGKILL
    the_next_worker(world_url, box, MONDAY)
    must_have_arrived(box, written, twice=STEPS[step])


@pytest.mark.parametrize("moment", ["at_recipient", "at_data"])
def test_killed_while_it_talks_to_the_mail_server(
    world_url: str, box: MailBox, written: set[str], moment: str
) -> None:
    workers: list[subprocess.Popen[str]] = []

    def kill(_: MailBox, __: str) -> str:
        if workers[0].poll() is None:
            workers[0].kill()
            workers[0].wait()
            return "451 4.3.0 Gone" if moment == "at_recipient" else "250 OK"
        return "250 OK"

    setattr(box, moment, kill)
    workers.append(a_worker(world_url, box))
    assert end_of(workers[0]) == -signal.SIGKILL
    the_next_worker(world_url, box, MONDAY)
    must_have_arrived(box, written, twice=1 if moment == "at_data" else 0)


def must_have_arrived(box: MailBox, written: set[str], twice: int) -> None:
    counts = Counter(box.ids())
    assert set(counts) == written
    assert sorted(counts.values()) == [1] * (MAILS - twice) + [2] * twice
    open_mails = select(OutboxMessage.kind).where(OutboxMessage.done_at.is_(None))
    assert set(db.session.scalars(open_mails)) == {"booking_reminder"}, "those are due later"


ACT_STEPS = (
    ("before", "acts.claim"),
    ("after", "acts.claim"),
    ("after", "acts.finish"),
    ("after", "actions._end"),  # all is written, and nothing is committed
    ("after", "acts._carry_out"),
)


@pytest.mark.parametrize("step", ACT_STEPS, ids=" ".join)
def test_no_act_is_lost_and_none_is_carried_out_twice(
    world: World, world_url: str, box: MailBox, step: tuple[str, str]
) -> None:
    asked = book(request("H-BR1", next_weekday(9.5, days=7), hours=24), world.viewer("student"))
    due = asked.answer_due_at
    assert due is not None
    db.session.remove()
    worker = a_worker(world_url, box, step, due.isoformat())
    assert end_of(worker) == -signal.SIGKILL
    the_next_worker(world_url, box, due)
    assert db.session.get_one(Booking, asked.id).status == "declined"
    told = [entry.action for entry in audit.history("booking", asked.id)]
    late = ["expired", "booked"]  # what was killed as it passed the request on came too late
    assert told in (["expired", "escalated", "booked"], late)
    assert all(act.done_at for act in db.session.scalars(select(TimedAct)))


# --- as it runs


def test_each_mail_once_though_the_server_was_away_and_the_sender_killed(served_url: str) -> None:
    """`booking serve` while its mail server is away; the worker is killed meanwhile."""
    port, number = free_port(), 8
    client_token = tokens(served_url, ("student",))["student"]
    mail = {"BOOKING_MAIL_URL": f"smtp://127.0.0.1:{port}", "BOOKING_MAIL_FROM": SENDER}
    with serving(served_url, **mail) as server:
        client = Client(server.address, client_token)
        for n in range(number):
            if n == number // 2:
                server.kill_the_worker()
            start = working_day(10, 9 + n / 2)
            made = client.ask("POST", "/bookings", as_json(request("H-HALL", start, 0.5, people=0)))
            assert made.status == 201
        client.close()
        with mail_server(port) as box:
            deadline = time.monotonic() + 60
            while len(box.mails) < number and time.monotonic() < deadline:
                time.sleep(0.1)
            time.sleep(1)
            assert len(box.ids()) == len(set(box.ids())) == number
