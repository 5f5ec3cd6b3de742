"""News of bookings, told inside the transaction that made them."""

from dataclasses import dataclass

from booking.bookings.models import Booking


@dataclass(frozen=True)
class BookingMade:
    """A booking was made: confirmed, or requested where it needs approval."""

    booking: Booking
    by_id: int


@dataclass(frozen=True)
class BookingChanged:
    """A booking's time, resources, people or texts changed."""

    booking: Booking
    by_id: int
    reason: str


@dataclass(frozen=True)
class BookingEnded:
    """A booking was cancelled, declined, ended early, or its request expired."""

    booking: Booking
    by_id: int | None
    reason: str


@dataclass(frozen=True)
class BookingApproved:
    """A request was approved."""

    booking: Booking
    by_id: int
