"""How a booking repeats: a pattern becomes periods that keep their place on the facility's wall clock.

Plain values in, plain values out. A pattern is written in a part of RFC 5545's language: daily, weekly on
days, monthly by date or weekday; ended by COUNT or UNTIL; days left out in lines of EXDATE.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from dateutil.rrule import DAILY, MONTHLY, WEEKLY, rrule, weekday

from booking.base.period import LocalTimeMissing, LocalTimeTwice, Period, from_wall, wall

MAX_OCCURRENCES = 200
MAX_SPAN = timedelta(days=3 * 366)
MAX_INTERVAL = 99
MAX_TEXT = 5000
FREQUENCIES = {"DAILY": DAILY, "WEEKLY": WEEKLY, "MONTHLY": MONTHLY}
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_PARTS = ("FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "COUNT", "UNTIL", "WKST")
_DAY = re.compile(r"([+-]?[1-5])?(MO|TU|WE|TH|FR|SA|SU)")
_TIME = re.compile(r"([0-9]{8})(?:T([0-9]{6})(Z?))?")


class BadPattern(ValueError):
    """A pattern that cannot be followed, and why."""


@dataclass(frozen=True)
class Pattern:
    """When something happens again; `weekdays` are (day, which of the month), naive times are local."""

    frequency: str
    interval: int = 1
    weekdays: tuple[tuple[int, int], ...] = ()
    month_days: tuple[int, ...] = ()
    count: int | None = None
    until: date | None = None
    week_starts: int = 0
    left_out: tuple[date, ...] = ()


@dataclass(frozen=True)
class Occurrence:
    """One time of a series by the wall clock; where there is no such time, it has no period but a note."""

    start: datetime
    end: datetime
    tz: ZoneInfo
    period: Period | None
    note: str = ""

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """Start and end in UTC; where the clocks skip one, as if they had not yet gone forward."""
        if self.period is not None:
            return self.period.start, self.period.end
        start, end = (local.replace(tzinfo=self.tz).astimezone(UTC) for local in (self.start, self.end))
        return start, end


# --- reading ---------------------------------------------------------------------------------------


def read_pattern(text: str) -> Pattern:
    """Read a pattern such as `FREQ=WEEKLY;COUNT=10`; raise `BadPattern` in words for whoever wrote it."""
    if len(text) > MAX_TEXT:
        raise BadPattern(f"The pattern is longer than {MAX_TEXT} characters.")
    lines = [line.strip().upper() for line in text.splitlines() if line.strip()]
    rules = [line for line in lines if not line.startswith("EXDATE")]
    if len(rules) != 1:
        raise BadPattern(
            "The pattern is one line such as FREQ=WEEKLY;COUNT=10; lines of EXDATE may follow it."
        )
    parts = _parts(rules[0].removeprefix("RRULE:"))
    frequency = parts.get("FREQ", "")
    if frequency not in FREQUENCIES:
        raise BadPattern("The pattern needs FREQ=DAILY, FREQ=WEEKLY or FREQ=MONTHLY.")
    if ("COUNT" in parts) == ("UNTIL" in parts):
        raise BadPattern("The pattern needs an end: either COUNT or UNTIL.")
    pattern = Pattern(
        frequency,
        _number(parts, "INTERVAL", MAX_INTERVAL) or 1,
        tuple(_weekday(day) for day in _listed(parts, "BYDAY")),
        tuple(_month_day(day) for day in _listed(parts, "BYMONTHDAY")),
        _number(parts, "COUNT", MAX_OCCURRENCES),
        _time("UNTIL", parts["UNTIL"]) if "UNTIL" in parts else None,
        _weekday(parts.get("WKST", "MO"))[0],
        tuple(day for line in lines if line.startswith("EXDATE") for day in _exceptions(line)),
    )
    _must_make_sense(pattern)
    return pattern


def _parts(rule: str) -> dict[str, str]:
    pairs = [part.partition("=")[::2] for part in rule.split(";")]
    for name, value in pairs:
        if name not in _PARTS or not value:
            raise BadPattern(f"The pattern cannot hold {name[:40]!r}; it is made of {', '.join(_PARTS)}.")
    parts = dict(pairs)
    if len(parts) < len(pairs):
        raise BadPattern("The pattern says the same thing twice.")
    return parts


def _listed(parts: Mapping[str, str], name: str) -> list[str]:
    return parts[name].split(",") if name in parts else []


def _number(parts: Mapping[str, str], name: str, most: int) -> int | None:
    if name not in parts:
        return None
    if not re.fullmatch("[0-9]{1,4}", parts[name]) or not 1 <= int(parts[name]) <= most:
        raise BadPattern(f"The pattern takes a {name} from 1 to {most}.")
    return int(parts[name])


def _weekday(text: str) -> tuple[int, int]:
    match = _DAY.fullmatch(text)
    if match is None:
        raise BadPattern(
            f"The pattern knows no day {text[:10]!r}: write MO, TU, WE, TH, FR, SA, SU, 2TU or -1FR."
        )
    return DAYS.index(match[2]), int(match[1] or 0)


def _month_day(text: str) -> int:
    if not re.fullmatch("[+-]?[0-9]{1,2}", text) or not 1 <= abs(int(text)) <= 31:
        raise BadPattern(
            "The pattern takes a BYMONTHDAY from 1 to 31, or from -1 for the last day of the month."
        )
    return int(text)


def _exceptions(line: str) -> list[date]:
    return [_time("EXDATE", text.strip()) for text in line.partition(":")[2].split(",")]


def _time(name: str, text: str) -> date:
    """Read a day, a local time or (with Z) a moment."""
    match = _TIME.fullmatch(text)
    try:
        if match is None:
            raise ValueError
        day = datetime.strptime(match[1], "%Y%m%d").date()
        if not 1990 <= day.year <= 2199:
            raise ValueError
        if match[2] is None:
            return day
        local = datetime.combine(day, datetime.strptime(match[2], "%H%M%S").time())
    except ValueError:
        raise BadPattern(
            f"The pattern needs {name} as a day such as 20270112 or a time such as 20270112T090000Z."
        ) from None
    return local.replace(tzinfo=UTC) if match[3] else local


def _must_make_sense(pattern: Pattern) -> None:
    monthly = pattern.frequency == "MONTHLY"
    if pattern.month_days and not monthly:
        raise BadPattern("The pattern takes BYMONTHDAY only with FREQ=MONTHLY.")
    if pattern.month_days and pattern.weekdays:
        raise BadPattern("The pattern takes BYDAY or BYMONTHDAY, not both.")
    if any(bool(which) != monthly for _, which in pattern.weekdays):
        raise BadPattern("The pattern says which of the month (2TU, -1FR) for FREQ=MONTHLY, and only there.")
    if pattern.weekdays and pattern.frequency == "DAILY" and pattern.interval > 1:
        raise BadPattern("The pattern takes BYDAY with FREQ=DAILY only for every day: leave INTERVAL out.")


# --- unfolding -------------------------------------------------------------------------------------


def expand(pattern: Pattern, first: Period, tz: ZoneInfo) -> list[Occurrence]:
    """Return all occurrences from the first period on; only days that the pattern names are among them."""
    start, length = wall(first.start, tz), wall(first.end, tz) - wall(first.start, tz)
    if length <= timedelta(0):
        raise BadPattern("The pattern cannot start in the hour that the clocks repeat; start on another day.")
    starts = _without_exceptions(pattern, _starts(pattern, start, tz), tz)
    return [
        Occurrence(start, start + length, tz, first)
        if moment == start
        else by_the_wall(moment, moment + length, tz)
        for moment in starts
    ]


def _starts(pattern: Pattern, start: datetime, tz: ZoneInfo) -> list[datetime]:
    furthest = start + MAX_SPAN
    until = _last_start(pattern.until, tz) or furthest
    if until > furthest:
        raise BadPattern("The pattern reaches further than three years; let it end earlier.")
    rule = rrule(
        FREQUENCIES[pattern.frequency],
        dtstart=start,
        interval=pattern.interval,
        wkst=pattern.week_starts,
        until=until,
        byweekday=[weekday(day, which or None) for day, which in pattern.weekdays] or None,
        bymonthday=pattern.month_days or None,
    )
    starts = list(islice(rule, pattern.count or MAX_OCCURRENCES + 1))
    if len(starts) > MAX_OCCURRENCES:
        raise BadPattern(f"The pattern has more than {MAX_OCCURRENCES} occurrences; let it end earlier.")
    if not starts or len(starts) < (pattern.count or 0):
        raise BadPattern("The pattern has too few days within three years, or none before its end.")
    return starts


def _last_start(until: date | None, tz: ZoneInfo) -> datetime | None:
    """Return the last local time at which something may still start: a day counts in full."""
    if until is None or isinstance(until, datetime):
        return _local(until, tz) if until else None
    return datetime.combine(until, time.max)


def _local(moment: datetime, tz: ZoneInfo) -> datetime:
    return wall(moment, tz) if moment.tzinfo else moment


def _without_exceptions(pattern: Pattern, starts: list[datetime], tz: ZoneInfo) -> list[datetime]:
    left_out = {_local(one, tz) if isinstance(one, datetime) else one for one in pattern.left_out}
    unknown = left_out - set(starts) - {start.date() for start in starts}
    if unknown:
        raise BadPattern(f"The pattern has nothing to leave out on {min(str(one) for one in unknown)}.")
    kept = [start for start in starts if start not in left_out and start.date() not in left_out]
    if not kept:
        raise BadPattern("The pattern leaves out every one of its days.")
    return kept


def by_the_wall(start: datetime, end: datetime, tz: ZoneInfo) -> Occurrence:
    """Find the period of two local times: of one that exists twice the first is meant, and a note says so."""
    try:
        (begins, said), (ends, also_said) = _moment(start, tz), _moment(end, tz)
    except LocalTimeMissing as missing:
        return Occurrence(start, end, tz, None, f"{missing}.")
    if ends <= begins:
        return Occurrence(start, end, tz, None, "It would end before it starts.")
    return Occurrence(start, end, tz, Period(begins, ends), said or also_said)


def _moment(local: datetime, tz: ZoneInfo) -> tuple[datetime, str]:
    try:
        return from_wall(local, tz), ""
    except LocalTimeTwice as twice:
        return from_wall(local, tz, "first"), f"{twice}; the first is meant."
