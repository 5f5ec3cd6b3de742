"""The measured facility in an empty database: schema, catalogue, API tokens, passwords, calendar links."""

import logging
import secrets
from datetime import timedelta
from typing import Any

from flask_migrate import upgrade
from sqlalchemy import Connection, create_engine, select, update
from sqlalchemy.pool import NullPool

from benchmarks import place
from benchmarks.rows import Ids
from benchmarks.servers import SECRET_KEY
from booking import create_app
from booking.base import clock
from booking.base.db import db, transaction
from booking.calendars.models import Feed
from booking.catalogue.actions import load
from booking.facilities.models import Facility, Resource, Room, Unit
from booking.people.models import ApiToken, Organisation, Project, User
from booking.people.passwords import hash_password
from booking.people.sessions import digest
from booking.settings import Settings

PASSWORD = "only for measuring"  # noqa: S105 (opens nothing real)
ROOM = "B-01"  # about 2,000 of its bookings are in the window of a calendar link


def token_of(email: str) -> str:
    """Return a person's API token."""
    return f"hub_{email}"


def link_of(name: str) -> str:
    """Return the secret of a calendar link: a person's own by e-mail address, a room's by its code."""
    return name.replace("@", "-").replace(".", "-").ljust(43, "_")


def build(url: str) -> None:
    """Put everything but bookings into an empty database."""
    logging.getLogger("alembic").setLevel(logging.WARNING)
    app = create_app(Settings(database_url=url, secret_key=SECRET_KEY))
    with app.app_context():
        upgrade()
        load(place.catalogue(), clock.now().date())
        with transaction():
            _give_credentials()
        db.session.remove()
        db.engine.dispose()


def _give_credentials() -> None:
    db.session.execute(update(User).values(password_hash=hash_password(PASSWORD)))
    now = clock.now() - timedelta(days=1)
    people = list(db.session.scalars(select(User).order_by(User.id)))
    for person in people:
        db.session.add(
            ApiToken(
                user_id=person.id,
                name="benchmark",
                token_hash=digest(token_of(person.email)),
                created_at=now,
            )
        )
        db.session.add(_link(person, "me", link_of(person.email)))
    staff = next(person for person in people if person.role == "staff")
    room = db.session.scalars(select(Room.id).where(Room.code == ROOM)).one()
    db.session.add(_link(staff, "room", link_of(ROOM), room))


def _link(owner: User, scope: str, token: str, room: int | None = None) -> Feed:
    return Feed(
        owner_id=owner.id,
        scope=scope,
        room_id=room,
        detail="full",
        token_hash=digest(token),
        key=secrets.token_bytes(32),
        created_at=clock.now() - timedelta(days=1),
    )


def read_ids(url: str) -> Ids:
    """Return the keys that the database gave to what the catalogue holds."""
    with create_engine(url, poolclass=NullPool).connect() as connection:
        units = select(Resource.code, Unit.number, Unit.id).join(Resource, Resource.id == Unit.resource_id)
        organisations = connection.execute(select(Organisation.code, Organisation.id, Organisation.kind))
        projects = connection.execute(select(Project.code, Project.id, Project.confidential))
        return Ids(
            facility=connection.scalars(select(Facility.id)).one(),
            rooms=_keys(connection, Room.code, Room.id),
            resources=_keys(connection, Resource.code, Resource.id),
            units={(code, number): key for code, number, key in connection.execute(units)},
            people=_keys(connection, User.email, User.id),
            organisations={code: (key, kind) for code, key, kind in organisations},
            projects={code: (key, confidential) for code, key, confidential in projects},
        )


def _keys(connection: Connection, name: Any, key: Any) -> dict[str, int]:
    return {row[0]: row[1] for row in connection.execute(select(name, key))}
