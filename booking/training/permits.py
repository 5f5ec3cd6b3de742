"""What those who answer for safety do: grant permits, withdraw them and keep their papers."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import delete, select

from booking.base import audit, clock
from booking.base.db import db, lock, transaction
from booking.base.edits import Faults, code_fault, flush_unique, must_be_as_read, record, storable
from booking.base.errors import Invalid, NotChangeable, NotFound
from booking.facilities.models import Resource, Room
from booking.people.models import Project, User
from booking.people.permissions import Permission, able_to, must_be_able_to
from booking.people.viewer import Viewer
from booking.training.models import Permit, PermitDocument, PermitResource

LARGEST = 1000 * 1000
# What a document may be, told by its first bytes: a name or a header can say anything.
MEDIA = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}


@dataclass(frozen=True)
class PermitDetails:
    """A permit; what of its scope is empty may be any. Project, room, resources by code, user by e-mail."""

    reference: str
    kind: str
    valid_from: date | None
    valid_through: date | None
    granted_by: str = ""
    project: str = ""
    user: str = ""
    room: str = ""
    resources: tuple[str, ...] = ()
    note: str = ""


def grant(details: PermitDetails, by: Viewer) -> Permit:
    """Grant a permit to a project or a person."""
    must_be_able_to(by, Permission.GRANT_PERMITS)
    with transaction():
        permit = Permit(reference=details.reference.strip())
        faults = Faults()
        faults.add("reference", code_fault(permit.reference) if permit.reference else "Give its reference.")
        _write(permit, details, faults)
        db.session.add(permit)
        flush_unique("reference", "Another permit has this reference.")
        _write_resources(permit, details.resources)
        record("added", "permit", permit.id, by.id, {}, picture(permit))
    return permit


def change_permit(permit_id: int, details: PermitDetails, by: Viewer, as_read: str | None = None) -> Permit:
    """Change a permit that stands, for example to prolong it; its reference stays."""
    must_be_able_to(by, Permission.GRANT_PERMITS)
    with transaction():
        permit = _locked(permit_id)
        if permit.withdrawn_on:
            raise NotChangeable("This permit was withdrawn: grant a new one.")
        before = picture(permit)
        must_be_as_read(before, as_read)
        _write(permit, details, Faults())
        _write_resources(permit, details.resources)
        record("changed", "permit", permit.id, by.id, before, picture(permit))
    return permit


def withdraw_permit(permit_id: int, by: Viewer, reason: str) -> Permit:
    """Withdraw a permit from today on: bookings that need it are listed, and stay."""
    must_be_able_to(by, Permission.GRANT_PERMITS)
    faults = Faults()
    faults.text("reason", reason, 1000, "Say why: it stays in the permit's history.", lines=True)
    faults.stop()
    with transaction():
        permit = _locked(permit_id)
        if permit.withdrawn_on is None:
            permit.withdrawn_on = clock.now().date()
            audit.record("withdrawn", "permit", permit.id, by.id, reason=reason)
    return permit


def find_permit(permit_id: int) -> Permit:
    """Return a permit; raise `NotFound` if there is none."""
    permit = db.session.get(Permit, permit_id)
    if permit is None:
        raise NotFound
    return permit


def _locked(permit_id: int) -> Permit:
    rows = lock(Permit, [permit_id])
    if permit_id not in rows:
        raise NotFound
    return rows[permit_id]


def picture(permit: Permit) -> dict[str, Any]:
    """Return a permit as its history and its form keep it."""
    return {
        "reference": permit.reference,
        "kind": permit.kind,
        "valid_from": permit.valid_from,
        "valid_through": permit.valid_through,
        "granted_by": permit.granted_by,
        "project": code_of(Project.code, Project.id, permit.project_id),
        "user": code_of(User.email, User.id, permit.user_id),
        "room": code_of(Room.code, Room.id, permit.room_id),
        "resources": resources_of(permit.id),
        "note": permit.note,
    }


def resources_of(permit_id: int) -> list[str]:
    """List the codes of the resources that a permit is for; none means any."""
    query = select(Resource.code).join(PermitResource, PermitResource.resource_id == Resource.id)
    return list(
        db.session.scalars(query.where(PermitResource.permit_id == permit_id).order_by(Resource.code))
    )


def code_of(column: Any, key: Any, value: int | None) -> str:
    """Return the code of a row by its key; an empty text if there is none."""
    row = db.session.scalar(select(column).where(key == value)) if value else None
    return str(row or "")


def _write(permit: Permit, details: PermitDetails, faults: Faults) -> None:
    faults.text("kind", details.kind, 60, "Say what kind of permit it is.")
    faults.text("granted_by", details.granted_by, 200, "Say who granted it.")
    faults.text("note", details.note, 2000, lines=True)
    for name in ("valid_from", "valid_through"):
        faults.add(name, "Give a day." if getattr(details, name) is None else None)
        faults.day(name, getattr(details, name))
    if details.valid_from and details.valid_through and details.valid_through < details.valid_from:
        faults.add("valid_through", "It cannot end before it begins.")
    project_id = found(faults, "project", details.project, Project.code, Project.id)
    user_id = found(faults, "user", details.user.casefold(), User.email, User.id)
    room_id = found(faults, "room", details.room, Room.code, Room.id)
    if not details.project.strip() and not details.user.strip():
        faults.add("project", "Say for which project or for whom it is granted.")
    faults.stop()
    permit.kind, permit.granted_by, permit.note = (
        details.kind.strip(),
        details.granted_by.strip(),
        details.note,
    )
    permit.project_id, permit.user_id, permit.room_id = project_id, user_id, room_id
    if details.valid_from and details.valid_through:
        permit.valid_from, permit.valid_through = details.valid_from, details.valid_through


def found(faults: Faults, field: str, name: str, column: Any, key: Any) -> int | None:
    """Return the key of what an input names, or None with a fault if there is no such thing."""
    if not name.strip():
        return None
    row: int | None = None
    if storable(name):
        row = db.session.scalar(select(key).where(column == name.strip()))
    faults.add(field, f"Nothing here is known as {name.strip()[:60]!r}." if row is None else None)
    return row


def _write_resources(permit: Permit, given: Iterable[str]) -> None:
    codes = {code.strip() for code in given if code.strip()}
    known = dict(
        db.session.execute(select(Resource.code, Resource.id).where(Resource.code.in_(sorted(codes)))).all()
    )
    unknown = sorted(codes - known.keys())
    if unknown:
        raise Invalid({"resources": [f"There is no resource {unknown[0][:40]!r}."]})
    db.session.execute(delete(PermitResource).where(PermitResource.permit_id == permit.id))
    db.session.add_all(PermitResource(permit_id=permit.id, resource_id=key) for key in known.values())
    db.session.flush()


# --- documents -------------------------------------------------------------------------------------


def keep_document(permit_id: int, name: str, content: bytes, by: Viewer) -> PermitDocument:
    """Keep the paper of a permit: a PDF or a picture of at most one megabyte."""
    must_be_able_to(by, Permission.GRANT_PERMITS)
    media_type = next((media for start, media in MEDIA.items() if content.startswith(start)), None)
    faults = Faults()
    faults.add("document", "Choose a PDF, PNG or JPEG file." if media_type is None else None)
    faults.add("document", "The file is larger than 1 MB." if len(content) > LARGEST else None)
    faults.stop()
    with transaction():
        permit = _locked(permit_id)
        row = db.session.get(PermitDocument, permit.id) or PermitDocument(permit_id=permit.id)
        row.name, row.media_type, row.content = _file_name(name, media_type or ""), media_type or "", content
        db.session.add(row)
        audit.record("document_kept", "permit", permit.id, by.id, after={"document": row.name})
    return row


def _file_name(name: str, media_type: str) -> str:
    """Return a name that is safe in a header and on a disk."""
    stem = name.rsplit(".", 1)[0]
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_ ") else "-" for c in stem).strip("- ")
    return f"{plain[:80] or 'permit'}.{media_type.rsplit('/', 1)[-1]}"


def document_of(permit_id: int, by: Viewer) -> PermitDocument:
    """Return a permit's paper to who may see it: its holders and those who grant permits; else `NotFound`."""
    permit = find_permit(permit_id)
    row = db.session.get(PermitDocument, permit_id)
    if row is None or not may_read(permit, by):
        raise NotFound
    return row


def may_read(permit: Permit, by: Viewer) -> bool:
    """Tell whether somebody holds a permit, by themself or by a project, or grants permits."""
    mine = permit.user_id == by.id or permit.project_id in by.projects
    return mine or able_to(by, Permission.GRANT_PERMITS)
