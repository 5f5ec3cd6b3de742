"""What several page groups show in the same way: rows of bookings, history, policies in words."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any

from flask import url_for
from sqlalchemy import select

from booking.base import audit
from booking.base.db import db
from booking.bookings.approving import in_words, rules_of
from booking.bookings.models import Booking
from booking.bookings.queries import Block, Detail
from booking.bookings.quotas import limit_in_words, plain_amount
from booking.bookings.quotas_now import QuotaNow, quotas_now
from booking.bookings.visibility import Level
from booking.bookings.words import changes
from booking.facilities.places import ApprovalPlace, ResourcePlace, Ruled
from booking.people.models import User
from booking.people.viewer import Viewer
from booking.web import words

_ACTIONS = {
    "booked": "Booked",
    "changed": "Changed",
    "repeated": "Made the first of a series",
    "cancelled": "Cancelled",
    "ended": "Ended early",
    "restored": "Cancellation taken back",
    "shared": "Read-only link made",
    "unshared": "Read-only link withdrawn",
    "approved": "Approved",
    "step_approved": "One step approved",
    "overruled": "Rules overruled",
    "escalated": "Passed on: not answered in time",
    "declined": "Declined",
    "expired": "Request expired",
}


def row_of(detail: Detail, mine: bool = False) -> dict[str, Any]:
    """Return a booking as a row of a list."""
    booking = detail.booking
    return {
        "href": url_for("bookings.show", booking_id=booking.public_id),
        "title": booking.title,
        "when": words.when(booking.starts_at, booking.ends_at, detail.timezone),
        "where": ", ".join(
            f"{resource.code} {resource.name}" + (f" × {units}" if units > 1 else "")
            for resource, units, _ in detail.resources
        ),
        "status": detail.status,
        "note": f"{detail.organiser.name}, {detail.organisation.name}" if detail.level is Level.FULL else "",
        "mine": mine,
    }


def history_of(booking: Booking, timezone: str) -> list[dict[str, Any]]:
    """Return a booking's history in words, newest first."""
    entries = audit.history("booking", booking.id)
    names = _names({entry.actor_id for entry in entries if entry.actor_id})
    return [
        {
            "what": _ACTIONS.get(entry.action, entry.action.capitalize()),
            "who": names.get(entry.actor_id or 0, "The system"),
            "when": words.moment(entry.at, timezone),
            "changes": list(changes(entry.before, entry.after, timezone)) if entry.action != "booked" else [],
            "reason": entry.reason,
        }
        for entry in entries
    ]


def _names(ids: Iterable[int]) -> dict[int, str]:
    rows = db.session.execute(select(User.id, User.name).where(User.id.in_(sorted(ids))))
    return {row.id: row.name for row in rows}


def block_row(block: Block, resource: ResourcePlace) -> dict[str, Any]:
    """Return a block of the schedule as a row; what is hidden stays hidden."""
    seen = block.level >= Level.PARTIAL
    title = block.title if seen else block.label or "Busy"
    return {
        "href": url_for("bookings.show", booking_id=block.booking_id) if seen else None,
        "title": title,
        "when": words.when(block.starts_at, block.ends_at, resource.facility.timezone),
        "where": block.organiser if seen else "",
        "status": block.status,
        "mine": block.mine,
    }


_RULES: tuple[tuple[str, str], ...] = (
    ("roles", "Who may book"),
    ("opens_on", "Open to you from"),
    ("min_minutes", "Shortest booking"),
    ("max_minutes", "Longest booking"),
    ("grid_minutes", "Booked in steps of"),
    ("notice_minutes", "Notice"),
    ("horizon_days", "How far ahead"),
    ("setup_minutes", "Set-up before"),
    ("changeover_minutes", "Changeover after, same client next"),
    ("clearance_minutes", "Clearance after, another client next"),
)
_RUNNING = {
    "attended": "The whole booking lies inside opening hours.",
    "ends": "Start and end lie inside opening hours; it may run overnight and at weekends.",
    "free": "Round the clock.",
}


def rules_in_words(resource: ResourcePlace, role: str) -> list[dict[str, str]]:
    """List the rules that apply to a role, with where each comes from."""
    effective = resource.effective(role)
    rows = [
        {
            "name": label,
            "value": _value(name, effective[name]),
            "set_by": f"{effective[name].policy}, set by {effective[name].set_by}",
            "because": effective[name].because,
        }
        for name, label in _RULES
        if effective[name].value is not None
    ]
    hours = {"name": "Hours", "value": _RUNNING[resource.running], "set_by": resource.code, "because": ""}
    rows += [_approval(rule, resource) for rule in rules_of(resource, role)]
    rows += list(_company_in_words(resource, role))
    who = [row for row in rows if row["name"] in ("Who may book", "Open to you from")]
    return [*who, hours, *(row for row in rows if row not in who)]


def _approval(rule: ApprovalPlace, resource: ResourcePlace) -> dict[str, str]:
    text = in_words(rule)
    return {
        "name": "Approval",
        "value": text[0].upper() + text[1:],
        "set_by": f"{rule.name}, set by {rule.set_by}",
        "because": rule.because(resource),
    }


_LONE = {
    "yes": "Anybody may work alone.",
    "yes (staffed hours)": "Outside staffed hours name a second person.",
    "no": "Name a second person: nobody works alone.",
}


def _company_in_words(resource: ResourcePlace, role: str) -> Iterator[dict[str, str]]:
    """Yield who must not work alone there, and how many students a supervisor may have."""
    room, facility = resource.room, resource.facility
    if room is not None and room.lone_working:
        lone = _LONE.get(room.lone_working) or _LONE["no" if role == "student" else "yes"]
        because = "who must be competent there" if room.second_competent else ""
        yield {
            "name": "Lone working",
            "value": lone,
            "set_by": f"{room.code} {room.name}",
            "because": because,
        }
    if facility.most_supervised is not None and role == "student":
        value = f"at most {facility.most_supervised} at the same time"
        owner = f"{facility.code} {facility.name}"
        yield {"name": "Students for each supervisor", "value": value, "set_by": owner, "because": ""}


def quotas_in_words(resource: ResourcePlace, viewer: Viewer) -> list[dict[str, str]]:
    """List the quotas that apply to somebody, with what they have of them now."""
    return [
        {
            "name": one.rule,
            "value": f"{limit_in_words(one.use.quota)}; {NOW[one.use.quota.span]} {_used_and_left(one)}",
            "set_by": f"Set by {one.use.quota.set_by}",
            "because": resource.because(one.use.quota),
        }
        for one in quotas_now(viewer, [resource])
    ]


NOW = {"day": "today", "week": "this week", "month": "this month", "open": "now"}


def _used_and_left(one: QuotaNow) -> str:
    used, left = (plain_amount(one.use.quota, number) for number in (one.used, one.left))
    return f"{used} used, {left} left"


def _value(name: str, rule: Ruled) -> str:
    value = rule.value
    if name == "roles" and isinstance(value, tuple):
        people = {"student": "students", "researcher": "researchers", "industry": "industry users"}
        return ", ".join([*(people.get(str(role), str(role)) for role in value if role != "staff"), "staff"])
    if isinstance(value, date):
        return words.day(value)
    if name == "horizon_days" and isinstance(value, int):
        return f"{value // 7} weeks" if value % 7 == 0 and value else f"{value} days"
    return words.minutes(value) if isinstance(value, int) and value else "none"
