"""The rules of booking, each a sentence: `check(period, facts)` returns all refusals at once.

Plain values in, plain values out. Where a rule has numbers, they are the effective policy's.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from typing import NamedTuple

from booking.base.errors import Refusal
from booking.base.period import Period, midnight, wall
from booking.bookings import words
from booking.bookings.hours import kinds_of_hours
from booking.bookings.request import Facts, Want
from booking.bookings.rules_company import nobody_must_work_alone, supervisor_must_not_have_too_many
from booking.bookings.rules_people import (
    permit_must_be_valid,
    resource_must_be_serviceable,
    user_must_be_trained,
)
from booking.bookings.rules_quota import quotas_must_be_kept
from booking.facilities.places import (
    EVERY_HOUR,
    OPEN_TO,
    STAFF_ROLES,
    ResourcePlace,
    RoomPlace,
    Ruled,
    hour_kinds,
    opening_moment,
)
from booking.schedule.free import MAX_HOLD, choose_units, most_people, presence_of

HALF_HOUR = 30
LONGEST_HOLD = "longest hold"  # what the database holds: no policy, so nobody overrules it
Rule = Callable[[Period, Facts, Want], Iterator[Refusal]]
WholeRule = Callable[[Period, Facts], Iterator[Refusal]]


class Verdict(NamedTuple):
    """What one rule says of one resource or, without a want, of the booking as a whole."""

    rule: Rule | WholeRule
    want: Want | None
    refusals: tuple[Refusal, ...]


def judge(period: Period, facts: Facts) -> Iterator[Verdict]:
    """Yield what every rule says: of each resource, then of the booking as a whole."""
    for want in facts.wants:
        for rule in RULES:
            yield Verdict(rule, want, tuple(rule(period, facts, want)))
    for whole in WHOLE_RULES:
        yield Verdict(whole, None, tuple(whole(period, facts)))


def check(period: Period, facts: Facts) -> list[Refusal]:
    """Return every reason why this cannot be booked; an empty list means that it can."""
    return list(dict.fromkeys(refusal for verdict in judge(period, facts) for refusal in verdict.refusals))


def accepts(period: Period, facts: Facts, want: Want) -> bool:
    """Tell whether no rule of this resource is in the way; how full its room is counts for all together."""
    return not any(True for rule in RULES for _ in rule(period, facts, want))


def clashes(period: Period, facts: Facts) -> bool:
    """Tell quickly whether what others hold is in the way."""
    return any(_free_units(period, facts, want) is None for want in facts.wants) or bool(
        list(rooms_must_have_space(period, facts))
    )


def _free_units(period: Period, facts: Facts, want: Want) -> list[int] | None:
    taken = facts.taken.get(want.resource.id, ())
    return choose_units(facts.claim(want, period), [unit.id for unit in want.resource.units], taken)


def choose(period: Period, facts: Facts) -> list[tuple[Want, list[int]]]:
    """Return the units that each want would get; only for a period that `check` accepts."""
    return [(want, _free_units(period, facts, want) or []) for want in facts.wants]


# --- who and when, by lifecycle and policy ---------------------------------------------------------


def role_must_be_allowed(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    rule = want.resource.effective(facts.role)["roles"]
    roles = rule.value if isinstance(rule.value, tuple) else ()
    if facts.role not in STAFF_ROLES and facts.role not in roles:
        yield _refusal(
            "not_allowed",
            want,
            rule,
            f"{want.resource.code} cannot be booked as {facts.role}; it is open to {words.roles(roles)}.",
            "Ask the facility's staff to book it for you, or choose another resource.",
            "who may book",
        )


def resource_must_be_in_use(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    resource, tz = want.resource, want.resource.facility.tz
    if facts.before == period and resource.id in facts.before_resources:
        return
    first, last = period.start.astimezone(tz).date(), _last_day(period, resource)
    days = [first, *(day for day in resource.state_changes() if first < day <= last)]
    states = [(day, resource.state_on(day)) for day in days]
    if any(state == "closed" for _, state in states):
        closing = next(day for day in resource.state_changes() if resource.state_on(day) == "closed")
        yield _lifecycle_refusal(
            "retired",
            want,
            f"{resource.code} goes out of use on {words.day(closing)}; a booking must end before that day.",
            "Choose an earlier time or another resource.",
            None,
        )
        return
    yield from _opens_later(facts, want, states)


def _opens_later(facts: Facts, want: Want, states: list[tuple[date, str]]) -> Iterator[Refusal]:
    resource = want.resource
    rule = resource.effective(facts.role)["opens_on"]
    for day, state in states:
        open_to = OPEN_TO[state]
        early = isinstance(rule.value, date) and open_to is None and day < rule.value
        if not early and (open_to is None or facts.role in open_to):
            continue
        opens = opening_moment(resource, facts.role, midnight(day, resource.facility.tz))
        who = "nobody yet" if not open_to else words.roles(sorted(open_to))
        if early:
            who = "everyone but your role"
        when = (
            f"It opens to {facts.role} bookings on {words.day(opens.astimezone(resource.facility.tz))}."
            if opens
            else ""
        )
        yield _lifecycle_refusal(
            "not_open_yet",
            want,
            f"{resource.code} is {state} on {words.day(day)}, when it can be booked by {who}. {when}".strip(),
            "Choose a time after it opens." if opens else "Ask the facility's staff.",
            opens,
        )
        return


def must_not_start_in_the_past(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    if _starts_as_before(period, facts):
        if facts.before != period and period.end <= facts.now:
            yield Refusal(
                "in_past",
                "The end lies in the past.",
                want.resource.code,
                "time",
                "the product",
                "Choose a later end.",
            )
        return
    if period.start < facts.now.replace(second=0, microsecond=0):
        yield Refusal(
            "in_past",
            "The start lies in the past.",
            want.resource.code,
            "time",
            "the product",
            "Choose a start from now on.",
            facts.now,
        )


def start_must_keep_the_notice(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    rule = want.resource.effective(facts.role)["notice_minutes"]
    earliest = facts.now + timedelta(minutes=_number(rule))
    if _starts_as_before(period, facts) or period.start < facts.now.replace(second=0, microsecond=0):
        return
    if _number(rule) and period.start < earliest:
        yield _refusal(
            "notice",
            want,
            rule,
            f"{want.resource.code} needs {words.length(_number(rule))} of notice.",
            f"Start at {words.moment(earliest, want.resource)} or later.",
            "notice",
            earliest,
        )


def start_must_be_within_the_horizon(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    resource = want.resource
    rule = resource.effective(facts.role)["horizon_days"]
    if _starts_as_before(period, facts):
        return
    last = horizon_end(facts, want)
    if period.start >= last:
        yield _refusal(
            "horizon",
            want,
            rule,
            f"{resource.code} can be booked {words.length(_number(rule) * words.DAY)} ahead, "
            f"up to {words.day(last - timedelta(hours=1))}.",
            "Choose an earlier time, or come back nearer to it.",
            "horizon",
        )


def horizon_end(facts: Facts, want: Want) -> datetime:
    """Return the first moment that is too far ahead, counted from when the resource opens to the role."""
    resource = want.resource
    days = _number(resource.effective(facts.role)["horizon_days"])
    opens = opening_moment(resource, facts.role, facts.now) or facts.now
    tz = resource.facility.tz
    return midnight(opens.astimezone(tz).date() + timedelta(days=days + 1), tz)


def length_must_fit(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    if facts.before == period and want.resource.id in facts.before_resources:
        return
    rules = want.resource.effective(facts.role)
    shortest, longest = rules["min_minutes"], rules["max_minutes"]
    minutes = minutes_of(period, want, _number(rules["grid_minutes"]))
    if minutes < _number(shortest):
        yield _refusal(
            "too_short",
            want,
            shortest,
            f"{want.resource.code} is booked for {words.length(_number(shortest))} or longer.",
            "Choose a later end.",
            "shortest booking",
        )
    if minutes > _number(longest):
        yield _refusal(
            "too_long",
            want,
            longest,
            f"{want.resource.code} is booked for {words.length(_number(longest))} at most.",
            "Choose an earlier end, or ask the facility's staff.",
            "longest booking",
        )
    claim = facts.claim(want, period)
    if not want.resource.long_stay and claim.held_until - claim.starts_at > MAX_HOLD:
        text = f"{want.resource.code} is held for 35 days at most, set-up and changeover included."
        yield Refusal(
            "too_long", text, want.resource.code, LONGEST_HOLD, "the product", "Choose an earlier end."
        )


def minutes_of(period: Period, want: Want, grid: int) -> float:
    """Elapsed time; where the grid counts days, the wall clock's days, of whatever length."""
    if grid >= words.DAY:
        tz = want.resource.facility.tz
        return (wall(period.end, tz) - wall(period.start, tz)).total_seconds() / 60
    return period.length.total_seconds() / 60


