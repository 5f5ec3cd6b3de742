"""How pages and mails put times and lengths into words."""

from datetime import date, datetime, timedelta

from booking.base.period import zone


def day(moment: date | datetime, timezone: str | None = None) -> str:
    """`Mon 23 Nov 2026` in the facility's zone."""
    if isinstance(moment, datetime) and timezone:
        moment = moment.astimezone(zone(timezone))
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def clock_time(moment: datetime, timezone: str) -> str:
    """`09:00` in the facility's zone."""
    return f"{moment.astimezone(zone(timezone)):%H:%M}"


def when(start: datetime, end: datetime, timezone: str = "Europe/London") -> str:
    """`Mon 23 Nov 2026, 09:00–12:00`; with the zone's letters where the clocks change in between."""
    tz = zone(timezone)
    a, b = start.astimezone(tz), end.astimezone(tz)
    letters = a.tzname() != b.tzname()
    first = f"{day(a)}, {a:%H:%M}" + (f" {a.tzname()}" if letters else "")
    last = f"{b:%H:%M}" + (f" {b.tzname()}" if letters else "")
    if a.date() == b.date():
        return f"{first}–{last}"
    return f"{first} – {day(b)}, {last}"


def local_when(start: datetime, end: datetime) -> str:
    """`Mon 23 Nov 2026, 09:00–12:00` of local times, whether they exist or not."""
    first = f"{day(start)}, {start:%H:%M}"
    return f"{first}–{end:%H:%M}" if start.date() == end.date() else f"{first} – {day(end)}, {end:%H:%M}"


def moment(value: datetime, timezone: str = "Europe/London") -> str:
    """`Mon 23 Nov 2026, 09:00`."""
    return f"{day(value, timezone)}, {clock_time(value, timezone)}"


def length(span: timedelta) -> str:
    """`3 h`, `2 days 4 h`, `45 min`."""
    minutes = int(span.total_seconds() // 60)
    days, rest = divmod(minutes, 24 * 60)
    hours, minutes = divmod(rest, 60)
    parts = [f"{days} day{'s' if days > 1 else ''}" if days else "", f"{hours} h" if hours else ""]
    parts.append(f"{minutes} min" if minutes else "")
    return " ".join(part for part in parts if part) or "0 min"


def minutes(count: int) -> str:
    """A policy's minutes in words."""
    return length(timedelta(minutes=count))
