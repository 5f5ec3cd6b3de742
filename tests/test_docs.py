"""The documents name every setting, command and route, and every link in them leads somewhere."""

import re
from dataclasses import fields
from pathlib import Path

import pytest
from flask import Flask

from booking.settings import Settings

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
DOCS += sorted((ROOT / "benchmarks").glob("*.md"))


@pytest.mark.parametrize("name", [field.name for field in fields(Settings)])
def test_every_setting_is_described(name: str) -> None:
    assert f"BOOKING_{name.upper()}" in (ROOT / "docs/settings.md").read_text()


def test_no_setting_is_described_that_does_not_exist() -> None:
    known = {f"BOOKING_{field.name.upper()}" for field in fields(Settings)}
    named = set(re.findall(r"BOOKING_[A-Z_]+[A-Z]", (ROOT / "docs/settings.md").read_text()))
    assert named <= known


@pytest.mark.parametrize("path", DOCS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
        if not target.startswith(("http://", "https://", "webcal:")):
            assert (path.parent / target).exists(), target


def test_every_route_of_the_api_is_in_its_guide(app: Flask) -> None:
    guide = (ROOT / "docs/api.md").read_text()
    routes = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1/")}
    missing = [r for r in routes if re.sub(r"<[^>]*>", "", r)[len("/api/v1") :].split("/")[1] not in guide]
    assert missing == []


def test_every_command_is_in_the_operator_guide(app: Flask) -> None:
    guide = (ROOT / "docs/operating.md").read_text() + (ROOT / "README.md").read_text()
    commands = ["demo", "serve", "worker", "db", "load", "user", "token", "check", "backup", "restore"]
    assert [
        name for name in commands if f"booking {name}" not in guide and f"run.py {name}" not in guide
    ] == []
