"""What people do with calendar links: make, replace, withdraw. A token is told once; its hash is kept."""

import secrets
from datetime import timedelta

from sqlalchemy import delete, or_, select, update

from booking.base import audit, clock
from booking.base.db import db, transaction
from booking.base.errors import Forbidden, Invalid, NotFound
from booking.base.texts import text_fault
from booking.bookings.models import Booking
from booking.calendars.models import DETAILS, EventBytes, Feed
from booking.calendars.queries import feeds_of, link_by_id, may_have
from booking.facilities.places import FacilityPlace, ResourcePlace, RoomPlace
from booking.facilities.queries import places
from booking.people.models import Organisation, Project
from booking.people.sessions import digest, must_be_able_to_write
from booking.people.viewer import Viewer

MAX_LABEL = 100
MAX_LINKS = 50
NOTED_EVERY = timedelta(minutes=10)
EVENTS_KEPT = timedelta(days=60)


def create_feed(viewer: Viewer | None, scope: str, detail: str = "full", label: str = "") -> tuple[Feed, str]:
    """Make a calendar link and return it with its token, this one time.

    `scope` is `me`, `resource:CODE`, `room:CODE`, `facility:CODE`, `project:CODE`, or `organisation`.
    """
    if viewer is None:
        raise Forbidden("Sign in to make a calendar link.")
    must_be_able_to_write(viewer)
    errors: dict[str, list[str]] = {}
    kind, target = _target(scope, viewer, errors)
    if detail not in DETAILS:
        errors["detail"] = ["Choose full or busy."]
    if fault := text_fault(label, MAX_LABEL):
        errors["label"] = [fault]
    if len(feeds_of(viewer)) >= MAX_LINKS:
        errors.setdefault("scope", []).append(
            f"You have {MAX_LINKS} links; withdraw one that you do not use."
        )
    if errors:
        raise Invalid(errors)
    with transaction():
        return _make(viewer.id, kind, target, detail, label.strip())


def revoke_feed(public_id: str, viewer: Viewer) -> None:
    """Withdraw a link: its subscribers' calendars are emptied; withdrawing it again changes nothing."""
    must_be_able_to_write(viewer)
    link = link_by_id(public_id, viewer)
    with transaction():
        _revoke(link.id, viewer)


def replace_feed(public_id: str, viewer: Viewer) -> tuple[Feed, str]:
    """Withdraw my link and make another that shows the same, for when its address got into other hands."""
    must_be_able_to_write(viewer)
    link = link_by_id(public_id, viewer)
    if link.owner_id != viewer.id or link.withdrawn_at is not None:
        raise NotFound
    if not may_have(viewer, link.scope, link.project_id, link.organisation_id):
        raise Forbidden("You no longer belong to what this link shows.")
    target = {
        name: getattr(link, name)
        for name in ("facility_id", "room_id", "resource_id", "project_id", "organisation_id")
    }
    with transaction():
        _revoke(link.id, viewer)
        return _make(viewer.id, link.scope, target, link.detail, link.label)


def note_fetch(feed_id: int, program: str) -> None:
    """Remember that a program fetched a link, and which; once in a while is enough."""
    now = clock.now()
    not_lately = or_(Feed.fetched_at.is_(None), Feed.fetched_at < now - NOTED_EVERY)
    with transaction():
        db.session.execute(
            update(Feed)
            .where(Feed.id == feed_id, not_lately)
            .values(fetched_at=now, fetched_by=program[:40])
            .execution_options(synchronize_session=False)
        )


def forget_old_events(limit: int = 1_000) -> int:
    """Drop stored events that have left every feed's window; return how many. For the worker."""
    old = (
        select(EventBytes.booking_id, EventBytes.audience)
        .join(Booking, Booking.id == EventBytes.booking_id)
        .where(Booking.ends_at < clock.now() - EVENTS_KEPT)
        .limit(limit)
    )
    with transaction():
        keys = db.session.execute(old).all()
        for booking_id, audience in keys:
            one = delete(EventBytes).where(EventBytes.booking_id == booking_id)
            db.session.execute(one.where(EventBytes.audience == audience))
    return len(keys)


# --- steps -----------------------------------------------------------------------------------------


def _target(scope: str, viewer: Viewer, errors: dict[str, list[str]]) -> tuple[str, dict[str, int | None]]:
    """Find what a scope names; raise `Forbidden` for what is not the viewer's to follow."""
    kind, _, code = scope.partition(":")
    if fault := text_fault(scope, MAX_LABEL):
        errors["scope"] = [fault]
        return kind, {}
    if scope == "me":
        return "me", {}
    if kind in ("resource", "room", "facility") and code:
        return kind, {f"{kind}_id": _place(kind, code, errors)}
    if kind == "project" and code:
        return "project", {"project_id": _project(code, viewer)}
    if kind == "organisation":
        return "organisation", {"organisation_id": _organisation(code, viewer)}
    errors["scope"] = ["Choose me, resource:CODE, room:CODE, facility:CODE, project:CODE or organisation."]
    return kind, {}


def _place(kind: str, code: str, errors: dict[str, list[str]]) -> int | None:
    catalogue = places()
    place: ResourcePlace | RoomPlace | FacilityPlace | None
    if kind == "resource":
        place = catalogue.by_code.get(code)
    else:
        place = catalogue.room(code) if kind == "room" else catalogue.facility(code)
    if place is None:
        errors["scope"] = [f"There is no {kind} {code[:40]!r}."]
        return None
    return place.id


def _project(code: str, viewer: Viewer) -> int:
    """A project of others and one that does not exist get the same answer."""
    found = db.session.scalar(select(Project.id).where(Project.code == code))
    if found is None or not may_have(viewer, "project", project_id=found):
        raise Forbidden("A project's calendar is for its members, its leads and staff.")
    return found


def _organisation(code: str, viewer: Viewer) -> int:
    found: int | None = viewer.organisation_id
    if code:
        found = db.session.scalar(select(Organisation.id).where(Organisation.code == code))
    elif len(viewer.coordinates) == 1:
        (found,) = viewer.coordinates
    if found is None or not may_have(viewer, "organisation", organisation_id=found):
        raise Forbidden("An organisation's calendar is for the people of a partner and its coordinators.")
    return found


def _make(
    owner_id: int, scope: str, target: dict[str, int | None], detail: str, label: str
) -> tuple[Feed, str]:
    token = secrets.token_urlsafe(32)
    feed = Feed(
        owner_id=owner_id,
        scope=scope,
        detail=detail,
        label=label,
        token_hash=digest(token),
        key=secrets.token_bytes(32),
        created_at=clock.now(),
        **target,
    )
    db.session.add(feed)
    db.session.flush()
    audit.record("feed_made", "feed", feed.id, owner_id, after={"scope": scope, "detail": detail})
    return feed, token


def _revoke(feed_id: int, by: Viewer) -> None:
    revoked = db.session.execute(
        update(Feed)
        .where(Feed.id == feed_id, Feed.revoked_at.is_(None))
        .values(revoked_at=clock.now())
        .returning(Feed.id)
        .execution_options(synchronize_session=False)
    ).all()
    if revoked:
        audit.record("feed_withdrawn", "feed", feed_id, by.id)
