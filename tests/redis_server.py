"""A real Redis for a test, on a socket of its own: it can be killed, frozen, and started again."""

import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

TO_START = 20


class RedisServer:
    """`redis-server` that keeps everything in memory."""

    def __init__(self, program: str, folder: Path) -> None:
        socket = folder / "socket"
        self.url = f"unix://{socket}"
        self._command = [
            program,
            "--port",
            "0",
            "--unixsocket",
            str(socket),
            "--save",
            "",
            "--dir",
            str(folder),
        ]
        self.start()

    def start(self) -> None:
        """Start it, and return when it answers."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + TO_START
        while not self._answers():
            assert self._process.poll() is None, "redis-server does not start"
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.02)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(20)

    def freeze(self) -> None:
        """Let it take connections and answer nothing, as a machine does that has lost its network."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._process.send_signal(signal.SIGCONT)

    def stored(self) -> list[str]:
        """List the names of all that it holds."""
        with redis.Redis.from_url(self.url, decode_responses=True) as client:
            return sorted(client.keys("*"))

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False


@contextmanager
def running() -> Iterator[RedisServer]:
    """Run a Redis for the length of a block; skip the test where there is none to run."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed (apt install redis-server)")
    folder = Path(tempfile.mkdtemp(prefix="hub-booking-"))
    server = RedisServer(program, folder)
    try:
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)
