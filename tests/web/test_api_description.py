"""The API's description of itself, for programs and for people."""

import inspect
import json
import re
from typing import Any

from bs4 import BeautifulSoup
from flask import Flask

from booking.api.links import LEADS_TO
from booking.api.problems import TITLES
from booking.bookings import rules, rules_people
from tests.factories import World
from tests.web.api_client import V1, Hub, a_body

OPERATIONS = {
    ("GET", "/me"),
    ("GET", "/facilities"),
    ("GET", "/facilities/{code}"),
    ("GET", "/rooms"),
    ("GET", "/resources"),
    ("GET", "/resources/{code}"),
    ("GET", "/resources/{code}/availability"),
    ("GET", "/bookings"),
    ("POST", "/bookings"),
    ("POST", "/bookings/check"),
    ("POST", "/bookings/explain"),
    ("GET", "/bookings/{booking_id}"),
    ("PATCH", "/bookings/{booking_id}"),
    ("DELETE", "/bookings/{booking_id}"),
    ("POST", "/bookings/{booking_id}/approve"),
    ("POST", "/bookings/{booking_id}/decline"),
    ("POST", "/bookings/{booking_id}/extend"),
    ("GET", "/feeds"),
    ("POST", "/feeds"),
    ("GET", "/feeds/{feed_id}"),
    ("DELETE", "/feeds/{feed_id}"),
    ("GET", "/training/modules"),
    ("GET", "/training/mine"),
    ("GET", "/training/sessions"),
    ("POST", "/training/sessions/{session_id}/places"),
    ("DELETE", "/training/sessions/{session_id}/places"),
}


def description(app: Flask) -> dict[str, Any]:
    answer = app.test_client().get(f"{V1}/openapi.json")
    assert (answer.status_code, answer.mimetype) == (200, "application/json")
    found: dict[str, Any] = answer.json
    return found


def test_every_operation_is_described(app: Flask) -> None:
    spec = description(app)
    assert spec["openapi"] == "3.1.0"
    described = {
        (method.upper(), path.removeprefix(V1))
        for path, operations in spec["paths"].items()
        for method in operations
        if method != "parameters"
    }
    assert described >= OPERATIONS


def test_every_operation_has_a_name_a_summary_and_says_what_goes_wrong(app: Flask) -> None:
    spec, names = description(app), []
    for path, operations in spec["paths"].items():
        for method in operations.keys() - {"parameters"}:
            operation = operations[method]
            names.append(operation["operationId"])
            assert operation["summary"], path
            assert "default" in operation["responses"], path
            named = {one["name"] for one in operation.get("parameters", [])}
            wanted = {"get": "If-None-Match", "post": "Idempotency-Key"}.get(method)
            assert wanted is None or wanted in named, path
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere(app: Flask) -> None:
    spec = description(app)
    references = {part.split('"')[0] for part in json.dumps(spec).split('"$ref": "')[1:]}
    assert references
    for reference in references:
        place: Any = spec
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_every_link_leads_to_a_parameter_of_an_operation(app: Flask) -> None:
    spec = description(app)
    takes: dict[str, set[str]] = {}
    for operations in spec["paths"].values():
        for method in operations.keys() - {"parameters"}:
            given = [*operations.get("parameters", []), *operations[method].get("parameters", [])]
            takes[operations[method]["operationId"]] = {one["name"] for one in given}
    found = [
        link
        for operations in spec["paths"].values()
        for method in operations.keys() - {"parameters"}
        for answer in operations[method]["responses"].values()
        for link in answer.get("links", {}).values()
    ]
    assert len(found) == sum(len(list(links)) for links in LEADS_TO.values())
    assert LEADS_TO.keys() <= takes.keys()
    assert [link for link in found if not link["parameters"].keys() <= takes[link["operationId"]]] == []


def test_links_can_be_followed(world_app: Flask, world: World) -> None:
    """From what a booking, a feed and the lists answer, to wherever their links lead."""
    hub = Hub(world_app, world)
    researcher, spec = hub.as_("researcher"), hub.description
    addresses = {
        operation["operationId"]: (method, path.removeprefix(V1), operation)
        for path, operations in spec["paths"].items()
        for method, operation in operations.items()
        if method != "parameters"
    }
    bodies: dict[str, Any] = {"change_booking": {"title": "Two"}, "extend_booking": {"minutes": 30}}
    not_theirs = {"approve_booking", "decline_booking"}
    starts: tuple[tuple[str, Any], ...] = (
        ("make_booking", a_body("H-HALL")),
        ("make_feed", {"scope": "me"}),
        *((f"list_{name}", None) for name in ("bookings", "feeds", "facilities", "rooms", "resources")),
    )
    for start, body in starts:
        method, path, operation = addresses[start]
        for link in operation["responses"]["201" if method == "post" else "200"]["links"].values():
            answer = researcher.send(
                method.upper(), path, **({"json": body} if body else {"query_string": "limit=1"})
            )
            target, ((name, expression),) = link["operationId"], link["parameters"].items()
            value = resolved(answer.json, expression)
            if value is None or target in not_theirs:  # a last page leads nowhere
                continue
            verb, to, _ = addresses[target]
            sent = {"json": bodies[target]} if target in bodies else {}
            query = {} if f"{{{name}}}" in to else {"query_string": {name: value}}
            reached = researcher.send(verb.upper(), to.replace(f"{{{name}}}", str(value)), **sent, **query)
            expected = (
                {200} if start.startswith("make") else {200, 409}
            )  # the one listed may be cancelled by now
            assert reached.status_code in expected, (start, target, reached.text)


def resolved(body: Any, expression: str) -> Any:
    """Find in a body what a link's expression means."""
    for step in expression.removeprefix("$response.body#/").split("/"):
        body = body[int(step)] if isinstance(body, list) else body[step]
    return body


def test_people_can_read_it(world_app: Flask) -> None:
    answer = world_app.test_client().get("/api/docs")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    page = BeautifulSoup(answer.text, "html.parser")
    headings = {heading.get_text() for heading in page.find_all("h3")}
    assert headings >= {f"{method} {V1}{path}" for method, path in OPERATIONS}
    names = [element["id"] for element in page.find_all(id=True)]
    assert len(set(names)) == len(names)
    links = {link["href"] for link in page.select("main a")}
    assert {link[1:] for link in links if link.startswith("#")} <= set(names)
    assert {link for link in links if not link.startswith("#")} == {f"{V1}/openapi.json"}


def test_every_problem_has_its_place_on_the_page(world_app: Flask) -> None:
    """The `type` of a problem leads there: so every code that the product can tell must be on the page."""
    page = BeautifulSoup(world_app.test_client().get("/api/docs").text, "html.parser")
    code = inspect.getsource(rules) + inspect.getsource(rules_people)
    found = re.findall(r'(?:[Rr]efusal\(\s*|code(?:, ok_from)? = )"([a-z_]+)"', code)
    told = set(TITLES) | set(found)
    assert {"slot_taken", "off_grid", "invalid", "training_missing", "permit_expires"} <= told
    assert {code for code in told if page.find(id=code) is None} == set()
