"""What vdirsyncer stores of a subscribed feed, and what khal shows of it."""

import json
import shutil
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from urllib.request import urlopen

import pytest
from icalendar import Calendar

Moment = date | datetime
Seen = tuple[str, Moment, Moment]

SYNC = """\
[general]
status_path = "{home}/status/"

[pair feed]
a = "remote"
b = "stored"
collections = null

[storage remote]
type = "http"
url = "{url}"

[storage stored]
type = "filesystem"
path = "{home}/items/"
fileext = ".ics"
"""

SHOW = """\
[calendars]
[[feed]]
path = {home}/items/
readonly = True

[sqlite]
path = {home}/khal.db

[locale]
local_timezone = UTC
default_timezone = UTC
timeformat = %H:%M
dateformat = %Y-%m-%d
longdateformat = %Y-%m-%d
datetimeformat = %Y-%m-%dT%H:%M
longdatetimeformat = %Y-%m-%dT%H:%M
"""


def events_seen_by_vdirsyncer(url: str, tmp_path: Path) -> set[Seen]:
    """Synchronise and return (uid, start, end) of every stored event; times in UTC, whole days as dates.

    Called again with the same folder it synchronises again, as a subscribed program does.
    """
    items = items_stored_by_vdirsyncer(url, tmp_path)
    uids = _uids_by_hash(url)
    seen = set()
    for event in (event for item in items for event in Calendar.from_ical(item).events):
        seen.add((uids[str(event["UID"])], _utc(event["DTSTART"].dt), _utc(event["DTEND"].dt)))
    return seen


def items_stored_by_vdirsyncer(url: str, tmp_path: Path) -> list[str]:
    """Synchronise and return the text of every stored item."""
    config = tmp_path / "vdirsyncer.conf"
    (tmp_path / "items").mkdir(parents=True, exist_ok=True)
    config.write_text(SYNC.format(home=tmp_path, url=url))
    for step in ("discover", "sync"):
        _run("vdirsyncer", "--config", str(config), step, home=tmp_path)
    return [path.read_bytes().decode() for path in sorted((tmp_path / "items").glob("*.ics"))]


def events_shown_by_khal(tmp_path: Path, first: date, last: date) -> list[dict[str, str]]:
    """Return what khal lists of the synchronised events: title, start and end in UTC, whether all day."""
    config = tmp_path / "khal.conf"
    config.write_text(SHOW.format(home=tmp_path))
    fields = [part for name in ("title", "start", "end", "all-day") for part in ("--json", name)]
    period = [first.isoformat(), last.isoformat()]
    shown = _run("khal", "--config", str(config), "list", "--once", *fields, *period, home=tmp_path)
    return [event for line in shown.splitlines() for event in json.loads(line)]


def _uids_by_hash(url: str) -> dict[str, str]:
    """Undo what vdirsyncer does to a subscription: it replaces each UID by a hash of the event."""
    vobject = pytest.importorskip("vdirsyncer.vobject")
    with urlopen(url, timeout=30) as answer:
        calendar = answer.read().decode()
    items = [vobject.Item(text) for text in vobject.split_collection(calendar)]
    return {item.hash: item.uid for item in items}


def _run(program: str, *arguments: str, home: Path) -> str:
    """Run a program of the tests' environment, away from the user's own settings."""
    beside = Path(sys.executable).parent
    found = shutil.which(program, path=str(beside)) or shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    environment = {"HOME": str(home), "PATH": str(beside), "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [found, *arguments], env=environment, capture_output=True, text=True, timeout=120, input=""
    )
    if done.returncode:
        raise RuntimeError(f"{program} {' '.join(arguments)}: {done.stdout}{done.stderr}")
    return done.stdout


def _utc(moment: Moment) -> Moment:
    return moment.astimezone(UTC) if isinstance(moment, datetime) else moment
