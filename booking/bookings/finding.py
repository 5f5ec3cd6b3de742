"""Find a slot: the first times at which several resources together would be accepted for a person.

A time is offered only if `check` accepts it with the same facts as a booking of it would be judged by.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from booking.base import clock
from booking.base.errors import TAKEN_CODES, Invalid
from booking.base.period import Period, days_of, zone
from booking.bookings.facts import find_cast, gather
from booking.bookings.grid import at_wall, grid_of, starts_on
from booking.bookings.request import MAX_RESOURCES, BookingRequest, Facts, Want, Wanted
from booking.bookings.rules import accepts, check
from booking.bookings.words import DAY
from booking.facilities.queries import places
from booking.people.viewer import Viewer
from booking.schedule.free import PeopleThere, Taken

LONGEST_WINDOW = timedelta(days=400)
MOST_OPTIONS = 60
MOST_SLOTS = 20
UTC_ZONE = zone("UTC")
ASKED_WHY = 120


@dataclass(frozen=True)
class SlotSearch:
    """What is needed together: for each place in the booking, the resources of which any will do."""

    options: tuple[tuple[Wanted, ...], ...]
    length: timedelta
    earliest: datetime
    latest: datetime
    people: int = 1
    limit: int = 5
    project: str | None = None
    participants: tuple[str, ...] = ()
    supervisor: str | None = None


@dataclass(frozen=True)
class Slot:
    """A time that would be accepted now, and with which resources."""

    period: Period
    resources: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Found:
    """The first slots; if there are none, how many of the times looked at each reason rules out.

    `waiting_helps`: at some of them nothing is in the way but what others hold.
    """

    slots: tuple[Slot, ...]
    blocked_by: tuple[tuple[str, int], ...] = ()
    waiting_helps: bool = False


def find_slots(asked: SlotSearch, by: Viewer) -> Found:
    """Return the first slots for everything asked for; raise `Invalid` for what makes no sense."""
    _must_make_sense(asked)
    start = max(asked.earliest, clock.now().replace(second=0, microsecond=0) + timedelta(minutes=1))
    if start + asked.length > asked.latest:
        return Found((), (("in_past", 1),))
    wants = _wants(asked)
    cast = find_cast(_first_choices(asked, wants, Period(start, start + asked.length)), by)
    everything = tuple({want.resource.id: want for options in wants for want in options}.values())
    facts = gather(replace(cast, wants=everything), asked.people, Period(start, asked.latest), by)
    search = _Search(asked, wants, facts, start)
    slots = tuple(search.slots())
    return Found(slots) if slots else search.why_not()


def _must_make_sense(asked: SlotSearch) -> None:
    errors: dict[str, list[str]] = {}
    if not asked.options or not all(asked.options):
        errors["resources"] = ["Choose at least one resource."]
    if len(asked.options) > MAX_RESOURCES or sum(map(len, asked.options)) > MOST_OPTIONS:
        errors["resources"] = [f"Ask for at most {MAX_RESOURCES} at once, of {MOST_OPTIONS} in all."]
    if asked.latest <= asked.earliest:
        errors["latest"] = ["The end must be after the start."]
    elif asked.latest - asked.earliest > LONGEST_WINDOW:
        errors["latest"] = [f"Ask for at most {LONGEST_WINDOW.days} days at once."]
    if asked.length < timedelta(minutes=1):
        errors["duration_minutes"] = ["Give a length of at least one minute."]
    if errors:
        raise Invalid(errors)


def _first_choices(asked: SlotSearch, wants: list[list[Want]], period: Period) -> BookingRequest:
    """Return a request that is only there to find who it is for; each resource once, first choice or not."""
    units = {options[0].resource.code: options[0].units for options in wants}
    chosen = tuple(Wanted(code, number) for code, number in units.items())
    return BookingRequest(
        period.start,
        period.end,
        chosen,
        "find a slot",
        asked.project,
        asked.people,
        asked.participants,
        supervisor=asked.supervisor,
    )


def _wants(asked: SlotSearch) -> list[list[Want]]:
    catalogue, errors, wants = places(), [], []
    for options in asked.options:
        found = []
        for wanted in options:
            resource = catalogue.by_code.get(wanted.code)
            if resource is None:
                errors.append(f"There is no resource {wanted.code[:40]!r}.")
            elif wanted.units <= len(resource.units):
                found.append(Want(resource, wanted.units))
        if not found and not errors:
            errors.append(f"Nothing of this has {options[0].units} units.")
        wants.append(found)
    if errors:
        raise Invalid({"resources": errors})
    return wants


class _Search:
    """Walks through the times of a window, the earliest first."""

    def __init__(self, asked: SlotSearch, wants: list[list[Want]], facts: Facts, start: datetime) -> None:
        self._asked, self._wants, self._facts, self._start = asked, wants, facts, start
        self._busy = {resource: _Busy(taken) for resource, taken in facts.taken.items()}
        self._there: dict[date, list[PeopleThere]] = defaultdict(list)
        for stay in facts.there:
            for day in days_of(stay.period, UTC_ZONE):
                self._there[day].append(stay)

    def slots(self) -> Iterator[Slot]:
        """Yield slots that do not overlap one another, up to the limit."""
        found, free_from = 0, self._start
        for period in self._periods():
            if period.start < free_from:
                continue
            chosen = self._chosen(period)
            if chosen is None or check(period, self._facts_of(chosen, period)):
                continue
            yield Slot(period, tuple((want.resource.code, want.units) for want in chosen))
            found, free_from = found + 1, period.end
            if found >= self._asked.limit:
                return

    def why_not(self) -> Found:
        """Count how often each reason is in the way of the first choices, at times all over the window."""
        periods = list(self._periods()) or [Period(self._start, self._start + self._asked.length)]
        first = replace(self._facts, wants=tuple({w[0].resource.id: w[0] for w in self._wants}.values()))
        counts: Counter[str] = Counter()
        helps = False
        for period in periods[:: max(1, len(periods) // ASKED_WHY)]:
            codes = {refusal.code for refusal in check(period, first)}
            counts.update(codes)
            helps = helps or (bool(codes) and codes <= TAKEN_CODES)
        return Found((), tuple(counts.most_common()), helps)

    def _chosen(self, period: Period) -> tuple[Want, ...] | None:
        """Take for each place the first resource that is free and accepted, each resource once."""
        chosen: list[Want] = []
        for options in self._wants:
            used = {want.resource.id for want in chosen}
            fits = (w for w in options if w.resource.id not in used and self._is_free(w, period))
            want = next((w for w in fits if self._fits(w, period)), None)
            if want is None:
                return None
            chosen.append(want)
        return tuple(chosen)

    def _fits(self, want: Want, period: Period) -> bool:
        """Ask the resource's own rules first: most times fail there, and how full a room is takes longer."""
        return accepts(period, self._facts, want) and not check(period, self._facts_of((want,), period))

    def _facts_of(self, chosen: tuple[Want, ...], period: Period) -> Facts:
        """Return what judges a choice at a time: of all who are ever in its rooms, those of its days."""
        stays = {id(one): one for day in days_of(period, UTC_ZONE) for one in self._there.get(day, ())}
        return replace(self._facts, wants=chosen, there=list(stays.values()))

    def _is_free(self, want: Want, period: Period) -> bool:
        """Tell quickly whether enough units are held by nobody; clearance is left to the rules."""
        busy = self._busy.get(want.resource.id)
        if busy is None:
            return True
        claim = self._facts.claim(want, period)
        return len(want.resource.units) - busy.units(claim.starts_at, claim.held_until) >= want.units

    def _periods(self) -> Iterator[Period]:
        """Yield every period on the grid of what stands first, in order of time."""
        role, length = self._facts.role, self._asked.length
        resources = [want.resource for want in self._wants[0]]
        by_days = grid_of(resources[0], role) >= DAY
        for day in days_of(Period(self._start, self._asked.latest), resources[0].facility.tz):
            for start in sorted({moment for one in resources for moment in starts_on(one, self._facts, day)}):
                end = at_wall(start, length, resources[0]) if by_days else start + length
                if self._start <= start and end <= self._asked.latest:
                    yield Period(start, end)


class _Busy:
    """When the units of one resource are held, for quick looks."""

    def __init__(self, taken: Sequence[Taken]) -> None:
        by_unit: dict[int, list[tuple[datetime, datetime]]] = defaultdict(list)
        for one in taken:
            by_unit[one.unit_id].append((one.held_until, one.starts_at))
        self._units = [tuple(zip(*sorted(held), strict=True)) for held in by_unit.values()]

    def units(self, start: datetime, end: datetime) -> int:
        """Count the units held within [start, end): of one unit's, only the first that ends later can be."""
        count = 0
        for ends, starts in self._units:
            n = bisect_right(ends, start)
            count += n < len(ends) and starts[n] < end
        return count
