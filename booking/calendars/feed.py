"""A link's calendar, put together: what its owner may see today, joined from stored events."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

import structlog
from sqlalchemy import Row

from booking.base import clock
from booking.base.period import Period, midnight, zone
from booking.bookings.facts import relation
from booking.bookings.queries import blocks
from booking.bookings.visibility import Level, level
from booking.calendars.busy import merge_blocks
from booking.calendars.lint import LintError
from booking.calendars.queries import (
    KEPT_AFTER_CANCELLING,
    KEPT_AFTER_ITS_END,
    LONDON,
    ON_PLACES,
    Link,
    booking_rows,
    booking_versions,
    closures_of,
    held_by,
    may_have,
)
from booking.calendars.remembered import MANY, Base, Known, remembered
from booking.calendars.render import (
    RENDERER_VERSION,
    FeedHead,
    join_feed,
    notice,
    placeholder,
    render_busy,
    render_closure,
    tombstone,
)
from booking.calendars.site import Site
from booking.calendars.stored import (
    Dated,
    Wanted,
    audience,
    complete,
    intact,
    names_of,
    place_words,
    stamp_of,
)
from booking.calendars.window import cut, feed_window
from booking.facilities.models import Closure
from booking.facilities.places import Places, ResourcePlace
from booking.facilities.queries import places
from booking.people.viewer import Viewer

log = structlog.get_logger("booking")
GRACE_AFTER_REVOKING = timedelta(days=30)
ABOUT = "As its owner may see it. Whoever has this calendar's address can read it: keep it to yourself."


def is_gone(link: Link) -> bool:
    """Tell whether a link ended so long ago that nothing is left of it."""
    ended_at = link.withdrawn_at
    return ended_at is not None and clock.now() >= ended_at + GRACE_AFTER_REVOKING


def etag(link: Link, site: Site) -> str:
    """Return what changes whenever the feed may have: versions and the day; nothing is rendered.

    The directory's version stands for names and rights.
    """
    made_of: list[object] = [link.public_id, RENDERER_VERSION, site]
    if link.withdrawn_at is None:
        today = clock.now().astimezone(zone(link.timezone)).date()
        made_of += [link.version, link.directory, link.name, link.timezone, today]
    return hashlib.sha256(repr(made_of).encode("utf-8", "replace")).hexdigest()[:32]


def compose(link: Link, viewer: Viewer | None, site: Site) -> bytes:
    """Return the whole calendar, or the one event that says that the link was withdrawn."""
    ended = link.withdrawn_at is not None
    if ended or viewer is None or not may_have(viewer, link.scope, link.project_id, link.organisation_id):
        return withdrawn(link, site)
    return Showing(link, viewer, site, places()).calendar()


def withdrawn(link: Link, site: Site) -> bytes:
    """Return a calendar with one event: only that makes subscribers drop what they have."""
    head = FeedHead("Hub Booking", "", LONDON, None)
    return join_feed(head, [tombstone(link.created_at, site.host, link.public_id)])


@dataclass(frozen=True)
class Showing:
    """One link shown to its owner, now."""

    link: Link
    viewer: Viewer
    site: Site
    catalogue: Places

    @cached_property
    def places(self) -> list[ResourcePlace]:
        """The resources of a link to a resource, a room or a facility."""
        if self.link.resource_id is not None:
            resource = self.catalogue.resources.get(self.link.resource_id)
            return [resource] if resource else []
        if self.link.scope not in ON_PLACES:
            return []
        return self.catalogue.resources_of(self.link.facility_id, self.link.room_id)

    @cached_property
    def today(self) -> datetime:
        """Midnight: what is shown moves with the days, never within one."""
        tz = zone(self.link.timezone)
        return midnight(clock.now().astimezone(tz).date(), tz)

    def window(self, kind: str) -> Period:
        return Period(*feed_window(kind, clock.now(), self.link.timezone))

    def calendar(self) -> bytes:
        """Put everything together, cut to what calendar programs take."""
        dated = self._busy() if self.link.detail == "busy" else self._bookings()
        if self.link.scope in ON_PLACES:
            dated += self._closures()
        shown, cut_at = cut(dated, clock.now(), max(1, self.site.max_events))
        if cut_at is not None:
            shown.append(self._cut_notice(cut_at))
        if not shown:
            link = self.link
            shown = [placeholder(link.created_at, self.site.host, link.public_id, link.timezone)]
        return join_feed(_head(self.link, self.site), shown)

    # --- bookings

    def _bookings(self) -> list[Dated]:
        """Show each booking as far as the owner may see it, and the rest as busy blocks."""
        window = self.window(self.link.scope)
        known = self._known(window)
        all_wanted = [one for _, one in known.values() if one is not None]
        wanted = _nearest(all_wanted, clock.now(), self.site.max_events + 1)
        shown = complete(wanted, self.catalogue, self.site)
        known.update((one.booking_id, (known[one.booking_id][0], one)) for one in shown)
        remembered.keep(self._base, known)
        dated = [(one.starts_at, one.body or b"") for one in shown]
        if all(self.viewer.staffs(place.facility.id) for place in self.places):
            return dated  # staff see everything of theirs
        busy = self.window("busy")
        soon = Period(max(window.start, busy.start), min(window.end, busy.end))
        return dated + self._hidden(self.viewer, soon)

    @cached_property
    def audiences(self) -> dict[tuple[Level, bool], str]:
        """For whom events may be written here: full or partial, present or gone elsewhere."""
        keys = [(how, left) for how in (Level.FULL, Level.PARTIAL) for left in (False, True)]
        return {key: audience(*key, self.site) for key in keys}

    @property
    def _base(self) -> Base:
        """What, besides the bookings themselves, decides how a link shows them."""
        return self.link.public_id, self.link.directory, self.today, self.site

    def _known(self, window: Period) -> Known:
        """Return how each booking is shown: as remembered while its version stays, else decided anew."""
        before = remembered.find(self._base)
        versions = booking_versions(self.link, self.places, window, self.today)
        new = [key for key, version in versions.items() if before.get(key, (None,))[0] != version]
        fresh = self._decided(window, new if len(new) < MANY else None) if new else {}
        return {key: one for key in versions if (one := fresh.get(key) or before.get(key))}

    def _decided(self, window: Period, only: Sequence[int] | None) -> Known:
        names, audiences = names_of(self.catalogue, self.site), self.audiences.values()
        by_booking: dict[int, list[Row[Any]]] = defaultdict(list)
        for row in booking_rows(self.link, self.viewer, self.places, window, self.today, audiences, only):
            by_booking[row.id].append(row)
        return {key: (rows[0].version, self._choose(rows, names)) for key, rows in by_booking.items()}

    def _choose(self, rows: list[Row[Any]], names: int) -> Wanted | None:
        """Decide how a booking is shown, if at all, and find its stored event among its rows."""
        row = next((one for one in rows if one.left_at is None), None) or max(rows, key=_left_at)
        left = row.resource_id if row.left_at is not None else None
        how = level(self.viewer, relation(row, self._facilities(rows)))
        if how < Level.PARTIAL:
            return None
        starts_at = row.booked_from if left is None else row.on_from
        ends_at = starts_at + (row.booked_until - row.booked_from)
        if left is not None and not self._still_told(row.left_at, ends_at):
            return None
        name, stamp = self.audiences[how, left is not None], stamp_of(row, left, names)
        body = intact(next((one for one in rows if one.audience == name), None), stamp)
        return Wanted(row.id, name, stamp, starts_at, ends_at, how, left, body)

    def _facilities(self, rows: list[Row[Any]]) -> frozenset[int]:
        resources = self.catalogue.resources
        on = {resources[row.resource_id].facility.id for row in rows if row.resource_id in resources}
        return frozenset(on | {rows[0].facility_id})

    def _still_told(self, left_at: datetime, ends_at: datetime) -> bool:
        """Tell whether a place that the booking left still says so, as for a cancelled one."""
        return left_at >= self.today - KEPT_AFTER_CANCELLING and ends_at >= self.today - KEPT_AFTER_ITS_END

    # --- busy times

    def _busy(self) -> list[Dated]:
        """Show only when something is taken: the same for every owner."""
        window = self.window("busy")
        if self.link.scope in ON_PLACES:
            return self._hidden(None, window)
        return self._written(held_by(self.link, window), "")

    def _hidden(self, viewer: Viewer | None, window: Period) -> list[Dated]:
        """Write what a viewer may not see as merged blocks, resource by resource."""
        by_id = {place.id: place for place in self.places}
        stretches: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
        for block in blocks(viewer, by_id, window):
            if block.level < Level.PARTIAL:
                stretches[block.resource_id].append((block.starts_at, block.ends_at))
        return [
            dated
            for resource_id, taken in stretches.items()
            for dated in self._written(taken, place_words(by_id[resource_id]))
        ]

    def _written(self, taken: Sequence[tuple[datetime, datetime]], location: str) -> list[Dated]:
        key, made, host = self.link.key, self.link.created_at, self.site.host
        return [(block[0], _block(block, key, made, host, location)) for block in merge_blocks(taken)]

    # --- what stands beside

    def _closures(self) -> list[Dated]:
        """Write the days on which the link's places are closed."""
        tz = zone(self.link.timezone)
        window = self.window("busy" if self.link.detail == "busy" else self.link.scope)
        first, last = window.start.astimezone(tz).date(), window.end.astimezone(tz).date() - timedelta(days=1)
        written = []
        for one in closures_of(self.link, self.places, first, last):
            try:
                written.append((midnight(one.first_day, tz), self._closure(one)))
            except (LintError, ValueError, OverflowError) as fault:
                log.error("closure left out of a feed", closure=one.id, fault=repr(fault)[:300])
        return written

    def _closure(self, one: Closure) -> bytes:
        """A busy link tells neither why it is closed nor when that was decided."""
        busy = self.link.detail == "busy"
        words = "Closed" if busy else f"Closed: {one.name}"
        if one.resource_id and self.link.scope != "resource":
            words += f" ({self.catalogue.resources[one.resource_id].code})"
        elif one.room_id and self.link.scope == "facility":
            words += f" ({self.catalogue.rooms[one.room_id].code})"
        seed = f"{self.link.key.hex()} {one.id}"
        decided_at = self.link.created_at if busy else one.created_at
        return render_closure(seed, one.first_day, one.last_day, words, decided_at, self.site.host)

    def _cut_notice(self, cut_at: datetime) -> bytes:
        link, site = self.link, self.site
        ahead = cut_at > clock.now()
        which = "From here on there are more bookings" if ahead else "There are earlier bookings"
        text = f"{which} than this calendar can hold: see them on the web"
        day = cut_at.astimezone(zone(link.timezone)).date()
        return notice(day, text, site.page("/calendar"), link.created_at, site.host, link.public_id)


