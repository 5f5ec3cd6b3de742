"""News of bookings, told inside the transaction that made them; `people` are all who are in the booking.

What is done to a series is told of each booking with `in_series`, and then once of all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from booking.bookings.models import Booking


@dataclass(frozen=True)
class BookingMade:
    """A booking was made: confirmed, or requested where it needs approval."""

    booking: Booking
    by_id: int
    people: frozenset[int]
    in_series: bool = False


@dataclass(frozen=True)
class BookingChanged:
    """A booking's time, resources, people or texts changed; `before` and `after` hold what differs.

    `asks`: it needs approval, anew.
    """

    booking: Booking
    by_id: int
    reason: str
    people: frozenset[int]
    people_before: frozenset[int]
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    asks: bool = False
    in_series: bool = False


@dataclass(frozen=True)
class BookingEnded:
    """A booking was cancelled, declined, ended early, or its request expired (by nobody)."""

    booking: Booking
    by_id: int | None
    reason: str
    people: frozenset[int]
    status_before: str
    in_series: bool = False


@dataclass(frozen=True)
class BookingApproved:
    """A request was approved."""

    booking: Booking
    by_id: int
    reason: str
    people: frozenset[int]


@dataclass(frozen=True)
class RequestPassedOn:
    """A request waits for the next answer: one step was approved, or (by nobody) not answered in time."""

    booking: Booking
    by_id: int | None
    reason: str


@dataclass(frozen=True)
class SeriesMade:
    """Bookings were made by one pattern, in order of time; `skipped` were refused and left out."""

    bookings: tuple[Booking, ...]
    by_id: int
    people: frozenset[int]
    skipped: int


@dataclass(frozen=True)
class SeriesChanged:
    """Bookings of a series were changed in the same way; each has its own news of what differs."""

    changes: tuple[BookingChanged, ...]
    by_id: int
    reason: str


@dataclass(frozen=True)
class SeriesCancelled:
    """Bookings of a series were cancelled together, in order of time."""

    bookings: tuple[Booking, ...]
    by_id: int
    reason: str
    people: frozenset[int]


@dataclass(frozen=True)
class BookingOffered:
    """Time was offered to somebody on the waiting list: it is held for them until they answer."""

    booking: Booking


@dataclass(frozen=True)
class OfferAccepted:
    """An offer was accepted; that it was made a booking, or a request, is told as of any other."""

    booking: Booking


@dataclass(frozen=True)
class BookingRestored:
    """A cancellation was taken back: the booking is on again, or asked for again."""

    booking: Booking
    by_id: int
    reason: str
    people: frozenset[int]
