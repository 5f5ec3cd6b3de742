"""What each rule measures, in words and numbers, with where the rule comes from: for who asks why.

Whether a rule is kept says the rule alone. A rule without an entry in `MEASURES` is still shown by its name.
What others hold is told in numbers only to staff: to everybody else no more than the rule's verdict.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from booking.base.period import wall
from booking.base.words import day, minutes
from booking.bookings import words
from booking.bookings.hours import kinds_of_hours
from booking.bookings.measures_company import lone_work, quotas, supervision
from booking.bookings.measures_people import permits, service, training
from booking.bookings.measuring import Case, Measure, facility_of, joined, last_day
from booking.bookings.request import Want
from booking.bookings.rules import (
    Verdict,
    horizon_end,
    length_must_fit,
    minutes_of,
    must_be_inside_opening_hours,
    must_not_start_in_the_past,
    others_there,
    resource_must_be_in_use,
    role_must_be_allowed,
    rooms_must_have_space,
    rooms_of,
    start_must_be_within_the_horizon,
    start_must_keep_the_notice,
    times_must_be_on_the_grid,
    units_must_be_free,
)
from booking.bookings.rules_company import nobody_must_work_alone, supervisor_must_not_have_too_many
from booking.bookings.rules_people import (
    permit_must_be_valid,
    resource_must_be_serviceable,
    user_must_be_trained,
)
from booking.bookings.rules_quota import quotas_must_be_kept
from booking.facilities.places import ResourcePlace, Ruled

PRODUCT = "the product"


def measure(verdict: Verdict, case: Case) -> Measure:
    """Return what a rule measured; a rule without an entry is told by its name alone."""
    name = verdict.rule.__name__
    if verdict.want is None and name in WHOLE_MEASURES:
        return WHOLE_MEASURES[name](case)
    if verdict.want is not None and name in MEASURES:
        return MEASURES[name](case, verdict.want)
    return Measure("Nothing to measure.", name_of(verdict), PRODUCT)


def name_of(verdict: Verdict) -> str:
    """Return a rule's name as a sentence: `Start must keep the notice`."""
    return verdict.rule.__name__.replace("_", " ").capitalize()


# --- who and when ----------------------------------------------------------------------------------


def _role(case: Case, want: Want) -> Measure:
    rule, role = _rule(case, want, "roles"), case.facts.role
    roles = rule.value if isinstance(rule.value, tuple) else ()
    text = f"Booked as {role}; open to {words.roles({*roles, 'staff'})}."
    return _by_policy(text, rule, "who may book", role=role, open_to=list(roles))


def _lifecycle(case: Case, want: Want) -> Measure:
    resource, tz = want.resource, want.resource.facility.tz
    first = case.period.start.astimezone(tz).date()
    changes = [step for step in resource.state_changes() if first < step <= last_day(case, resource)]
    states = {one.isoformat(): resource.state_on(one) for one in (first, *changes)}
    said = ", ".join(f"{state} on {day(date.fromisoformat(one))}" for one, state in states.items())
    return Measure(f"{resource.code} is {said}.", "lifecycle", facility_of(resource), states)


def _now(case: Case, want: Want) -> Measure:
    text = f"It is {words.moment(case.facts.now, want.resource)} now."
    return Measure(text, "time", PRODUCT, {"now": _utc(case.facts.now), "start": _utc(case.period.start)})


