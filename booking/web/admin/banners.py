"""The notice board: what staff tell everybody at a facility or in a room, from one day to another."""

from datetime import date

from flask import Blueprint, render_template, url_for
from flask import request as asked
from werkzeug.wrappers import Response
from wtforms import DateField, SelectField

from booking.base import clock
from booking.facilities import banner_actions, pictures
from booking.facilities.banner_actions import BannerDetails
from booking.facilities.models import Banner
from booking.facilities.places import BannerPlace, FacilityPlace
from booking.facilities.queries import places
from booking.people.permissions import Permission, able_to, must_be_able_to
from booking.web.admin.parts import (
    Filter,
    facility_choices,
    form_page,
    history_of,
    link,
    list_page,
    page_after,
)
from booking.web.banners import days_words, where_words
from booking.web.editing import EditForm, done, text
from booking.web.session import the_viewer

bp = Blueprint("banners", __name__, url_prefix="/banners")
ONE = "/<int(max=2147483647):banner_id>"


class BannerForm(EditForm):
    """What a notice says, where and when."""

    text = text("Notice", "One or two sentences, such as: The lift is out of order, please use the stairs.")
    first_day = DateField("From")
    last_day = DateField("Until", description="It stands on this day too.")
    room = SelectField("Room")

    def offer(self, facility: FacilityPlace) -> None:
        """Offer the rooms of the facility."""
        rooms = [room for room in places().rooms.values() if room.facility_id == facility.id]
        self.room.choices = {"": "The whole facility", **{r.code: f"{r.code} {r.name}" for r in rooms}}

    def details(self, facility: str) -> BannerDetails:
        return BannerDetails(
            facility,
            self.text.data or "",
            self.first_day.data,
            self.last_day.data,
            self.room.data or "",
        )


def _mine() -> list[FacilityPlace]:
    """List the facilities at which I may post."""
    viewer = the_viewer()
    return [one for one in places().facilities.values() if able_to(viewer, Permission.POST_BANNERS, one.id)]


@bp.get("")
def index() -> str:
    filters = (
        Filter("facility", "Facility", facility_choices(False)),
        Filter("when", "When", {"past": "Past"}, "Now and later"),
    )
    code, when = (one.value for one in filters)
    rows = [
        (facility, banner)
        for facility in places().facilities.values()
        if code in ("", facility.code)
        for banner in facility.banners
        if (banner.last_day < _today(facility)) == (when == "past")
    ]
    rows.sort(key=lambda row: (row[1].first_day, row[1].id), reverse=when == "past")
    page, after = page_after(rows, lambda row: row[1].id)
    cells = [
        (
            link(banner.text, url_for(".show", banner_id=banner.id)),
            days_words(banner),
            where_words(facility, banner),
        )
        for facility, banner in page
    ]
    return list_page(
        "Notice board",
        ("Notice", "Days", "Where"),
        cells,
        filters,
        after=after,
        add=(url_for(".new", facility=code or None), "Post a notice") if _mine() else None,
        lead="They stand on the calendar, on the pages of resources and on the form for bookings.",
    )


def _today(facility: FacilityPlace) -> date:
    return clock.now().astimezone(facility.tz).date()


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int] | str:
    viewer, mine = the_viewer(), _mine()
    if not mine:
        must_be_able_to(viewer, Permission.POST_BANNERS)
    chosen = [one for one in mine if one.code == asked.values.get("facility") or len(mine) == 1]
    if not chosen:
        choices = [(one.name, url_for(".new", facility=one.code)) for one in mine]
        return render_template(
            "admin/choose.html", heading="Post a notice", choices=choices, back=url_for(".index")
        )
    facility = chosen[0]
    form = BannerForm(data={"first_day": _today(facility)})
    form.offer(facility)
    if form.sent(lambda: banner_actions.post_banner(form.details(facility.code), viewer)):
        return done("Posted.", url_for(".show", banner_id=form.stored.id))
    return form_page(
        "Post a notice",
        form,
        url_for(".index"),
        submit="Post",
        lead=f"At {facility.name}.",
        facility=facility,
    )


def _found(banner_id: int) -> tuple[Banner, BannerPlace, FacilityPlace]:
    banner = banner_actions.find_banner(banner_id)
    place = BannerPlace(banner.id, banner.text, banner.first_day, banner.last_day, banner.room_id)
    return banner, place, places().facilities[banner.facility_id]


@bp.get(ONE)
def show(banner_id: int) -> str:
    banner, place, facility = _found(banner_id)
    return render_template(
        "admin/banners/show.html",
        banner=banner,
        facility=facility,
        where=where_words(facility, place),
        days=days_words(place),
        may_change=able_to(the_viewer(), Permission.POST_BANNERS, facility.id),
        history=history_of("banner", banner.id),
    )


@bp.route(f"{ONE}/edit", methods=["GET", "POST"])
def edit(banner_id: int) -> Response | tuple[str, int]:
    banner, _, facility = _found(banner_id)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.POST_BANNERS, facility.id)
    here = url_for(".show", banner_id=banner_id)
    form = BannerForm(data=pictures.of_banner(banner))
    form.offer(facility)

    def act() -> Banner:
        details = form.details(facility.code)
        return banner_actions.change_banner(banner_id, details, viewer, form.as_read.data)

    if form.sent(act):
        return done("Stored.", here)
    form.mark(pictures.of_banner(banner_actions.find_banner(banner_id)))
    return form_page(
        "Change the notice",
        form,
        here,
        crumb=(here, "The notice"),
        lead=f"At {facility.name}.",
        history=history_of("banner", banner_id) if form.status == 412 else [],
    )


@bp.post(f"{ONE}/remove")
def remove(banner_id: int) -> Response:
    banner_actions.take_down_banner(banner_id, the_viewer())
    return done("The notice was taken down.", url_for(".index"))
