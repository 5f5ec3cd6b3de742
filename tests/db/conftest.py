"""The small world in a database of each kind, with the clock stopped on a Monday morning."""

from collections.abc import Iterator

import pytest
from flask import Flask

from booking.base import clock
from booking.base.db import db
from tests import factories, worlds


@pytest.fixture(scope="session")
def world_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[worlds.Worlds]:
    """The worker's store of databases that hold the small world."""
    store = worlds.Worlds(tmp_path_factory.mktemp("worlds"))
    yield store
    store.drop_templates()


@pytest.fixture
def world_url(engine_kind: str, world_store: worlds.Worlds) -> Iterator[str]:
    """A database with the small world and nothing booked in it."""
    url = world_store.borrow(engine_kind, world_store.place())
    yield url
    world_store.give_back(url)


@pytest.fixture
def doors() -> bool:
    """Whether the application has its doors: what is done behind them needs none."""
    return False


@pytest.fixture
def world_app(world_url: str, doors: bool) -> Iterator[Flask]:
    """The application on the small world, within its context, at nine o'clock on a Monday."""
    app = factories.moved_to(world_url, doors)
    with clock.travel(factories.MONDAY), app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def world(world_app: Flask) -> factories.World:
    """What is where in the small world."""
    return factories.the_world()
