"""What staff do with the notice board: post, change and take down notices."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from booking.base import clock
from booking.base.db import db, lock, transaction
from booking.base.edits import Faults, must_be_as_read, record
from booking.base.errors import NotFound
from booking.facilities import pictures
from booking.facilities.actions import directory_changed, facility_named
from booking.facilities.models import Banner, Room
from booking.people.permissions import Permission, must_be_able_to
from booking.people.viewer import Viewer

LONGEST_TEXT = 300


@dataclass(frozen=True)
class BannerDetails:
    """What a notice says, on which days (both included), and in which room, if not everywhere."""

    facility: str
    text: str
    first_day: date | None
    last_day: date | None
    room: str = ""


def post_banner(details: BannerDetails, by: Viewer) -> Banner:
    """Put a notice up for everybody who books there."""
    facility = facility_named(details.facility)
    must_be_able_to(by, Permission.POST_BANNERS, facility.id)
    room_id = _checked(details, facility.id)
    with transaction():
        banner = Banner(facility_id=facility.id, created_at=clock.now())
        _write(banner, details, room_id)
        db.session.add(banner)
        db.session.flush()
        record("added", "banner", banner.id, by.id, {}, pictures.of_banner(banner))
        directory_changed()
    return banner


def change_banner(banner_id: int, details: BannerDetails, by: Viewer, as_read: str | None = None) -> Banner:
    """Change a notice; its facility stays."""
    found = find_banner(banner_id)
    must_be_able_to(by, Permission.POST_BANNERS, found.facility_id)
    room_id = _checked(details, found.facility_id)
    with transaction():
        banner = _locked(banner_id)
        before = pictures.of_banner(banner)
        must_be_as_read(before, as_read)
        _write(banner, details, room_id)
        db.session.flush()
        record("changed", "banner", banner.id, by.id, before, pictures.of_banner(banner))
        directory_changed()
    return banner


def take_down_banner(banner_id: int, by: Viewer) -> None:
    """Take a notice down before its last day."""
    found = find_banner(banner_id)
    must_be_able_to(by, Permission.POST_BANNERS, found.facility_id)
    with transaction():
        banner = _locked(banner_id)
        before = pictures.of_banner(banner)
        db.session.delete(banner)
        db.session.flush()
        record("removed", "banner", banner_id, by.id, before, {})
        record("banner_removed", "facility", found.facility_id, by.id, before, {})
        directory_changed()


def find_banner(banner_id: int) -> Banner:
    """Return a notice; raise `NotFound` if there is none."""
    banner = db.session.scalar(select(Banner).where(Banner.id == banner_id))
    if banner is None:
        raise NotFound
    return banner


def _locked(banner_id: int) -> Banner:
    rows = lock(Banner, [banner_id])
    if banner_id not in rows:
        raise NotFound
    return rows[banner_id]


def _checked(details: BannerDetails, facility_id: int) -> int | None:
    """Check a notice; return its room's id, or raise `Invalid` naming each field that is wrong."""
    faults = Faults()
    faults.text("text", details.text, LONGEST_TEXT, "Say what everybody is to know.")
    for name, day in (("first_day", details.first_day), ("last_day", details.last_day)):
        faults.add(name, "Give a day." if day is None else None)
        faults.day(name, day)
    if details.first_day and details.last_day and details.last_day < details.first_day:
        faults.add("last_day", "The last day must not be before the first.")
    known = db.session.execute(select(Room.code, Room.id).where(Room.facility_id == facility_id))
    rooms = {row.code: row.id for row in known}
    if details.room and details.room not in rooms:
        faults.add("room", "Choose a room of this facility.")
    faults.stop()
    return rooms.get(details.room)


def _write(banner: Banner, details: BannerDetails, room_id: int | None) -> None:
    if details.first_day and details.last_day:
        banner.first_day, banner.last_day = details.first_day, details.last_day
    banner.text, banner.room_id = details.text.strip(), room_id
