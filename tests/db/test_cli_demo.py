"""The demo as a user starts and stops it: one command, a line that says ready, and nothing left behind."""

import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from booking.cli.demo import SIGN_INS

pytestmark = pytest.mark.slow
PATIENCE = 120
BOOKING = (sys.executable, "-m", "booking.cli")


class Demo:
    """A running demo: its output, its address, and every process it has started."""

    def __init__(self, data: Path, *options: str, verb: str = "demo", **settings: str) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BOOKING_")}
        self.process = subprocess.Popen(
            [*BOOKING, verb, "--data", str(data), "--port", "0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            cwd=data.parent,
            env={**environment, **settings, "PYTHONPATH": str(Path(__file__).parents[2])},
        )
        self.errors: list[str] = []
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read_errors, daemon=True)
        self._reader.start()

    def _read_errors(self) -> None:
        self.errors.extend(self.process.stderr or ())

    def wait_until_ready(self) -> str:
        """Return the address, read from the last line."""
        alarm = threading.Timer(PATIENCE, self.process.kill)
        alarm.start()
        for line in self.process.stdout or ():
            self.lines.append(line.rstrip("\n"))
            if line.startswith("Ready: "):
                break
        alarm.cancel()
        assert self.lines, self.errors
        found = re.fullmatch(r"Ready: (http://127\.0\.0\.1:[0-9]+/)", self.lines[-1])
        assert found, (self.lines, self.errors)
        return found[1]

    def family(self) -> set[int]:
        """Return the ids of the demo's process and all its children."""
        found, waiting = set(), [self.process.pid]
        while waiting:
            pid = waiting.pop()
            found.add(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += map(int, task.read_text().split())
        return found

    def stop(self, number: int, group: bool = False) -> int:
        """Send a signal and return the exit code."""
        send = os.killpg if group else os.kill
        send(self.process.pid, number)
        return self.ended()

    def ended(self) -> int:
        """Wait for its end and return the exit code."""
        code = self.process.wait(timeout=PATIENCE)
        self._reader.join(timeout=5)
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe and not pipe.closed:
                self.lines += pipe.read().splitlines() if pipe is self.process.stdout else []
                pipe.close()
        return code


@contextmanager
def a_demo(data: Path, *options: str, verb: str = "demo", **settings: str) -> Iterator[Demo]:
    demo = Demo(data, *options, verb=verb, **settings)
    try:
        yield demo
    finally:
        if demo.process.poll() is None:
            demo.process.kill()
        demo.ended()


def alive(pids: set[int]) -> set[int]:
    """Return which of some processes still run, after a moment's grace."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        left = {pid for pid in pids if _runs(pid)}
        if not left:
            return left
        time.sleep(0.05)
    return left


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def workers_in(family: set[int], other_than: int = 0) -> list[int]:
    """Return which of some processes are background workers."""
    return [
        pid
        for pid in family - {other_than}
        if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    ]


def get(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return int(answer.status)


def command(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*BOOKING, *arguments, "--data", str(data)], capture_output=True, text=True, cwd=data.parent
    )


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the demo of this module lives; its first test makes it."""
    return tmp_path_factory.mktemp("demo") / "data"


def test_two_starts_at_once_share_one_demo_and_leave_nothing_behind(data: Path) -> None:
    with ExitStack() as stack:
        both = [stack.enter_context(a_demo(data)) for _ in range(2)]
        urls = [demo.wait_until_ready() for demo in both]
        assert urls[0] != urls[1]
        for demo, url in zip(both, urls, strict=True):
            assert get(url + "healthz") == 200
            assert get(url + "readyz") == 200
            assert get(url + "login") == 200
            for name in SIGN_INS:
                assert any(f"{name}@demo.example" in line for line in demo.lines)
            assert any("this machine only" in line for line in demo.lines)
        made = [any("Making the demo" in line for line in demo.lines) for demo in both]
        assert sorted(made) == [False, True]
        assert stat.S_IMODE((data / "secret").stat().st_mode) == 0o600
        assert command(data, "check").returncode == 0
        assert command(data, "backup", str(data.parent / "copy.db")).returncode == 0
        assert "is in use" in command(data, "restore", str(data.parent / "copy.db")).stderr
        families = [demo.family() for demo in both]
        assert min(map(len, families)) >= 3
        assert both[0].stop(signal.SIGTERM) == 0
        assert both[1].stop(signal.SIGINT, group=True) == 0
        assert alive(families[0] | families[1]) == set()
        assert all(demo.lines[-1].startswith("Ready: ") for demo in both)
        assert "Traceback" not in "".join(both[0].errors + both[1].errors)


def test_what_is_killed_leaves_no_orphan_and_starts_again(data: Path) -> None:
    for _ in range(2):
        with a_demo(data) as demo:
            url = demo.wait_until_ready()
            family = demo.family()
            demo.stop(signal.SIGKILL)
        assert alive(family) == set()
    with a_demo(data, "--port", url.rsplit(":", 1)[1].strip("/")) as demo:
        assert demo.wait_until_ready() == url
        assert get(url + "healthz") == 200


def test_a_port_that_is_taken_is_named(data: Path) -> None:
    with a_demo(data) as demo:
        port = demo.wait_until_ready().rsplit(":", 1)[1].strip("/")
        with a_demo(data, "--port", port) as other:
            assert other.ended() == 1
            assert [line for line in other.errors if f"port {port}" in line]
        with a_demo(data, "--fresh") as fresh:
            assert fresh.ended() == 1
            assert "is in use" in "".join(fresh.errors)


def test_the_network_is_for_those_who_set_a_password(data: Path) -> None:
    with a_demo(data, "--host", "0.0.0.0") as demo:  # noqa: S104 (it is refused)
        assert demo.wait_until_ready().startswith("http://127.0.0.1:")
        assert any("--host 0.0.0.0 is not used" in line for line in demo.lines)
    with a_demo(
        data, BOOKING_DEMO_PASSWORD="for the network", BOOKING_DATABASE_URL="mysql://ignored"
    ) as demo:
        demo.wait_until_ready()
        assert not any("for the network" in line for line in demo.lines)
        assert not any("this machine only" in line for line in demo.lines)


def test_serve_and_worker_run_on_what_is_there_and_stop_when_told(data: Path) -> None:
    with a_demo(data, "--workers", "1", verb="serve") as server:
        url = server.wait_until_ready()
        family = server.family()
        assert get(url + "readyz") == 200
        (own,) = workers_in(family)
        os.kill(own, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while not workers_in(server.family(), other_than=own):
            assert time.monotonic() < deadline, "another takes its place"
            time.sleep(0.1)
        family |= server.family()
        worker = subprocess.Popen(
            [*BOOKING, "worker", "--data", str(data)], stderr=subprocess.PIPE, text=True
        )
        assert worker.stderr
        assert "worker started" in worker.stderr.readline()
        worker.terminate()
        assert worker.communicate(timeout=PATIENCE)
        assert worker.returncode == 0
        assert server.stop(signal.SIGTERM) == 0
        assert alive(family) == set()


def test_an_unknown_setting_stops_the_demo_with_one_line(data: Path) -> None:
    with a_demo(data, BOOKING_NONSENSE="1") as demo:
        assert demo.ended() == 1
        assert len(demo.errors) == 1
        assert "BOOKING_NONSENSE" in demo.errors[0]
