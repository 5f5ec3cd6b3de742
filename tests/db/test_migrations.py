"""Migrations: numbered, one head, the models' schema, and a way back."""

import re
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import bindparam, inspect, select, text, update

from booking.base import clock
from booking.base.acts import TimedAct
from booking.base.db import Base, UTCDateTime, db, transaction
from booking.base.schema import at_head, current, head
from booking.bookings.actions import approve, book
from booking.bookings.models import ApprovalStep
from booking.notifications.digests import gather_digest
from booking.notifications.models import OutboxMessage
from booking.paths import MIGRATIONS
from booking.schedule.guard import missing_guards
from tests import engines, factories
from tests.factories import World, next_weekday, request

VERSIONS = sorted((MIGRATIONS / "versions").glob("*.py"))


@pytest.fixture
def doors() -> bool:
    """The commands that migrate are one of the doors."""
    return True


@pytest.fixture
def empty(engine_kind: str, tmp_path: Path) -> object:
    """The application on a database without any table."""
    url = (
        engines.fresh_postgres_database()
        if engine_kind == "postgresql"
        else engines.fresh_sqlite_database(tmp_path)
    )
    app = factories.an_app(url)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()
    engines.drop(url)


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names()) - {"alembic_version"}


def schema() -> object:
    """Return the schema as the database describes it: tables, columns, indexes, constraints and guards."""
    db.session.remove()  # an old reader sees the old schema
    if db.engine.dialect.name == "sqlite":
        query = text(
            "SELECT type, name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version' ORDER BY 1, 2"
        )
        return [tuple(row) for row in db.session.execute(query)]
    found = inspect(db.engine)
    triggers = text("SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1")
    constraints = text("SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint ORDER BY 1, 2")
    return [
        {name: str(found.get_columns(name)) for name in sorted(tables())},
        {name: str(sorted(map(str, found.get_indexes(name)))) for name in sorted(tables())},
        [tuple(row) for row in db.session.execute(constraints)],
        [tuple(row) for row in db.session.execute(triggers)],
    ]


def test_files_are_numbered_without_gap() -> None:
    assert [path.name[:4] for path in VERSIONS] == [f"{n:04}" for n in range(1, len(VERSIONS) + 1)]
    assert all(re.fullmatch(r"\d{4}_[a-z0-9_]+\.py", path.name) for path in VERSIONS)


def test_there_is_one_head_and_the_file_names_it() -> None:
    """Two branches that add a migration meet in the file HEAD: a conflict on purpose."""
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert scripts.get_heads() == [head()]
    assert (MIGRATIONS / "HEAD").read_text() == f"{VERSIONS[-1].name[:4]}\n"
    for path, script in zip(VERSIONS, reversed(list(scripts.walk_revisions())), strict=True):
        assert script.revision == path.name[:4]


def test_upgraded_is_what_the_models_say(empty: Flask) -> None:
    upgrade()
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    assert missing_guards() == []
    assert tables() == set(Base.metadata.tables)


def test_up_down_and_up_again(empty: Flask) -> None:
    assert current() is None
    upgrade()
    first = schema()
    assert at_head()
    db.session.remove()
    downgrade(revision="base")
    db.session.remove()
    assert (tables(), current()) == (set(), None)
    upgrade()
    assert schema() == first


def test_each_step_down_and_up_again(empty: Flask) -> None:
    for path in VERSIONS:
        upgrade(revision=path.name[:4])
        before = schema()
        db.session.remove()
        downgrade(revision="-1")
        upgrade(revision=path.name[:4])
        assert schema() == before
        db.session.remove()


def test_upgrading_twice_changes_nothing(empty: Flask) -> None:
    upgrade()
    before = schema()
    db.session.remove()
    upgrade()
    assert schema() == before


def test_a_database_with_data_goes_down_only_as_a_whole(world_app: Flask) -> None:
    """What is booked does not keep the schema from being taken down."""
    db.session.remove()
    downgrade(revision="base")
    assert tables() == set()
    upgrade()
    assert at_head()


def test_requests_and_mails_are_taken_over(world: World, world_app: Flask) -> None:
    """0003: what waited for an answer expires as before, and mails wait as before, whoever wrote them."""
    asked = book(request("H-BR1", next_weekday(9.5, days=7), hours=24), world.viewer("student"))
    with transaction():
        db.session.execute(update(OutboxMessage).values(next_try_at=None))
        gather_digest(world.users["student"])
    db.session.remove()
    downgrade(revision="0002")
    with transaction():  # as the version before does, also while the new schema is there already
        old = "INSERT INTO outbox (kind, recipient_id, facts, created_at) VALUES ('old', 1, '{}', :now)"
        db.session.execute(text(old).bindparams(bindparam("now", clock.now(), UTCDateTime)))
    upgrade()
    with transaction():
        db.session.execute(text(old).bindparams(bindparam("now", clock.now(), UTCDateTime)))
    (act,) = db.session.scalars(select(TimedAct))
    assert (act.kind, act.subject_id, act.due_at) == ("request_expires", asked.id, asked.answer_due_at)
    mails = db.session.scalars(select(OutboxMessage)).all()
    assert {mail.kind for mail in mails} >= {"old", "booking_requested", "request_waiting"}
    assert all(mail.next_try_at and mail.public_id and not mail.tries for mail in mails)
    assert len({mail.public_id for mail in mails}) == len(mails)


def test_requests_that_wait_get_their_step(world: World, world_app: Flask) -> None:
    """0008: who asked before there were steps waits for staff, as then."""
    asked = book(request("H-BR1", next_weekday(9.5, days=7), hours=24), world.viewer("student"))
    due, public_id = asked.answer_due_at, asked.public_id
    db.session.remove()
    downgrade(revision="0005")
    db.session.remove()
    upgrade()
    (step,) = db.session.scalars(select(ApprovalStep))
    assert (step.decider, step.own, step.due_at, step.closed_at) == ("staff", True, due, None)
    assert approve(public_id, world.viewer("technician")).status == "confirmed"


def test_sqlite_writes_ahead_and_to_the_disk(empty: Flask, engine_kind: str) -> None:
    upgrade()
    if engine_kind == "sqlite":
        assert db.session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert db.session.scalar(text("PRAGMA synchronous")) == 2  # FULL
        assert db.session.scalar(text("PRAGMA foreign_keys")) == 1
    else:
        assert db.session.scalar(text("SHOW lock_timeout")) == "3s"
        assert db.session.scalar(text("SHOW timezone")) == "UTC"
