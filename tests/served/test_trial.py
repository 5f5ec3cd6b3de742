"""Schemathesis against the running server: thousands of requests made from the API's own description."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests import engines
from tests.factories import request, working_day
from tests.faults.server import as_json
from tests.served.conftest import Hub

pytestmark = pytest.mark.slow
HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FULL = os.environ.get("BOOKING_TESTS") == "all"
EACH, WALKS = "examples,coverage,fuzzing", "stateful"
TRIALS = [  # who, in which phases, with what data, how many examples of an operation or walks
    ("researcher", EACH, "all", 6),
    ("staff", WALKS, "positive", 70),  # what is wrong ends a walk: right data leads further
    ("birch", "examples,fuzzing,stateful", "all", 8),
]
FULL_TRIALS = [
    (name, phases, "all", 20) for name in ("student", "coordinator", "admin") for phases in (EACH, WALKS)
]
MADE_AND_FOLLOWED = ("POST /api/v1/bookings -> [201]", "POST /api/v1/feeds -> [201]")
LINKS_WALKED = 8  # each to an answer that is no problem


@pytest.fixture(scope="module", params=engines.KINDS if FULL else ("sqlite",))
def hub_kind(request: pytest.FixtureRequest) -> str:
    """Both databases in a full run."""
    return str(request.param)


@pytest.mark.parametrize(("name", "phases", "mode", "examples"), TRIALS + (FULL_TRIALS if FULL else []))
def test_whatever_is_sent_is_answered_as_described(
    hub: Hub, name: str, phases: str, mode: str, examples: int, tmp_path: Path
) -> None:
    """Somebody of the host, somebody of the staff, and somebody of a company, who may see and do little."""
    there_is_something_to_find(hub, name)
    options = ["--phases", phases, "--mode", mode, "--max-examples", str(examples * (5 if FULL else 1))]
    tried = run(hub, name, options, tmp_path)
    assert tried.returncode == 0, tried.stdout + tried.stderr
    cases = list(answered(tmp_path / "report.ndjson"))
    assert len(cases) > 5 * examples
    if mode == "positive":
        must_have_been_walked(cases)


def there_is_something_to_find(hub: Hub, name: str) -> None:
    """Make a booking of one's own, one of somebody else's, a request and a calendar link."""
    hall = as_json(request("H-HALL", working_day(20), people=0))
    reactor = as_json(request("H-BR1", working_day(20, nights=1), 24))
    with closing(hub.client(name)) as mine, closing(hub.client("colleague")) as other:
        for client, wanted in ((mine, hall), (other, hall), (other, reactor)):  # or those before are there
            assert client.ask("POST", "/bookings", wanted).status in (201, 409)
        assert mine.ask("POST", "/feeds", {"scope": "me"}).status in (201, 422)


def run(hub: Hub, name: str, options: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Let schemathesis loose on the server as somebody."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(HERE / "schemathesis.toml")]
    command += ["run", f"{hub.address}/api/v1/openapi.json", "--no-color", *options]
    command += ["--report", "ndjson", "--report-ndjson-path", str(folder / "report.ndjson")]
    ours = {"TRIAL_ADDRESS": hub.address, "TRIAL_TOKEN": hub.tokens[name], "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, cwd=folder, env={**os.environ, **ours}, capture_output=True, text=True, check=False
    )


def answered(report: Path) -> Iterator[dict[str, Any]]:
    """Yield the status of each answer, and the link that led to the request."""
    for line in report.read_text().splitlines():
        recorder = json.loads(line).get("ScenarioFinished", {}).get("recorder", {})
        for key, interaction in recorder.get("interactions", {}).items():
            if interaction.get("response"):
                transition = recorder["cases"][key].get("transition") or {}
                yield {"status": interaction["response"]["status_code"], "link": transition.get("id", "")}


def must_have_been_walked(cases: list[dict[str, Any]]) -> None:
    """Check that links of the description were followed to answers that are no problems."""
    walked = {case["link"] for case in cases if case["link"] and case["status"] < 400}
    assert len(walked) >= LINKS_WALKED, sorted(walked)
    for start in MADE_AND_FOLLOWED:
        assert any(link.startswith(start) for link in walked), sorted(walked)
