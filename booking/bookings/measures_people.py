"""What the rules of competence, permits and certificates measure, in words and numbers."""

from datetime import date

from booking.base.words import day
from booking.bookings.measuring import Case, Measure, facility_of, joined
from booking.bookings.request import Want
from booking.bookings.rules_people import last_day_of
from booking.facilities.places import ResourcePlace
from booking.training.standing import Held, ModuleAsked, PermitAsked, covered_through
from booking.training.words import TIMES_WORDS


def training(case: Case, want: Want) -> Measure:
    """Measure what is held of the modules that a resource asks for, and through which day."""
    resource, standing = want.resource, case.facts.standing
    asked = standing.requirements.modules_of(resource.id)
    if not asked:
        return Measure(f"{resource.code} asks for no training.", "training", _trainers(resource))
    held = {module: standing.mine(module.id) for module in asked}
    through = {
        module: last_day_of(one, module, resource, case.facts.now) if one else None
        for module, one in held.items()
    }
    said = "; ".join(_competence(module, one, through[module]) for module, one in held.items())
    numbers = {
        module.code: {
            "needed": module.level,
            "held": one.level if one else None,
            "through": _iso(through[module]),
        }
        for module, one in held.items()
    }
    names = ", ".join(f"{module.code} {module.title}" for module in asked)
    owners = joined(module.set_by or _trainers(resource) for module in asked)
    return Measure(f"{said}.", names, owners, numbers)


def _competence(module: ModuleAsked, held: Held | None, through: date | None) -> str:
    if held is None:
        return f"{module.code}: not on record"
    return f"{module.code}: {held.level}" + (f" through {day(through)}" if through else ", without end")


def permits(case: Case, want: Want) -> Measure:
    """Measure through which day the permits reach that a resource asks for."""
    resource, standing = want.resource, case.facts.standing
    needs = standing.requirements.permits_of(resource, standing.project_id)
    if not needs:
        return Measure(f"{resource.code} asks for no permit.", "permits", facility_of(resource))
    first = case.period.start.astimezone(resource.facility.tz).date()
    fitting = [one for one in standing.permits() if one.covers(resource)]
    through = {
        need: covered_through([one for one in fitting if one.kind == need.kind], first) for need in needs
    }
    numbers = {need.kind: {"needed": need.at_times, "through": _iso(last)} for need, last in through.items()}
    said = "; ".join(_permit(need, last) for need, last in through.items())
    names, owners = joined(need.kind for need in needs), joined(need.set_by for need in needs)
    return Measure(f"{said}.", names, owners or facility_of(resource), numbers)


def _permit(need: PermitAsked, through: date | None) -> str:
    when = "" if need.at_times == "always" else f" ({TIMES_WORDS[need.at_times].lower()})"
    return f"{need.kind}{when}: " + (f"valid through {day(through)}" if through else "none on that day")


def service(case: Case, want: Want) -> Measure:
    """Measure through which day a resource may be used."""
    certificate = want.resource.serviceable_until
    if certificate is None:
        text = f"{want.resource.code} has no examination that runs out."
        return Measure(text, "serviceable until", facility_of(want.resource))
    text = f"{certificate.kind}: valid through {day(certificate.valid_through)}."
    source = f"serviceable until: {certificate.kind}"
    numbers = {"through": certificate.valid_through.isoformat()}
    return Measure(text, source, facility_of(want.resource), numbers)


def _trainers(resource: ResourcePlace) -> str:
    return f"{resource.facility.code} trainers"


def _iso(value: date | None) -> str | None:
    return value.isoformat() if value else None
