"""What the rules of company and of quotas measure, for who asks why."""

from datetime import date

from booking.bookings.measuring import Case, Measure, facility_of, joined
from booking.bookings.quotas import Taking, Use, amount, limit_in_words, plain_amount, taken
from booking.bookings.request import Want
from booking.facilities.places import staffed


def lone_work(case: Case, want: Want) -> Measure:
    """Say who may work alone in the room, and how many others are named."""
    room, named = want.resource.room, len(case.facts.standing.company)
    if room is None or not room.lone_working:
        return Measure("Anybody may work alone.", "lone working", facility_of(want.resource))
    hours = "inside" if staffed(want.resource, case.period) else "not wholly inside"
    text = f"Working alone in {room.code}: {room.lone_working}. {named} named besides, {hours} staffed hours."
    numbers = {"lone_working": room.lone_working, "named": named}
    return Measure(text, f"lone working: {room.lone_working}", f"{room.code} {room.name}", numbers)


def supervision(case: Case, want: Want) -> Measure:
    """Say how many students a supervisor may have at a time, and how many this booking has."""
    most, students = want.resource.facility.most_supervised, case.facts.standing.students
    limit = "No limit is set" if most is None else f"At most {most} students for each supervisor at a time"
    numbers = {"students": students} | ({} if most is None else {"most": most})
    text = f"{limit}; this booking has {students}."
    return Measure(text, "students for each supervisor", facility_of(want.resource), numbers)


def quotas(case: Case) -> Measure:
    """Say what each quota that counts leaves, and what this takes."""
    found = [(use, span, number) for use in case.facts.quotas for span, number in _asked(case, use)]
    said = "; ".join(_in_words(*one) for one in found) or "No quota counts this"
    numbers = {use.quota.name: {"left": use.left(span), "takes": number} for use, span, number in found}
    owners = joined(use.quota.set_by for use in case.facts.quotas)
    return Measure(f"{said}.", "quotas", owners or "the product", numbers)


def _asked(case: Case, use: Use) -> list[tuple[date, int]]:
    wants = [want for want in case.facts.wants if use.counts(want.resource)]
    takings = [Taking(want.resource, case.period, want.units) for want in wants]
    return sorted(taken(use.quota, takings, case.facts.now).items())


def _in_words(use: Use, span: date, number: int) -> str:
    left, takes = plain_amount(use.quota, use.left(span)), amount(use.quota, number)
    return f"{use.quota.name}: {limit_in_words(use.quota)}; {left} left, this takes {takes}"
