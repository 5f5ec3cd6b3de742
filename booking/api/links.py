"""Where answers lead: the links of the OpenAPI description, which programs follow from call to call."""

from collections.abc import Iterable, Iterator

from booking.api.shapes import Json

Link = tuple[str, str, str]  # the operation it leads to, one of its parameters, where in the body that is


def _to_booking(place: str) -> Iterator[Link]:
    for operation in (
        "show_booking",
        "change_booking",
        "cancel_booking",
        "extend_booking",
        "approve_booking",
        "decline_booking",
    ):
        yield operation, "booking_id", place


def _to_feed(place: str) -> Iterator[Link]:
    for operation in ("show_feed", "withdraw_feed"):
        yield operation, "feed_id", place


def _to_wait(place: str) -> Iterator[Link]:
    for operation in ("show_wait", "accept_offer", "leave_waitlist"):
        yield operation, "wait_id", place


LEADS_TO: dict[str, Iterable[Link]] = {
    "make_booking": [*_to_booking("id")],
    "show_booking": [*_to_booking("id")],
    "change_booking": [*_to_booking("id")],
    "extend_booking": [*_to_booking("id")],
    "list_bookings": [*_to_booking("items/0/id"), ("list_bookings", "cursor", "next")],
    "make_feed": [*_to_feed("id")],
    "list_feeds": [*_to_feed("items/0/id"), ("list_feeds", "cursor", "next")],
    "list_facilities": [
        ("show_facility", "code", "items/0/code"),
        ("list_rooms", "facility", "items/0/code"),
        ("list_resources", "facility", "items/0/code"),
        ("list_bookings", "facility", "items/0/code"),
        ("list_facilities", "cursor", "next"),
    ],
    "list_rooms": [
        ("list_resources", "room", "items/0/code"),
        ("list_bookings", "room", "items/0/code"),
        ("list_rooms", "cursor", "next"),
    ],
    "list_resources": [
        ("show_resource", "code", "items/0/code"),
        ("show_availability", "code", "items/0/code"),
        ("list_bookings", "resource", "items/0/code"),
        ("list_resources", "cursor", "next"),
    ],
    "list_modules": [("list_modules", "cursor", "next")],
    "list_sessions": [
        ("take_a_place", "session_id", "items/0/id"),
        ("leave_a_place", "session_id", "items/0/id"),
        ("list_sessions", "cursor", "next"),
    ],
    "take_a_place": [("leave_a_place", "session_id", "id")],
    "join_waitlist": [*_to_wait("id")],
    "list_waits": [*_to_wait("items/0/id"), ("list_waits", "cursor", "next")],
    "show_me": [("list_bookings", "project", "projects/0/code")],
}


def links_of(operation: str) -> Json:
    """Return the links of an operation's answer, as OpenAPI writes them."""
    return {
        f"{target}_by_{parameter}": {
            "operationId": target,
            "parameters": {parameter: f"$response.body#/{place}"},
        }
        for target, parameter, place in LEADS_TO.get(operation, ())
    }
