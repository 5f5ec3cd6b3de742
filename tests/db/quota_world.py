"""Quotas for the small world, and its prime time: Monday to Friday from ten to six."""

from datetime import time
from typing import Any

from sqlalchemy import select

from booking.base.db import db, transaction
from booking.facilities.actions import directory_changed
from booking.facilities.models import OpeningHours, Quota
from booking.facilities.quota_actions import QuotaDetails, add_quota
from tests.factories import World


def a_quota(world: World, span: str = "day", minutes: int | None = 300, **more: Any) -> Quota:
    """Add a quota to the Hub, by default five hours a day for each person on all cabinets together."""
    details: dict[str, Any] = {"name": "Five hours", "set_by": "Simon Staff", "facility": "HUB"}
    details |= {"span": span, "minutes": minutes, "kind": "workstation", **more}
    return add_quota(QuotaDetails(**details), world.viewer("admin"))


def prime_time(world: World) -> None:
    """Let the Hub's prime time be ten to six on working days."""
    with transaction():
        db.session.add_all(
            OpeningHours(
                facility_id=world.facilities["HUB"],
                hours="prime",
                weekday=day,
                opens=time(10),
                closes=time(18),
            )
            for day in range(5)
        )
        db.session.flush()
        directory_changed()


def the_quotas() -> list[Quota]:
    return list(db.session.scalars(select(Quota).order_by(Quota.id)))
