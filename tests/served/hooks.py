"""What schemathesis cannot know: what the small world takes, and what only the state of things tells."""

import re
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import schemathesis
from hypothesis import strategies as st
from jsonschema import Draft202012Validator, FormatChecker
from marshmallow import ValidationError
from schemathesis import Case, HookContext, Response
from schemathesis.core.failures import Failure
from schemathesis.openapi.checks import RejectedPositiveData, UseAfterFree

from booking.api.reading import read_moment
from tests.factories import working_day
from tests.web.api_client import a_body, text

CODES = {"facilities": ("HUB", "SUS"), "resources": ("H-BSC1", "H-INC1", "H-HALL", "H-LC")}
VALUES: dict[str, tuple[Any, ...]] = {
    "facility": ("HUB",),
    "room": ("H-01", "H-04"),
    "resource": ("H-HALL", "H-INC1"),
    "project": ("P-OPEN", "P-AMBER"),
    "q": ("cab",),
    "limit": (1, 2),
}
# A request of the right shape may still be wrong; no schema can say any of these.
ONLY_THE_STATE_OF_THINGS_TELLS = re.compile(
    "|".join(
        (
            r"There is no (facility|room|resource) ",  # codes are data of the facility
            r"There is nothing of kind ",  # as are kinds,
            r"Nothing of this has \d+ units\.$",  # numbers of units
            r"Nobody here is known as ",  # so are people,
            r".* has no project ",  # projects
            r".* has no \w+ called ",  # and units
            r"Choose from 1 to \d+ \(\w+\) of ",
            r"You may book for others as staff",  # depends on who asks
            r"The end must be after the start\.$",  # two members against each other
            r"Name each (\w+ of .* once\.|resource once)",
            r"(\d+: )?Give units or unit_names, not both\.$",
            r"The booking ends at this time or later already\.$",
            r"Ask for at most 400 days at once\.$",
            r"There is no such time; check day, hour and offset\.$",  # leap seconds, day 31
            r"This date is out of reach; check the year\.$",  # 1990 to 2199
            r"Use the cursor as the page before gave it\.$",  # cursors are ours to write
            r"You have 50 links; withdraw one",
            r"This is free from .* on: book it\.$",  # who waits, waits for what others hold
            r"Waiting would not help, whatever others give up",
            r"You wait for 20 things already",
            r"(rrule: )?The pattern ",  # of a series: a language of its own, unfolded from the start
            r"Explain one booking; a series is tried with",
            r"Try either a change of a booking or a series\.$",
            r"Say why",  # staff, of other people's bookings, and who declines
        )
    )
)


def slots() -> Iterator[dict[str, Any]]:
    """Yield bookings that the small world takes on the days to come."""
    for n in range(12):
        yield a_body("H-HALL", working_day(n, 9 + n % 8), people=0)
        yield a_body([{"code": "H-INC1", "units": 1}], working_day(n, 10, nights=1), 24, notes="two\nlines")
    yield a_body(["H-BSC1", "H-HALL"], working_day(5, 10), 2, people=1)
    yield a_body("H-BR1", working_day(8, 10, nights=1), 24)
    for rrule, on_clash in (("FREQ=WEEKLY;COUNT=3", "skip"), ("FREQ=DAILY;COUNT=2", "refuse")):
        repeat = {"rrule": rrule, "on_clash": on_clash}
        yield a_body("H-HALL", working_day(3, 12), people=0, repeat=repeat)


def bodies() -> dict[str, list[dict[str, Any]]]:
    """Return good bodies by operation."""
    later = {"end": text(working_day(9, 16))}
    return {
        "make_booking": [*slots()],
        "check_booking": [*slots()],
        "explain_booking": [one for one in slots() if "repeat" not in one],
        "change_booking": [
            {"title": "Moved"},
            {"people": 2},
            *(one for one in slots() if "repeat" not in one),
        ],
        "extend_booking": [{"minutes": 30}, {"minutes": 24 * 60}, later],
        "approve_booking": [{"reason": "Fine"}],
        "decline_booking": [{"reason": "Not this week"}],
        "make_feed": [{"scope": scope} for scope in ("me", "resource:H-BSC1", "facility:HUB")],
    }


FORMATS = FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValidationError)
def is_moment(value: Any) -> bool:
    """Tell whether a text is a time as the API reads it."""
    return not isinstance(value, str) or read_moment(value) is not None


GOOD = bodies()
SHAPES: dict[str, Draft202012Validator] = {}
SOON = st.integers(0, 60 * 48).map(lambda n: text(working_day(0, 8) + n * timedelta(minutes=30)))
EVER = st.datetimes(datetime(1990, 1, 1), datetime(2199, 12, 31)).map(text)
ODD = st.sampled_from(
    (
        "2027-02-27t09:00:00.123456789+05:30",
        "2027-03-28T01:30:00-00:00",
        "1990-12-31T23:59:60Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59z",
    )
)
schemathesis.openapi.format("date-time", st.one_of(SOON, SOON, SOON, EVER, ODD))


@schemathesis.hook
def map_body(context: HookContext, body: Any) -> Any:
    """Let every second well-formed body be one that the small world takes: else hardly one would be."""
    assert context.operation is not None
    name = context.operation.definition.raw.get("operationId", "")
    chance = zlib.crc32(repr(body).encode("utf-8", "replace"))
    if name not in GOOD or chance % 2 or not SHAPES[name].is_valid(body):
        return body
    return GOOD[name][chance // 2 % len(GOOD[name])]


@schemathesis.hook
def before_load_schema(_: HookContext, raw_schema: dict[str, Any]) -> None:
    """Put examples into the description: they are tried as they stand and mixed into all that is made up."""
    for path, operations in raw_schema["paths"].items():
        for parameter in operations.get("parameters", []):
            give(parameter, CODES.get(path.split("/")[3], ()) if parameter["name"] == "code" else ())
        for operation in (one for name, one in operations.items() if name != "parameters"):
            for parameter in operation.get("parameters", []):
                give(parameter, VALUES.get(parameter["name"], ()))
            if operation["operationId"] in GOOD:
                body = operation["requestBody"]["content"]["application/json"]
                shape = {**body["schema"], "components": raw_schema["components"]}
                SHAPES[operation["operationId"]] = Draft202012Validator(shape, format_checker=FORMATS)
                give(body, GOOD[operation["operationId"]][-4:])


def give(holder: dict[str, Any], values: Any) -> None:
    if values:
        holder["examples"] = {str(n): {"value": value} for n, value in enumerate(values)}


@schemathesis.hook
def filter_failure(_: HookContext, failure: Failure, case: Case, response: Response) -> bool:
    """Keep a failure unless the answer is one that the interface promises."""
    if isinstance(failure, RejectedPositiveData):
        return not is_explained(case, response)
    if isinstance(failure, UseAfterFree):  # a cancelled booking stays, and can be read
        return not (response.status_code == 200 and response.json().get("status") == "cancelled")
    return True


def is_explained(case: Case, response: Response) -> bool:
    """Tell whether a well-formed request is refused for what it could not know."""
    if response.status_code == 412:
        return "If-Match" in case.headers
    problem = response.json()
    if response.status_code != 422 or problem["code"] == "idempotency_mismatch":
        return response.status_code == 422
    told = [text for texts in problem.get("errors", {}).values() for text in texts]
    if problem["code"] == "invalid":
        return all(ONLY_THE_STATE_OF_THINGS_TELLS.match(one) for one in told)
    return bool(problem["refusals"])  # a rule of the facility says no
