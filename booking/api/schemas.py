"""The shapes of the API: what bodies and queries may hold, and (for the description) what answers hold."""

from typing import Any

from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from booking.api.reading import (
    Flag,
    Line,
    Lines,
    Moment,
    QueryFlag,
    QueryMoment,
    QueryWhole,
    WantedResource,
    Whole,
)
from booking.bookings.models import STATUSES
from booking.bookings.request import MAX_PARTICIPANTS, MAX_PEOPLE, MAX_RESOURCES, MAX_TITLE
from booking.bookings.series import ON_CLASH
from booking.bookings.series_changes import SCOPES as SCOPES_OF_SERIES
from booking.calendars.models import DETAILS
from booking.facilities.models import KINDS, OVERRIDABLE
from booking.people.models import ROLES
from booking.schedule.recurrence import MAX_TEXT
from booking.training.words import LEVELS

CODE = 40
PERSON = 254
MAX_REASON = 1000
MAX_MINUTES = 1_000_000
VISIBLE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
VISIBLE_LINES = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
SCOPES = "me, resource:CODE, room:CODE, facility:CODE, project:CODE or organisation"
RRULE = (
    "RFC 5545, such as FREQ=WEEKLY;COUNT=10: FREQ DAILY, WEEKLY or MONTHLY, INTERVAL, BYDAY, BYMONTHDAY, "
    "WKST, and COUNT or UNTIL; lines of EXDATE may follow"
)
SCOPE = r"^(me|organisation|(resource|room|facility|project|organisation):[^\x00-\x1f\x7f]+)$"


# --- what comes in ---------------------------------------------------------------------------------


def told(description: str, **more: Any) -> dict[str, Any]:
    """Describe a field to people, and to programs what more there is to know."""
    return {"description": description, **more}


class Reasons(Lines):
    """Why somebody else's booking is touched."""

    def __init__(self) -> None:
        super().__init__(MAX_REASON, load_default="", metadata=told("what the organiser is told"))


class Paged(Schema):
    """What every list takes."""

    limit = QueryWhole(1, 200, load_default=200)
    cursor = Line(2000, metadata=told("next of the page before", pattern="^[A-Za-z0-9_-]*$"))


class RoomFilter(Paged):
    facility = Line(CODE)


class ResourceFilter(Paged):
    facility = Line(CODE)
    room = Line(CODE)
    kind = Line(CODE, validate=validate.OneOf(KINDS))
    q = Line(200, load_default="")


class Window(Schema):
    start = QueryMoment()
    end = QueryMoment()


class BookingFilter(Paged):
    resource = Line(CODE)
    facility = Line(CODE)
    room = Line(CODE)
    project = Line(CODE)
    mine = QueryFlag(load_default=False)
    status = Line(CODE, validate=validate.OneOf(STATUSES))
    start = QueryMoment()
    end = QueryMoment()


class Repeating(Schema):
    """How a booking repeats, and whether one clash refuses all or is skipped."""

    rrule = Lines(MAX_TEXT, required=True, metadata=told(RRULE, minLength=1))
    on_clash = Line(10, load_default="refuse", validate=validate.OneOf(ON_CLASH))


class Overruling(Schema):
    """Refusals that a facility manager overrules, where its policy lets them; the others stay."""

    codes = fields.List(
        Line(CODE, validate=validate.OneOf(OVERRIDABLE)),
        required=True,
        validate=validate.Length(1, len(OVERRIDABLE)),
        metadata=told("the codes of the refusals"),
    )
    reason = Lines(
        MAX_REASON,
        required=True,
        metadata={"description": "why, shown with the booking", "minLength": 1, "pattern": VISIBLE_LINES},
    )


class NewBooking(Schema):
    """A booking as asked for."""

    resources = fields.List(
        WantedResource(),
        required=True,
        validate=validate.Length(1, MAX_RESOURCES),
        metadata=told("codes, or objects with code and units or unit_names"),
    )
    start = Moment(required=True)
    end = Moment(required=True)
    title = Line(MAX_TITLE, required=True, metadata={"minLength": 1, "pattern": VISIBLE})
    project = Line(CODE, allow_none=True, metadata=told("code of a project of the organiser"))
    people = Whole(0, MAX_PEOPLE, metadata=told("how many are in the room: 1 if not given, 0 if nobody"))
    participants = fields.List(
        Line(PERSON), validate=validate.Length(max=MAX_PARTICIPANTS), metadata=told("ids or e-mail addresses")
    )
    on_behalf_of = Line(PERSON, allow_none=True, metadata=told("id or e-mail address of the organiser"))
    supervisor = Line(PERSON, allow_none=True, metadata=told("id or e-mail address"))
    notes = Lines(metadata=told("may have several lines"))
    repeat = fields.Nested(Repeating, allow_none=True, metadata=told("makes a series of it"))
    override = fields.Nested(
        Overruling, allow_none=True, metadata=told("facility managers only: what they overrule, and why")
    )


