"""The product as it runs, for whoever speaks to it from outside."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.db.conftest import world_store
from tests.factories import USERS
from tests.faults.server import Client, serving, tokens
from tests.worlds import Worlds

__all__ = ["world_store"]


@dataclass(frozen=True)
class Hub:
    """A running server with the small world, and a token for everybody."""

    url: str
    address: str
    tokens: dict[str, str]

    def client(self, name: str) -> Client:
        return Client(self.address, self.tokens[name])


@pytest.fixture(scope="module")
def hub_kind() -> str:
    """The kind of database behind the server."""
    return "sqlite"


@pytest.fixture(scope="module")
def hub(hub_kind: str, world_store: Worlds, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A server of its own for the tests of a module."""
    url = world_store.borrow(hub_kind, tmp_path_factory.mktemp("served"))
    made = tokens(url, tuple(USERS))
    with serving(url, BOOKING_API_RATE="0") as server:
        yield Hub(url, server.address.rstrip("/"), made)
    world_store.give_back(url)
