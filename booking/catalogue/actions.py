"""Loads a catalogue: everything in one transaction, only what differs is written, each change is audited."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import select

from booking.base import audit, clock
from booking.base.audit import AuditEntry
from booking.base.db import Base, db, transaction
from booking.catalogue import dates
from booking.catalogue.faults import BadCatalogue, Fault
from booking.catalogue.known import known
from booking.catalogue.reading import given_twice
from booking.catalogue.rules import RULES, asked_modules, items, meaning_faults, policies_of
from booking.catalogue.shape import shape_faults, sound_part
from booking.facilities.actions import directory_changed
from booking.facilities.models import (
    ApprovalRule,
    Closure,
    Duty,
    Facility,
    LifecycleStep,
    OpeningHours,
    Policy,
    Quota,
    Resource,
    ResourceOwner,
    Room,
    ServiceCertificate,
    Substitute,
    Unit,
)
from booking.facilities.places import ANSWER_DAYS
from booking.people.models import Coordinator, Membership, Organisation, Project, User
from booking.training.models import (
    Competence,
    Module,
    Permit,
    PermitNeed,
    PermitResource,
    Prerequisite,
    ProjectWork,
    ResourceModule,
)

Key = tuple[Any, ...]


@dataclass
class Summary:
    """How many objects of each kind a loading made and changed."""

    created: dict[str, int] = field(default_factory=dict)
    changed: dict[str, int] = field(default_factory=dict)

    @property
    def anything(self) -> bool:
        return bool(self.created or self.changed)

    def __str__(self) -> str:
        if not self.anything:
            return "nothing changed: everything was there already"
        parts = [f"{n} {kind} made" for kind, n in self.created.items()]
        return ", ".join(parts + [f"{n} {kind} changed" for kind, n in self.changed.items()])


@dataclass
class _News:
    """What is told in the audit of one row that was made or changed."""

    action: str
    kind: str
    row: Any
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


def faults_of(data: Any, t0: date) -> list[Fault]:
    """Return everything that is wrong with a catalogue; an empty list means that it can be loaded."""
    shape = shape_faults(data, t0)
    meaning = meaning_faults(sound_part(data, shape), known(), t0)
    found = [*given_twice(data), *(fault for _, fault in shape), *meaning]
    return list(dict.fromkeys(found))


def load(data: Any, today: date) -> Summary:
    """Load a catalogue; raise `BadCatalogue` naming every fault, and load nothing then.

    Relative days count from the first loading into this database, so that loading again changes nothing.
    """
    with transaction():
        t0 = _first_loading() or today
        faults = faults_of(data, t0)
        if faults:
            raise BadCatalogue(faults)
        loading = _Loading(data, t0)
        loading.run()
        summary = loading.summary()
        if summary.anything:
            if _first_loading() is None:
                audit.record("first_loaded", "catalogue", 0, None, after={"T0": t0.isoformat()})
            db.session.flush()
            directory_changed()
    return summary


def _first_loading() -> date | None:
    query = select(AuditEntry.after).where(
        AuditEntry.object_kind == "catalogue", AuditEntry.action == "first_loaded"
    )
    found = db.session.scalar(query.limit(1))
    return date.fromisoformat(found["T0"]) if found else None


class _Loading:
    """One loading: rows by code, and what was made and changed on the way."""

    def __init__(self, data: Mapping[str, Any], t0: date) -> None:
        self.data, self.t0, self.now = data, t0, clock.now()
        self.news: dict[int, _News] = {}
        self.rows = {
            model: {getattr(row, key): row for row in db.session.scalars(select(model))}
            for model, key in _KEYS.items()
        }

    def run(self) -> None:
        """Write everything, in the order in which it refers to each other."""
        for step in (
            self._organisations,
            self._projects,
            self._facilities,
            self._rooms,
            self._modules,
            self._resources,
            self._policies,
            self._closures,
            self._people,
            self._permits,
            self._permit_needs,
            self._approval_rules,
            self._owners,
            self._quotas,
        ):
            step()
            db.session.flush()
        for news in self.news.values():
            audit.record(news.action, news.kind, news.row.id, None, news.before, news.after)

    def summary(self) -> Summary:
        """Count what was made and changed."""
        summary = Summary()
        for news in self.news.values():
            counts = summary.created if news.action == "added" else summary.changed
            counts[_PLURAL[news.kind]] = counts.get(_PLURAL[news.kind], 0) + 1
        return summary

    # --- writing

    def _put(self, model: type[Base], code: str, values: dict[str, Any], defaults: dict[str, Any]) -> Any:
        """Make or change the row of a code; what is not given keeps its value."""
        row = self.rows[model].get(code)
        given = {name: value for name, value in values.items() if value is not _NOT_GIVEN}
        if row is None:
            row = model(**{_KEYS[model]: code}, **{**defaults, **given})
            db.session.add(row)
            self.rows[model][code] = row
            self._note("added", model, row, {}, given)
            return row
        before = {name: getattr(row, name) for name, value in given.items() if getattr(row, name) != value}
        for name in before:
            setattr(row, name, given[name])
        if before:
            _mark(row, before, self.now)
            self._note("changed", model, row, before, {name: given[name] for name in before})
        return row

    def _sync(
        self, owner: Any, what: str, model: type[Base], have: dict[Key, Any], want: dict[Key, dict[str, Any]]
    ) -> None:
        """Make the rows that belong to an owner those that are wanted."""
        gone, new = have.keys() - want.keys(), want.keys() - have.keys()
        other = [
            key
            for key in have.keys() & want.keys()
            if any(getattr(have[key], n) != v for n, v in want[key].items())
        ]
        if not (gone or new or other):
            return
        before = sorted(
            _words(key, {n: getattr(have[key], n) for n in want.get(key, ())}) for key in [*gone, *other]
        )
        after = sorted(_words(key, want[key]) for key in [*new, *other])
        for key in gone:
            db.session.delete(have[key])
        db.session.flush()
        for key in other:
            for name, value in want[key].items():
                setattr(have[key], name, value)
        db.session.add_all(model(**want[key]) for key in want if key in new)
        self._note("changed", type(owner), owner, {what: before}, {what: after})

    def _note(
        self, action: str, model: type[Base], row: Any, before: dict[str, Any], after: dict[str, Any]
    ) -> None:
        news = self.news.setdefault(id(row), _News(action, model.__name__.lower(), row))
        if news.action == "changed":
            news.before.update(_plain(before))
        news.after.update(_plain(after))

    def _id(self, model: type[Base], code: Any) -> Any:
        return None if code is None else self.rows[model][code].id

    def _day(self, text: str) -> date:
        return dates.day(text, self.t0)

    # --- people's organisations and projects

    def _organisations(self) -> None:
        for _, item in items(self.data, "organisations"):
            values = _given(item, "name", "alias", "kind", "tier", "note", "active")
            self._put(Organisation, item["code"], values, {"alias": item["name"]})

    def _projects(self) -> None:
        for _, item in items(self.data, "projects"):
            values = _given(item, "name", "confidential", "cost_code", "active")
            values["organisation_id"] = self._id(Organisation, item["organisation"])
            self._put(Project, item["code"], values, {})
        db.session.flush()
        for _, item in items(self.data, "projects"):
            if "works" in item:
                self._works(self.rows[Project][item["code"]], item["works"])

    def _works(self, project: Project, works: list[str]) -> None:
        query = select(ProjectWork).where(ProjectWork.project_id == project.id)
        have = {(row.work,): row for row in db.session.scalars(query)}
        want = {(work,): {"project_id": project.id, "work": work} for work in works}
        self._sync(project, "works", ProjectWork, dict(have), dict(want))

    # --- facilities and what is in them

    def _facilities(self) -> None:
        for _, item in items(self.data, "facilities"):
            values = _given(item, "name", "timezone", "holidays", "description", "most_supervised")
            row = self._put(Facility, item["code"], values, {"position": len(self.rows[Facility]) + 1})
            db.session.flush()
            self._hours(row, item)
            self._lifecycle(row, item, "facility_id")

    def _hours(self, facility: Facility, item: dict[str, Any]) -> None:
        have = {
            (row.hours, row.weekday, row.opens): row
            for row in db.session.scalars(select(OpeningHours).where(OpeningHours.facility_id == facility.id))
        }
        want: dict[Key, dict[str, Any]] = {}
        for _, hours in items(item, "hours"):
            opens, closes = dates.clock_time(hours["opens"]), dates.clock_time(hours["closes"])
            for weekday in sorted(map(dates.WEEKDAYS.index, hours["days"])):
                want[hours["hours"], weekday, opens] = {
                    "facility_id": facility.id,
                    "hours": hours["hours"],
                    "weekday": weekday,
                    "opens": opens,
                    "closes": closes,
                }
        self._sync(facility, "hours", OpeningHours, dict(have), want)

    def _lifecycle(self, owner: Any, item: dict[str, Any], column: str) -> None:
        if "lifecycle" not in item:
            return
        query = select(LifecycleStep).where(getattr(LifecycleStep, column) == owner.id)
        have = {(row.starts_on,): row for row in db.session.scalars(query)}
        want = {
            (self._day(step["from"]),): {
                column: owner.id,
                "state": step["state"],
                "starts_on": self._day(step["from"]),
            }
            for step in item["lifecycle"]
        }
        self._sync(owner, "lifecycle", LifecycleStep, dict(have), dict(want))

    def _rooms(self) -> None:
        for _, item in items(self.data, "rooms"):
            values = _given(item, "name", "room_class", "max_persons", "accessible", "note")
            values |= _given(item, "lone_working", "second_competent")
            values["facility_id"] = self._id(Facility, item["facility"])
            self._put(Room, item["code"], values, {"position": len(self.rows[Room]) + 1})

    def _resources(self) -> None:
        for _, item in items(self.data, "resources"):
            values = _given(item, *_RESOURCE_FIELDS)
            values["facility_id"] = self._id(Facility, item["facility"])
            if "room" in item:
                values["room_id"] = self._id(Room, item["room"])
            defaults = {"position": len(self.rows[Resource]) + 1, "renamed_at": self.now}
            self._put(Resource, item["code"], values, defaults)
        db.session.flush()
        for _, item in items(self.data, "resources"):
            row = self.rows[Resource][item["code"]]
            self._units(row, item)
            self._lifecycle(row, item, "resource_id")
            self._pairs(row, item, "twins", Substitute, "twin_id", Resource)
            self._modules_asked(row, item)
            self._certificates(row, item)

    def _modules_asked(self, resource: Resource, item: dict[str, Any]) -> None:
        if "modules" not in item:
            return
        codes = {row.id: code for code, row in self.rows[Module].items()}
        query = select(ResourceModule).where(ResourceModule.resource_id == resource.id)
        have = {(codes[row.module_id],): row for row in db.session.scalars(query)}
        want = {
            (code,): {"resource_id": resource.id, "module_id": self._id(Module, code), "level": level}
            for code, level in asked_modules(item["modules"])
        }
        self._sync(resource, "modules", ResourceModule, dict(have), dict(want))

    def _certificates(self, resource: Resource, item: dict[str, Any]) -> None:
        """Write the certificates that are given; those that staff recorded since stay."""
        query = select(ServiceCertificate).where(ServiceCertificate.resource_id == resource.id)
        have = {(row.kind, row.examined_on): row for row in db.session.scalars(query)}
        want = {
            (c["kind"], self._day(c["examined"])): {
                "resource_id": resource.id,
                "kind": c["kind"],
                "reference": c.get("reference", ""),
                "examined_on": self._day(c["examined"]),
                "valid_through": self._day(c["through"]),
                "issued_by": c.get("issued_by", ""),
            }
            for c in item.get("certificates", ())
        }
        mine: dict[Key, Any] = {key: row for key, row in have.items() if key in want}
        self._sync(resource, "certificates", ServiceCertificate, mine, dict(want))

    def _units(self, resource: Resource, item: dict[str, Any]) -> None:
        query = select(Unit).where(Unit.resource_id == resource.id)
        have = {row.number: row for row in db.session.scalars(query)}
        if have and "units" not in item:
            return
        given = item.get("units", 1)
        names = given if isinstance(given, list) else [str(n + 1) for n in range(given)]
        want = {n + 1: {"name": name, "active": True} for n, name in enumerate(names)}
        for number in have.keys() - want.keys():
            want[number] = {"name": have[number].name, "active": False}
        differ = [
            n for n in want if n not in have or any(getattr(have[n], k) != v for k, v in want[n].items())
        ]
        for number in sorted(differ):
            row = have.get(number) or Unit(resource_id=resource.id, number=number)
            row.name, row.active = want[number]["name"], want[number]["active"]
            db.session.add(row)
        if differ and have:
            before = [row.name for row in have.values() if row.active]
            self._note("changed", Resource, resource, {"units": before}, {"units": names})

    def _pairs(
        self, owner: Any, item: dict[str, Any], name: str, model: type[Base], column: str, other: type[Base]
    ) -> None:
        """Make the codes of a list those that a resource or a module is linked with."""
        if name not in item:
            return
        own = "module_id" if isinstance(owner, Module) else "resource_id"
        rows = db.session.scalars(select(model).where(getattr(model, own) == owner.id))
        codes = {row.id: code for code, row in self.rows[other].items()}
        have = {(codes[getattr(row, column)],): row for row in rows}
        want = {(code,): {own: owner.id, column: self._id(other, code)} for code in item[name]}
        self._sync(owner, name, model, dict(have), dict(want))

    def _policies(self) -> None:
        have = {(p.facility_id, p.kind, p.resource_id, p.role): p for p in db.session.scalars(select(Policy))}
        for _, (facility, kind, resource, role), says in policies_of(self.data):
            scope = (self._id(Facility, facility), kind, self._id(Resource, resource), role)
            values = {"name": says["name"], "set_by": says["set_by"]} | {n: says.get(n) for n in RULES}
            if values["opens_on"] is not None:
                values["opens_on"] = self._day(values["opens_on"])
            self._put_policy(have.get(scope), scope, values)

    def _put_policy(self, row: Policy | None, scope: Key, values: dict[str, Any]) -> None:
        if row is None:
            names = ("facility_id", "kind", "resource_id", "role")
            row = Policy(**dict(zip(names, scope, strict=True)), **values)
            db.session.add(row)
            self._note("added", Policy, row, {}, {n: v for n, v in values.items() if v is not None})
            return
        before = {name: getattr(row, name) for name in values if getattr(row, name) != values[name]}
        for name in before:
            setattr(row, name, values[name])
        if before:
            self._note("changed", Policy, row, before, {name: values[name] for name in before})

    def _closures(self) -> None:
        have = {
            (c.facility_id, c.room_id, c.resource_id, c.name, c.first_day, c.last_day): c
            for c in db.session.scalars(select(Closure))
        }
        for _, facility in items(self.data, "facilities"):
            for _, item in items(facility, "closures"):
                for first, last in self._days_closed(item):
                    self._put_closure(have, self.rows[Facility][facility["code"]], item, first, last)

    def _put_closure(
        self, have: dict[Key, Closure], facility: Facility, item: dict[str, Any], first: date, last: date
    ) -> None:
        room_id, resource_id = self._id(Room, item.get("room")), self._id(Resource, item.get("resource"))
        key = (facility.id, room_id, resource_id, item["name"], first, last)
        row = have.get(key)
        if row is None:
            have[key] = Closure(
                facility_id=facility.id,
                room_id=room_id,
                resource_id=resource_id,
                name=item["name"],
                reason=item.get("reason", ""),
                first_day=first,
                last_day=last,
                created_at=self.now,
            )
            db.session.add(have[key])
            after = {"name": item["name"], "first_day": first, "last_day": last}
            self._note("added", Closure, have[key], {}, after)
        elif "reason" in item and row.reason != item["reason"]:
            self._note("changed", Closure, row, {"reason": row.reason}, {"reason": item["reason"]})
            row.reason = item["reason"]

    def _days_closed(self, item: dict[str, Any]) -> list[tuple[date, date]]:
        length = timedelta(days=item.get("days", 1) - 1)
        if item.get("yearly"):
            years = (self.t0.year + n for n in dates.YEARS_AROUND)
            return [(first, first + length) for first in (dates.yearly(item["first"], y) for y in years)]
        first = self._day(item["first"])
        return [(first, self._day(item["last"]) if "last" in item else first + length)]

    # --- training, people, permits

    def _modules(self) -> None:
        for _, item in items(self.data, "modules"):
            values = _given(item, *_MODULE_FIELDS)
            self._put(Module, item["code"], values, {})
        db.session.flush()
        for _, item in items(self.data, "modules"):
            self._pairs(self.rows[Module][item["code"]], item, "first", Prerequisite, "first_id", Module)

    def _people(self) -> None:
        people = []
        for _, item in items(self.data, "people"):
            values = _given(item, "name", "role", "group", "active")
            values["organisation_id"] = self._id(Organisation, item["organisation"])
            defaults = {"created_at": self.now, "renamed_at": self.now}
            people.append((self._put(User, item["email"].casefold(), values, defaults), item))
        db.session.flush()
        links = {model: self._links(model) for model in (Duty, Membership, Coordinator, Competence)}
        for user, item in people:
            self._duties(user, item, links[Duty].get(user.id, []))
            self._memberships(user, item, links[Membership].get(user.id, []))
            self._coordinates(user, item, links[Coordinator].get(user.id, []))
            self._competences(user, item, links[Competence].get(user.id, []))

    def _links(self, model: Any) -> dict[int, list[Any]]:
        found: dict[int, list[Any]] = {}
        for row in db.session.scalars(select(model)):
            found.setdefault(row.user_id, []).append(row)
        return found

    def _duties(self, user: User, item: dict[str, Any], rows: list[Duty]) -> None:
        if "duties" in item:
            codes = {row.id: code for code, row in self.rows[Facility].items()}
            want = {
                (d["duty"], d["facility"]): {
                    "user_id": user.id,
                    "duty": d["duty"],
                    "facility_id": self._id(Facility, d["facility"]),
                }
                for d in item["duties"]
            }
            have = {(row.duty, codes[row.facility_id]): row for row in rows}
            self._sync(user, "duties", Duty, dict(have), dict(want))

    def _memberships(self, user: User, item: dict[str, Any], rows: list[Membership]) -> None:
        if "projects" in item:
            codes = {row.id: code for code, row in self.rows[Project].items()}
            want = {
                (m["project"],): {
                    "user_id": user.id,
                    "project_id": self._id(Project, m["project"]),
                    "lead": m.get("lead", False),
                }
                for m in item["projects"]
            }
            have = {(codes[row.project_id],): row for row in rows}
            self._sync(user, "projects", Membership, dict(have), dict(want))

    def _coordinates(self, user: User, item: dict[str, Any], rows: list[Coordinator]) -> None:
        if "coordinates" in item:
            codes = {row.id: code for code, row in self.rows[Organisation].items()}
            want = {
                (code,): {"user_id": user.id, "organisation_id": self._id(Organisation, code)}
                for code in item["coordinates"]
            }
            have = {(codes[row.organisation_id],): row for row in rows}
            self._sync(user, "coordinates", Coordinator, dict(have), dict(want))

    def _competences(self, user: User, item: dict[str, Any], rows: list[Competence]) -> None:
        """Write the competences that are given; others that a person has gained since stay."""
        codes = {row.id: code for code, row in self.rows[Module].items()}
        have = {(codes[row.module_id],): row for row in rows}
        want = {
            (c["module"],): {
                "user_id": user.id,
                "module_id": self._id(Module, c["module"]),
                "level": c.get("level", "competent"),
                "awarded_on": self._day(c["awarded"]),
                "valid_through": self._day(c["through"]) if "through" in c else None,
                **({"used_on": self._day(c["used"])} if "used" in c else {}),
            }
            for c in item.get("competences", ())
        }
        mine: dict[Key, Any] = {key: row for key, row in have.items() if key in want}
        self._sync(user, "competences", Competence, mine, dict(want))

    def _permits(self) -> None:
        for _, item in items(self.data, "permits"):
            values = _given(item, "kind", "granted_by", "note")
            values["valid_from"], values["valid_through"] = (
                self._day(item["from"]),
                self._day(item["through"]),
            )
            values["project_id"] = self._id(Project, item.get("project"))
            values["room_id"] = self._id(Room, item.get("room"))
            user = item.get("user")
            values["user_id"] = self._id(User, user.casefold() if user else None)
            self._put(Permit, item["reference"], values, {})
        db.session.flush()
        for _, item in items(self.data, "permits"):
            if "resources" in item:
                self._permit_resources(self.rows[Permit][item["reference"]], item["resources"])

    def _permit_resources(self, permit: Permit, codes: list[str]) -> None:
        names = {row.id: code for code, row in self.rows[Resource].items()}
        query = select(PermitResource).where(PermitResource.permit_id == permit.id)
        have = {(names[row.resource_id],): row for row in db.session.scalars(query)}
        want = {(code,): {"permit_id": permit.id, "resource_id": self._id(Resource, code)} for code in codes}
        self._sync(permit, "resources", PermitResource, dict(have), dict(want))

    def _permit_needs(self) -> None:
        """Write what asks for a permit, known by its scope; what staff added since stays."""
        have = {
            tuple(getattr(row, name) for name in _NEED_SCOPE): row
            for row in db.session.scalars(select(PermitNeed))
        }
        for _, item in items(self.data, "permit_needs"):
            scope = (
                self._id(Facility, item["facility"]),
                item["permit"],
                self._id(Room, item.get("room")),
                self._id(Resource, item.get("resource")),
                item.get("kind"),
                item.get("work"),
                item.get("at_times", "always"),
            )
            self._put_permit_need(have, scope, item["set_by"])

    def _put_permit_need(self, have: dict[Key, PermitNeed], scope: Key, set_by: str) -> None:
        row = have.get(scope)
        if row is None:
            values = dict(zip(_NEED_SCOPE, scope, strict=True))
            have[scope] = PermitNeed(**values, set_by=set_by)
            db.session.add(have[scope])
            self._note("added", PermitNeed, have[scope], {}, {"permit": scope[1], "set_by": set_by})
        elif row.set_by != set_by:
            self._note("changed", PermitNeed, row, {"set_by": row.set_by}, {"set_by": set_by})
            row.set_by = set_by

    def _approval_rules(self) -> None:
        """Write when bookings need approval; a rule is known by its scope and name."""
        have = {
            tuple(getattr(row, name) for name in _APPROVAL_SCOPE): row
            for row in db.session.scalars(select(ApprovalRule))
        }
        for _, item in items(self.data, "approval_rules"):
            facility, resource = (
                self._id(Facility, item["facility"]),
                self._id(Resource, item.get("resource")),
            )
            scope = (facility, item.get("kind"), resource, item.get("role"), item["name"])
            first, *second = item["deciders"]
            values = {
                "set_by": item["set_by"],
                "longer_than_minutes": item.get("longer_than_minutes"),
                "outside_hours": item.get("outside_hours", False),
                "first": first,
                "second": second[0] if second else None,
                "own": item.get("own", False),
                "answer_days": item.get("answer_days", ANSWER_DAYS),
            }
            self._put_approval_rule(have, scope, values)

    def _put_approval_rule(self, have: dict[Key, ApprovalRule], scope: Key, values: dict[str, Any]) -> None:
        row = have.get(scope)
        if row is None:
            row = have[scope] = ApprovalRule(**dict(zip(_APPROVAL_SCOPE, scope, strict=True)), **values)
            db.session.add(row)
            self._note("added", ApprovalRule, row, {}, {"name": row.name, **values})
            return
        before = {name: getattr(row, name) for name in values if getattr(row, name) != values[name]}
        for name in before:
            setattr(row, name, values[name])
        if before:
            self._note("changed", ApprovalRule, row, before, {name: values[name] for name in before})

    def _owners(self) -> None:
        """Make the people of a list the owners of a resource."""
        emails = {row.id: email for email, row in self.rows[User].items()}
        for _, item in items(self.data, "resources"):
            if "owners" not in item:
                continue
            resource = self.rows[Resource][item["code"]]
            query = select(ResourceOwner).where(ResourceOwner.resource_id == resource.id)
            have = {(emails[row.user_id],): row for row in db.session.scalars(query)}
            want = {
                (email.casefold(),): {"resource_id": resource.id, "user_id": self._id(User, email.casefold())}
                for email in item["owners"]
            }
            self._sync(resource, "owners", ResourceOwner, dict(have), dict(want))

    # --- quotas

    def _quotas(self) -> None:
        """Write the quotas that are given, known by facility and name, each as a whole; others stay."""
        have = {(row.facility_id, row.name): row for row in db.session.scalars(select(Quota))}
        for _, item in items(self.data, "quotas"):
            key = (self._id(Facility, item["facility"]), item["name"])
            values = _QUOTA | {name: item[name] for name in (*_QUOTA, "set_by") if name in item}
            values["resource_id"] = self._id(Resource, item.get("resource"))
            values["project_id"] = self._id(Project, item.get("project"))
            values["organisation_id"] = self._id(Organisation, item.get("organisation"))
            self._put_quota(have.get(key), key, values)

    def _put_quota(self, row: Quota | None, key: Key, values: dict[str, Any]) -> None:
        if row is None:
            row = Quota(facility_id=key[0], name=key[1], **values)
            db.session.add(row)
            told = {name: value for name, value in values.items() if value is not None}
            self._note("added", Quota, row, {}, {"name": row.name, **told})
            return
        before = {name: getattr(row, name) for name in values if getattr(row, name) != values[name]}
        for name in before:
            setattr(row, name, values[name])
        if before:
            self._note("changed", Quota, row, before, {name: values[name] for name in before})


_NOT_GIVEN = object()
_KEYS: dict[type[Any], str] = {
    Organisation: "code",
    Project: "code",
    Facility: "code",
    Room: "code",
    Resource: "code",
    Module: "code",
    User: "email",
    Permit: "reference",
}
_PLURAL = {
    "organisation": "organisations",
    "project": "projects",
    "facility": "facilities",
    "room": "rooms",
    "resource": "resources",
    "policy": "policies",
    "closure": "closures",
    "module": "modules",
    "user": "people",
    "permit": "permits",
    "permitneed": "permit needs",
    "approvalrule": "approval rules",
    "quota": "quotas",
}
_QUOTA: dict[str, Any] = {
    "span": None,
    "minutes": None,
    "bookings": None,
    "prime": False,
    "kind": None,
    "running": None,
    "each_resource": False,
    "shared_by": "user",
    "role": None,
}
_MODULE_FIELDS = ("title", "mode", "minutes", "valid_months", "lapse_months", "assessed", "set_by")
_APPROVAL_SCOPE = ("facility_id", "kind", "resource_id", "role", "name")
_NEED_SCOPE = (
    "facility_id",
    "permit_kind",
    "room_id",
    "resource_id",
    "resource_kind",
    "work",
    "at_times",
)
_RESOURCE_FIELDS = (
    "name",
    "kind",
    "model_class",
    "description",
    "unit_name",
    "running",
    "approval",
    "needs",
    "long_stay",
    "outlook",
)


def _given(item: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: item.get(name, _NOT_GIVEN) for name in names}


def _mark(row: Any, before: Mapping[str, Any], now: datetime) -> None:
    """Raise the version of a changed row, and note when a name changed: calendars depend on both."""
    if hasattr(row, "version"):
        row.version += 1
    if "name" in before and hasattr(row, "renamed_at"):
        row.renamed_at = now


def _words(key: Key, values: Mapping[str, Any]) -> str:
    """Say in one line what a row that belongs to an owner holds."""
    words = [str(_plain(part)) for part in key]
    for name, value in values.items():
        if value is True:
            words.append(name)
        elif value is not False and value not in key and not name.endswith("_id"):
            words.append(str(_plain(value)))
    return " ".join(words)


def _plain(value: Any) -> Any:
    """Return a value as JSON can keep it."""
    if isinstance(value, dict):
        return {name: _plain(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(member) for member in value]
    return value.isoformat() if isinstance(value, date | time) else value
