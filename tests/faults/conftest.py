"""A crowd of clients, and the small world for them to meet in."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.db.conftest import doors, world, world_app, world_store
from tests.faults.crowd import Crowd
from tests.worlds import Worlds

__all__ = ["doors", "world", "world_app", "world_store"]


@pytest.fixture(scope="session")
def rounds() -> int:
    """How often each race is run: rarely in a short run, often in a full one."""
    return 30 if os.environ.get("BOOKING_TESTS") == "all" else 5


@pytest.fixture(scope="session")
def crowd() -> Iterator[Crowd]:
    """Four processes of eight clients each."""
    clients = Crowd()
    yield clients
    clients.go_home()


@pytest.fixture
def world_url(engine_kind: str, world_store: Worlds, crowd: Crowd, tmp_path: Path) -> Iterator[str]:
    """A database with the small world that the crowd leaves when the test is over."""
    url = world_store.borrow(engine_kind, tmp_path)
    yield url
    crowd.leave(url)
    world_store.give_back(url)


@pytest.fixture
def served_url(engine_kind: str, world_store: Worlds, tmp_path: Path) -> Iterator[str]:
    """A database with the small world for a server of its own."""
    url = world_store.borrow(engine_kind, tmp_path)
    yield url
    world_store.give_back(url)
