"""Lists of rules for administration, by page."""

from sqlalchemy import select

from booking.base.db import db
from booking.facilities.models import Policy, Quota, Resource

PAGE = 50


def policies(
    facility_id: int | None = None, resource_id: int | None = None, after: int = 0, limit: int = PAGE
) -> list[tuple[Policy, str | None]]:
    """List policies with the code of their resource, one more than a page holds."""
    query = select(Policy, Resource.code).outerjoin(Resource, Resource.id == Policy.resource_id)
    if facility_id is not None:
        query = query.where(Policy.facility_id == facility_id)
    if resource_id is not None:
        query = query.where(Policy.resource_id == resource_id)
    rows = db.session.execute(query.where(Policy.id > after).order_by(Policy.id).limit(limit + 1))
    return [(row[0], row[1]) for row in rows]


def quotas(facility_id: int | None = None, after: int = 0, limit: int = PAGE) -> list[Quota]:
    """List quotas, one more than a page holds."""
    query = select(Quota).where(Quota.id > after).order_by(Quota.id).limit(limit + 1)
    if facility_id is not None:
        query = query.where(Quota.facility_id == facility_id)
    return list(db.session.scalars(query))
