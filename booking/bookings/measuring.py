"""A rule's measure: what it looked at, in words and numbers, with where it comes from."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from booking.base.period import Period
from booking.bookings.request import Facts
from booking.facilities.places import ResourcePlace


@dataclass(frozen=True)
class Case:
    """A booking to be measured, and whether whoever looks sees everything in its facilities."""

    period: Period
    facts: Facts
    sees_all: bool


@dataclass(frozen=True)
class Measure:
    """What a rule looked at: in words, as numbers for programs, and where the rule comes from."""

    text: str
    source: str
    set_by: str
    numbers: Mapping[str, Any] = field(default_factory=dict)


def last_day(case: Case, resource: ResourcePlace) -> date:
    """Return the last day of a booking by the facility's clock."""
    return (case.period.end - timedelta(seconds=1)).astimezone(resource.facility.tz).date()


def facility_of(resource: ResourcePlace) -> str:
    """Name the facility that answers for a resource."""
    return f"{resource.facility.code} {resource.facility.name}"


def joined(names: Iterable[str]) -> str:
    """Name each once, with commas between them."""
    return ", ".join(dict.fromkeys(name for name in names if name))
