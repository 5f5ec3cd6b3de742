"""Fetching what the tests need: once, and nothing half-made stays in its place."""

import pytest

from tests import fetch


@pytest.fixture(autouse=True)
def empty_tools(tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "ROOT", tmp_path)


def test_a_tool_is_fetched_once():
    made = []

    def make(part):
        made.append(part)
        (part / "program").touch()

    first = fetch.fetched("tool", "node.lock", make)
    assert (first / "program").exists()
    assert fetch.fetched("tool", "node.lock", make) == first
    assert len(made) == 1


def test_an_interrupted_attempt_leaves_nothing_in_place():
    def interrupted(part):
        (part / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch.fetched("tool", "node.lock", interrupted)
    assert not fetch.folder("tool", "node.lock").exists()
    complete = fetch.fetched("tool", "node.lock", lambda part: (part / "whole").touch())
    assert [file.name for file in complete.iterdir()] == ["whole"]


def test_a_failure_is_one_line():
    with pytest.raises(fetch.CannotFetch, match=r"network\?\): ERROR: no route$"):
        fetch.run(["sh", "-c", "echo Looking; echo 'ERROR: no route' >&2; exit 1"])
