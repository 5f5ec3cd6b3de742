"""What staff do with service certificates: record an examination of a resource, or take it back."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select

from booking.base import clock
from booking.base.db import db, lock, transaction
from booking.base.edits import Faults, record
from booking.base.errors import NotFound
from booking.facilities.actions import directory_changed, find_resource
from booking.facilities.models import Resource, ServiceCertificate
from booking.people.permissions import Permission, must_be_able_to
from booking.people.viewer import Viewer


@dataclass(frozen=True)
class CertificateDetails:
    """An examination or calibration: the newest of each kind says how long the resource may be used."""

    kind: str
    examined_on: date | None
    valid_through: date | None
    reference: str = ""
    issued_by: str = ""
    note: str = ""


def add_certificate(code: str, details: CertificateDetails, by: Viewer) -> ServiceCertificate:
    """Record that a resource was examined; bookings beyond its end are listed, and stay."""
    resource = find_resource(code)
    must_be_able_to(by, Permission.CHANGE_FACILITY, resource.facility_id)
    examined, through = _checked(details)
    with transaction():
        lock(Resource, [resource.id])
        row = ServiceCertificate(
            resource_id=resource.id,
            kind=details.kind.strip(),
            reference=details.reference.strip(),
            examined_on=examined,
            valid_through=through,
            issued_by=details.issued_by.strip(),
            note=details.note,
        )
        db.session.add(row)
        db.session.flush()
        record("certificate_added", "resource", resource.id, by.id, {}, picture(row))
        directory_changed()
    return row


def remove_certificate(certificate_id: int, by: Viewer) -> str:
    """Take a certificate away, the one before counts again; return the resource's code."""
    row = db.session.get(ServiceCertificate, certificate_id)
    if row is None:
        raise NotFound
    resource = db.session.get_one(Resource, row.resource_id)
    must_be_able_to(by, Permission.CHANGE_FACILITY, resource.facility_id)
    with transaction():
        lock(Resource, [resource.id])
        if certificate_id not in lock(ServiceCertificate, [certificate_id]):
            raise NotFound
        db.session.delete(row)
        db.session.flush()
        record("certificate_removed", "resource", resource.id, by.id, picture(row), {})
        directory_changed()
    return resource.code


def certificates_of(resource_id: int) -> list[ServiceCertificate]:
    """List the certificates of a resource, newest first."""
    query = select(ServiceCertificate).where(ServiceCertificate.resource_id == resource_id)
    return list(
        db.session.scalars(query.order_by(ServiceCertificate.examined_on.desc(), ServiceCertificate.id))
    )


def picture(row: ServiceCertificate) -> dict[str, Any]:
    """Return a certificate as the resource's history keeps it."""
    names = ("kind", "reference", "examined_on", "valid_through", "issued_by", "note")
    return {name: getattr(row, name) for name in names}


def _checked(details: CertificateDetails) -> tuple[date, date]:
    faults = Faults()
    faults.text("kind", details.kind, 60, "Say what was examined, such as Cabinet examination.")
    faults.text("reference", details.reference, 60)
    faults.text("issued_by", details.issued_by, 200)
    faults.text("note", details.note, 2000, lines=True)
    examined, through = details.examined_on, details.valid_through
    for name, day in (("examined_on", examined), ("valid_through", through)):
        faults.add(name, "Give a day." if day is None else None)
        faults.day(name, day)
    if examined and examined > clock.now().date():
        faults.add("examined_on", "This day is still to come.")
    if examined and through and through < examined:
        faults.add("valid_through", "It cannot end before the examination.")
    faults.stop()
    if examined is None or through is None:
        raise NotFound
    return examined, through
