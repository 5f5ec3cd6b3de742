"""The product as it runs: `booking serve` with its processes, spoken to over HTTP by many clients at once."""

import http.client
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from booking.base.db import db
from booking.bookings.request import BookingRequest
from booking.people.sessions import create_token
from tests import factories

TO_START = 60
ATTEMPTS = 5


@dataclass(frozen=True)
class Answer:
    """What the server said, or 0 where it said nothing."""

    status: int
    body: Any
    headers: dict[str, str]
    seconds: float
    busy: int = 0


class Server:
    """`booking serve` on a free port, in a process group of its own."""

    def __init__(self, url: str, workers: int = 2, threads: int = 8, **settings: str) -> None:
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("BOOKING_")},
            "BOOKING_DATABASE_URL": url,
            "BOOKING_SECRET_KEY": factories.SECRET_KEY,
            "BOOKING_LOG_LEVEL": "ERROR",
            **settings,
        }
        options = ["--port", "0", "--workers", str(workers), "--threads", str(threads)]
        self._command = [sys.executable, "-m", "booking.cli", "serve", *options]
        self.address = ""
        self.start()

    def start(self) -> None:
        """Start it, and return when it says that it answers."""
        self._process = subprocess.Popen(
            self._command,
            env=self._environment,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=_read, args=(self._process.stdout, lines))
        self._reader.start()
        deadline = time.monotonic() + TO_START
        while time.monotonic() < deadline and self._process.poll() is None:
            with suppress(queue.Empty):
                line = lines.get(timeout=0.2)
                if line.startswith("Ready: "):
                    self.address = line.removeprefix("Ready: ").strip()
                    return
        self.kill()
        raise AssertionError("the server does not say that it is ready")

    def kill_the_worker(self) -> None:
        """End the background worker, as somebody who runs out of memory would."""
        for task in Path(f"/proc/{self._process.pid}/task").glob("*/children"):
            for pid in map(int, task.read_text().split()):
                if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
                    return os.kill(pid, signal.SIGKILL)
        raise AssertionError("there is no worker")

    def kill(self) -> None:
        """End every process of it at once, as a power cut would."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(20)
        self._reader.join()

    def stop(self) -> None:
        """Ask it to end, and insist after a while."""
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self._reader.join()


def _read(output: Any, lines: "queue.Queue[str]") -> None:
    with output:
        for line in output:
            lines.put(line)


@contextmanager
def serving(url: str, workers: int = 2, threads: int = 8, **settings: str) -> Iterator[Server]:
    """Run the server for the length of a block."""
    server = Server(url, workers, threads, **settings)
    try:
        yield server
    finally:
        server.kill()


class Client:
    """One person's connection to the API."""

    def __init__(self, address: str, token: str) -> None:
        self._host = urlsplit(address).netloc
        self._token = token
        self._connection = http.client.HTTPConnection(self._host, timeout=30)

    def close(self) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request, and again when the server says that it is busy and when to come back."""
        for attempt in range(ATTEMPTS):
            answer = replace(self._ask(method, path, body, headers), busy=attempt)
            if answer.status != 503:
                break
            time.sleep(int(answer.headers["retry-after"]))
        return answer

    def _ask(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Answer:
        """Send a request and read its whole answer; a broken connection is an answer with status 0."""
        given = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        began = time.monotonic()
        try:
            text = None if body is None else json.dumps(body)
            self._connection.request(method, f"/api/v1{path}", text, given)
            response = self._connection.getresponse()
            content = response.read()
            return Answer(
                response.status,
                json.loads(content) if content else None,
                {name.lower(): value for name, value in response.getheaders()},
                time.monotonic() - began,
            )
        except (OSError, http.client.HTTPException, ValueError):
            self._connection.close()
            self._connection = http.client.HTTPConnection(self._host, timeout=30)
            return Answer(0, None, {}, time.monotonic() - began)


def tokens(url: str, names: tuple[str, ...]) -> dict[str, str]:
    """Make an API token for each of some people."""
    app = factories.an_app(url)
    with app.app_context():
        world = factories.the_world()
        made = {name: create_token(world.users[name], "faults", "write", 1, None) for name in names}
        db.session.remove()
        db.engine.dispose()
    return made


def as_json(request: BookingRequest, **more: Any) -> dict[str, Any]:
    """Return a booking request as the API takes it."""
    return {
        "resources": [{"code": wanted.code, "units": wanted.units} for wanted in request.resources],
        "start": request.starts_at.isoformat(),
        "end": request.ends_at.isoformat(),
        "title": request.title,
        "people": request.people,
        **more,
    }


def salvo(clients: list[Client], asks: list[tuple[Any, ...]]) -> list[Answer]:
    """Let every client send a request of its own at the same moment."""
    answers: list[Answer | None] = [None] * len(asks)
    line = threading.Barrier(len(asks))

    def send(n: int) -> None:
        line.wait()
        *ask, headers = asks[n]
        answers[n] = clients[n].ask(*ask, **headers)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(len(asks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [answer for answer in answers if answer is not None]
