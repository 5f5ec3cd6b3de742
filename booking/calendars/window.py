"""How far a feed looks back and ahead, and what stays in it when there is too much."""

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

# Days before and after today. Google drops feeds above 1 MB or about 1,100 events without a word.
WINDOWS = {
    "me": (31, 400),
    "project": (31, 400),
    "campaign": (31, 400),
    "course": (31, 400),
    "resource": (14, 180),
    "room": (7, 60),
    "facility": (7, 60),
    "organisation": (7, 60),
    "busy": (1, 90),
}
MAX_EVENTS = 1_000
MAX_BYTES = 900_000
# The calendar's head, its VTIMEZONE and the notice at the cut share the allowance with the events.
_HEAD_AND_NOTICE = 16_000

Dated = tuple[datetime, bytes]

_END = re.compile(rb"\r\nDTEND(?:;VALUE=DATE)?:(\d{8})(?:T(\d{6})Z)?\r\n")


def feed_window(kind: str, now: datetime, timezone: str) -> tuple[datetime, datetime]:
    """Return the feed's period in UTC; it starts and ends at local midnight, so it moves once a day."""
    back, ahead = WINDOWS[kind]
    today = _aware(now).astimezone(ZoneInfo(timezone)).date()
    return _midnight(today - timedelta(back), timezone), _midnight(today + timedelta(ahead), timezone)


def cut(
    events: list[Dated], now: datetime, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES
) -> tuple[list[bytes], datetime | None]:
    """Keep what fits in a feed, nearest first from `now` on, then the past; return it in order of time with
    the start of the first event left out.
    """
    ordered = sorted(events)
    room = max_bytes - _HEAD_AND_NOTICE
    if len(ordered) <= max_events and sum(len(event) for _, event in ordered) <= room:
        return [event for _, event in ordered], None
    ranked = _nearest_first(ordered, _aware(now))
    fitting = _how_many_fit(ranked, max_events, room)
    return [event for _, event in sorted(ranked[:fitting])], ranked[fitting][0]


def _midnight(day: date, timezone: str) -> datetime:
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)


def _aware(moment: datetime) -> datetime:
    if moment.utcoffset() is None:
        raise ValueError("a moment without a time zone cannot be placed in a calendar")
    return moment


def _nearest_first(ordered: list[Dated], now: datetime) -> list[Dated]:
    """Put what runs or comes first, by start, then what is over, latest first."""
    over: list[Dated] = []
    to_come: list[Dated] = []
    for dated in ordered:
        (over if _is_over(dated, now) else to_come).append(dated)
    return to_come + over[::-1]


def _is_over(dated: Dated, now: datetime) -> bool:
    starts_at, event = dated
    return starts_at < now and (_end_of(event) or starts_at) <= now


@lru_cache(maxsize=20_000)
def _end_of(event: bytes) -> datetime | None:
    """Read the end back from the rendered event: a run of three weeks is not past on its second day."""
    found = _END.search(event)
    if found is None:
        return None
    day, clock = (group.decode() if group else "000000" for group in found.groups())
    return datetime.strptime(day + clock, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


def _how_many_fit(ranked: list[Dated], max_events: int, room: int) -> int:
    used = 0
    for count, (_, event) in enumerate(ranked[:max_events]):
        used += len(event)
        if used > room:
            return count
    return min(max_events, len(ranked))
