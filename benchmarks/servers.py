"""The servers that are measured, as they run in production: started, timed, weighed and stopped."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.wire import Wire, request

ROOT = Path(__file__).resolve().parents[1]
WORKERS, THREADS = 2, 4
SECRET_KEY = "only for measuring"  # noqa: S105 (opens nothing real)
TO_START = 60
NO_LIMITS = {"BOOKING_FEED_RATE": "0", "BOOKING_API_RATE": "0", "BOOKING_LOGIN_RATE": "0"}
MORE_EVENTS = {"BOOKING_FEED_MAX_EVENTS": "5000"}


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    address: str
    pid: int
    cold_start: float

    def workers(self) -> list[int]:
        """Return the processes that answer requests."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(child) for child in children.read_text().split()] if children.exists() else []

    def cpu(self) -> float:
        """Return the seconds of processor time that the server has used."""
        return sum(_cpu(pid) for pid in (self.pid, *self.workers()))

    def weight(self) -> tuple[float, float]:
        """Return the memory of the heaviest worker in MiB: resident, and its share of what is shared."""
        return max((_weight(pid) for pid in self.workers()), default=(0.0, 0.0))


def _cpu(pid: int) -> float:
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def _weight(pid: int) -> tuple[float, float]:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: int(size) / 1024 for name, size, *_ in (line.replace(":", "").split() for line in lines)}
    return sizes["Rss"], sizes["Pss"]


@contextmanager
def gunicorn() -> Iterator[Server]:
    """Run the reference as most Flask applications run."""
    options = ["-k", "gthread", "-w", str(WORKERS), "--threads", str(THREADS), "--log-level", "error"]
    with _running(["gunicorn", *options, "benchmarks.hello:app"], "--bind=127.0.0.1:{port}", "/") as server:
        yield server


@contextmanager
def granian() -> Iterator[Server]:
    """Run the reference on the product's own server."""
    options = ["--interface", "wsgi", "--workers", str(WORKERS), "--blocking-threads", str(THREADS)]
    options += ["--no-ws", "--log-level", "error"]
    with _running(["granian", *options, "benchmarks.hello:app"], "--port={port}", "/") as server:
        yield server


@contextmanager
def booking(url: str) -> Iterator[Server]:
    """Run `booking serve` on a database, with its own number of workers and threads and without limits."""
    settings = {"BOOKING_DATABASE_URL": url, "BOOKING_SECRET_KEY": SECRET_KEY, **NO_LIMITS, **MORE_EVENTS}
    with _running(["booking.cli", "serve"], "--port={port}", "/healthz", settings) as server:
        yield server


@contextmanager
def _running(
    module: Sequence[str], port_option: str, path: str, settings: dict[str, str] | None = None
) -> Iterator[Server]:
    port = _free_port()
    command = [sys.executable, "-m", *module, port_option.format(port=port)]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("BOOKING_")}
    with tempfile.TemporaryFile() as output:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 (commands are our own)
            command,
            cwd=ROOT,
            env={**ours, **(settings or {})},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            yield Server(address, process.pid, _until_it_answers(process, address, path, output) - began)
        finally:
            _stop(process)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _until_it_answers(process: "subprocess.Popen[bytes]", address: str, path: str, output: object) -> float:
    """Return when the first 200 came."""
    deadline = time.perf_counter() + TO_START
    while time.perf_counter() < deadline and process.poll() is None:
        with suppress(OSError):
            wire = Wire(address)
            try:
                if wire.ask(request("GET", path)).status == 200:
                    return time.perf_counter()
            finally:
                wire.close()
        time.sleep(0.005)
    raise RuntimeError(f"the server does not answer: {_said(output)}")


def _said(output: object) -> str:
    output.seek(0)  # type: ignore[attr-defined]
    return str(output.read().decode(errors="replace")[-2000:])  # type: ignore[attr-defined]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
