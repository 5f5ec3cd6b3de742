"""The page that hands a booking over to somebody else."""

from functools import partial

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField

from booking.base.errors import NotFound, Refused
from booking.bookings import queries
from booking.bookings.actions import find
from booking.bookings.handing import hand_over
from booking.bookings.visibility import Level, level, may_change, must_give_a_reason
from booking.web import words
from booking.web.editing import EditForm, done, text
from booking.web.session import signed_in, the_viewer
from booking.web.views import row_of

bp = Blueprint("handing", __name__, url_prefix="/bookings")
DONE = "Handed over. They are told, and it is in their list from now on."


class HandForm(EditForm):
    """Who takes a booking over, and why."""

    handed_to = text("Who takes it over", "E-mail address of a person of the same organisation.")
    stays = BooleanField(default=True)
    reason = text("Reason", optional=True)


@bp.route("/<booking_id>/hand-over", methods=["GET", "POST"])
@signed_in
def hand(booking_id: str) -> Response | tuple[str, int]:
    viewer = the_viewer()
    detail = queries.detail(find(booking_id, viewer), viewer)
    if not may_change(viewer, detail.relation):
        raise NotFound
    form, refused = HandForm(), None
    whose = "I stay" if detail.organiser.id == viewer.id else f"{detail.organiser.name} stays"
    form.stays.label.text = f"{whose} in it as a participant"
    form.reason.flags.optional = not must_give_a_reason(viewer, detail.relation)
    given = form.handed_to, form.reason, form.stays
    try:
        if form.sent(lambda: hand_over(booking_id, given[0].data, viewer, given[1].data, given[2].data)):
            seen = level(viewer, queries.relation_of(form.stored, viewer)) >= Level.PARTIAL
            there = url_for("bookings.show", booking_id=booking_id)
            return done(DONE, there if seen else url_for("bookings.index"))
    except Refused as error:
        refused, form.status = error, error.status
    page = render_template(
        "bookings/hand_over.html",
        form=form,
        detail=detail,
        row=row_of(detail),
        refused=refused,
        moment=partial(words.moment, timezone=detail.timezone),
    )
    return page, form.status
