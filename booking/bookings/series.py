"""What people do with series: every occurrence goes through the same steps as a booking by itself.

All of a series is one transaction with its resources locked once. Occurrences are judged and written one
after another, so that every rule sees the earlier ones.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

from booking.base import audit, clock
from booking.base.db import db, lock, store, transaction
from booking.base.errors import TAKEN_CODES, Invalid, NotChangeable, Refusal, Refused
from booking.base.events import emit
from booking.base.period import Period
from booking.base.words import local_when
from booking.bookings.actions import find, may_change_or_raise, touch, write_new
from booking.bookings.events import SeriesMade
from booking.bookings.facts import Cast, find_cast, gather, lock_everything
from booking.bookings.models import HOLDING, Booking, Series
from booking.bookings.overruling import judge, keep_overruled
from booking.bookings.queries import detail, request_of
from booking.bookings.request import BookingRequest
from booking.people.models import public_id
from booking.people.sessions import must_be_able_to_write
from booking.people.viewer import Viewer
from booking.schedule.recurrence import BadPattern, Occurrence, expand, read_pattern
from booking.schedule.words import pattern_words

ON_CLASH = ("refuse", "skip")


@dataclass(frozen=True)
class Repeat:
    """How a booking is repeated, and whether one clash refuses the whole series or is skipped."""

    rrule: str
    on_clash: str = "refuse"


@dataclass(frozen=True)
class Judged:
    """An occurrence with the reasons against it, and the booking that was made of it."""

    occurrence: Occurrence
    refusals: tuple[Refusal, ...] = ()
    booking: Booking | None = None


@dataclass(frozen=True)
class Made:
    """A series as it was made: its bookings, and what was skipped."""

    series_id: str
    bookings: tuple[Booking, ...]
    skipped: tuple[Judged, ...]


class SeriesClash(Refused):
    """Occurrences of a series are refused; each reason names the occurrence."""

    def __init__(self, occurrences: Sequence[Judged]) -> None:
        super().__init__([_named(one, reason) for one in occurrences for reason in one.refusals])
        self.occurrences = list(occurrences)
        if all(reason.code in TAKEN_CODES for one in occurrences for reason in one.refusals):
            self.status = 409


def _named(one: Judged, reason: Refusal) -> Refusal:
    when = local_when(one.occurrence.start, one.occurrence.end)
    return replace(reason, code="series_clash", message=f"{when}: {reason.message}")


def book_series(request: BookingRequest, repeat: Repeat, by: Viewer) -> Made:
    """Book every occurrence of a pattern, or none if one is refused and not to be skipped."""
    must_be_able_to_write(by)
    with transaction():
        return _made(request, repeat, by)


def repeat_booking(booking_id: str, repeat: Repeat, by: Viewer) -> Made:
    """Make a series out of a booking: it is the first, and the others are booked like it."""
    must_be_able_to_write(by)
    with transaction():
        first = _to_repeat(booking_id, by)
        made = _made(like(first, by), repeat, by, first)
        lock(Booking, [first.id])
        _must_be_repeatable(first)
        first.series_id = made.series_id
        first.version, first.updated_at = first.version + 1, clock.now()
        words = pattern_words(read_pattern(repeat.rrule))
        audit.record("repeated", "booking", first.id, by.id, after={"series": words})
    return made


def try_series(
    request: BookingRequest, repeat: Repeat, by: Viewer, booking_id: str | None = None
) -> list[Judged]:
    """Judge every occurrence as if it were booked, and store nothing; not within another transaction."""
    judged: list[Judged] = []
    try:
        with transaction():
            first = _to_repeat(booking_id, by) if booking_id else None
            judged += _written(request, repeat, by, first)[1]
            _forget(judged)
            raise _OnlyTried
    except _OnlyTried:
        return [replace(one, booking=None) for one in judged]


class _OnlyTried(Exception):
    """Takes back all that was written to try a series."""


def like(booking: Booking, by: Viewer) -> BookingRequest:
    """Return a booking as the request that would make another like it, for the same person."""
    organiser = detail(booking, None).organiser
    other = None if organiser.id == by.id else organiser.public_id
    return replace(request_of(booking), on_behalf_of=other)


# --- steps -----------------------------------------------------------------------------------------


def _made(request: BookingRequest, repeat: Repeat, by: Viewer, first: Booking | None = None) -> Made:
    cast, judged, series_id = _written(request, repeat, by, first)
    bookings = tuple(one.booking for one in judged if one.booking)
    refused = tuple(one for one in judged if one.refusals)
    if refused and (repeat.on_clash == "refuse" or not bookings):
        _forget(judged)
        raise SeriesClash(refused)
    emit(SeriesMade(bookings, by.id, frozenset(cast.user_ids), len(refused)))
    touch(bookings[0], cast.user_ids, [want.resource.id for want in cast.wants])
    return Made(series_id, bookings, refused)


def _forget(judged: Iterable[Judged]) -> None:
    """Let the session not know what is about to be taken back: the next may get the same ids."""
    for one in judged:
        if one.booking is not None:
            db.session.expunge(one.booking)


def _written(
    request: BookingRequest, repeat: Repeat, by: Viewer, first: Booking | None
) -> tuple[Cast, list[Judged], str]:
    """Judge and write one occurrence after another; who asked decides what becomes of refused ones."""
    cast = find_cast(request, by)
    occurrences = unfold(repeat.rrule, request.period, cast.wants[0].resource.facility.tz)
    if first is not None:
        occurrences = [one for one in occurrences if one.period != request.period]
        if not occurrences:
            raise Invalid({"repeat": ["The pattern has no other occurrence than this booking."]})
    lock_everything(cast)
    series = Series(id=public_id(), rrule=repeat.rrule.strip(), made_by_id=by.id, created_at=clock.now())
    store(series)
    return cast, [_one(request, one, cast, by, series.id) for one in occurrences], series.id


def unfold(rrule: str, first: Period, tz: ZoneInfo) -> list[Occurrence]:
    """Return the occurrences of a pattern; raise `Invalid` where it cannot be followed."""
    try:
        return expand(read_pattern(rrule), first, tz)
    except BadPattern as fault:
        raise Invalid({"repeat": [str(fault)]}) from None


def _one(request: BookingRequest, one: Occurrence, cast: Cast, by: Viewer, series_id: str) -> Judged:
    if one.period is None:
        return Judged(one, (no_such_time(one),))
    asked = replace(request, starts_at=one.period.start, ends_at=one.period.end)
    facts = gather(cast, asked.people, asked.period, by)
    verdict = judge(asked, facts, cast, by)
    if verdict.refusals:
        return Judged(one, tuple(verdict.refusals))
    booking = write_new(asked, cast, facts, by, series_id).booking
    keep_overruled(booking, verdict.overruled, asked, cast, by)
    return Judged(one, (), booking)


def no_such_time(one: Occurrence) -> Refusal:
    """Return the reason against an occurrence of which there is no such time."""
    fix = "Choose another time of day, or leave this day out."
    return Refusal("series_clash", one.note, None, "local time", "the product", fix)


def _to_repeat(booking_id: str, by: Viewer) -> Booking:
    booking = find(booking_id, by)
    may_change_or_raise(booking, by)
    _must_be_repeatable(booking)
    return booking


def _must_be_repeatable(booking: Booking) -> None:
    if booking.series_id is not None:
        raise NotChangeable("This booking belongs to a series already.")
    if booking.status not in HOLDING:
        raise NotChangeable("This booking was cancelled or ended early; it can no longer be repeated.")
