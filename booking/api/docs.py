"""What the API says of itself: the head of its OpenAPI description, and a page for people."""

from typing import Any

from flask import Blueprint, current_app, render_template

from booking.api.problems import TITLES
from booking.api.shapes import Json
from booking.bookings.words import REFUSALS

pages = Blueprint("api_docs", __name__)
ABOUT = (
    "Bookings of rooms, machines and people's time. Times are RFC 3339 with an offset; answers are in UTC. "
    "Lists come in pages: follow next with cursor. Whatever goes wrong is an RFC 9457 problem."
)
METHODS = ("get", "post", "patch", "delete")


def about() -> dict[str, Any]:
    """Return the head of the OpenAPI description."""
    schemes = {
        "token": {"type": "http", "scheme": "bearer", "description": "A token from your account page"},
        "session": {"type": "apiKey", "in": "cookie", "name": "hub", "description": "The browser's session"},
    }
    return {
        "info": {"description": ABOUT},
        "components": {"securitySchemes": schemes},
        "security": [{"token": []}, {"session": []}],
        "servers": [{"url": "/"}],
    }


@pages.get("/api/docs")
def show() -> str:
    """Show every operation to people."""
    spec = current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
    codes = sorted((TITLES | REFUSALS).items())
    return render_template("api/docs.html", about=ABOUT, sections=sections(spec), problems=codes)


def sections(spec: Json) -> list[tuple[str, list[Json]]]:
    """Sort the operations of a description by tag, as the page shows them."""
    by_tag: dict[str, list[Json]] = {}
    for path, operations in spec["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                shown = _operation(path, method, operation, operations.get("parameters", []), spec)
                by_tag.setdefault(operation["tags"][0], []).append(shown)
    return list(by_tag.items())


def _operation(path: str, method: str, operation: Json, shared: list[Json], spec: Json) -> Json:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    inputs = [
        *shared,
        *operation.get("parameters", []),
        *(_members(content["schema"], spec) if content else ()),
    ]
    return {
        "id": operation["operationId"],
        "method": method.upper(),
        "path": path,
        "summary": operation["summary"],
        "description": operation.get("description", "").replace("`", ""),
        "inputs": [(one["name"], one["in"], _words(one)) for one in inputs],
        "answers": " or ".join(sorted(code for code in operation["responses"] if code < "400")),
    }


def _members(schema: Json, spec: Json) -> list[Json]:
    shape = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    return [
        {"name": name, "in": "body", "schema": member, "required": name in shape.get("required", ())}
        for name, member in shape["properties"].items()
    ]


def _words(given: Json) -> str:
    schema = given["schema"]
    kind = schema.get("type", "text or object" if "oneOf" in schema else "any")
    words = [" or ".join(kind) if isinstance(kind, list) else kind]
    words += [schema["format"]] if "format" in schema else []
    words += ["one of " + ", ".join(map(str, schema["enum"]))] if "enum" in schema else []
    words += ["needed"] if given.get("required") else []
    words += [text] if (text := given.get("description", schema.get("description"))) else []
    return "; ".join(words)