def _head(link: Link, site: Site) -> FeedHead:
    named = f"{link.name} ({link.code})"
    name, page = {
        "me": ("My bookings", "/bookings"),
        "resource": (named, f"/resources/{link.code}"),
        "room": (named, f"/calendar?room={link.code}"),
        "facility": (link.name, f"/calendar?facility={link.code}"),
        "project": (f"Project {named}", "/bookings"),
        "organisation": (f"Bookings of {link.name}", "/bookings"),
    }[link.scope]
    busy = ", busy times" if link.detail == "busy" else ""
    return FeedHead(name + busy, ABOUT, link.timezone, site.page(page))


def _nearest(wanted: list[Wanted], now: datetime, most: int) -> list[Wanted]:
    """Keep those that a full feed would hold, and one more: the rest need not be rendered."""
    if len(wanted) <= most:
        return wanted
    to_come = sorted((one for one in wanted if one.ends_at > now), key=lambda one: one.starts_at)
    over = sorted((one for one in wanted if one.ends_at <= now), key=lambda one: one.starts_at, reverse=True)
    return (to_come + over)[:most]


def _left_at(row: Row[Any]) -> datetime:
    left_at: datetime = row.left_at
    return left_at


@lru_cache(maxsize=20_000)
def _block(
    block: tuple[datetime, datetime], key: bytes, created_at: datetime, host: str, location: str
) -> bytes:
    return render_busy([block], key, created_at, host, location=location)[0]
