"""docs/api.md as its reader would try it: every block is run, in order, against the running server."""

import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.factories import SECRET_KEY
from tests.served.conftest import Hub

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs/api.md").read_text()
# A problem ends the script: curl alone would go on.
STRICT = 'set -euo pipefail\ncurl() { command curl --fail-with-body "$@"; }\n'


@pytest.fixture(scope="module")
def blocks() -> dict[str, list[str]]:
    """The fenced blocks of the guide, by language."""
    found: dict[str, list[str]] = {}
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL):
        found.setdefault(language, []).append(block)
    return found


def run(command: list[str], hub: Hub, **more: str) -> str:
    """Run a part of the guide as somebody at the server's shell."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    own = {"PATH": path, "BOOKING_DATABASE_URL": hub.url, "BOOKING_SECRET_KEY": SECRET_KEY, **more}
    ran = subprocess.run(
        command, env={**os.environ, **own}, capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_every_block_is_one_that_is_run(blocks: dict[str, list[str]]) -> None:
    assert {language: len(found) for language, found in blocks.items()} == {"sh": 8, "python": 1}


def test_the_shell_part_does_what_it_says(hub: Hub, blocks: dict[str, list[str]]) -> None:
    script = "".join(blocks["sh"])
    script, addresses = re.subn(r"^export HUB=.*$", f"export HUB={hub.address}", script, flags=re.MULTILINE)
    script, people = re.subn(r"you@example\.org", "researcher@hub.example", script)
    assert (addresses, people) == (1, 1)
    run(["bash", "-c", STRICT + script], hub)
    with closing(hub.client("researcher")) as researcher:
        mine = researcher.ask("GET", "/bookings?mine=true").body["items"]
        weekly = [one for one in mine if one["series"]]
        assert {(one["title"], one["status"]) for one in weekly} == {("Weekly feed", "cancelled")}
        assert 1 < len(weekly) <= 3
        (booking,) = (one for one in mine if not one["series"])
        assert (booking["title"], booking["status"]) == ("Passage 12, second flask", "cancelled")
        assert (booking["people"], booking["version"]) == (1, 4)
        (feed,) = researcher.ask("GET", "/feeds").body["items"]
        assert (feed["scope"], feed["detail"], feed["label"]) == ("me", "full", "phone")


def test_the_python_part_does_what_it_says(hub: Hub, blocks: dict[str, list[str]]) -> None:
    script = blocks["python"][0] + "print(len(list(my_bookings())))\n"
    token = hub.tokens["colleague"]
    told = run([sys.executable, "-c", script], hub, HUB=hub.address, TOKEN=token).splitlines()
    with closing(hub.client("colleague")) as colleague:
        (booking,) = colleague.ask("GET", "/bookings?mine=true").body["items"]
    assert told == [f"{booking['id']} {booking['start']} {booking['end']}", "1"]
    assert (booking["title"], booking["status"]) == ("Passage 13", "confirmed")


def test_the_python_part_takes_an_alternative(hub: Hub, blocks: dict[str, list[str]]) -> None:
    """The booking of the test before is in the way."""
    token = hub.tokens["birch"]
    told = run([sys.executable, "-c", blocks["python"][0]], hub, HUB=hub.address, TOKEN=token).split()
    with closing(hub.client("birch")) as birch, closing(hub.client("colleague")) as colleague:
        mine, other = (one.ask("GET", "/bookings?mine=true").body["items"][0] for one in (birch, colleague))
    assert told[0] == mine["id"]
    assert (mine["start"], mine["resources"]) != (other["start"], other["resources"])
