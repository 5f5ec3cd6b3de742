"""Deputies: who decides in somebody's place while they are away."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import aliased

from booking.base import clock
from booking.base.db import db, lock, transaction
from booking.base.edits import Faults, record, storable
from booking.base.errors import NotFound
from booking.base.events import emit
from booking.people.events import PeopleChanged
from booking.people.models import Deputy, Organisation, User
from booking.people.sessions import must_be_able_to_write
from booking.people.viewer import Viewer

LONGEST = timedelta(days=366)
MOST = 20


@dataclass(frozen=True)
class DeputyDetails:
    """Who decides in my place, by e-mail address, and on which days, both included."""

    deputy: str
    first_day: date | None
    last_day: date | None


def name_deputy(details: DeputyDetails, by: Viewer) -> Deputy:
    """Let somebody decide in my place for some days; they see what I see of what waits for me."""
    must_be_able_to_write(by)
    deputy_id = _checked(details, by)
    with transaction():
        lock(User, [by.id])
        row = Deputy(
            user_id=by.id, deputy_id=deputy_id, first_day=details.first_day, last_day=details.last_day
        )
        db.session.add(row)
        db.session.flush()
        record("deputy_named", "user", by.id, by.id, {}, _picture(row))
        emit(PeopleChanged())
    return row


def end_deputy(row_id: int, by: Viewer) -> None:
    """Let somebody decide in my place no longer; a deputy may step down as well."""
    must_be_able_to_write(by)
    with transaction():
        row = lock(Deputy, [row_id]).get(row_id)
        if row is None or by.id not in (row.user_id, row.deputy_id):
            raise NotFound
        before = _picture(row)
        db.session.delete(row)
        db.session.flush()
        record("deputy_ended", "user", row.user_id, by.id, before, {})
        emit(PeopleChanged())


def deputies_around(user_id: int) -> Sequence[Any]:
    """List who stands in for somebody and for whom they stand in, from today on; rows with both names."""
    person, deputy = aliased(User), aliased(User)
    query = (
        select(Deputy, person.name.label("person"), deputy.name.label("deputy"))
        .join(person, person.id == Deputy.user_id)
        .join(deputy, deputy.id == Deputy.deputy_id)
        .where(or_(Deputy.user_id == user_id, Deputy.deputy_id == user_id))
        .where(Deputy.last_day >= clock.now().date() - timedelta(days=1))
    )
    return db.session.execute(query.order_by(Deputy.first_day, Deputy.id)).all()


def _checked(details: DeputyDetails, by: Viewer) -> int:
    faults = Faults()
    for name in ("first_day", "last_day"):
        faults.add(name, "Give a day." if getattr(details, name) is None else None)
        faults.day(name, getattr(details, name))
    if details.first_day and details.last_day and not faults.errors:
        if details.last_day < details.first_day:
            faults.add("last_day", "The last day must not be before the first.")
        elif details.last_day - details.first_day > LONGEST:
            faults.add("last_day", "Name somebody for a year at most.")
    deputy_id = _person(details.deputy, by)
    if deputy_id is None:
        faults.add("deputy", "Nobody who could stand in for you has an account with this address.")
    elif len([row for row in deputies_around(by.id) if row[0].user_id == by.id]) >= MOST:
        faults.add("deputy", f"You have named {MOST} already: end one first.")
    faults.stop()
    return deputy_id or 0


def _person(email: str, by: Viewer) -> int | None:
    """Find somebody who may see what I see: of the host for the host's people, else of my organisation."""
    if not storable(email):
        return None
    query = select(User.id).join(Organisation, Organisation.id == User.organisation_id)
    query = query.where(User.email == email.strip().casefold(), User.active, User.id != by.id)
    if by.is_host:
        return db.session.scalar(query.where(Organisation.kind == "host", User.role != "industry"))
    return db.session.scalar(query.where(User.organisation_id == by.organisation_id))


def _picture(row: Deputy) -> dict[str, Any]:
    deputy = db.session.get_one(User, row.deputy_id)
    return {"deputy": deputy.email, "first_day": row.first_day, "last_day": row.last_day}
