"""The rule of quotas: in no day, week or month may a booking take more than is left.

The organiser is charged, and with them the project and organisation of the booking where these share a quota.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from booking.base.errors import Refusal
from booking.base.period import Period, midnight
from booking.bookings import words
from booking.bookings.quotas import Taking, Use, amount, limit_in_words, next_first, plain_amount, taken
from booking.bookings.request import Facts, Want


def quotas_must_be_kept(period: Period, facts: Facts) -> Iterator[Refusal]:
    for use in facts.quotas:
        wants = [want for want in facts.wants if use.counts(want.resource)]
        takings = [Taking(want.resource, period, want.units) for want in wants]
        asked = taken(use.quota, takings, facts.now)
        over = next((span for span in sorted(asked) if _exceeds(use, span, asked[span])), None)
        if over is not None:
            yield _refusal(use, over, asked, wants[0], facts)


def _exceeds(use: Use, span: date, asked: int) -> bool:
    """A change that takes no more than its booking had is no reason to refuse it."""
    return asked > use.own.get(span, 0) and asked > use.left(span)


def _refusal(use: Use, span: date, asked: Mapping[date, int], want: Want, facts: Facts) -> Refusal:
    quota, resource = use.quota, want.resource
    who = use.owner or facts.standing.organiser
    used, left = (plain_amount(quota, number) for number in (use.used.get(span, 0), use.left(span)))
    message = (
        f"{quota.name}: {f'{who} has' if who else 'you have'} {limit_in_words(quota)}. "
        f"{_when(quota.span, span)} {used} used, {left} left; this takes {amount(quota, asked[span])}."
    )
    ok_from = _ok_from(use, span, asked, resource.facility.tz)
    fix = _fix(use, span, words.moment(ok_from, resource) if ok_from else "")
    return Refusal("quota", message, resource.code, quota.name, quota.set_by, fix, ok_from)


def _when(span: str, first: date) -> str:
    if span == "open":
        return "Of this,"
    if span == "month":
        return f"In {first:%B %Y},"
    return f"In the week from {words.day(first)}," if span == "week" else f"On {words.day(first)},"


def _fix(use: Use, span: date, ok_from: str) -> str:
    quota = use.quota
    ways = {
        f"book {amount(quota, use.left(span))} or less": quota.minutes is not None and use.left(span) > 0,
        "choose a time outside prime time": quota.prime,
        f"start on {ok_from} or later": bool(ok_from),
        "wait until one is over": quota.span == "open",
    }
    said = ", or ".join([way for way, helps in ways.items() if helps]) or "choose another time"
    return f"{said[0].upper()}{said[1:]}; else ask {quota.set_by}."


def _ok_from(use: Use, span: date, asked: Mapping[date, int], tz: ZoneInfo) -> datetime | None:
    """Return when the next span with enough left begins, if the booking lies in one and that is known."""
    quota = use.quota
    if quota.span == "open" or len(asked) > 1 or asked[span] > quota.limit:
        return None
    later = next_first(quota.span, span)
    while (after := next_first(quota.span, later)) <= use.known_until:
        if asked[span] <= use.left(later):
            return midnight(later, tz)
        later = after
    return None
