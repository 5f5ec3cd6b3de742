"""Rooms: class, the most persons, and what else people must know."""

from flask import Blueprint, render_template, url_for
from werkzeug.wrappers import Response
from wtforms import BooleanField, IntegerField, SelectField
from wtforms.validators import InputRequired, Optional

from booking.facilities import actions, pictures
from booking.facilities.actions import RoomDetails
from booking.facilities.queries import places
from booking.people.permissions import Permission, must_be_able_to
from booking.web.admin.parts import (
    Filter,
    facility_choices,
    form_page,
    history_of,
    list_page,
    may_change,
    may_change_any,
    page_after,
    the_facility,
    with_code,
)
from booking.web.editing import EditForm, done, lines, text
from booking.web.session import the_viewer

bp = Blueprint("rooms", __name__, url_prefix="/rooms")


LONE_WORDS = {
    "": "Not said: anybody may work alone",
    "yes": "Yes: anybody may work alone",
    "yes (staffed hours)": "Yes, in staffed hours; outside them a second person is named",
    "no": "No: a second person is always named",
    "no (students)": "Not students: with them a second person is named",
}


class RoomForm(EditForm):
    """A room's details; code and facility are fixed once it is added."""

    facility = SelectField("Facility")
    code = text("Code", "Short, such as H-01. It cannot be changed later.")
    name = text("Name")
    max_persons = IntegerField(
        "Most persons",
        [InputRequired("Say how many persons the room takes.")],
        description="Bookings count against it.",
    )
    room_class = text("Class", "Such as CL2 or Grade C.", optional=True)
    lone_working = SelectField("Lone working", choices=LONE_WORDS)
    second_competent = BooleanField(
        "The second person must be competent",
        description="In everything that the resource asks for; else anybody who is named will do.",
    )
    accessible = text("Accessible place", optional=True)
    note = lines("Note")
    position = IntegerField("Place in lists", [Optional()], description="Smaller numbers come first.")

    def details(self, code: str, facility: str) -> RoomDetails:
        return RoomDetails(
            code=code,
            facility=facility,
            name=self.name.data or "",
            max_persons=self.max_persons.data,
            room_class=self.room_class.data or "",
            lone_working=self.lone_working.data or "",
            second_competent=self.second_competent.data,
            accessible=self.accessible.data or "",
            note=self.note.data or "",
            position=self.position.data or 0,
        )


@bp.get("")
def index() -> str:
    catalogue = places()
    filters = (Filter("q", "Name, code, class"), Filter("facility", "Facility", facility_choices(False)))
    needle, facility = (one.value for one in filters)
    rows = [
        room
        for room in catalogue.rooms.values()
        if needle.casefold().strip() in f"{room.code} {room.name} {room.room_class}".casefold()
        and facility in ("", catalogue.facilities[room.facility_id].code)
    ]
    page, after = page_after(rows, lambda room: room.code)
    cells = [
        (
            with_code(room.name, room.code, url_for(".show", code=room.code)),
            catalogue.facilities[room.facility_id].code,
            room.room_class or "–",
            room.max_persons,
        )
        for room in page
    ]
    return list_page(
        "Rooms",
        ("Room", "Facility", "Class", "Most persons"),
        cells,
        filters,
        after=after,
        add=(url_for(".new"), "Add a room") if may_change_any() else None,
        numeric=(3,),
    )


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response | tuple[str, int]:
    viewer = the_viewer()
    facility = the_facility()
    if not may_change_any():
        must_be_able_to(viewer, Permission.CHANGE_FACILITY)
    form = RoomForm(data={"facility": facility.code if facility else None, "position": 0})
    form.facility.choices = facility_choices()
    if form.sent(lambda: actions.add_room(form.details((form.code.data or ""), form.facility.data), viewer)):
        return done(f"{form.stored.name} was added.", url_for(".show", code=form.stored.code))
    return form_page("Add a room", form, url_for(".index"), submit="Add")


@bp.get("/<code>")
def show(code: str) -> str:
    room = actions.find_room(code)
    catalogue = places()
    return render_template(
        "admin/rooms/show.html",
        room=room,
        facility=catalogue.facilities[room.facility_id],
        resources=catalogue.resources_of(room_id=room.id),
        may_change=may_change(room.facility_id),
        history=history_of("room", room.id),
    )


@bp.route("/<code>/edit", methods=["GET", "POST"])
def edit(code: str) -> Response | tuple[str, int]:
    room = actions.find_room(code)
    viewer = the_viewer()
    must_be_able_to(viewer, Permission.CHANGE_FACILITY, room.facility_id)
    here = url_for(".show", code=code)
    form = RoomForm(data=pictures.of_room(room))
    del form.code, form.facility
    if form.sent(lambda: actions.change_room(code, form.details(code, ""), viewer, form.as_read.data)):
        return done("Stored.", here)
    room = actions.find_room(code)
    form.mark(pictures.of_room(room))
    return form_page(
        f"Change {room.name}",
        form,
        here,
        crumb=(here, room.name),
        lead="Bookings that exist stay, even if fewer persons fit from now on.",
        history=history_of("room", room.id) if form.status == 412 else [],
    )
