"""The calendar on a phone: each resource with a strip of its time, and on a day its lines."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from flask import url_for

from booking.base.period import Period
from booking.web.calendar_words import Wording
from booking.web.timeline import Lane
from booking.web.timeline_axis import Axis
from booking.web.timeline_gaps import Terms, offer, why_not_offered
from booking.web.timeline_stretches import SOLID, Stretch

Strip = tuple[tuple[str, float, float], ...]
DRAWN = {
    "busy": "strip-busy",
    "setup": "strip-setup",
    "changeover": "strip-changeover",
    "free": "strip-free",
    "clearing": "strip-free",
    "notyet": "strip-notyet",
}


@dataclass(frozen=True)
class AgendaLine:
    """A line of a resource's day; `free` has a link that books."""

    when: str
    what: str
    href: str | None = None
    status: str = ""
    free: bool = False
    mine: bool = False


def mark_css(what: Stretch) -> str:
    """Return the class of a rectangle that stands for a stretch; empty for what is not drawn."""
    mine = " strip-mine" if what.mine else ""
    if what.kind == "booking" and what.block:
        return f"strip-{what.block.status}{mine}"
    return f"strip-count{mine}" if what.kind == "count" else DRAWN.get(what.kind, "")


def strip(laid: Lane, axis: Axis) -> Strip:
    """Return the rectangles of a resource's strip: class, place and width in columns."""
    drawn = []
    for what in laid.stretches:
        a, b = axis.position(what.start), axis.position(what.end)
        if b > a and mark_css(what):
            drawn.append((mark_css(what), round(a, 2), round(b - a, 2)))
    return tuple(drawn)


def summary(laid: Lane, units: int) -> str:
    """Say in a few words how much a resource is used in the time shown."""
    counts = [what.used[1] for what in laid.stretches if what.kind == "count"]
    if counts:
        return f"Up to {max(counts)} of {units} in use"
    solids = [what for what in laid.stretches if what.kind in SOLID]
    if not solids:
        return next((what.text for what in laid.stretches if what.kind == "notyet"), "Nothing is booked")
    mine = sum(what.mine for what in solids)
    booked = f"{len(solids)} booking{'s' if len(solids) > 1 else ''}"
    return f"{booked}, {mine} mine" if mine else booked


def agenda(laid: Lane, rules: Terms, wording: Wording, new: Callable[[Period], str]) -> Iterator[AgendaLine]:
    """Yield the lines of a day: bookings, busy times, free times with a link to book."""
    for what in _joined(laid.stretches):
        when = wording.clock(what)
        if what.kind in ("free", "count"):
            yield from _free(what, when, laid, rules, new)
        elif what.kind == "booking" and what.block:
            block = what.block
            href = url_for("bookings.show", booking_id=block.booking_id)
            yield AgendaLine(when, block.title, href, block.status, mine=block.mine)
        elif what.kind == "busy":
            yield AgendaLine(when, what.text or "Busy", status="busy")
        elif what.kind in ("closure", "notyet"):
            yield AgendaLine("", what.text)


def _free(
    what: Stretch, when: str, laid: Lane, rules: Terms, new: Callable[[Period], str]
) -> Iterator[AgendaLine]:
    units = len(rules.resource.units)
    words = f"{what.used[1]} of {units} in use" if what.kind == "count" else "Free"
    slot = offer(rules, what.period, laid.busy) if what.used[1] < units else None
    if slot:
        yield AgendaLine(when, words, new(slot), free=True, mine=what.mine)
    elif what.kind == "count":
        yield AgendaLine(when, words, mine=what.mine)
    elif what.end > rules.now and (why := why_not_offered(rules, what.period)):
        yield AgendaLine(when, f"Free. {why}")


def _joined(chain: Iterable[Stretch]) -> list[Stretch]:
    """Take free time as one, whether or not it is being cleared for other clients."""
    joined: list[Stretch] = []
    for what in chain:
        same = replace(what, kind="free") if what.kind == "clearing" else what
        if joined and same.kind == joined[-1].kind == "free":
            joined[-1] = replace(joined[-1], end=same.end)
        else:
            joined.append(same)
    return joined
