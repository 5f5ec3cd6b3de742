"""What a mail of the outbox says, as its recipient may see it at this moment: values for the templates."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from booking.base import words
from booking.base.db import db
from booking.bookings.models import Booking
from booking.bookings.queries import Detail, detail
from booking.bookings.visibility import Level
from booking.bookings.waiting import asked_of, open_for
from booking.bookings.words import changes
from booking.notifications.kinds import ANSWERABLE, KINDS, OFFERS
from booking.notifications.models import OutboxMessage
from booking.people.queries import names_of
from booking.people.viewer import Viewer

HIDDEN = "A booking"
SHOWN = 20  # of the times of a series


class NotWanted(Exception):
    """A mail that is not to be sent, and why."""


@dataclass(frozen=True)
class Notice:
    """One piece of news in words."""

    subject: str
    lead: str
    title: str
    facts: tuple[tuple[str, str], ...]
    changes: tuple[tuple[str, str, str], ...]
    reason: str
    path: str


def notice_of(message: OutboxMessage, viewer: Viewer, answer: str = "") -> Notice:
    """Put a message about a booking into words; raise `NotWanted` if it no longer applies.

    `answer` is the token of the link by which its recipient answers a request.
    """
    booking = db.session.get(Booking, message.booking_id, populate_existing=True)
    assert booking is not None  # noqa: S101 (a foreign key says so)
    seen = detail(booking, viewer)
    if message.kind == "booking_reminder":
        _must_still_fit(message, seen, viewer)
    if message.kind == "offer_made" and (booking.offered_until is None or booking.status != "requested"):
        raise NotWanted("The offer was answered meanwhile.")
    if message.kind in ANSWERABLE:
        seen = _as_decider(message, seen, viewer)
    kind = KINDS[message.kind]
    when = words.when(booking.starts_at, booking.ends_at, seen.timezone)
    title = booking.title if seen.level >= Level.PARTIAL else HIDDEN
    full = seen.level is Level.FULL
    times = message.facts.get("times", []) if seen.level >= Level.PARTIAL else []
    others = f" and {len(times) - 1} more" if len(times) > 1 else ""
    at, *rest = _facts(seen, when)
    facts = [at, *_series(message, seen, times), *rest]
    before, after = message.facts.get("before", {}), message.facts.get("after", {})
    return Notice(
        subject=f"{kind.subject}: {title}, {when}{others}",
        lead=kind.lead.format(
            who=_who(message, viewer) if full else "Somebody", until=_until(booking, seen.timezone)
        ),
        title=title,
        facts=tuple((label, value) for label, value in facts if value),
        changes=tuple(changes(before, after, seen.timezone)) if full else (),
        reason=message.facts.get("reason", "") if full else "",
        path=_answer_path(answer) if message.kind in ANSWERABLE else _path(message.kind, seen),
    )


def _as_decider(message: OutboxMessage, seen: Detail, viewer: Viewer) -> Detail:
    """Return a request as who may answer it sees it; who may not any more is not asked."""
    asked = message.facts.get("step")  # none in mails from before there were steps
    found = [pair for pair in open_for(viewer, seen.booking.id) if asked in (None, pair[0].step_id)]
    if not found:
        raise NotWanted("The request was answered or changed meanwhile.")
    return asked_of(found, viewer)[0].detail


def _answer_path(token: str) -> str:
    return f"/approvals/by-mail/{token}" if token else "/approvals"


def _series(message: OutboxMessage, seen: Detail, times: Sequence[Sequence[str]]) -> list[tuple[str, str]]:
    """Return what a mail says of a series beyond its first booking."""
    periods = [[datetime.fromisoformat(moment) for moment in pair] for pair in times[1:]]
    lines = [words.when(start, end, seen.timezone) for start, end in periods[:SHOWN]]
    more = [f"and {len(periods) - SHOWN} more"] if len(periods) > SHOWN else []
    skipped = message.facts.get("skipped", 0)
    left_out = f"{skipped} that could not be booked" if skipped and times else ""
    return [("Then", "\n".join([*lines, *more])), ("Left out", left_out)]


def _until(booking: Booking, timezone: str) -> str:
    return words.moment(booking.offered_until, timezone) if booking.offered_until else ""


def _path(kind: str, seen: Detail) -> str:
    if kind in OFFERS:
        return "/waitlist"
    if kind == "series_waiting":
        return "/approvals"
    return f"/bookings/{seen.booking.public_id}" if seen.level >= Level.PARTIAL else "/bookings"


def _must_still_fit(message: OutboxMessage, seen: Detail, viewer: Viewer) -> None:
    """A reminder is for who is in a booking that is on and starts when it did as the reminder was written."""
    booking = seen.booking
    people = {booking.organiser_id, booking.supervisor_id, *(user.id for user in seen.participants)}
    start = datetime.fromisoformat(message.facts["start"])
    if booking.status not in ("confirmed", "in_use") or booking.starts_at != start or viewer.id not in people:
        raise NotWanted("The booking was moved, ended or left meanwhile.")


def _who(message: OutboxMessage, viewer: Viewer) -> str:
    by = message.facts.get("by")
    if by == viewer.id:
        return "You"
    return names_of([by]).get(by, "Somebody") if by else "The facility"


def _facts(seen: Detail, when: str) -> list[tuple[str, str]]:
    booking = seen.booking
    zone = seen.timezone.rpartition("/")[2].replace("_", " ")
    resources = ", ".join(
        f"{resource.code} {resource.name}" + (f" × {units}" if units > 1 else "")
        for resource, units, _ in seen.resources
    )
    facilities = dict.fromkeys(resource.facility.name for resource, _, _ in seen.resources)
    facts = [("When", f"{when} ({zone} time)"), ("Resources", resources), ("Facility", ", ".join(facilities))]
    if seen.level >= Level.PARTIAL:
        facts += [("Status", seen.status.replace("_", " ").capitalize()), ("Organiser", seen.organiser.name)]
    if seen.level is Level.FULL:
        facts += [
            ("Project", f"{seen.project.name} ({seen.project.code})" if seen.project else ""),
            ("Supervisor", seen.supervisor.name if seen.supervisor else ""),
            ("Participants", ", ".join(user.name for user in seen.participants)),
            ("Notes", booking.notes),
        ]
    return facts
