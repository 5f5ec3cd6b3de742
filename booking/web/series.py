"""Series: making one out of a booking, or a booking once more; and what other pages show of a series."""

from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.base import clock
from booking.base.db import transaction
from booking.base.errors import Invalid, NotChangeable, NotFound
from booking.base.period import wall, zone
from booking.bookings import actions, queries
from booking.bookings.models import HOLDING, Booking
from booking.bookings.queries import Detail
from booking.bookings.series import Made, Repeat, SeriesClash, like, repeat_booking, try_series
from booking.bookings.visibility import Level, may_change
from booking.people.idempotency import Answer, fingerprint, first_answer, remember
from booking.people.viewer import Viewer
from booking.schedule.recurrence import read_pattern
from booking.schedule.words import pattern_words
from booking.web import words
from booking.web.forms import put_errors
from booking.web.repeating import REPEATS, Preview, RepeatFields, confirmed, preview_of, rrule_of
from booking.web.session import signed_in, the_viewer
from booking.web.views import row_of

bp = Blueprint("series", __name__, url_prefix="/bookings")
WEEK = timedelta(days=7)


@bp.route("/<booking_id>/repeat", methods=["GET", "POST"])
@signed_in
def repeat(booking_id: str) -> str | Response | tuple[str, int]:
    detail = _full_detail(booking_id)
    form = RepeatFields(data={"repeats": "weekly"})
    form.repeats.choices = REPEATS
    if request.method == "GET":
        return _page(detail, form)
    if not form.validate():
        return _page(detail, form), 422
    return _save(detail, form)


def _full_detail(booking_id: str) -> Detail:
    detail = queries.detail(actions.find(booking_id, the_viewer()), the_viewer())
    if detail.level is not Level.FULL:
        raise NotFound
    return detail


def _save(detail: Detail, form: RepeatFields) -> str | Response | tuple[str, int]:
    viewer, booking = the_viewer(), detail.booking
    asked, tz = like(booking, viewer), zone(detail.timezone)
    first = {wall(booking.starts_at, tz).date().isoformat()}
    try:
        wanted = confirmed(form, request.form, asked, tz, first)
        if wanted is None:
            return _page(detail, form, _preview(detail, form))
        made = repeat_booking(booking.public_id, wanted, viewer)
    except SeriesClash as clash:
        preview = _preview(detail, form, request.form.getlist("keep"))
        return _page(detail, form, preview, clash=True), clash.status
    except Invalid as invalid:
        general = put_errors(form, invalid, {"repeat": "repeats"})
        return _page(detail, form, general=general), invalid.status
    except NotChangeable as error:
        return _page(detail, form, general=[(str(error), None)]), error.status
    return shown(_told(made, booking))


def _preview(detail: Detail, form: RepeatFields, kept: Collection[str] = ()) -> Preview:
    viewer, booking = the_viewer(), detail.booking
    asked = like(booking, viewer)
    rrule = rrule_of(form, asked, zone(detail.timezone))
    judged = try_series(asked, Repeat(rrule), viewer, booking.public_id)
    return preview_of(form, judged, asked, rrule, kept)


def _page(
    detail: Detail,
    form: RepeatFields,
    preview: Preview | None = None,
    general: Collection[tuple[str, None]] = (),
    clash: bool = False,
) -> str:
    booking, viewer = detail.booking, the_viewer()
    again = weeks_ahead(booking) * WEEK
    tz = zone(detail.timezone)
    next_time = (wall(moment, tz) + again for moment in (booking.starts_at, booking.ends_at))
    return render_template(
        "bookings/repeat.html",
        detail=detail,
        row=row_of(detail),
        form=form,
        preview=preview,
        clash=clash,
        general=list(general),
        again=words.local_when(*next_time),
        series=series_of(detail, viewer),
        repeatable=booking.series_id is None
        and booking.status in HOLDING
        and may_change(viewer, detail.relation),
    )


# --- for other pages -------------------------------------------------------------------------------


def weeks_ahead(booking: Booking) -> int:
    """Return in how many weeks a booking can be again: in the next, or the first that is not over."""
    return max((clock.now() - booking.starts_at) // WEEK + 1, 1)


def series_of(detail: Detail, viewer: Viewer) -> dict[str, Any] | None:
    """Return what pages show of the series to which a booking belongs."""
    booking = detail.booking
    if booking.series_id is None or detail.level is not Level.FULL:
        return None
    found = queries.in_series(booking.series_id, viewer)
    return {
        "pattern": pattern_words(read_pattern(queries.rrule_of(booking.series_id))),
        "rows": [{**row_of(one), "current": one.booking.id == booking.id} for one in found],
        "place": 1 + [one.booking.id for one in found].index(booking.id),
    }


def once(key: str, content: list[str], make: Callable[[], Made]) -> dict[str, Any]:
    """Make a series, once even if its form is sent twice; return where to go then."""
    viewer = the_viewer()
    with transaction():
        known = first_answer(viewer.id, f"form:{key}", fingerprint(["POST /bookings", *content]))
        if known is None:
            made = make()
            known = Answer(303, _told(made, made.bookings[0]))
            remember(viewer.id, f"form:{key}", known)
    return known.body


def _told(made: Made, first: Booking) -> dict[str, Any]:
    return {"id": first.public_id, "made": len(made.bookings), "status": made.bookings[0].status}


def shown(made: dict[str, Any]) -> Response:
    """Say what was made and go to its first booking."""
    dates = f"{made['made']} date{'' if made['made'] == 1 else 's'}"
    if made["status"] == "requested":
        flash(f"Requested {dates}. Each is held for you until the facility’s staff answer.", "success")
    else:
        flash(f"Booked {dates}.", "success")
    return redirect(url_for("bookings.show", booking_id=made["id"]), 303)
