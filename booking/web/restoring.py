"""The page that takes a cancellation back."""

from functools import partial

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response

from booking.base.errors import BookingError, NotFound, Refused
from booking.bookings import queries
from booking.bookings.actions import find, restore
from booking.bookings.visibility import may_change, must_give_a_reason
from booking.web import words
from booking.web.editing import EditForm, done, text
from booking.web.session import signed_in, the_viewer
from booking.web.views import row_of

bp = Blueprint("restoring", __name__, url_prefix="/bookings")
RESTORED = "The cancellation is taken back: it is booked again."
REQUESTED = "Requested again. The time is held for you until the facility’s staff answer."


class RestoreForm(EditForm):
    """Why a cancellation is taken back."""

    reason = text("Reason", optional=True)


@bp.route("/<booking_id>/restore", methods=["GET", "POST"])
@signed_in
def show(booking_id: str) -> Response | tuple[str, int]:
    viewer = the_viewer()
    detail = queries.detail(find(booking_id, viewer), viewer)
    if not may_change(viewer, detail.relation):
        raise NotFound
    form, error = RestoreForm(), None
    form.reason.flags.optional = not must_give_a_reason(viewer, detail.relation)
    try:
        if form.sent(lambda: restore(booking_id, viewer, form.reason.data or "")):
            told = REQUESTED if form.stored.status == "requested" else RESTORED
            return done(told, url_for("bookings.show", booking_id=booking_id))
    except BookingError as refused:
        if refused.status not in (409, 422):
            raise
        error, form.status = refused, refused.status
    page = render_template(
        "bookings/restore.html",
        form=form,
        detail=detail,
        row=row_of(detail),
        refused=error if isinstance(error, Refused) else None,
        fault=None if isinstance(error, Refused) else error,
        moment=partial(words.moment, timezone=detail.timezone),
    )
    return page, form.status