def _notice(case: Case, want: Want) -> Measure:
    rule = _rule(case, want, "notice_minutes")
    given = max(int((case.period.start - case.facts.now).total_seconds() // 60), 0)
    needed = _hours(_number(rule)) if _number(rule) else "None"
    text = f"{needed} needed, {_hours(given)} given."
    return _by_policy(text, rule, "notice", needed_minutes=_number(rule), given_minutes=given)


def _horizon(case: Case, want: Want) -> Measure:
    rule = _rule(case, want, "horizon_days")
    until = (horizon_end(case.facts, want) - timedelta(hours=1)).astimezone(want.resource.facility.tz).date()
    text = f"Up to {day(until)}: {words.length(_number(rule) * words.DAY)} ahead."
    return _by_policy(text, rule, "horizon", days=_number(rule), until=until.isoformat())


def _length(case: Case, want: Want) -> Measure:
    shortest, longest = _rule(case, want, "min_minutes"), _rule(case, want, "max_minutes")
    given = int(minutes_of(case.period, want, _number(_rule(case, want, "grid_minutes"))))
    text = f"From {minutes(_number(shortest))} to {minutes(_number(longest))}; this takes {minutes(given)}."
    numbers = {"shortest_minutes": _number(shortest), "longest_minutes": _number(longest)}
    return _by_policy(text, longest, "length", **numbers, given_minutes=given)


def _grid(case: Case, want: Want) -> Measure:
    rule = _rule(case, want, "grid_minutes")
    text = f"Booked in steps of {minutes(_number(rule))}."
    return _by_policy(text, rule, "slot grid", step_minutes=_number(rule))


def _opening(case: Case, want: Want) -> Measure:
    resource = want.resource
    first = case.period.start.astimezone(resource.facility.tz).date()
    days = dict.fromkeys((first, last_day(case, resource)))
    hours = {one: _hours_of(case, resource, one) for one in days}
    said = "; ".join(f"{day(one)}: {_spans(spans, resource, one)}" for one, spans in hours.items())
    numbers = {one.isoformat(): spans for one, spans in hours.items()}
    source = f"{resource.facility.code} opening hours"
    return Measure(f"{said}.", "opening hours", source, {"running": resource.running, **numbers})


def _hours_of(case: Case, resource: ResourcePlace, one: date) -> list[str]:
    """List a day's hours for the role as the facility's clock shows them: none if it is closed."""
    tz = resource.facility.tz
    if resource.closed_on(one):
        return []
    if resource.running == "free":
        return ["00:00–24:00"]
    spans = resource.facility.opening(one, kinds_of_hours(case.facts, resource, one, one))
    return [f"{wall(span.start, tz):%H:%M}–{wall(span.end, tz):%H:%M}" for span in spans]


def _spans(spans: list[str], resource: ResourcePlace, one: date) -> str:
    closed = resource.closed_on(one)
    return f"closed, {closed.name}" if closed else " and ".join(spans) or "no hours"


# --- what others hold ------------------------------------------------------------------------------


def _units(case: Case, want: Want) -> Measure:
    resource, claim = want.resource, case.facts.claim(want, case.period)
    start, end = (words.moment(moment, resource) for moment in (claim.starts_at, claim.held_until))
    text = f"{want.units} asked for of {len(resource.units)} ({resource.unit_name})"
    numbers = {
        "asked": want.units,
        "units": len(resource.units),
        "held_from": _utc(claim.starts_at),
        "held_until": _utc(claim.held_until),
    }
    if case.sees_all:
        taken = case.facts.taken.get(resource.id, ())
        free = len(resource.units) - len({one.unit_id for one in taken if claim.clashes_with(one)})
        text, numbers["free"] = f"{text}, {free} free", free
    text = f"{text}; held from {start} to {end}."
    return Measure(text, "no double booking", PRODUCT, numbers)


def _rooms(case: Case) -> Measure:
    said, numbers = [], {}
    for room, _ in rooms_of(case.facts):
        numbers[room.code] = {"most": room.max_persons, "yours": case.facts.people}
        text = f"{room.code} takes {room.max_persons} people; {case.facts.people} would come"
        if case.sees_all:
            others = others_there(case.period, case.facts, room) or 0
            numbers[room.code]["others"] = others
            text += f", {others} would be there"
        said.append(text)
    names = joined(f"{room.code} {room.name}" for room, _ in rooms_of(case.facts))
    text = "; ".join(said) or "No room counts its people"
    return Measure(f"{text}.", "most persons of the room", names or PRODUCT, numbers)


MEASURES: Mapping[str, Callable[[Case, Want], Measure]] = {
    rule.__name__: measurer
    for rule, measurer in (
        (role_must_be_allowed, _role),
        (resource_must_be_in_use, _lifecycle),
        (must_not_start_in_the_past, _now),
        (start_must_keep_the_notice, _notice),
        (start_must_be_within_the_horizon, _horizon),
        (length_must_fit, _length),
        (times_must_be_on_the_grid, _grid),
        (must_be_inside_opening_hours, _opening),
        (user_must_be_trained, training),
        (permit_must_be_valid, permits),
        (resource_must_be_serviceable, service),
        (nobody_must_work_alone, lone_work),
        (supervisor_must_not_have_too_many, supervision),
        (units_must_be_free, _units),
    )
}
WHOLE_MEASURES: Mapping[str, Callable[[Case], Measure]] = {
    rooms_must_have_space.__name__: _rooms,
    quotas_must_be_kept.__name__: quotas,
}


# --- small steps -----------------------------------------------------------------------------------


def _rule(case: Case, want: Want, name: str) -> Ruled:
    return want.resource.effective(case.facts.role)[name]


def _by_policy(text: str, rule: Ruled, name: str, **numbers: Any) -> Measure:
    return Measure(text, f"{rule.policy}: {name}", rule.set_by, numbers)


def _number(rule: Ruled) -> int:
    return rule.value if isinstance(rule.value, int) else 0


def _hours(count: int) -> str:
    """Say minutes so that two lengths can be held against each other: `72 h`, `50 h 15 min`."""
    hours, rest = divmod(count, 60)
    return " ".join([f"{hours} h"] * (hours > 0 or not rest) + [f"{rest} min"] * (rest > 0))


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
