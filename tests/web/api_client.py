"""A caller of the API in tests: every answer is held against the API's own description."""

import contextvars
import json
from copy import deepcopy
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from flask import Flask
from jsonschema import Draft202012Validator
from werkzeug.test import TestResponse

from booking.people.sessions import create_token
from tests.factories import World, next_weekday

V1 = "/api/v1"


def text(moment: datetime) -> str:
    """Write a moment as the API does."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def a_body(
    what: Any = "H-BSC1", start: datetime | None = None, hours: float = 1, **more: Any
) -> dict[str, Any]:
    """Return the body of a booking, by default of a cabinet for an hour on the next working day at ten."""
    start = start or next_weekday(10)
    return {
        "resources": what if isinstance(what, list) else [what],
        "start": text(start),
        "end": text(start + timedelta(hours=hours)),
        "title": "Passage 12",
        **more,
    }


class Hub:
    """The application on the small world."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app = app
        self.world = world

    def as_(self, name: str, scope: str = "write") -> "Caller":
        """Return somebody with a token."""
        token = create_token(self.world.users[name], "tests", scope, None, None)
        return Caller(self, {"Authorization": f"Bearer {token}"})

    def nobody(self) -> "Caller":
        return Caller(self, {})

    @cached_property
    def description(self) -> dict[str, Any]:
        """The OpenAPI description, with nothing allowed in an answer that is not described."""
        spec = deepcopy(self.app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict())
        for schema in spec["components"]["schemas"].values():
            schema["additionalProperties"] = False
        return spec


class Caller:
    """Somebody who calls the API."""

    def __init__(self, hub: Hub, headers: dict[str, str]) -> None:
        self.hub = hub
        self.headers = headers

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        """Call from an empty context, as a server does, and hold the answer against the description."""
        client = self.hub.app.test_client(use_cookies=False)
        headers = {**self.headers, **options.pop("headers", {})}
        answer: TestResponse = contextvars.Context().run(
            client.open, V1 + path, method=method, headers=headers, **options
        )
        must_be_as_described(self.hub.description, method, path.partition("?")[0], answer)
        return answer

    def get(self, path: str, **options: Any) -> TestResponse:
        return self.send("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> TestResponse:
        return self.send("POST", path, **({"json": body} if body is not None else {}), **options)

    def patch(self, path: str, body: Any, **options: Any) -> TestResponse:
        return self.send("PATCH", path, json=body, **options)

    def delete(self, path: str, **options: Any) -> TestResponse:
        return self.send("DELETE", path, **options)

    def book(self, what: Any = "H-BSC1", start: datetime | None = None, hours: float = 1, **more: Any) -> Any:
        """Make a booking and return it."""
        made = self.post("/bookings", a_body(what, start, hours, **more))
        assert made.status_code == 201, made.text
        return made.json


def must_be_as_described(spec: dict[str, Any], method: str, path: str, answer: TestResponse) -> None:
    """Check an answer's status, type and every member against the description."""
    assert answer.status_code < 500 or answer.status_code == 503, answer.text
    if answer.status_code == 304 or method == "HEAD":
        assert answer.data == b""
        return
    operation = _operation(spec, method, path)
    if answer.status_code >= 400:
        assert answer.mimetype == "application/problem+json"
        shape: dict[str, Any] = {"$ref": "#/components/schemas/Problem"}
        assert answer.json["status"] == answer.status_code
    else:
        assert operation is not None, f"{method} {path} is not described"
        shape = operation["responses"][str(answer.status_code)]["content"][answer.mimetype]["schema"]
    schema = {**shape, "components": spec["components"]}
    faults = [error.message for error in Draft202012Validator(schema).iter_errors(json.loads(answer.data))]
    assert not faults, faults


def _operation(spec: dict[str, Any], method: str, path: str) -> dict[str, Any] | None:
    asked = (V1 + path).split("/")
    for template, operations in spec["paths"].items():
        parts = template.split("/")
        fits = len(parts) == len(asked) and all(
            part == given or part.startswith("{") for part, given in zip(parts, asked, strict=True)
        )
        if fits and method.lower() in operations:
            found: dict[str, Any] = operations[method.lower()]
            return found
    return None
