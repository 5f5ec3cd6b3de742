"""Facilities and machines as plain values, for judging rules without a database."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from booking.base.period import Period
from booking.bookings.request import Facts, Want
from booking.facilities.places import (
    ClosedDays,
    FacilityPlace,
    Hours,
    PolicyPlace,
    ResourcePlace,
    RoomPlace,
    Step,
    UnitPlace,
)
from booking.schedule.free import Taken

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 23, 9, 0, 30, tzinfo=UTC)  # a Monday, half a minute past nine
HOUR, DAY, WEEK = 60, 24 * 60, 7 * 24 * 60


def a_facility(**more: Any) -> FacilityPlace:
    """Staffed 08:30-17:30 and extended 07:00-19:00 from Monday to Friday."""
    week = [
        Hours(kind, day, opens, closes)
        for kind, opens, closes in (("staffed", time(8, 30), time(17, 30)), ("extended", time(7), time(19)))
        for day in range(5)
    ]
    standard = FacilityPlace(
        1, "HUB", "The Hub", "Europe/London", "", steps=(), hours=tuple(week), closures=(), holidays="GB-ENG"
    )
    return replace(standard, **more)


def a_room(most: int = 3) -> RoomPlace:
    return RoomPlace(1, "H-01", "Culture room", "", most, "", "", "", 1)


def a_policy(role: str | None = None, **says: Any) -> PolicyPlace:
    return PolicyPlace(1, "Machine rules", "Simon Staff", None, 1, role, says)


def a_machine(running: str = "attended", units: int = 1, **more: Any) -> ResourcePlace:
    """A machine with the default policy in a standard facility; policies are given by their values."""
    says = more.pop("policy", {})
    policies = more.pop("policies", (a_policy(**says),))
    standard = ResourcePlace(
        id=1,
        code="H-BSC1",
        name="Cabinet 1",
        kind="workstation",
        model_class="",
        unit_name="place",
        running=running,
        approval=False,
        needs="",
        long_stay=False,
        outlook="",
        description="",
        facility=more.pop("facility", a_facility()),
        room=more.pop("room", a_room()),
        units=tuple(UnitPlace(n, n, f"place {n}") for n in range(1, units + 1)),
        steps=(),
        policies=policies,
    )
    return replace(standard, **more)


def facts(
    machine: ResourcePlace, role: str = "researcher", units: int = 1, people: int = 1, **more: Any
) -> Facts:
    """Return the facts for judging a booking of one machine."""
    standard = Facts(NOW, role, "host", (Want(machine, units),), people)
    return replace(standard, **more)


def held(
    start: datetime,
    end: datetime,
    client: str | None = "host",
    minutes: tuple[int, int] = (0, 0),
    **more: Any,
) -> Taken:
    """A stretch that somebody holds: used from start to end, with changeover and clearance after it."""
    changeover, clearance = (timedelta(minutes=m) for m in minutes)
    standard = Taken(
        hold_id=99,
        unit_id=1,
        resource_id=1,
        client=client,
        starts_at=start,
        held_until=end + changeover,
        cleared_until=end + max(changeover, clearance),
        used=Period(start, end),
        seen=True,
    )
    return replace(standard, **more)


def steps(*pairs: tuple[str, date]) -> tuple[Step, ...]:
    return tuple(Step(day, state) for state, day in pairs)


def closed(first: date, last: date | None = None, **more: Any) -> ClosedDays:
    return ClosedDays(first, last or first, "Deep clean", **more)


def local(day: date, hour: float, tz: ZoneInfo = LONDON) -> datetime:
    """Return a wall-clock hour of a day in UTC."""
    return datetime.combine(day, time(int(hour), round(hour % 1 * 60)), tzinfo=tz).astimezone(UTC)


def span(day: date, start: float, end: float, days: int = 0) -> Period:
    """Return a period from one wall-clock hour to another, `days` later."""
    return Period(local(day, start), local(day + timedelta(days=days), end))
