"""How rules put days, times, lengths and roles into words."""

from collections.abc import Iterable
from datetime import date, datetime

from booking.facilities.places import ResourcePlace

DAY = 24 * 60


def day(value: date | datetime) -> str:
    """`Mon 23 Nov 2026`."""
    return f"{value:%a} {value.day} {value:%b %Y}"


def moment(value: datetime, resource: ResourcePlace) -> str:
    """`Mon 23 Nov 2026, 09:00` by the facility's clock."""
    local = value.astimezone(resource.facility.tz)
    return f"{day(local)}, {local:%H:%M}"


def length(minutes: int) -> str:
    """Say a length in the largest unit that fits it."""
    for size, unit in ((7 * DAY, "week"), (DAY, "day"), (60, "h")):
        if minutes and minutes % size == 0:
            count = minutes // size
            return f"{count} h" if unit == "h" else f"{count} {unit}{'s' if count > 1 else ''}"
    return f"{minutes // 60} h {minutes % 60} min" if minutes > 60 else f"{minutes} min"


def roles(names: Iterable[object]) -> str:
    """Name roles as people speak of them: `researchers, students and staff`."""
    plural = {"industry": "industry users", "staff": "staff", "admin": "staff"}
    found = sorted({plural.get(str(name), f"{name}s") for name in names})
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found) or "staff"