# --- opening hours and the slot grid ---------------------------------------------------------------


def times_must_be_on_the_grid(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    resource = want.resource
    if facts.before == period and resource.id in facts.before_resources:
        return
    rule = resource.effective(facts.role)["grid_minutes"]
    start, end = (wall(moment, resource.facility.tz) for moment in (period.start, period.end))
    start_given = _starts_as_before(period, facts)
    grid = _number(rule)
    if grid >= words.DAY:
        whole_days = start.time() == end.time() and (end - start) >= timedelta(days=1)
        on_grid = whole_days and _is_half_hour(start)
        fix = "Start and end at the same half hour of the day: the length is in whole days."
    else:
        on_grid = (start_given or _on_grid(start, grid, resource, facts)) and (
            _whole_slots(start, end, grid) if not start_given else _on_grid(end, grid, resource, facts)
        )
        fix = f"Start on a step of {words.length(grid)} and take a multiple of it."
    if not on_grid:
        yield _refusal(
            "off_grid",
            want,
            rule,
            f"{resource.code} is booked in steps of {words.length(grid)}.",
            fix,
            "slot grid",
        )


def _is_half_hour(local: datetime) -> bool:
    return local.minute % HALF_HOUR == 0 and local.second == local.microsecond == 0


def _whole_slots(start: datetime, end: datetime, grid: int) -> bool:
    return (end - start) % timedelta(minutes=grid) == timedelta(0)


def _on_grid(local: datetime, grid: int, resource: ResourcePlace, facts: Facts) -> bool:
    """Count from the day's opening, staffed or for some also extended; from midnight if it runs free."""
    anchors, day = [time(0)], local.date()
    if resource.running != "free":
        kinds = kinds_of_hours(facts, resource, day, day)
        anchors = resource.facility.opening_times(day, kinds) or anchors
    return any(_whole_slots(datetime.combine(local.date(), anchor), local, grid) for anchor in anchors)


def must_be_inside_opening_hours(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    resource = want.resource
    if facts.before == period and resource.id in facts.before_resources:
        return
    closed = _closure_in_the_way(period, facts, resource)
    if closed is not None:
        yield closed
    elif resource.running != "free" and not _inside_hours(period, facts, resource):
        hours = _hours_in_words(resource, facts, period.start)
        whole = "the whole booking" if resource.running == "attended" else "its start and its end"
        yield Refusal(
            "outside_hours",
            f"{resource.code} needs {whole} inside opening hours. {hours}",
            resource.code,
            "opening hours",
            f"{resource.facility.code} opening hours",
            _hours_fix(facts, resource),
        )


def _hours_fix(facts: Facts, resource: ResourcePlace) -> str:
    kinds = sorted(facts.standing.requirements.out_of_hours(resource.facility.id))
    if hour_kinds(facts.role) == EVERY_HOUR or not kinds:
        return "Choose a time inside the hours."
    return (
        f"Choose a time inside the hours. A permit ({kinds[0]}) of your own opens the extended ones to you."
    )


def _closure_in_the_way(period: Period, facts: Facts, resource: ResourcePlace) -> Refusal | None:
    tz = resource.facility.tz
    first, last = period.start.astimezone(tz).date(), _last_day(period, resource)
    days = {first, last} if resource.running != "attended" else _days(first, last)
    if _starts_as_before(period, facts):
        days -= {first} if last != first else set()
    for day in sorted(days):
        closure = resource.closed_on(day)
        if closure is not None:
            return Refusal(
                "closed",
                f"{resource.facility.code} is closed on {words.day(day)}: {closure.name}."
                if closure.resource_id is None and closure.room_id is None
                else f"{resource.code} is closed on {words.day(day)}: {closure.name}.",
                resource.code,
                closure.name,
                "the facility's closures",
                "Choose another day.",
            )
    return None


def _inside_hours(period: Period, facts: Facts, resource: ResourcePlace) -> bool:
    first, last = period.start.astimezone(resource.facility.tz).date(), _last_day(period, resource)
    kinds = kinds_of_hours(facts, resource, first, last)
    opening = resource.facility.opening(first, kinds)
    if resource.running == "attended":
        return any(span.contains(period) for span in opening)
    ending = resource.facility.opening(last, kinds)
    starts_inside = any(span.start <= period.start < span.end for span in opening)
    ends_inside = any(span.start < period.end <= span.end for span in ending)
    return (starts_inside or _starts_as_before(period, facts)) and ends_inside


def _hours_in_words(resource: ResourcePlace, facts: Facts, moment: datetime) -> str:
    tz = resource.facility.tz
    day = moment.astimezone(tz).date()
    spans = resource.facility.opening(day, kinds_of_hours(facts, resource, day, day))
    if not spans:
        return f"There are none on {day:%A}s."
    words = " and ".join(f"{wall(s.start, tz):%H:%M}–{wall(s.end, tz):%H:%M}" for s in spans)
    return f"For you they are {words} on {day:%A}s."


# --- what others hold ------------------------------------------------------------------------------


def units_must_be_free(period: Period, facts: Facts, want: Want) -> Iterator[Refusal]:
    if _free_units(period, facts, want) is not None:
        return
    resource = want.resource
    claim = facts.claim(want, period)
    in_the_way = [t for t in facts.taken.get(resource.id, ()) if claim.clashes_with(t)]
    if all(t.seen and t.used and not t.used.overlaps(period) for t in in_the_way):
        rule = resource.effective(facts.role)["changeover_minutes"]
        yield _refusal(
            "changeover",
            want,
            rule,
            f"{resource.code} is being set up or changed over next to your time: "
            f"yours holds it from {words.moment(claim.starts_at, resource)} "
            f"to {words.moment(claim.held_until, resource)}.",
            "Leave time for set-up and changeover between the bookings.",
            "set-up and changeover",
        )
        return
    message, fix = f"{resource.code} is taken at this time.", "Choose another time."
    if len(resource.units) > 1:
        message = f"{resource.code} has fewer than {want.units} × {resource.unit_name} free at this time."
        fix = "Choose another time, or fewer units."
    yield Refusal("slot_taken", message, resource.code, "no double booking", "the product", fix)


def rooms_must_have_space(period: Period, facts: Facts) -> Iterator[Refusal]:
    for room, want in rooms_of(facts):
        others = others_there(period, facts, room)
        if others is not None and others + facts.people > room.max_persons:
            yield Refusal(
                "room_full",
                f"{room.code} {room.name} takes {room.max_persons} people; yours would be too many then.",
                want.resource.code,
                "most persons of the room",
                f"{room.code} {room.name}",
                "Bring fewer people, or choose another time.",
            )


def rooms_of(facts: Facts) -> list[tuple[RoomPlace, Want]]:
    """List the rooms of a booking, each with the first resource wanted there."""
    found: dict[int, tuple[RoomPlace, Want]] = {}
    for want in facts.wants:
        if want.resource.room is not None:
            found.setdefault(want.resource.room.id, (want.resource.room, want))
    return list(found.values())


def others_there(period: Period, facts: Facts, room: RoomPlace) -> int | None:
    """Return the most people whom others have in a room while ours are there; None if nobody of ours is."""
    attended = any(
        want.resource.running == "attended"
        for want in facts.wants
        if want.resource.room and want.resource.room.id == room.id
    )
    stays = presence_of(room.id, period, facts.people, attended)
    return max((most_people(facts.there, room.id, stay.period) for stay in stays), default=None)


RULES: tuple[Rule, ...] = (
    role_must_be_allowed,
    resource_must_be_in_use,
    must_not_start_in_the_past,
    start_must_keep_the_notice,
    start_must_be_within_the_horizon,
    length_must_fit,
    times_must_be_on_the_grid,
    must_be_inside_opening_hours,
    user_must_be_trained,
    permit_must_be_valid,
    resource_must_be_serviceable,
    nobody_must_work_alone,
    supervisor_must_not_have_too_many,
    units_must_be_free,
)
WHOLE_RULES: tuple[WholeRule, ...] = (rooms_must_have_space, quotas_must_be_kept)


# --- small steps -----------------------------------------------------------------------------------


def _refusal(
    code: str, want: Want, rule: Ruled, message: str, fix: str, name: str, ok_from: datetime | None = None
) -> Refusal:
    return Refusal(code, message, want.resource.code, f"{rule.policy}: {name}", rule.set_by, fix, ok_from)


def _lifecycle_refusal(code: str, want: Want, message: str, fix: str, ok_from: datetime | None) -> Refusal:
    owner = f"{want.resource.facility.code} {want.resource.facility.name}"
    return Refusal(code, message, want.resource.code, "lifecycle", owner, fix, ok_from)


def _starts_as_before(period: Period, facts: Facts) -> bool:
    return facts.before is not None and facts.before.start == period.start


def _last_day(period: Period, resource: ResourcePlace) -> date:
    return (period.end - timedelta(seconds=1)).astimezone(resource.facility.tz).date()


def _days(first: date, last: date) -> set[date]:
    return {first + timedelta(days=n) for n in range(min((last - first).days, 60) + 1)}


def _number(rule: Ruled) -> int:
    return rule.value if isinstance(rule.value, int) else 0
