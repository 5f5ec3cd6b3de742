#!/usr/bin/env python3
"""Set up Hub Booking and start it; needs Python 3.11 or newer and nothing else.

Everything it makes is in .venv and .tools beside this file; both may be deleted at any time.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

USAGE = """\
usage: python3 run.py demo [ARGUMENT …]        start the demo (arguments go to `booking demo`)
       python3 run.py test [--all] [ARGUMENT …] run all checks (arguments go to pytest; --all: full length)
       python3 run.py bench [ARGUMENT …]       measure the speed (see benchmarks/README.md; --help says more)
       python3 run.py setup                     only make the environment"""

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
OLDEST = (3, 11)
LOCKS = {"run": "requirements.lock", "test": "requirements-dev.lock"}  # the second contains the first
UNREACHABLE = ("(from versions: none)", "Max retries exceeded", "NewConnectionError", "Connection broken")


class CannotStart(Exception):
    """Why it cannot start, in one line for the terminal."""


def main(arguments: list[str]) -> int:
    """Do what the command line asks and return the exit code."""
    verb, rest = (arguments[0], arguments[1:]) if arguments else ("", [])
    verbs = {"demo": demo, "test": test, "bench": bench, "setup": setup}
    if verb not in verbs:
        print(USAGE, file=sys.stdout if verb in ("-h", "--help") else sys.stderr)
        return 0 if verb in ("-h", "--help") else 2
    try:
        check_python(sys.version_info[:3], importlib.util.find_spec("ensurepip") is not None)
        return verbs[verb](rest)
    except CannotStart as reason:
        print(f"run.py: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def demo(arguments: list[str]) -> int:
    """Become `booking demo`."""
    make_environment("run")
    sys.stdout.flush()
    os.execv(VENV / "bin" / "booking", ["booking", "demo", *arguments])  # noqa: S606 (no shell is wanted)


def setup(arguments: list[str]) -> int:
    """Make the environment with everything a developer needs."""
    if arguments:
        raise CannotStart("setup takes no arguments")
    make_environment("test")
    return 0


def test(arguments: list[str]) -> int:
    """Run every check, name those that failed, and return 0 only if none did."""
    make_environment("test")
    environment = {**os.environ, "PATH": f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    if "--all" in arguments:
        environment["BOOKING_TESTS"] = "all"
    python = str(VENV / "bin" / "python")
    for tool in ("tests.engines", "tests.chromium"):
        if subprocess.run([python, "-m", tool], cwd=ROOT, env=environment).returncode:
            return 1
    checks = {
        "ruff check": ["ruff", "check", "."],
        "ruff format": ["ruff", "format", "--check", "."],
        "mypy": ["mypy"],
        "pytest": ["pytest", "-n", "2", *(word for word in arguments if word != "--all")],
    }
    failed = []
    for name, command in checks.items():
        print(f"--- {name}", flush=True)
        if subprocess.run([python, "-m", *command], cwd=ROOT, env=environment).returncode:
            failed.append(name)
    if failed:
        print(f"run.py: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def bench(arguments: list[str]) -> int:
    """Become the benchmark."""
    make_environment("test")
    os.chdir(ROOT)
    sys.stdout.flush()
    python = str(VENV / "bin" / "python")
    os.execv(python, [python, "-m", "benchmarks", *arguments])  # noqa: S606 (no shell is wanted)


def check_python(version: tuple[int, ...], has_ensurepip: bool) -> None:
    """Refuse a Python that is too old or cannot make virtual environments."""
    if version < OLDEST:
        have = ".".join(map(str, version))
        raise CannotStart(f"Python 3.11 or newer is needed, this is {have}: try python3.12 run.py …")
    if not has_ensurepip:
        raise CannotStart("this Python lacks ensurepip: install python3-venv (apt install python3-venv)")


def make_environment(kind: str) -> None:
    """Make .venv hold what the lock file of this kind names, unless it already does."""
    with only_one_at_a_time():
        if is_ready(kind):
            return
        say(f"setting up .venv with Python {platform.python_version()}, about a minute …")
        if not is_ready("run"):
            make_empty()
        try:
            install("--require-hashes", "--only-binary", ":all:", "-r", LOCKS[kind])
            install("--no-index", "--no-build-isolation", "-e", ".")
        except BaseException:
            if not is_ready("run"):
                shutil.rmtree(VENV, ignore_errors=True)
            raise
        for done in ("run", kind):
            stamp(done).write_text(fingerprint(done))


@contextmanager
def only_one_at_a_time() -> Iterator[None]:
    """Wait while another run.py of this checkout sets up."""
    with Path(__file__).open() as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def is_ready(kind: str) -> bool:
    """Tell whether .venv was finished for exactly this lock file, project, Python and place."""
    if not all((VENV / "bin" / program).exists() for program in ("python", "booking")):
        return False
    return stamp(kind).is_file() and stamp(kind).read_text() == fingerprint(kind)


def stamp(kind: str) -> Path:
    """Return the file that is written last, when the environment is complete."""
    return VENV / f".ready-to-{kind}"


def fingerprint(kind: str) -> str:
    """Return a hash of everything that decides what belongs into .venv."""
    import tomllib  # not in the Pythons that check_python refuses

    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    project = [pyproject["project"], pyproject["build-system"], pyproject["tool"]["hatch"]]
    place = [str(ROOT), sys.version_info[:2], platform.machine()]
    facts = [json.dumps(project, sort_keys=True), json.dumps(place), (ROOT / LOCKS[kind]).read_text()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()


def make_empty() -> None:
    """Make a new .venv in place of whatever is there."""
    shutil.rmtree(VENV, ignore_errors=True)
    made = subprocess.run([sys.executable, "-m", "venv", str(VENV)], capture_output=True, text=True)
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise CannotStart(f"cannot make .venv: {last_line(made.stdout + made.stderr)}")


def install(*what: str) -> None:
    """Install with pip into .venv, or say in one line why not."""
    pip = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
    options = ["--disable-pip-version-check", "--no-input", "--retries", "2", "--timeout", "20"]
    done = subprocess.run([*pip, *options, *what], cwd=ROOT, capture_output=True, text=True)
    if not done.returncode:
        return
    output = done.stdout + done.stderr
    if any(sign in output for sign in UNREACHABLE):
        raise CannotStart("no package index answers: the first start needs a network, later ones do not")
    raise CannotStart(f"pip failed: {last_line(output)}")


def last_line(output: str) -> str:
    """Return what a command's output says last, preferring errors."""
    lines = [line.strip() for line in output.splitlines() if line.strip()] or ["no reason given"]
    errors = [line for line in lines if line.lower().startswith("error")]
    return (errors or lines)[-1]


def say(text: str) -> None:
    """Tell what is going on, without disturbing the output of the command that follows."""
    print(f"run.py: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