class WantedBooking(NewBooking):
    """A booking as asked for; if others hold the time, perhaps a place on the waiting list."""

    waitlist = Flag(
        metadata=told(
            "if others hold the time, wait for it: the answer is then 202 with the place on the list"
        )
    )


class BookingChange(NewBooking):
    """What of a booking is to change; the rest stays."""

    class Meta:
        exclude = ("repeat",)

    reason = Reasons()


class Scoped(Schema):
    """What of a series is concerned: this booking, this and all following, or all that are ahead."""

    scope = Line(10, load_default="this", validate=validate.OneOf(SCOPES_OF_SERIES))


class BookingCheck(NewBooking):
    """A booking to try, or with `booking` a change of that booking."""

    described_as = {
        "anyOf": [
            {"type": "object", "required": ["booking"]},
            {"type": "object", "required": ["resources", "start", "end", "title"]},
        ]
    }
    booking = Line(CODE, metadata=told("id of a booking to try a change of: only what changes is needed"))


class Extension(Schema):
    """How much later a booking is to end: `end`, or `minutes` more."""

    described_as = {"oneOf": [{"type": "object", "required": [one]} for one in ("end", "minutes")]}
    end = Moment(metadata=told("the new end"))
    minutes = Whole(1, MAX_MINUTES, metadata=told("how much later, instead of end"))
    reason = Reasons()

    @validates_schema
    def one_of_both(self, data: dict[str, Any], **_: Any) -> None:
        if ("end" in data) == ("minutes" in data):
            raise ValidationError("Give either the new end or the minutes more.", "end")


class Cancelling(Scoped):
    reason = Reasons()


class Reason(Schema):
    """Why a request is answered so."""

    body_optional = True
    reason = Reasons()


class NewFeed(Schema):
    """A calendar subscription: of what, how much of it, and a name for your own list."""

    scope = Line(100, required=True, metadata=told(SCOPES, pattern=SCOPE))
    detail = Line(10, load_default="full", validate=validate.OneOf(DETAILS))
    label = Line(100, load_default="", metadata=told("a name for your own list"))


# --- what goes out: only described, never run ------------------------------------------------------


class Named(Schema):
    code = fields.String(required=True)
    name = fields.String(required=True)


class Person(Schema):
    id = fields.String()
    name = fields.String(required=True)


class DutyShown(Schema):
    duty = fields.String(required=True)
    facility = fields.String(allow_none=True)
    organisation = fields.String(allow_none=True)
    project = fields.String(allow_none=True)


class Quota(Schema):
    rule = fields.String(required=True)
    used = fields.Float(required=True)
    left = fields.Float(required=True)
    resets_at = fields.DateTime(required=True, allow_none=True)


class Me(Schema):
    id = fields.String(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True)
    role = fields.String(required=True, validate=validate.OneOf(ROLES))
    duties = fields.List(fields.Nested(DutyShown), required=True)
    organisation = fields.Nested(Named, required=True)
    projects = fields.List(fields.Nested(Named), required=True)
    facilities = fields.List(fields.Nested(Named), required=True)
    quotas = fields.List(fields.Nested(Quota), required=True)


class Opening(Schema):
    hours = fields.String(required=True)
    weekday = fields.Integer(required=True, metadata={"description": "0 is Monday"})
    opens = fields.String(required=True)
    closes = fields.String(required=True)


class ClosureShown(Schema):
    first_day = fields.Date(required=True)
    last_day = fields.Date(required=True)
    name = fields.String(required=True)
    room = fields.String(required=True, allow_none=True)
    resource = fields.String(required=True, allow_none=True)
    reason = fields.String(metadata={"description": "for staff only"})


class StepShown(Schema):
    state = fields.String(required=True)
    starts_on = fields.Date(required=True)


