"""To hand a booking over: it stays the same with its history; somebody else answers for it from then on."""

from collections.abc import Sequence
from dataclasses import replace

from booking.base.errors import Invalid, Refusal, Refused, refuse
from booking.bookings.actions import change, find
from booking.bookings.models import Booking
from booking.bookings.queries import detail, relation_of, request_of
from booking.bookings.visibility import acts_as_staff
from booking.people.viewer import Viewer

OF_PEOPLE = frozenset(
    {
        "not_allowed",
        "training_missing",
        "training_expires",
        "supervisor_needed",
        "permit_missing",
        "permit_expires",
        "quota",
    }
)


def hand_over(booking_id: str, to: str, by: Viewer, reason: str = "", stays: bool = False) -> Booking:
    """Make somebody else the organiser if every rule allows it; the former one may stay in the booking."""
    booking = find(booking_id, by)
    if not to.strip():
        raise Invalid({"handed_to": ["Say who takes it over."]})
    wanted = replace(request_of(booking), handed_to=to.strip())
    organiser = detail(booking, by).organiser
    if stays:
        wanted = replace(wanted, participants=(*wanted.participants, organiser.public_id))
    try:
        return change(booking_id, wanted, by, reason, booking.version)
    except Refused as refused:
        if organiser.id != by.id or acts_as_staff(by, relation_of(booking, by)):
            raise
        raise refuse(_discreet(refused.refusals)) from refused


def _discreet(refusals: Sequence[Refusal]) -> list[Refusal]:
    """Tell a colleague no more than that something of theirs is lacking, and where they read what it is."""
    told = [_lacking(one) if one.code in OF_PEOPLE else one for one in refusals]
    return list(dict.fromkeys(told))


def _lacking(refusal: Refusal) -> Refusal:
    return Refusal(
        "not_allowed",
        f"They cannot book {refusal.resource} themselves, so they cannot take this over.",
        refusal.resource,
        "what it asks of people",
        "the facility",
        f"Let them look at the page of {refusal.resource}: it tells them what they lack.",
    )
