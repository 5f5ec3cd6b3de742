"""The resources that a person has marked, to have them first where they choose one; nobody else sees them."""

from sqlalchemy import delete, select

from booking.base.db import db, lock, transaction
from booking.base.errors import NotFound
from booking.facilities.models import Favourite
from booking.facilities.places import ResourcePlace
from booking.facilities.queries import places
from booking.people.models import User
from booking.people.sessions import must_be_able_to_write
from booking.people.viewer import Viewer


def favourites_of(viewer: Viewer) -> list[ResourcePlace]:
    """List what a person has marked, in the order of the catalogue."""
    marked = set(db.session.scalars(select(Favourite.resource_id).where(Favourite.user_id == viewer.id)))
    return [resource for resource in places().resources.values() if resource.id in marked]


def mark(code: str, by: Viewer) -> None:
    """Make a resource a favourite; it may be said twice."""
    resource = _find(code, by)
    with transaction():
        lock(User, [by.id])  # who says it twice at once has said it once
        if db.session.get(Favourite, (by.id, resource.id)) is None:
            db.session.add(Favourite(user_id=by.id, resource_id=resource.id))


def unmark(code: str, by: Viewer) -> None:
    """Make a resource an ordinary one again; it may be said twice."""
    resource = _find(code, by)
    with transaction():
        mine = (Favourite.user_id == by.id, Favourite.resource_id == resource.id)
        db.session.execute(delete(Favourite).where(*mine))


def _find(code: str, by: Viewer) -> ResourcePlace:
    must_be_able_to_write(by)
    resource = places().by_code.get(code)
    if resource is None:
        raise NotFound
    return resource
