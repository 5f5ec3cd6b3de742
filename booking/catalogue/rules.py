"""Checks what a catalogue means: codes that exist, order of days and hours, rules that can be kept."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any

from booking.catalogue import dates
from booking.catalogue.faults import Fault, Path, place, quoted
from booking.catalogue.known import Known, KnownResource, Scope
from booking.facilities.models import STATES
from booking.facilities.places import POLICY_DEFAULTS
from booking.people.models import ROLES
from booking.schedule.free import MAX_HOLD

DAY = 24 * 60
MAX_HOLD_MINUTES = int(MAX_HOLD.total_seconds()) // 60
RULES = tuple(POLICY_DEFAULTS)


def policies_of(data: Mapping[str, Any]) -> Iterator[tuple[Path, Scope, Mapping[str, Any]]]:
    """Yield every policy of a catalogue, wherever it is written, with its path and scope."""
    for n, facility in items(data, "facilities"):
        for m, opening in items(facility, "role_openings"):
            scope = (str(facility.get("code")), None, None, opening.get("role"))
            name = f"{opening.get('role')} opening at {facility.get('code')}".capitalize()
            says = {"name": name, "set_by": facility.get("name"), **opening, "opens_on": opening.get("from")}
            yield ("facilities", n, "role_openings", m), scope, says
    for n, resource in items(data, "resources"):
        if isinstance(resource.get("policy"), dict) and isinstance(resource.get("code"), str):
            scope = (str(resource.get("facility")), None, resource.get("code"), None)
            owner = {"name": f"{resource.get('code')} booking rules", "set_by": "the facility's manager"}
            yield ("resources", n, "policy"), scope, {**owner, **resource["policy"]}
    for n, policy in items(data, "policies"):
        if any(name in policy and policy[name] is None for name in ("facility", "kind", "resource", "role")):
            continue  # its scope is not known: the fault is named elsewhere
        scope = (str(policy.get("facility")), policy.get("kind"), policy.get("resource"), policy.get("role"))
        yield ("policies", n), scope, policy


def items(owner: Any, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the objects of a list with their numbers, skipping whatever is not an object."""
    found = owner.get(name) if isinstance(owner, dict) else None
    for n, item in enumerate(found if isinstance(found, list) else []):
        if isinstance(item, dict):
            yield n, item


def meaning_faults(data: Any, known: Known, t0: date) -> list[Fault]:
    """Return everything that is wrong with what a catalogue says; `data` has only members of sound shape."""
    return list(_Check(data, known, t0).all_faults())


