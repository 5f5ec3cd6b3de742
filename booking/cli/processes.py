"""Child processes that never outlive the one that started them."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time

SUPERVISOR = "HUB_BOOKING_SUPERVISOR"
PATIENCE = 10
RESPITE = 1
_PR_SET_PDEATHSIG = 1


def become_supervisor() -> None:
    """Ask every child started from now on to end when this process does, however that is."""
    os.environ[SUPERVISOR] = str(os.getpid())


def set_apart() -> None:
    """Leave the terminal's group: Ctrl-C is the supervisor's, which then tells its children once."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    if os.environ.get(SUPERVISOR, "") not in ("", str(os.getpid())):
        os.setsid()
    end_with_parent()


def end_with_parent() -> None:
    """End at once when the supervisor that started this process is gone; without one, do nothing."""
    supervisor = os.environ.get(SUPERVISOR, "")
    if not supervisor or supervisor == str(os.getpid()):
        return
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if str(os.getppid()) != supervisor:
        os._exit(1)
    if sys.platform != "linux":
        threading.Thread(target=_watch, args=(int(supervisor),), daemon=True).start()


def _watch(supervisor: int) -> None:
    while os.getppid() == supervisor:
        time.sleep(0.5)
    os._exit(1)


class Worker:
    """The background worker as a child process: when it dies, another takes its place."""

    def __init__(self, base_url: str) -> None:
        self._environment = {**os.environ}
        self._environment.setdefault("BOOKING_BASE_URL", base_url)
        self._process: subprocess.Popen[bytes] | None = None
        self._stopping = threading.Event()

    def start(self) -> None:
        self._environment[SUPERVISOR] = str(os.getpid())
        self._launch()
        threading.Thread(target=self._keep, daemon=True).start()

    def _launch(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "booking.cli", "worker"],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def _keep(self) -> None:
        while self._process is not None:
            self._process.wait()
            if self._stopping.wait(RESPITE):
                return
            self._launch()

    def stop(self) -> None:
        """Let it finish what it is doing, and insist after a while."""
        self._stopping.set()
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
