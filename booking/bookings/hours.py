"""Which hours somebody may use: those of their role, and extended ones with an out-of-hours permit."""

from datetime import date

from booking.bookings.request import Facts
from booking.facilities.places import EVERY_HOUR, ResourcePlace, hour_kinds
from booking.training.standing import HeldPermit, covered_through


def kinds_of_hours(facts: Facts, resource: ResourcePlace, first: date, last: date) -> frozenset[str]:
    """Return the kinds of hours that are open to the organiser from a day through another."""
    kinds = hour_kinds(facts.role)
    if kinds == EVERY_HOUR:
        return kinds
    reached = covered_through(_own_permits(facts, resource), first)
    return EVERY_HOUR if reached is not None and reached >= last else kinds


def _own_permits(facts: Facts, resource: ResourcePlace) -> list[HeldPermit]:
    """List the organiser's own permits to work out of hours; those of a project open no door."""
    standing = facts.standing
    kinds = standing.requirements.out_of_hours(resource.facility.id)
    return [
        permit
        for permit in standing.permits()
        if permit.kind in kinds and permit.user_id == standing.organiser_id and permit.covers(resource)
    ]