class _Check:
    def __init__(self, data: Any, known: Known, t0: date) -> None:
        self.data, self.known, self.t0 = data, known, t0
        self.facilities = known.facilities | self._codes("facilities")
        self.rooms = {**known.rooms, **self._facility_of("rooms")}
        self.resources = {**known.resources, **self._resources()}
        self.modules = known.modules | self._codes("modules")
        self.organisations = known.organisations | self._codes("organisations")
        self.projects = known.projects | self._codes("projects")
        self.contradicting: set[Scope] = set()
        self.people = known.people | {email.casefold() for email in self._codes("people", "email")}

    def all_faults(self) -> Iterator[Fault]:
        for name, key in _KEYS.items():
            yield from self._given_once(name, key)
        checks: dict[str, Callable[[Path, dict[str, Any]], Iterator[Fault]]] = {
            "facilities": self._facility,
            "rooms": self._room,
            "resources": self._resource,
            "modules": self._module,
            "organisations": self._organisation,
            "projects": self._project,
            "people": self._person,
            "permits": self._permit,
            "permit_needs": self._permit_need,
            "approval_rules": self._approval_rule,
            "quotas": self._quota,
        }
        for name, check in checks.items():
            for n, item in items(self.data, name):
                yield from check((name, n), item)
        yield from self._quotas_named_once()
        yield from self._policies()
        yield from self._rules_in_effect()
        yield from self._circles()

    # --- codes

    def _codes(self, name: str, key: str = "code") -> set[str]:
        return {item[key] for _, item in items(self.data, name) if isinstance(item.get(key), str)}

    def _facility_of(self, name: str) -> dict[str, str]:
        return {
            item["code"]: str(item.get("facility")) for _, item in items(self.data, name) if item.get("code")
        }

    def _resources(self) -> dict[str, KnownResource]:
        found = {}
        for _, item in items(self.data, "resources"):
            code = item.get("code")
            if isinstance(code, str):
                before = self.known.resources.get(code)
                long_stay = item.get("long_stay", before.long_stay if before else False)
                found[code] = KnownResource(str(item.get("facility")), str(item.get("kind")), bool(long_stay))
        return found

    def _given_once(self, name: str, key: str) -> Iterator[Fault]:
        seen: dict[str, int] = {}
        for n, item in items(self.data, name):
            value = item.get(key)
            if isinstance(value, str):
                first = seen.setdefault(value.casefold(), n)
                if first != n:
                    yield Fault(place((name, n, key)), f"{quoted(value)} is given already at {name}[{first}]")

    def _must_exist(self, path: Path, code: Any, among: Any, noun: str) -> Iterator[Fault]:
        if isinstance(code, str) and code not in among:
            yield Fault(place(path), f"there is no {noun} {quoted(code)}")

    def _must_all_exist(self, path: Path, codes: Any, among: Any, noun: str) -> Iterator[Fault]:
        for n, code in enumerate(codes if isinstance(codes, list) else []):
            yield from self._must_exist((*path, n), code, among, noun)

    def _must_stay(self, path: Path, item: dict[str, Any], before: str | None) -> Iterator[Fault]:
        facility = item.get("facility")
        if before is not None and isinstance(facility, str) and facility != before:
            text = (
                f"{quoted(item.get('code'))} is at {before} and cannot move; make a new one under a new code"
            )
            yield Fault(place((*path, "facility")), text)

    # --- days

    def _day(self, text: Any) -> date | None:
        return dates.day(text, self.t0) if isinstance(text, str) else None

    def _in_order(self, path: Path, item: dict[str, Any], first: str, last: str) -> Iterator[Fault]:
        start, end = self._day(item.get(first)), self._day(item.get(last))
        if start and end and end < start:
            yield Fault(place((*path, last)), f"this ends on {end}, before it begins on {start}")

    # --- facilities

    def _facility(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        yield from self._lifecycle(path, item)
        yield from self._hours(path, item)
        for n, closure in items(item, "closures"):
            yield from self._closure((*path, "closures", n), closure, item.get("code"))

    def _lifecycle(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        before: tuple[date, str] | None = None
        for n, step in items(item, "lifecycle"):
            day, state = self._day(step.get("from")), step.get("state")
            if day is None or state is None:
                continue
            where = (*path, "lifecycle", n)
            if before and day <= before[0]:
                yield Fault(
                    place((*where, "from")), f"{day} does not come after {before[0]}, the step before"
                )
            if before and STATES.index(state) <= STATES.index(before[1]):
                yield Fault(place((*where, "state")), f"{state} does not come after {before[1]}")
            before = (day, state)

    def _hours(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        taken: dict[tuple[str, str], list[tuple[Any, Any]]] = {}
        for n, hours in items(item, "hours"):
            opens, closes = hours.get("opens"), hours.get("closes")
            if not (isinstance(opens, str) and isinstance(closes, str)):
                continue
            span = (dates.clock_time(opens), dates.clock_time(closes))
            if span[0] >= span[1]:
                yield Fault(place((*path, "hours", n, "closes")), f"{closes} is not after {opens}")
                continue
            for day in hours.get("days") or []:
                others = taken.setdefault((str(hours.get("hours")), str(day)), [])
                if any(span[0] < other[1] and other[0] < span[1] for other in others):
                    text = f"on {day} these {hours.get('hours')} hours overlap others"
                    yield Fault(place((*path, "hours", n)), text)
                others.append(span)

    def _closure(self, path: Path, item: dict[str, Any], facility: Any) -> Iterator[Fault]:
        yield from self._closure_days(path, item)
        room, resource = item.get("room"), item.get("resource")
        if room is not None and resource is not None:
            yield Fault(place((*path, "resource")), "give a room or a resource, not both")
        yield from self._must_exist(
            (*path, "room"), room, self._at(self.rooms, facility), f"room at {facility}"
        )
        at = {code: r.facility for code, r in self.resources.items()}
        yield from self._must_exist(
            (*path, "resource"), resource, self._at(at, facility), f"resource at {facility}"
        )

    @staticmethod
    def _at(places: Mapping[str, str], facility: Any) -> set[str]:
        return {code for code, home in places.items() if home == facility}

    def _closure_days(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        first = item.get("first")
        if not isinstance(first, str):
            return
        if ("last" in item) == ("days" in item):
            yield Fault(place((*path, "last")), "give either the last day or the number of days")
        if item.get("yearly") and "last" in item:
            yield Fault(place((*path, "last")), "a yearly closure has a number of days instead")
        try:
            start = self._first_closed(first) if item.get("yearly") else dates.day(first, self.t0)
        except ValueError as error:
            yield Fault(place((*path, "first")), str(error))
            return
        last = self._day(item.get("last"))
        if last and last < start:
            yield Fault(place((*path, "last")), f"this ends on {last}, before it begins on {start}")

    def _first_closed(self, text: str) -> date:
        return max(dates.yearly(text, self.t0.year + n) for n in dates.YEARS_AROUND)

    # --- rooms and resources

    def _room(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        yield from self._must_exist((*path, "facility"), item.get("facility"), self.facilities, "facility")
        yield from self._must_stay(path, item, self.known.rooms.get(str(item.get("code"))))

    def _resource(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        code, facility, room = item.get("code"), item.get("facility"), item.get("room")
        before = self.known.resources.get(str(code))
        yield from self._must_exist((*path, "facility"), facility, self.facilities, "facility")
        yield from self._must_stay(path, item, before.facility if before else None)
        yield from self._must_exist((*path, "room"), room, self.rooms, "room")
        if room in self.rooms and isinstance(facility, str) and self.rooms[room] != facility:
            yield Fault(place((*path, "room")), f"{quoted(room)} is at {self.rooms[room]}, not at {facility}")
        yield from self._modules_asked((*path, "modules"), item.get("modules"))
        for n, certificate in items(item, "certificates"):
            yield from self._in_order((*path, "certificates", n), certificate, "examined", "through")
        owners = [name.casefold() for name in item.get("owners") or [] if isinstance(name, str)]
        yield from self._must_all_exist((*path, "owners"), owners, self.people, "person")
        yield from self._must_all_exist((*path, "twins"), item.get("twins"), self.resources, "resource")
        if code in (item.get("twins") or []):
            yield Fault(place((*path, "twins")), "nothing is its own twin")
        yield from self._lifecycle(path, item)

    def _modules_asked(self, path: Path, given: Any) -> Iterator[Fault]:
        codes = [asked[0] for asked in asked_modules(given)]
        yield from self._must_all_exist(path, codes, self.modules, "module")
        for n, code in enumerate(codes):
            if code is not None and code in codes[:n]:
                yield Fault(place((*path, n)), f"{quoted(code)} is listed twice")

    # --- policies

    def _policies(self) -> Iterator[Fault]:
        seen: dict[Scope, Path] = {}
        for path, scope, says in policies_of(self.data):
            first = seen.setdefault(scope, path)
            if first != path:
                yield Fault(place(path), f"{place(first)} rules the same already")
            facility, kind, resource, _ = scope
            if path[0] == "policies":
                yield from self._must_exist(
                    (*path, "facility"), says.get("facility"), self.facilities, "facility"
                )
                at = {code for code, r in self.resources.items() if r.facility == facility}
                yield from self._must_exist((*path, "resource"), resource, at, f"resource at {facility}")
                if kind is not None and resource is not None:
                    yield Fault(place((*path, "kind")), "give a kind or a resource, not both")
            yield from self._grid((*path, "grid_minutes"), says.get("grid_minutes"))
            faults = list(self._lengths(path, says))
            if faults:
                self.contradicting.add(scope)
            yield from faults

    def _grid(self, path: Path, grid: Any) -> Iterator[Fault]:
        if isinstance(grid, int) and DAY % grid and grid % DAY:
            yield Fault(place(path), f"{grid} minutes divide no day: give 5, 10, 15, 30, 60, … or 1440")

    def _lengths(self, path: Path, says: Mapping[str, Any]) -> Iterator[Fault]:
        shortest, longest, grid = (says.get(f"{name}_minutes") for name in ("min", "max", "grid"))
        if isinstance(shortest, int) and isinstance(longest, int) and shortest > longest:
            yield Fault(place((*path, "min_minutes")), f"{shortest} is more than max_minutes, {longest}")
        if isinstance(grid, int) and isinstance(longest, int) and grid > longest:
            yield Fault(place((*path, "grid_minutes")), f"{grid} is more than max_minutes, {longest}")

    def _rules_in_effect(self) -> Iterator[Fault]:
        """Judge for each resource and role what all policies say together."""
        policies = {scope: dict(says) for scope, says in self.known.policies.items()}
        places_ = {}
        for path, scope, says in policies_of(self.data):
            policies[scope] = {name: says[name] for name in RULES if says.get(name) is not None}
            places_[scope] = path
        numbers = {
            item["code"]: ("resources", n) for n, item in items(self.data, "resources") if item.get("code")
        }
        for code, resource in self.resources.items():
            faults: dict[tuple[str, str], Fault] = {}
            for role in ROLES:
                speaking = sorted((s for s in policies if _speaks(s, code, resource, role)), key=_rank)
                if self.contradicting.intersection(speaking):
                    continue  # named already, where it is written
                effective: dict[str, Any] = dict(POLICY_DEFAULTS)
                for scope in speaking:
                    effective.update(policies[scope])
                for message in _unkeepable(effective, resource.long_stay):
                    written = [places_[s] for s in reversed(speaking) if s in places_]
                    where = place(written[0] if written else numbers.get(code, ("resources",)))
                    faults.setdefault((where, message), Fault(where, f"{message} ({code}, {role})"))
            yield from faults.values()

    # --- people and training

    def _module(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        yield from self._must_all_exist((*path, "first"), item.get("first"), self.modules, "module")

    def _circles(self) -> Iterator[Fault]:
        first = {item.get("code"): item.get("first") or [] for _, item in items(self.data, "modules")}
        for n, item in items(self.data, "modules"):
            seen: set[Any] = set()
            waiting = list(item.get("first") or [])
            while waiting:
                code = waiting.pop()
                if code not in seen:
                    seen.add(code)
                    waiting += first.get(code, [])
            if item.get("code") in seen:
                yield Fault(place(("modules", n, "first")), f"{quoted(item.get('code'))} comes before itself")

    def _organisation(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        kind, alias = item.get("kind"), item.get("alias")
        if (
            kind not in (None, "host")
            and "alias" not in item
            and item.get("code") not in self.known.organisations
        ):
            yield Fault(place((*path, "alias")), "a partner needs the alias by which others see it")
        if kind not in (None, "host") and alias is not None and alias == item.get("name"):
            yield Fault(place((*path, "alias")), "the alias would tell the name")

    def _project(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        yield from self._must_exist(
            (*path, "organisation"), item.get("organisation"), self.organisations, "organisation"
        )

    def _person(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        yield from self._project(path, item)
        for n, duty in items(item, "duties"):
            where = (*path, "duties", n, "facility")
            yield from self._must_exist(where, duty.get("facility"), self.facilities, "facility")
        for n, membership in items(item, "projects"):
            where = (*path, "projects", n, "project")
            yield from self._must_exist(where, membership.get("project"), self.projects, "project")
        yield from self._once(path, item, "projects", "project")
        yield from self._must_all_exist(
            (*path, "coordinates"), item.get("coordinates"), self.organisations, "organisation"
        )
        for n, competence in items(item, "competences"):
            where = (*path, "competences", n)
            yield from self._must_exist((*where, "module"), competence.get("module"), self.modules, "module")
            yield from self._in_order(where, competence, "awarded", "through")
        yield from self._once(path, item, "competences", "module")

    def _once(self, path: Path, item: dict[str, Any], name: str, key: str) -> Iterator[Fault]:
        seen = set()
        for n, entry in items(item, name):
            code = entry.get(key)
            if code is not None and code in seen:
                yield Fault(place((*path, name, n, key)), f"{quoted(code)} is listed twice")
            seen.add(code)

    def _permit(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        yield from self._in_order(path, item, "from", "through")
        yield from self._must_exist((*path, "project"), item.get("project"), self.projects, "project")
        yield from self._must_exist((*path, "room"), item.get("room"), self.rooms, "room")
        yield from self._must_all_exist(
            (*path, "resources"), item.get("resources"), self.resources, "resource"
        )
        user = item.get("user")
        yield from self._must_exist(
            (*path, "user"), user.casefold() if isinstance(user, str) else None, self.people, "person"
        )

    def _permit_need(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        facility = item.get("facility")
        yield from self._must_exist((*path, "facility"), facility, self.facilities, "facility")
        rooms, homes = self._at(self.rooms, facility), {c: r.facility for c, r in self.resources.items()}
        yield from self._must_exist((*path, "room"), item.get("room"), rooms, f"room at {facility}")
        resources = self._at(homes, facility)
        yield from self._must_exist(
            (*path, "resource"), item.get("resource"), resources, f"resource at {facility}"
        )

    def _approval_rule(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        facility, resource = item.get("facility"), item.get("resource")
        yield from self._must_exist((*path, "facility"), facility, self.facilities, "facility")
        homes = {code: known.facility for code, known in self.resources.items()}
        there = self._at(homes, facility)
        yield from self._must_exist((*path, "resource"), resource, there, f"resource at {facility}")
        if resource is not None and item.get("kind") is not None:
            yield Fault(place((*path, "kind")), "give a kind or a resource, not both")

    def _quota(self, path: Path, item: dict[str, Any]) -> Iterator[Fault]:
        facility, resource = item.get("facility"), item.get("resource")
        yield from self._must_exist((*path, "facility"), facility, self.facilities, "facility")
        at = {code for code, r in self.resources.items() if r.facility == facility}
        yield from self._must_exist((*path, "resource"), resource, at, f"resource at {facility}")
        for name, among in (("project", self.projects), ("organisation", self.organisations)):
            yield from self._must_exist((*path, name), item.get(name), among, name)
        if ("minutes" in item) == ("bookings" in item):
            yield Fault(place((*path, "minutes")), "give either minutes or bookings")
        if resource is not None and ("kind" in item or "running" in item):
            yield Fault(place((*path, "resource")), "give a resource, or a kind and how it runs: not both")

    def _quotas_named_once(self) -> Iterator[Fault]:
        seen: dict[tuple[Any, Any], int] = {}
        for n, item in items(self.data, "quotas"):
            first = seen.setdefault((item.get("facility"), item.get("name")), n)
            if first != n and isinstance(item.get("name"), str):
                text = f"{quoted(item['name'])} is given already at quotas[{first}]"
                yield Fault(place(("quotas", n, "name")), text)


def asked_modules(given: Any) -> list[tuple[Any, str]]:
    """Return the modules that a resource asks for, each with its level: a code alone means competent."""
    return [
        (one.get("module"), one.get("level", "competent")) if isinstance(one, dict) else (one, "competent")
        for one in (given if isinstance(given, list) else [])
    ]


_KEYS = {
    "facilities": "code",
    "rooms": "code",
    "resources": "code",
    "modules": "code",
    "organisations": "code",
    "projects": "code",
    "people": "email",
    "permits": "reference",
}


def _speaks(scope: Scope, code: str, resource: KnownResource, role: str) -> bool:
    facility, kind, only, for_role = scope
    return (
        facility == resource.facility
        and kind in (None, resource.kind)
        and only in (None, code)
        and for_role in (None, role)
    )


def _rank(scope: Scope) -> tuple[int, int]:
    _, kind, resource, role = scope
    return (2 if resource is not None else 1 if kind is not None else 0), int(role is not None)


def _unkeepable(rules: Mapping[str, Any], long_stay: bool) -> Iterator[str]:
    """Say which of a resource's rules contradict each other."""
    shortest, longest, grid = (rules[f"{name}_minutes"] for name in ("min", "max", "grid"))
    if shortest > longest:
        yield f"min_minutes {shortest} is more than max_minutes {longest}"
    if grid > longest:
        yield f"grid_minutes {grid} is more than max_minutes {longest}"
    # A hold counted in days is an hour longer in the week in which the clocks go back.
    spare = 60 if grid >= DAY else 0
    hold = rules["setup_minutes"] + longest + rules["changeover_minutes"] + spare
    if not long_stay and hold > MAX_HOLD_MINUTES:
        yield (
            f"max_minutes {longest} with set-up and changeover holds it for more than {MAX_HOLD.days} days; "
            "only a long_stay resource may"
        )
    if rules["notice_minutes"] > rules["horizon_days"] * DAY:
        yield f"notice_minutes {rules['notice_minutes']} is longer than the horizon"
