"""What somebody still needs before they can book: a checklist for each resource."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from booking.base import clock
from booking.bookings.rules_people import last_day_of
from booking.bookings.standing import practised
from booking.facilities.places import ResourcePlace
from booking.facilities.queries import places
from booking.people.viewer import Viewer
from booking.training.models import Module
from booking.training.queries import all_modules, firsts, holdings, next_sessions, requirements
from booking.training.standing import (
    Held,
    HeldPermit,
    ModuleAsked,
    NextSession,
    PermitAsked,
    Requirements,
)
from booking.training.words import TIMES_WORDS, reaches

SOON = timedelta(days=30)


@dataclass(frozen=True)
class Item:
    """One thing that is asked: `state` is ok, soon, supervised, missing, or depends (on time or project)."""

    what: str
    state: str
    note: str
    through: date | None = None
    module_id: int | None = None
    session: NextSession | None = None
    before: tuple[str, ...] = ()
    set_by: str = ""

    @property
    def lacks(self) -> bool:
        return self.state in ("missing", "supervised")


@dataclass(frozen=True)
class Checklist:
    """What a resource asks of somebody, each with how they stand."""

    resource: ResourcePlace
    items: tuple[Item, ...]

    @property
    def lacking(self) -> list[Item]:
        return [item for item in self.items if item.lacks]


@dataclass(frozen=True)
class _Mine:
    """Everything that a checklist is made from."""

    asked: Requirements
    competences: Mapping[int, Held]
    permits: tuple[HeldPermit, ...]
    modules: Mapping[int, Module]
    firsts: Mapping[int, list[int]]
    sessions: Mapping[int, tuple[NextSession, ...]]


def checklists(viewer: Viewer, resources: Sequence[ResourcePlace]) -> list[Checklist]:
    """Return a checklist for each resource, as its viewer stands now."""
    asked = requirements(places())
    modules = {module.id: module for some in asked.modules.values() for module in some}
    kinds = {need.kind for need in asked.permits}
    held = practised(holdings([viewer.id], _with_firsts(list(modules)), viewer.projects, kinds), modules)
    mine = _Mine(
        asked,
        held.competences.get(viewer.id, {}),
        held.permits,
        {module.id: module for module in all_modules()},
        firsts(),
        next_sessions(list(modules), clock.now()),
    )
    return [Checklist(resource, tuple(_items(resource, mine, viewer))) for resource in resources]


def _with_firsts(module_ids: Sequence[int]) -> list[int]:
    found, before = set(module_ids), firsts()
    waiting = list(module_ids)
    while waiting:
        for first in before.get(waiting.pop(), ()):
            if first not in found:
                found.add(first)
                waiting.append(first)
    return sorted(found)


def _items(resource: ResourcePlace, mine: _Mine, viewer: Viewer) -> Iterator[Item]:
    for module in mine.asked.modules_of(resource.id):
        yield _module_item(module, resource, mine)
    needs: dict[tuple[str, str, str | None], PermitAsked] = {}
    works = frozenset(work for key in viewer.projects for work in mine.asked.works.get(key, ()))
    for need in mine.asked.permits:
        if need.concerns(resource, works):
            needs.setdefault((need.kind, need.at_times, need.work), need)
    for need in needs.values():
        yield _permit_item(need, resource, mine)


def _module_item(asked: ModuleAsked, resource: ResourcePlace, mine: _Mine) -> Item:
    held = mine.competences.get(asked.id)
    what = f"{asked.code} {asked.title}"
    through = last_day_of(held, asked, resource, clock.now()) if held else None
    today = clock.now().astimezone(resource.facility.tz).date()
    state, note = _module_state(held, asked, through, today)
    session = next(iter(mine.sessions.get(asked.id, ())), None) if state != "ok" else None
    before = _missing_before(asked.id, mine, today) if state == "missing" else ()
    owner = asked.set_by or f"{resource.facility.code} trainers"
    return Item(what, state, note, through, asked.id, session, before, owner)


def _module_state(
    held: Held | None, asked: ModuleAsked, through: date | None, today: date
) -> tuple[str, str]:
    if held is None:
        return "missing", "Not on record"
    if through is not None and through < today:
        return "missing", "Ended" if through == held.valid_through else "Lapsed: not used for too long"
    if not reaches(held.level, asked.level):
        return "supervised", f"You are {held.level}: name a supervisor who is {asked.level}"
    if through is not None and through < today + SOON:
        return "soon", "Ends soon"
    return "ok", "Valid"


def _missing_before(module_id: int, mine: _Mine, today: date) -> tuple[str, ...]:
    """Return the codes of what comes before a module and is not held, first things first."""
    found: dict[str, None] = {}
    for first in mine.firsts.get(module_id, ()):
        held = mine.competences.get(first)
        if held is None or held.level == "trainee" or (held.valid_through and held.valid_through < today):
            found |= dict.fromkeys(_missing_before(first, mine, today))
            found[mine.modules[first].code] = None
    return tuple(found)


def _permit_item(need: PermitAsked, resource: ResourcePlace, mine: _Mine) -> Item:
    today = clock.now().astimezone(resource.facility.tz).date()
    fitting = [
        permit
        for permit in mine.permits
        if permit.kind == need.kind
        and permit.covers(resource)
        and permit.valid_from <= today <= permit.valid_through
    ]
    last = max((permit.valid_through for permit in fitting), default=None)
    note = "" if need.at_times == "always" else f"{TIMES_WORDS[need.at_times]}. "
    note += f"For work of this kind: {need.work.lower()}. " if need.work else ""
    if last is not None:
        names = ", ".join(sorted(permit.reference for permit in fitting))
        return Item(
            need.kind, "soon" if last < today + SOON else "ok", note + names, last, set_by=need.set_by
        )
    depends = need.at_times != "always" or need.work
    state = "depends" if depends else "missing"
    return Item(need.kind, state, note + "No permit on record", set_by=need.set_by)
