"""What trainers do with modules and competences: change what is taught, record what was shown."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from booking.base import audit, clock
from booking.base.db import bump, db, lock, transaction
from booking.base.edits import Faults, code_fault, flush_unique, must_be_as_read, record, storable
from booking.base.errors import Invalid, NotFound
from booking.facilities.actions import directory_changed
from booking.people.models import User
from booking.people.permissions import Permission, must_be_able_to
from booking.people.viewer import Viewer
from booking.training.models import Competence, Module, Prerequisite
from booking.training.words import LEVELS

LONGEST = 1200  # months


# --- modules ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ModuleDetails:
    """A module; validity and lapse in months, 0 for none; `firsts` are codes of what comes before it."""

    code: str
    title: str
    mode: str = ""
    minutes: int | None = 0
    valid_months: int | None = 0
    lapse_months: int | None = 0
    assessed: str = ""
    set_by: str = ""
    firsts: tuple[str, ...] = ()


def add_module(details: ModuleDetails, by: Viewer) -> Module:
    """Add a module."""
    must_be_able_to(by, Permission.RECORD_TRAINING)
    with transaction():
        module = Module(code=details.code.strip())
        faults = Faults()
        faults.add("code", code_fault(module.code) if module.code else "Give the module a code.")
        _write_module(module, details, faults)
        db.session.add(module)
        flush_unique("code", "Another module has this code.")
        _write_firsts(module, details.firsts)
        record("added", "module", module.id, by.id, {}, picture_of_module(module))
        directory_changed()
    return module


def change_module(code: str, details: ModuleDetails, by: Viewer, as_read: str | None = None) -> Module:
    """Change a module; its code stays, and so does what people have been awarded."""
    must_be_able_to(by, Permission.RECORD_TRAINING)
    found = find_module(code)
    with transaction():
        module = lock(Module, [found.id])[found.id]
        before = picture_of_module(module)
        must_be_as_read(before, as_read)
        _write_module(module, details, Faults())
        _write_firsts(module, details.firsts)
        record("changed", "module", module.id, by.id, before, picture_of_module(module))
        directory_changed()
    return module


def find_module(code: str) -> Module:
    """Return a module by its code; raise `NotFound` if there is none."""
    module = db.session.scalar(select(Module).where(Module.code == code)) if storable(code) else None
    if module is None:
        raise NotFound
    return module


def picture_of_module(module: Module) -> dict[str, Any]:
    """Return a module as its history and its form keep it."""
    query = select(Module.code).join(Prerequisite, Prerequisite.first_id == Module.id)
    firsts = db.session.scalars(query.where(Prerequisite.module_id == module.id).order_by(Module.code))
    names = ("code", "title", "mode", "minutes", "valid_months", "lapse_months", "assessed", "set_by")
    return {name: getattr(module, name) for name in names} | {"firsts": list(firsts)}


def _write_module(module: Module, details: ModuleDetails, faults: Faults) -> None:
    faults.text("title", details.title, 200, "Give the module a title.")
    for name, longest in (("mode", 40), ("assessed", 200), ("set_by", 200)):
        faults.text(name, getattr(details, name), longest)
    faults.number("minutes", details.minutes, 0, 100_000)
    for name in ("valid_months", "lapse_months"):
        faults.number(name, getattr(details, name), 0, LONGEST)
    faults.stop()
    for name in ("title", "mode", "assessed", "set_by"):
        setattr(module, name, getattr(details, name).strip())
    for name in ("minutes", "valid_months", "lapse_months"):
        setattr(module, name, getattr(details, name) or 0)


def _write_firsts(module: Module, given: tuple[str, ...]) -> None:
    codes = {code.strip() for code in given if code.strip()}
    known = {code: key for code, key in db.session.execute(select(Module.code, Module.id))}
    unknown = sorted(codes - known.keys())
    if unknown:
        raise Invalid({"firsts": [f"There is no module {unknown[0][:40]!r}."]})
    wanted = {known[code] for code in codes}
    if module.id in _all_before(wanted):
        raise Invalid({"firsts": ["A module cannot come before itself."]})
    have = {
        row.first_id: row
        for row in db.session.scalars(select(Prerequisite).where(Prerequisite.module_id == module.id))
    }
    for first_id in have.keys() - wanted:
        db.session.delete(have[first_id])
    db.session.add_all(
        Prerequisite(module_id=module.id, first_id=key) for key in sorted(wanted - have.keys())
    )
    db.session.flush()


def _all_before(start: set[int]) -> set[int]:
    """Return modules with all that come before them, at whatever distance."""
    before: dict[int, set[int]] = {}
    for row in db.session.scalars(select(Prerequisite)):
        before.setdefault(row.module_id, set()).add(row.first_id)
    seen: set[int] = set()
    waiting = list(start)
    while waiting:
        key = waiting.pop()
        if key not in seen:
            seen.add(key)
            waiting += before.get(key, ())
    return seen


# --- competences -----------------------------------------------------------------------------------


def award(
    email: str, code: str, level: str, awarded_on: date | None, through: date | None, by: Viewer
) -> Competence:
    """Record what somebody has shown, replacing what was on record for the module."""
    must_be_able_to(by, Permission.RECORD_TRAINING)
    faults = Faults()
    module = db.session.scalar(select(Module).where(Module.code == code)) if storable(code) else None
    user = _user(email)
    faults.add("person", "Nobody here has this address." if user is None else None)
    faults.add("module", "Choose one of the list." if module is None else None)
    faults.choice("level", level, LEVELS)
    faults.add("awarded_on", "Say on which day." if awarded_on is None else None)
    faults.day("awarded_on", awarded_on)
    faults.day("valid_through", through)
    if awarded_on and awarded_on > clock.now().date():
        faults.add("awarded_on", "This day is still to come.")
    if awarded_on and through and through < awarded_on:
        faults.add("valid_through", "It cannot end before it was shown.")
    faults.stop()
    if user is None or module is None or awarded_on is None:
        raise NotFound
    with transaction():
        lock(User, [user.id])
        row = give(user.id, module, level, awarded_on, through, by, lower=True)
        bump(User, [user.id])
    return row


def withdraw(email: str, code: str, by: Viewer, reason: str) -> None:
    """Take a competence off the record: bookings that need it are listed, and stay."""
    must_be_able_to(by, Permission.RECORD_TRAINING)
    faults = Faults()
    faults.text("reason", reason, 1000, "Say why: it stays in the person's history.", lines=True)
    faults.stop()
    module, user = find_module(code), _user(email)
    if user is None:
        raise NotFound
    with transaction():
        lock(User, [user.id])
        query = select(Competence).where(Competence.user_id == user.id, Competence.module_id == module.id)
        row = db.session.scalar(query)
        if row is None:
            raise NotFound
        before = picture_of_competence(row, code)
        db.session.delete(row)
        audit.record("competence_withdrawn", "user", user.id, by.id, before=before, reason=reason)
        bump(User, [user.id])


def _user(email: str) -> User | None:
    named = email.strip().casefold()
    return db.session.scalar(select(User).where(User.email == named)) if storable(named) else None


def give(
    user_id: int,
    module: Module,
    level: str,
    day: date,
    through: date | None,
    by: Viewer,
    lower: bool = False,
) -> Competence:
    """Write a competence; a level once reached is kept unless `lower` says that this one counts."""
    query = select(Competence).where(Competence.user_id == user_id, Competence.module_id == module.id)
    row = db.session.scalar(query)
    before = picture_of_competence(row, module.code) if row else {}
    if row is None:
        row = Competence(user_id=user_id, module_id=module.id, level=level)
        db.session.add(row)
    if lower or LEVELS.index(level) > LEVELS.index(row.level):
        row.level = level
    row.awarded_on, row.valid_through = day, through
    db.session.flush()
    after = picture_of_competence(row, module.code)
    changed = {name for name in after if after[name] != before.get(name)} | {"module"}
    audit.record(
        "competence_recorded",
        "user",
        user_id,
        by.id,
        {name: before[name] for name in sorted(changed) if name in before},
        {name: after[name] for name in sorted(changed)},
    )
    return row


def picture_of_competence(row: Competence, code: str) -> dict[str, Any]:
    """Return a competence as a person's history keeps it."""
    through = row.valid_through.isoformat() if row.valid_through else None
    return {
        "module": code,
        "level": row.level,
        "awarded_on": row.awarded_on.isoformat(),
        "valid_through": through,
    }
