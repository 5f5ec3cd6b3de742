"""Programs the tests need and the machine lacks, fetched once into the ignored folder .tools."""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = Path(__file__).parent / "tools"


class CannotFetch(Exception):
    """Why a program could not be fetched, in one line."""


def folder(name: str, lock: str) -> Path:
    """Return where a tool's files are or will be; another lock file is another place."""
    version = hashlib.sha256((LOCKS / lock).read_bytes()).hexdigest()[:12]
    return ROOT / ".tools" / f"{name}-{version}"


def fetched(name: str, lock: str, make: Callable[[Path], None]) -> Path:
    """Return a tool's folder, made by `make` first; an interrupted attempt leaves nothing there."""
    target = folder(name, lock)
    with only_one_at_a_time(target):
        if not target.exists():
            print(f"fetching {name} for the tests …", file=sys.stderr, flush=True)
            part = target.with_suffix(".part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(target)
    return target


@contextmanager
def only_one_at_a_time(target: Path) -> Iterator[None]:
    """Wait while another test process fetches the same."""
    target.parent.mkdir(exist_ok=True)
    with target.with_suffix(".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def wheels(name: str, lock: str) -> Path:
    """Return the folder with the unpacked wheels that a lock file names."""
    return fetched(name, lock, lambda part: pip_install(lock, part))


def pip_install(lock: str, into: Path) -> None:
    """Unpack the wheels that a lock file names into a folder."""
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    run([*pip, "--retries", "2", "--timeout", "20", "-r", str(LOCKS / lock), "--target", str(into)])


def run(command: list[str], cwd: Path = ROOT) -> None:
    """Run a command that needs a network; on failure say so with its last error line."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True)
    if done.returncode:
        lines = [line.strip() for line in (done.stdout + done.stderr).splitlines() if "error" in line.lower()]
        raise CannotFetch(f"cannot fetch it (is there a network?): {(lines or ['no reason given'])[-1]}")
