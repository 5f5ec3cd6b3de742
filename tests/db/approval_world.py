"""Approval for the small world: rules, a quality officer, owners and deputies."""

from datetime import date
from typing import Any

from booking.base import clock
from booking.base.db import db, transaction
from booking.facilities.actions import directory_changed
from booking.facilities.approval_actions import ApprovalDetails, add_approval_rule
from booking.facilities.models import ApprovalRule, Duty, ResourceOwner
from booking.people.models import Deputy
from tests.factories import World


def a_rule(world: World, first: str = "staff", second: str = "", **more: Any) -> ApprovalRule:
    """Let bookings at the hub need approval."""
    details = ApprovalDetails("HUB", more.pop("name", "A rule"), "Safety office", first=first, second=second)
    return add_approval_rule(ApprovalDetails(**(vars(details) | more)), world.viewer("admin"))


def a_duty(world: World, name: str, duty: str = "quality_officer", facility: str = "HUB") -> None:
    """Give somebody a duty."""
    with transaction():
        db.session.add(Duty(user_id=world.users[name], duty=duty, facility_id=world.facilities[facility]))
        directory_changed()


def an_owner(world: World, name: str, resource: str) -> None:
    """Let somebody own a resource."""
    with transaction():
        row = ResourceOwner(resource_id=world.resources[resource], user_id=world.users[name])
        db.session.add(row)
        directory_changed()


def a_deputy(world: World, person: str, deputy: str, last_day: date | None = None) -> None:
    """Let somebody decide in a person's place, from today on."""
    today = clock.now().date()
    with transaction():
        db.session.add(
            Deputy(
                user_id=world.users[person],
                deputy_id=world.users[deputy],
                first_day=today,
                last_day=last_day or today,
            )
        )
        db.session.flush()
        directory_changed()
