"""Find a slot: the first times at which everything asked for would be accepted."""

from datetime import timedelta
from typing import Any

from flask import Response
from marshmallow import Schema, ValidationError, fields, validate

from booking.api import schemas, shapes
from booking.api.answers import show
from booking.api.callers import caller
from booking.api.door import door
from booking.api.idempotency import given_key
from booking.api.reading import Line, Moment, Whole
from booking.base.errors import Invalid
from booking.bookings.finding import MOST_OPTIONS, MOST_SLOTS, SlotSearch, find_slots
from booking.bookings.request import MAX_PARTICIPANTS, MAX_PEOPLE, MAX_RESOURCES, Wanted
from booking.facilities.models import KINDS
from booking.facilities.queries import places

CODE = 40
LONGEST = 400 * 24 * 60
ONE_OF_THESE = "Say code, any_of, or kind and perhaps facility."


class Choice(Schema):
    """A resource, any of several, or any of a kind; and how many of its units."""

    code = Line(CODE)
    any_of = fields.List(Line(CODE), validate=validate.Length(1, MOST_OPTIONS))
    kind = Line(CODE, validate=validate.OneOf(KINDS))
    facility = Line(CODE)
    units = Whole(1, 1000, load_default=1)


class NeededResource(fields.Field[Any]):
    """A resource by its code, or an object that leaves open which one."""

    def __init__(self, **more: Any) -> None:
        code = {"type": "string", "maxLength": CODE, "pattern": Line.pattern}
        units = {"type": "integer", "minimum": 1, "maximum": 1000}
        codes = {"type": "array", "minItems": 1, "maxItems": MOST_OPTIONS, "items": code}
        kind = {"type": "string", "enum": list(KINDS)}
        shaped = [
            {"required": ["code"], "properties": {"code": code, "units": units}},
            {"required": ["any_of"], "properties": {"any_of": codes, "units": units}},
            {"required": ["kind"], "properties": {"kind": kind, "facility": code, "units": units}},
        ]
        objects = [{"type": "object", "additionalProperties": False, **one} for one in shaped]
        super().__init__(metadata={"oneOf": [code, *objects]}, **more)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **_: Any) -> dict[str, Any]:
        if isinstance(value, str):
            return {"code": value, "units": 1}
        if not isinstance(value, dict):
            raise ValidationError(f"Give a resource's code, or an object. {ONE_OF_THESE}")
        choice: dict[str, Any] = Choice().load(value)
        said = {"code", "any_of", "kind"} & set(choice)
        if len(said) != 1 or ("facility" in choice and "kind" not in choice):
            raise ValidationError(ONE_OF_THESE)
        return choice


class Search(Schema):
    """What is needed together, for how long, and between when."""

    resources = fields.List(
        NeededResource(),
        required=True,
        validate=validate.Length(1, MAX_RESOURCES),
        metadata=schemas.told("codes, or objects: any_of codes, or a kind, perhaps of one facility"),
    )
    duration_minutes = Whole(1, LONGEST, required=True)
    earliest = Moment(required=True)
    latest = Moment(required=True)
    people = Whole(0, MAX_PEOPLE, load_default=1)
    project = Line(CODE, allow_none=True, metadata=schemas.told("code of a project of mine"))
    participants = fields.List(
        Line(schemas.PERSON),
        validate=validate.Length(max=MAX_PARTICIPANTS),
        load_default=list,
        metadata=schemas.told("ids or e-mail addresses"),
    )
    supervisor = Line(schemas.PERSON, allow_none=True, metadata=schemas.told("id or e-mail address"))
    limit = Whole(1, MOST_SLOTS, load_default=5)


class SlotShown(Schema):
    start = fields.DateTime(required=True)
    end = fields.DateTime(required=True)
    resources = fields.List(fields.Nested(schemas.UnitsTaken), required=True)


class ReasonCounted(Schema):
    code = fields.String(required=True)
    count = fields.Integer(required=True)


class SlotsShown(Schema):
    """The first slots; if there are none, how many of the times looked at each reason rules out."""

    slots = fields.List(fields.Nested(SlotShown), required=True)
    blocked_by = fields.List(fields.Nested(ReasonCounted), required=True)


@door.operation("POST", "/slots/search", tag="Slots", shows=SlotsShown)
@door.arguments(Search)
def search_slots(asked: dict[str, Any]) -> Response:
    """Find the first times at which every rule accepts me for everything asked for; nothing is stored"""
    given_key()
    wanted = SlotSearch(
        options=tuple(options_of(one) for one in asked["resources"]),
        length=timedelta(minutes=asked["duration_minutes"]),
        earliest=asked["earliest"],
        latest=asked["latest"],
        people=asked["people"],
        limit=asked["limit"],
        project=asked.get("project"),
        participants=tuple(asked["participants"]),
        supervisor=asked.get("supervisor"),
    )
    found = find_slots(wanted, caller())
    return show(
        {
            "slots": [
                {
                    "start": shapes.moment(slot.period.start),
                    "end": shapes.moment(slot.period.end),
                    "resources": [{"code": code, "units": units} for code, units in slot.resources],
                }
                for slot in found.slots
            ],
            "blocked_by": [{"code": code, "count": count} for code, count in found.blocked_by],
        }
    )


def options_of(choice: dict[str, Any]) -> tuple[Wanted, ...]:
    """Return the resources of which any will do; raise `Invalid` if there are none."""
    units = choice["units"]
    if "code" in choice:
        return (Wanted(choice["code"], units),)
    if "any_of" in choice:
        return tuple(Wanted(code, units) for code in dict.fromkeys(choice["any_of"]))
    catalogue = places()
    facility = catalogue.facility(choice["facility"]) if "facility" in choice else None
    if "facility" in choice and facility is None:
        raise Invalid({"resources": [f"There is no facility {choice['facility']!r}."]})
    found = catalogue.resources_of(facility.id if facility else None, None, choice["kind"])
    if not found:
        raise Invalid({"resources": [f"There is nothing of kind {choice['kind']}."]})
    return tuple(Wanted(resource.code, units) for resource in found)[:MOST_OPTIONS]
