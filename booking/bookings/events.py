"""News of bookings, told inside the transaction that made them; `people` are all who are in the booking."""

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


@dataclass(frozen=True)
class BookingChanged:
    """A booking's time, resources, people or texts changed; `before` and `after` hold what differs."""

    booking: Booking
    by_id: int
    reason: str
    people: frozenset[int]
    people_before: frozenset[int]
    before: Mapping[str, Any]
    after: Mapping[str, Any]


@dataclass(frozen=True)
class BookingEnded:
    """A booking was cancelled, declined, ended early, or its request expired (by nobody)."""

    booking: Booking
    by_id: int | None
    reason: str
    people: frozenset[int]
    status_before: str


@dataclass(frozen=True)
class BookingApproved:
    """A request was approved."""

    booking: Booking
    by_id: int
    reason: str
    people: frozenset[int]


@dataclass(frozen=True)
class BookingRestored:
    """A cancellation was taken back: the booking is on again, or asked for again."""

    booking: Booking
    by_id: int
    reason: str
    people: frozenset[int]
