"""The API's description of itself, for programs and for people."""

import json
from typing import Any

from flask import Flask

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
    ("GET", "/feeds"),
    ("POST", "/feeds"),
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


def test_people_can_read_it_without_scripts(app: Flask) -> None:
    answer = app.test_client().get("/api/docs")
    assert (answer.status_code, answer.mimetype) == (200, "text/html")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    for method, path in OPERATIONS:
        assert f"{method} {V1}{path}" in answer.text
    for forbidden in ("<script", "style=", "http://", "https://"):
        assert forbidden not in answer.text
