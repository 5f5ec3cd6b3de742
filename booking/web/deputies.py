"""Who decides in my place while I am away, and in whose place I decide."""

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import DateField
from wtforms.validators import InputRequired

from booking.base import clock
from booking.people import deputies
from booking.people.deputies import DeputyDetails
from booking.web.editing import EditForm, done, text
from booking.web.session import signed_in, the_viewer

bp = Blueprint("deputies", __name__, url_prefix="/account/deputies")


class DeputyForm(EditForm):
    """Who decides in my place, and when."""

    deputy = text("Who", "The e-mail address of somebody who may see what you see.")
    first_day = DateField("From", [InputRequired("Give a day.")])
    last_day = DateField("Through", [InputRequired("Give a day.")])


@bp.route("", methods=["GET", "POST"])
@signed_in
def index() -> Response | tuple[str, int]:
    viewer = the_viewer()
    form = DeputyForm(data={"first_day": clock.now().date()})

    def act() -> object:
        details = DeputyDetails(form.deputy.data or "", form.first_day.data, form.last_day.data)
        return deputies.name_deputy(details, viewer)

    if form.sent(act):
        return done("Stored. They are told of what waits for you on those days.", url_for(".index"))
    rows = deputies.deputies_around(viewer.id)
    page = render_template(
        "account/deputies.html",
        form=form,
        mine=[row for row in rows if row[0].user_id == viewer.id],
        theirs=[row for row in rows if row[0].deputy_id == viewer.id],
    )
    return page, form.status


@bp.post("/<int(max=2147483647):row_id>/end")
@signed_in
def end(row_id: int) -> Response:
    deputies.end_deputy(row_id, the_viewer())
    return done("Ended.", url_for(".index"))
