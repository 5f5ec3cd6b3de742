"""The notice board as pages show it: what everybody who looks at or books something there is to know."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date

from booking.facilities.places import BannerPlace, FacilityPlace, ResourcePlace, RoomPlace
from booking.facilities.queries import places
from booking.web import words


def banners_of(
    facility: FacilityPlace, room_ids: Collection[int], first: date, last: date
) -> list[Mapping[str, str]]:
    """Return the notices of a facility and some of its rooms on any of some days, in words."""
    found = facility.banners_on(first, last, room_ids)
    return [{"where": where_words(facility, one), "text": one.text, "days": days_words(one)} for one in found]


def banners_around(resources: Iterable[ResourcePlace], first: date, last: date) -> list[Mapping[str, str]]:
    """Return the notices that concern some resources, each once."""
    rooms: dict[int, set[int]] = {}
    for resource in resources:
        rooms.setdefault(resource.facility.id, set()).update([resource.room.id] if resource.room else [])
    facilities = places().facilities
    return [one for key, ids in rooms.items() for one in banners_of(facilities[key], ids, first, last)]


def where_words(facility: FacilityPlace, banner: BannerPlace) -> str:
    room: RoomPlace | None = places().rooms.get(banner.room_id) if banner.room_id else None
    return f"{room.code} {room.name}" if room else facility.name


def days_words(banner: BannerPlace) -> str:
    """Say on which days a notice stands."""
    if banner.first_day == banner.last_day:
        return words.day(banner.first_day)
    return f"{words.day(banner.first_day)} – {words.day(banner.last_day)}"
