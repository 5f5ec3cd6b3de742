"""Find a slot: what is needed together, for how long and when; the first times that would be accepted."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.datastructures import MultiDict
from wtforms import DateField, Form, IntegerField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from booking.base import clock
from booking.base.errors import Invalid
from booking.base.period import midnight
from booking.bookings.finding import Found, Slot, SlotSearch, find_slots
from booking.bookings.request import MAX_PEOPLE, Wanted
from booking.bookings.words import REFUSALS
from booking.facilities.favourites import favourites_of
from booking.facilities.models import KINDS
from booking.facilities.places import Places, ResourcePlace
from booking.facilities.queries import places
from booking.web import words
from booking.web.calendar_words import kind_words
from booking.web.forms import fold_of, names_in, plain_text
from booking.web.session import signed_in, the_viewer

bp = Blueprint("find", __name__)
PLACES_IN_FORM = ("first", "second", "third")
UNITS_OF_LENGTH = {"m": 1, "h": 60, "d": 24 * 60}
MOST = 10
AHEAD = timedelta(days=28)
ANY = "kind:"


class FindForm(Form):
    """What is looked for; it is sent by GET, so that an address can be kept and passed on."""

    first = SelectField("What you need")
    second = SelectField("And together with it")
    third = SelectField("And with both")
    length = IntegerField("For how long", [InputRequired("Say how long."), NumberRange(1, 999)], default=2)
    unit = SelectField("Counted in", choices={"m": "minutes", "h": "hours", "d": "days"}, default="h")
    since = DateField("From", [InputRequired("Give the first day.")])
    until = DateField("Until", [InputRequired("Give the last day.")])
    people = IntegerField(
        "People in the room", [InputRequired("Say how many."), NumberRange(0, MAX_PEOPLE)], default=1
    )
    participants = StringField("Others taking part", [Optional(), Length(max=5000), plain_text])


@bp.get("/find")
@signed_in
def find() -> str | tuple[str, int]:
    form, found = _form(request.args), None
    if request.args.get("first") and form.validate():
        try:
            found = find_slots(_search(form), the_viewer())
        except Invalid as invalid:
            form.participants.errors = invalid.errors.pop("participants", [])
            form.first.errors = [text for texts in invalid.errors.values() for text in texts]
    page = render_template(
        "find/find.html",
        form=form,
        found=found and list(_rows(found, form.participants.data or "")),
        why=_why(found),
        may_wait=found is not None and found.waiting_helps,
    )
    wrong = any(form.errors.values()) or form.first.errors or form.participants.errors
    return (page, 422) if wrong else page


def search_of_form(sent: MultiDict[str, str]) -> SlotSearch | None:
    """Return the search that a form asks for; None if it is not complete."""
    form = _form(sent)
    return _search(form) if sent.get("first") and form.validate() else None


def _form(args: MultiDict[str, str]) -> FindForm:
    today = clock.now().date()
    days = {"since": today, "until": today + AHEAD}
    given = args if args.get("first") else None
    form = FindForm(given, data=days)
    choices = [*_marked(), *_choices(places())]
    for name in PLACES_IN_FORM:
        none = [] if name == "first" else [SelectChoice("", "Nothing more")]
        form[name].choices = [*none, *choices]
    if given is None and args.get("resource") in places().by_code:
        form.first.data = args["resource"]
    return form


def _marked() -> Iterator[SelectChoice]:
    for one in favourites_of(the_viewer()):
        yield SelectChoice(one.code, f"{one.code} {one.name}", optgroup="Your favourites")


def _choices(catalogue: Places) -> Iterator[SelectChoice]:
    """Yield the options by facility and kind: any of the kind first, where there are several."""
    for facility in catalogue.facilities.values():
        found = sorted(catalogue.resources_of(facility.id), key=lambda one: KINDS.index(one.kind))
        for kind, members in groupby(found, key=lambda one: one.kind):
            known = list(members)
            group = f"{facility.name}: {kind_words(kind)}"
            if len(known) > 1:
                yield SelectChoice(f"{ANY}{facility.code}:{kind}", f"Any {kind}", optgroup=group)
            for one in known:
                yield SelectChoice(one.code, f"{one.code} {one.name}", optgroup=group)


def _search(form: FindForm) -> SlotSearch:
    catalogue = places()
    chosen = [str(form[name].data) for name in PLACES_IN_FORM if form[name].data]
    options = tuple(tuple(Wanted(one.code) for one in _resources(what, catalogue)) for what in chosen)
    tz = catalogue.by_code[options[0][0].code].facility.tz
    since, until = _day(form.since.data), _day(form.until.data)
    return SlotSearch(
        options=options,
        length=timedelta(minutes=int(form.length.data or 0) * UNITS_OF_LENGTH[str(form.unit.data)]),
        earliest=midnight(since, tz),
        latest=midnight(until + timedelta(days=1), tz),
        people=int(form.people.data or 0),
        limit=MOST,
        participants=names_in(form.participants.data or ""),
    )


def _day(value: date | None) -> date:
    """Keep a day within what can be counted with; the search says that it is too far."""
    return min(max(value or clock.now().date(), date(1990, 1, 2)), date(2199, 12, 30))


def _resources(what: str, catalogue: Places) -> list[ResourcePlace]:
    if not what.startswith(ANY):
        return [catalogue.by_code[what]]
    code, _, kind = what.removeprefix(ANY).partition(":")
    facility = catalogue.facility(code)
    return catalogue.resources_of(facility.id if facility else None, None, kind)


def _rows(found: Found, participants: str) -> Iterator[Mapping[str, Any]]:
    catalogue = places()
    for slot in found.slots:
        resources = [catalogue.by_code[code] for code, _ in slot.resources]
        yield {
            "when": words.when(slot.period.start, slot.period.end, resources[0].facility.timezone),
            "codes": ", ".join(one.code for one in resources),
            "names": ", ".join(one.name for one in resources),
            "href": _new_href(slot, participants),
        }


def _new_href(slot: Slot, participants: str) -> str:
    tz = places().by_code[slot.resources[0][0]].facility.tz
    times = {"start": slot.period.start, "end": slot.period.end}
    address: dict[str, Any] = {"resource": ",".join(code for code, _ in slot.resources)}
    for name, moment in times.items():
        address[name] = f"{moment.astimezone(tz):%Y-%m-%dT%H:%M}"
        address[f"{name}_fold"] = fold_of(moment, tz) or None
    return url_for("bookings.new", **address, participants=participants or None)


def _why(found: Found | None) -> list[str]:
    """Name the reasons that are most in the way."""
    return [REFUSALS.get(code, code) for code, _ in (found.blocked_by[:3] if found else ())]