class FacilityShown(Schema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    timezone = fields.String(required=True)
    description = fields.String(required=True)
    state = fields.String(required=True)


class FacilityInFull(FacilityShown):
    rooms = fields.List(fields.String(), required=True)
    hours = fields.List(fields.Nested(Opening), required=True)
    holidays = fields.String(required=True)
    closures = fields.List(fields.Nested(ClosureShown), required=True)
    lifecycle = fields.List(fields.Nested(StepShown), required=True)


RoomShown = Schema.from_dict(
    {
        "code": fields.String(required=True),
        "name": fields.String(required=True),
        "facility": fields.String(required=True),
        "class": fields.String(required=True),
        "max_persons": fields.Integer(required=True),
        "lone_working": fields.String(required=True),
        "accessible": fields.String(required=True),
        "note": fields.String(required=True),
    },
    name="RoomShown",
)


class ResourceShown(Schema):
    code = fields.String(required=True)
    name = fields.String(required=True)
    kind = fields.String(required=True)
    facility = fields.String(required=True)
    room = fields.String(required=True, allow_none=True)
    timezone = fields.String(required=True)
    units = fields.Integer(required=True)
    unit_name = fields.String(required=True)
    unit_names = fields.List(fields.String(), required=True)
    running = fields.String(required=True)
    approval = fields.Boolean(required=True)
    model_class = fields.String(required=True)
    needs = fields.String(required=True)
    description = fields.String(required=True)
    state = fields.String(required=True)


class RuleShown(Schema):
    name = fields.String(required=True)
    value = fields.Raw(required=True, allow_none=True)
    set_by = fields.String(required=True)
    applies_because = fields.String(required=True)


class ResourceInFull(ResourceShown):
    rules = fields.List(fields.Nested(RuleShown), required=True)
    opens_to_me = fields.Date(required=True, allow_none=True)
    substitutes = fields.List(fields.String(), required=True)
    hours = fields.List(fields.Nested(Opening), required=True)
    closures = fields.List(fields.Nested(ClosureShown), required=True)
    lifecycle = fields.List(fields.Nested(StepShown), required=True)


class Stretch(Schema):
    start = fields.DateTime(required=True)
    end = fields.DateTime(required=True)
    units = fields.Integer(required=True)
    label = fields.String()
    booking = fields.String()


class Availability(Schema):
    open = fields.List(fields.List(fields.DateTime(), metadata={"minItems": 2, "maxItems": 2}), required=True)
    busy = fields.List(fields.Nested(Stretch), required=True)
    units = fields.Integer(required=True)
    timezone = fields.String(required=True)


class UnitsTaken(Schema):
    code = fields.String(required=True)
    name = fields.String()
    units = fields.Integer(required=True)
    unit_names = fields.List(fields.String())


class HeldShown(Schema):
    resource = fields.String(required=True)
    start = fields.DateTime(required=True)
    end = fields.DateTime(required=True)


class BookingShown(Schema):
    """A booking. Which members there are depends on what you may see of it: all; id, status, title,
    organiser's name, times and resources; or only that something is busy, with or without a label."""

    id = fields.String()
    status = fields.String(required=True, validate=validate.OneOf([*STATUSES, "busy"]))
    title = fields.String()
    start = fields.DateTime(required=True)
    end = fields.DateTime(required=True)
    timezone = fields.String()
    resources = fields.List(fields.Nested(UnitsTaken), required=True)
    people = fields.Integer()
    organiser = fields.Nested(Person)
    organisation = fields.Nested(Named)
    project = fields.Nested(Named, allow_none=True)
    participants = fields.List(fields.Nested(Person))
    supervisor = fields.Nested(Person, allow_none=True)
    on_behalf_of = fields.Nested(Person, allow_none=True)
    notes = fields.String()
    series = fields.String(allow_none=True)
    campaign = fields.String(allow_none=True)
    held = fields.List(fields.Nested(HeldShown))
    version = fields.Integer()
    created_at = fields.DateTime()
    updated_at = fields.DateTime()
    label = fields.String()


class RuleNamed(Schema):
    name = fields.String(required=True)
    set_by = fields.String(required=True)


class RefusalShown(Schema):
    code = fields.String(required=True)
    message = fields.String(required=True)
    resource = fields.String(required=True, allow_none=True)
    rule = fields.Nested(RuleNamed, required=True)
    fix = fields.String(required=True)
    ok_from = fields.DateTime(required=True, allow_none=True)


class AlternativeShown(Schema):
    start = fields.DateTime(required=True)
    end = fields.DateTime(required=True)
    resources = fields.List(fields.Nested(UnitsTaken), required=True)
    differs = fields.List(fields.String(), required=True)


class OccurrenceShown(Schema):
    """One occurrence of a series, with all reasons against it."""

    start = fields.DateTime(required=True)
    end = fields.DateTime(required=True)
    note = fields.String(required=True, metadata=told("how a local time that exists twice was read"))
    refusals = fields.List(fields.Nested(RefusalShown), required=True)


class BookingMade(BookingShown):
    """A booking; or, of one that repeats, the series with its bookings and what was skipped."""

    described_as = {
        "anyOf": [
            {"type": "object", "required": ["status", "start", "end", "resources"]},
            {"type": "object", "required": ["series", "bookings", "skipped"]},
        ]
    }
    status = fields.String(validate=validate.OneOf([*STATUSES, "busy"]))
    start = fields.DateTime()
    end = fields.DateTime()
    resources = fields.List(fields.Nested(UnitsTaken))
    bookings = fields.List(fields.Nested(BookingShown))
    skipped = fields.List(fields.Nested(OccurrenceShown))


class CheckShown(Schema):
    ok = fields.Boolean(required=True)
    refusals = fields.List(fields.Nested(RefusalShown), required=True)
    alternatives = fields.List(fields.Nested(AlternativeShown), required=True)
    estimate = fields.Dict(required=True)
    occurrences = fields.List(
        fields.Nested(OccurrenceShown), metadata=told("of what repeats: each of its times")
    )


class RuleExplained(Schema):
    """One rule, for one resource or (null) the whole booking: kept, or with its refusal."""

    name = fields.String(required=True)
    resource = fields.String(required=True, allow_none=True)
    passed = fields.Boolean(required=True)
    code = fields.String(required=True, allow_none=True, metadata=told("of the refusal; null if kept"))
    message = fields.String(required=True)
    source = fields.Nested(RuleNamed, required=True)
    numbers = fields.Dict(required=True, metadata=told("what the rule measured; depends on the rule"))
    fix = fields.String(required=True)
    ok_from = fields.DateTime(required=True, allow_none=True)


class RulesShown(Schema):
    rules = fields.List(fields.Nested(RuleExplained), required=True)


class FeedShown(Schema):
    id = fields.String(required=True)
    scope = fields.String(required=True)
    detail = fields.String(required=True)
    label = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    last_used_at = fields.DateTime(required=True, allow_none=True)
    last_used_by = fields.String(required=True)


class FeedMade(FeedShown):
    url = fields.String(required=True, metadata={"description": "shown this once"})
    webcal_url = fields.String(required=True)


class ModuleShown(Schema):
    code = fields.String(required=True)
    title = fields.String(required=True)
    mode = fields.String(required=True)
    minutes = fields.Integer(required=True)
    valid_months = fields.Integer(required=True, metadata={"description": "0: without end"})
    lapse_months = fields.Integer(required=True, metadata={"description": "without use; 0: never"})
    assessed = fields.String(required=True)
    first = fields.List(fields.String(), required=True)
    resources = fields.List(fields.String(), required=True)


class CompetenceShown(Schema):
    module = fields.String(required=True)
    title = fields.String(required=True)
    level = fields.String(required=True, validate=validate.OneOf(LEVELS))
    awarded_on = fields.Date(required=True)
    valid_through = fields.Date(required=True, allow_none=True)


class PermitShown(Schema):
    reference = fields.String(required=True)
    kind = fields.String(required=True)
    project = fields.String(required=True, allow_none=True)
    valid_from = fields.Date(required=True)
    valid_through = fields.Date(required=True)


class NeedShown(Schema):
    what = fields.String(required=True)
    state = fields.String(required=True, metadata={"description": "ok, soon, supervised, missing, depends"})
    note = fields.String(required=True)
    valid_through = fields.Date(required=True, allow_none=True)
    first = fields.List(fields.String(), required=True)
    set_by = fields.String(required=True)
    session = fields.Integer(required=True, allow_none=True)


class NeedsShown(Schema):
    resource = fields.String(required=True)
    lacking = fields.Integer(required=True)
    items = fields.List(fields.Nested(NeedShown), required=True)


class MyTraining(Schema):
    competences = fields.List(fields.Nested(CompetenceShown), required=True)
    permits = fields.List(fields.Nested(PermitShown), required=True)
    needs = fields.List(fields.Nested(NeedsShown), required=True)


class SessionShown(Schema):
    id = fields.Integer(required=True)
    module = fields.Nested(Named, required=True)
    facility = fields.String(required=True)
    timezone = fields.String(required=True)
    start = fields.DateTime(required=True)
    end = fields.DateTime(required=True)
    trainer = fields.String(required=True)
    place = fields.String(required=True)
    note = fields.String(required=True)
    places = fields.Integer(required=True)
    left = fields.Integer(required=True)
    mine = fields.Boolean(required=True)
    outcome = fields.String(required=True, allow_none=True)
    cancelled = fields.Boolean(required=True)


class Problem(Schema):
    """RFC 9457 problem details."""

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True)
    errors = fields.Dict(keys=fields.String(), values=fields.List(fields.String()))
    refusals = fields.List(fields.Nested(RefusalShown))
    alternatives = fields.List(fields.Nested(AlternativeShown))
    occurrences = fields.List(fields.Nested(OccurrenceShown), metadata=told("the refused ones of a series"))
    request_id = fields.String()


def page_of(item: type[Schema]) -> type[Schema]:
    """Return the schema of a page of items."""
    members: dict[str, fields.Field[Any]] = {
        "items": fields.List(fields.Nested(item), required=True),
        "next": fields.String(required=True, allow_none=True),
    }
    return Schema.from_dict(members, name=f"PageOf{item.__name__}")
