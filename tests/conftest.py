"""What every test may ask for."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask_migrate import upgrade
from hypothesis import settings

from booking import create_app
from booking.base.db import db
from booking.settings import Settings
from tests import engines
from tests.chromium import chromium, driver_environment

settings.register_profile("hub", deadline=None)  # how long a test takes says more of the machine than of us
settings.load_profile("hub")

# --- How long the tests are: `python3 run.py test` is short, `--all` is full length


@pytest.fixture(scope="session")
def full_length() -> bool:
    """Whether races run for their full length and every calendar client is driven."""
    return os.environ.get("BOOKING_TESTS") == "all"


def create_schema(url: str) -> None:
    """Bring an empty database to the newest schema."""
    app = create_app(Settings(database_url=url, secret_key="only for the tests"))
    with app.app_context():
        upgrade()
        db.session.remove()
        db.engine.dispose()


# --- Databases: one PostgreSQL server for all workers, a fresh database for every test


def pytest_configure(config: pytest.Config) -> None:
    """Start PostgreSQL where its address reaches all workers; a run without workers starts it when needed."""
    if getattr(config.option, "numprocesses", None) and not config.option.collectonly:
        engines.postgres_server()
    os.environ.update(driver_environment())


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[engines.Databases]:
    """The worker's store of databases with the schema at head."""
    store = engines.Databases(tmp_path_factory.mktemp("templates"), create_schema)
    yield store
    store.drop_templates()


@pytest.fixture(params=engines.KINDS)
def engine_kind(request: pytest.FixtureRequest) -> str:
    """The kind of database: a test that asks for it runs on each."""
    return str(request.param)


@pytest.fixture
def database_url(engine_kind: str, databases: engines.Databases, tmp_path: Path) -> Iterator[str]:
    """A fresh database with the schema at head."""
    url = databases.fresh(engine_kind, tmp_path)
    yield url
    engines.drop(url)


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    """The application on a fresh database, within its context."""
    app = create_app(Settings(database_url=database_url, secret_key="only for the tests"))
    with app.app_context():
        yield app
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


# --- The browser: pytest-playwright's `page`, on our Chromium


@pytest.fixture(scope="session")
def base_url() -> None:
    """In place of pytest-playwright's own, which pytest 9 warns of: pages are opened by full address."""


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """How pytest-playwright's `browser`, `context` and `page` start Chromium."""
    return chromium().launch_options()
