"""The API's description of itself, for programs and for people."""

import inspect
import json
import re
from typing import Any

from bs4 import BeautifulSoup
from flask import Flask

from booking.api.links import LEADS_TO
from booking.api.problems import TITLES
from booking.bookings import rules
from tests.web.api_client import V1

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
    told = set(TITLES) | set(re.findall(r'(?:Refusal|_refusal)\(\s*"([a-z_]+)"', inspect.getsource(rules)))
    assert {"slot_taken", "off_grid", "invalid"} <= told
    assert {code for code in told if page.find(id=code) is None} == set()
