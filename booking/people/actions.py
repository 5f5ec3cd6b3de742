"""What staff do with people, organisations and projects, and what a person does with their own account."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, select, update

from booking.base import audit, clock
from booking.base.db import db, lock, transaction
from booking.base.edits import Faults, code_fault, flush_unique, must_be_as_read, record, storable
from booking.base.errors import Forbidden, Invalid, NotChangeable, NotFound
from booking.base.events import emit
from booking.people import sessions
from booking.people.events import PeopleChanged, PersonInvited
from booking.people.models import (
    ORGANISATION_KINDS,
    ROLES,
    ApiToken,
    Coordinator,
    Membership,
    Organisation,
    Project,
    SignIn,
    User,
)
from booking.people.passwords import hash_password, password_faults
from booking.people.permissions import Permission, must_be_able_to
from booking.people.queries import (
    coordinators_of,
    members_of,
    organisation_by_code,
    picture_of_organisation,
    picture_of_person,
    picture_of_project,
)
from booking.people.viewer import Viewer

MAX_NAMED = 500
MAX_TOKENS = 20
MAX_TOKEN_DAYS = 730


# --- people ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class PersonDetails:
    """What an account says of a person; the organisation is named by its code."""

    email: str
    name: str
    role: str
    organisation: str
    group: str = ""
    active: bool = True


def add_person(details: PersonDetails, by: Viewer, password: str = "") -> User:
    """Make an account; without a password its owner is mailed a link to choose one."""
    must_be_able_to(by, Permission.ADD_PEOPLE)
    if details.role == "admin":
        _only_an_admin(by)
    organisation = _checked_person(details, password)
    hashed = hash_password(password) if password else ""
    with transaction():
        now = clock.now()
        person = User(password_hash=hashed, created_at=now, renamed_at=now, active=True)
        _write_person(person, details, organisation)
        db.session.add(person)
        flush_unique("email", "Somebody has an account with this address.")
        record("added", "user", person.id, by.id, {}, picture_of_person(person, organisation))
        emit(PeopleChanged())
        if not password:
            emit(PersonInvited(person.id))
    return person


def invite(public_id: str, by: Viewer) -> None:
    """Mail somebody who has no password yet a link to choose one, again if need be."""
    must_be_able_to(by, Permission.ADD_PEOPLE)
    person = find_person(public_id)
    if person.password_hash or not person.active:
        raise NotChangeable("Only an open account without a password can be invited.")
    with transaction():
        audit.record("invited", "user", person.id, by.id)
        emit(PersonInvited(person.id))


def change_person(public_id: str, details: PersonDetails, by: Viewer, as_read: str | None = None) -> User:
    """Change an account, or close and open it; closing ends every session and token."""
    must_be_able_to(by, Permission.CHANGE_PEOPLE)
    organisation = _checked_person(details, also_inactive=True)
    with transaction():
        person = _locked_person(public_id)
        before = picture_of_person(person)
        must_be_as_read(before, as_read)
        _keep_an_admin(person, details, by)
        if person.name != details.name.strip():
            person.renamed_at = clock.now()
        _write_person(person, details, organisation)
        person.active = details.active
        flush_unique("email", "Somebody else has an account with this address.")
        if not person.active:
            _end_everything(person.id)
        record("changed", "user", person.id, by.id, before, picture_of_person(person, organisation))
        emit(PeopleChanged())
    return person


def set_password(public_id: str, password: str, by: Viewer) -> None:
    """Give somebody a new password; wherever they are signed in, they are signed out."""
    must_be_able_to(by, Permission.CHANGE_PEOPLE)
    person = find_person(public_id)
    _must_be_good_password(password, person.email, person.name)
    sessions.set_password(person.id, password, by.id)


def change_own_password(password: str, by: Viewer) -> None:
    """Change my password; whoever asks must have checked the current one. Ends every session of mine."""
    _must_be_good_password(password, by.email, by.name)
    sessions.set_password(by.id, password, by.id)


def find_person(public_id: str) -> User:
    """Return somebody by public id; raise `NotFound` if there is no such account."""
    person = (
        db.session.scalar(select(User).where(User.public_id == public_id)) if storable(public_id) else None
    )
    if person is None:
        raise NotFound
    return person


def _locked_person(public_id: str) -> User:
    """Lock somebody and every administrator, in order, so that one admin always remains."""
    person = find_person(public_id)
    admins = select(User.id).where(User.role == "admin", User.active)
    return lock(User, {person.id, *db.session.scalars(admins)})[person.id]


def _keep_an_admin(person: User, details: PersonDetails, by: Viewer) -> None:
    if person.id == by.id and not details.active:
        raise Invalid({"active": ["You cannot close your own account: ask another administrator."]})
    if person.role != "admin" or not person.active or (details.role == "admin" and details.active):
        return
    others = select(User.id).where(User.role == "admin", User.active, User.id != person.id)
    if db.session.scalar(others.limit(1)) is None:
        raise Invalid({"role": ["This is the last administrator: make somebody else one first."]})


def _only_an_admin(by: Viewer) -> None:
    if not by.is_admin:
        raise Forbidden("Only an administrator can make an administrator.")


def _checked_person(details: PersonDetails, password: str = "", also_inactive: bool = False) -> Organisation:
    faults = Faults()
    faults.add("email", _email_fault(details.email))
    faults.text("name", details.name, 200, "Give the person's name.")
    faults.choice("role", details.role, ROLES)
    faults.text("group", details.group, 100)
    if password:
        for fault in password_faults(password, details.email, details.name):
            faults.add("password", fault)
    organisation = organisation_by_code(details.organisation, also_inactive)
    if organisation is None:
        faults.add("organisation", "Choose an organisation of the list.")
    if organisation is None or faults.errors:
        raise Invalid(faults.errors)
    return organisation


def _email_fault(email: str) -> str | None:
    try:
        validate_email(email.strip(), check_deliverability=False)
    except (EmailNotValidError, UnicodeError):
        return "Give an e-mail address, such as name@example.org."
    return "Use at most 254 characters." if len(email.strip()) > 254 else None


def _write_person(person: User, details: PersonDetails, organisation: Organisation) -> None:
    person.email = details.email.strip().casefold()
    person.name = details.name.strip()
    person.role = details.role
    person.organisation_id = organisation.id
    person.group = details.group.strip()


def _end_everything(user_id: int) -> None:
    now = clock.now()
    for model in (SignIn, ApiToken):
        db.session.execute(
            update(model).where(model.user_id == user_id, model.revoked_at.is_(None)).values(revoked_at=now)
        )


def _must_be_good_password(password: str, email: str, name: str) -> None:
    faults = password_faults(password, email, name)
    if faults:
        raise Invalid({"password": faults})


# --- organisations ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class OrganisationDetails:
    """What is known of an organisation; coordinators are named by their e-mail addresses."""

    code: str
    name: str
    alias: str
    kind: str
    tier: str = ""
    note: str = ""
    active: bool = True
    coordinators: tuple[str, ...] = ()


def add_organisation(details: OrganisationDetails, by: Viewer) -> Organisation:
    """Add a company, a university or a department; parts of the host are for administrators to add."""
    permission = Permission.CHANGE_ORGANISATIONS if details.kind == "host" else Permission.ADD_ORGANISATIONS
    must_be_able_to(by, permission)
    coordinators = _checked_organisation(details)
    with transaction():
        organisation = Organisation(code=details.code.strip())
        _write_organisation(organisation, details)
        db.session.add(organisation)
        flush_unique("code", "Another organisation has this code.")
        _write_coordinators(organisation.id, coordinators)
        record("added", "organisation", organisation.id, by.id, {}, picture_of_organisation(organisation))
        emit(PeopleChanged())
    return organisation


def change_organisation(
    code: str, details: OrganisationDetails, by: Viewer, as_read: str | None = None
) -> Organisation:
    """Change an organisation and who coordinates it; its code stays."""
    must_be_able_to(by, Permission.CHANGE_ORGANISATIONS)
    found = find_organisation(code)
    coordinators = _checked_organisation(details, found.id)
    with transaction():
        organisation = lock(Organisation, [found.id])[found.id]
        before = picture_of_organisation(organisation)
        must_be_as_read(before, as_read)
        _write_organisation(organisation, details)
        _write_coordinators(organisation.id, coordinators)
        db.session.flush()
        after = picture_of_organisation(organisation)
        record("changed", "organisation", organisation.id, by.id, before, after)
        emit(PeopleChanged())
    return organisation


def find_organisation(code: str) -> Organisation:
    """Return an organisation by code; raise `NotFound` if there is none."""
    organisation = organisation_by_code(code, also_inactive=True)
    if organisation is None:
        raise NotFound
    return organisation


def _checked_organisation(details: OrganisationDetails, own_id: int | None = None) -> list[int]:
    faults = Faults()
    faults.add("code", code_fault(details.code.strip()) if own_id is None else None)
    faults.text("name", details.name, 200, "Give the organisation's name.")
    faults.choice("kind", details.kind, ORGANISATION_KINDS)
    faults.text("tier", details.tier, 20)
    faults.text("note", details.note, 5000, lines=True)
    faults.text("alias", details.alias, 200)
    faults.add("alias", _alias_fault(details, own_id))
    coordinators = _named(details.coordinators, "coordinators", faults)
    faults.stop()
    return coordinators


def _alias_fault(details: OrganisationDetails, own_id: int | None) -> str | None:
    alias, name = details.alias.strip(), details.name.strip()
    if details.kind == "host":
        return None
    if not alias:
        return "Give an alias: it is all that others see of a partner."
    if name and name.casefold() in alias.casefold():
        return "Others see the alias: it must not give the name away."
    if not storable(alias):
        return None
    same = select(Organisation.id).where(Organisation.alias == alias, Organisation.id != (own_id or 0))
    taken = db.session.scalar(same.limit(1)) is not None
    return "Another organisation has this alias: two could not be told apart." if taken else None


def _write_organisation(organisation: Organisation, details: OrganisationDetails) -> None:
    organisation.name = details.name.strip()
    organisation.alias = details.alias.strip() or details.name.strip()
    organisation.kind = details.kind
    organisation.tier = details.tier.strip()
    organisation.note = details.note
    organisation.active = details.active


def _write_coordinators(organisation_id: int, people: Sequence[int]) -> None:
    if set(people) == {person.id for person in coordinators_of(organisation_id)}:
        return
    db.session.execute(delete(Coordinator).where(Coordinator.organisation_id == organisation_id))
    db.session.add_all(Coordinator(organisation_id=organisation_id, user_id=person) for person in people)
    db.session.flush()


# --- projects --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ProjectDetails:
    """What is known of a project; leads and members are named by their e-mail addresses."""

    code: str
    name: str
    organisation: str
    confidential: bool = False
    cost_code: str = ""
    active: bool = True
    leads: tuple[str, ...] = ()
    members: tuple[str, ...] = ()


def add_project(details: ProjectDetails, by: Viewer) -> Project:
    """Add a project with its people."""
    must_be_able_to(by, Permission.CHANGE_PROJECTS)
    organisation, people = _checked_project(details)
    with transaction():
        project = Project(code=details.code.strip())
        _write_project(project, details, organisation)
        db.session.add(project)
        flush_unique("code", "Another project has this code.")
        _write_members(project.id, people)
        record("added", "project", project.id, by.id, {}, picture_of_project(project))
        emit(PeopleChanged())
    return project


def change_project(code: str, details: ProjectDetails, by: Viewer, as_read: str | None = None) -> Project:
    """Change a project and who is in it; bookings keep the client they were made for."""
    must_be_able_to(by, Permission.CHANGE_PROJECTS)
    found = find_project(code)
    organisation, people = _checked_project(details, found)
    with transaction():
        project = lock(Project, [found.id])[found.id]
        before = picture_of_project(project)
        must_be_as_read(before, as_read)
        _write_project(project, details, organisation)
        _write_members(project.id, people)
        db.session.flush()
        record("changed", "project", project.id, by.id, before, picture_of_project(project))
        emit(PeopleChanged())
    return project


def find_project(code: str) -> Project:
    """Return a project by code; raise `NotFound` if there is none."""
    project = db.session.scalar(select(Project).where(Project.code == code)) if storable(code) else None
    if project is None:
        raise NotFound
    return project


def _checked_project(
    details: ProjectDetails, found: Project | None = None
) -> tuple[Organisation, dict[int, bool]]:
    faults = Faults()
    faults.add("code", code_fault(details.code.strip()) if found is None else None)
    faults.text("name", details.name, 200, "Give the project's name.")
    faults.text("cost_code", details.cost_code, 40)
    organisation = organisation_by_code(details.organisation, also_inactive=found is not None)
    if organisation is None:
        faults.add("organisation", "Choose an organisation of the list.")
    leads = _named(details.leads, "leads", faults)
    members = _named(details.members, "members", faults)
    if organisation is None or faults.errors:
        raise Invalid(faults.errors)
    return organisation, {**dict.fromkeys(members, False), **dict.fromkeys(leads, True)}


def _named(emails: Sequence[str], field: str, faults: Faults) -> list[int]:
    """Find people by address; name each who is not known."""
    wanted = list(dict.fromkeys(email.strip().casefold() for email in emails if email.strip()))
    if len(wanted) > MAX_NAMED:
        faults.add(field, f"At most {MAX_NAMED} people can be named.")
        return []
    plain = [email for email in wanted if storable(email)]
    rows = db.session.execute(select(User.email, User.id).where(User.email.in_(plain)))
    known = {row.email: row.id for row in rows}
    for email in wanted:
        if email not in known:
            faults.add(field, f"Nobody has an account with the address {email[:80]!a}.")
    return [known[email] for email in wanted if email in known]


def _write_project(project: Project, details: ProjectDetails, organisation: Organisation) -> None:
    project.name = details.name.strip()
    project.organisation_id = organisation.id
    project.confidential = details.confidential
    project.cost_code = details.cost_code.strip()
    project.active = details.active


def _write_members(project_id: int, people: dict[int, bool]) -> None:
    if people == {user.id: lead for user, lead in members_of(project_id)}:
        return
    db.session.execute(delete(Membership).where(Membership.project_id == project_id))
    rows = (Membership(project_id=project_id, user_id=user, lead=lead) for user, lead in people.items())
    db.session.add_all(rows)
    db.session.flush()


# --- my own account --------------------------------------------------------------------------------


def make_token(name: str, scope: str, days: int | None, by: Viewer) -> str:
    """Make an API token for myself and return it, this one time."""
    sessions.must_be_able_to_write(by)
    faults = Faults()
    faults.text("name", name, 100, "Say what the token is for.")
    faults.choice("scope", scope, ("read", "write"))
    if days is None:
        faults.add("days", "Give a number of days.")
    faults.number("days", days, 1, MAX_TOKEN_DAYS)
    if len(sessions.tokens_of(by.id)) >= MAX_TOKENS:
        faults.add("name", f"You have {MAX_TOKENS} tokens: end one first.")
    faults.stop()
    return sessions.create_token(by.id, name.strip(), scope, days, by.id)


def addresses(text: str) -> tuple[str, ...]:
    """Read e-mail addresses that stand on lines of their own or between commas."""
    return tuple(_split(text.replace(",", "\n").replace(";", "\n").splitlines()))


def _split(lines: Iterable[Any]) -> Iterable[str]:
    return (line.strip() for line in lines if line.strip())
