"""What the API says of itself: the head of its OpenAPI description, and a page for people."""

from typing import Any

from flask import Blueprint, Flask, Response, url_for
from markupsafe import Markup, escape

from booking.api.problems import TITLES
from booking.api.shapes import Json

pages = Blueprint("api_docs", __name__)
POLICY = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'"
ABOUT = (
    "Bookings of rooms, machines and people's time. Times are RFC 3339 with an offset; answers are in UTC. "
    "Lists come in pages: follow `next` with `cursor`. Whatever goes wrong is an RFC 9457 problem."
)
METHODS = ("get", "post", "patch", "delete")
_PAGE = Markup(
    '<!doctype html><html lang="en"><head><meta charset="utf-8">'
    '<meta name="viewport" content="width=device-width, initial-scale=1">'
    '<title>API - Hub Booking</title><link rel="stylesheet" href="{style}"></head>'
    '<body><main id="main" class="wrap"><h1>API</h1><p>{about}</p>'
    '<p>The machine-readable description: <a href="{spec}">OpenAPI 3.1</a>. '
    '<a href="/">To Hub Booking</a></p>{operations}'
    '<section><h2 id="problems">Problems</h2><dl>{problems}</dl></section></main></body></html>'
)
_OPERATION = Markup(
    '<article><h3 id="{id}"><code>{method} {path}</code></h3><p>{summary}</p>{description}{parameters}{body}'
    "<p>Answers: {answers}</p></article>"
)


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
def show() -> Response:
    """Show every operation to people; no script, nothing from elsewhere."""
    from flask import current_app

    response = Response(str(page(_description(current_app))), mimetype="text/html")
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _description(app: Flask) -> Json:
    spec: Json = app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()
    return spec


def page(spec: Json) -> Markup:
    """Build the page from the OpenAPI description."""
    return _PAGE.format(
        style=url_for("static", filename="style.css"),
        about=spec["info"]["description"],
        spec=url_for("api-docs.openapi_json"),
        operations=_sections(spec),
        problems=_join(
            Markup('<dt id="{0}"><code>{0}</code></dt><dd>{1}</dd>').format(code, title)
            for code, title in sorted(TITLES.items())
        ),
    )


def _sections(spec: Json) -> Markup:
    by_tag: dict[str, list[Markup]] = {}
    for path, operations in spec["paths"].items():
        for method in METHODS:
            if method in operations:
                shown = _operation(path, method, operations[method], operations.get("parameters", []), spec)
                by_tag.setdefault(operations[method]["tags"][0], []).append(shown)
    sections = (
        Markup("<section><h2>{}</h2>{}</section>").format(tag, _join(shown)) for tag, shown in by_tag.items()
    )
    return _join(sections)


def _operation(path: str, method: str, operation: Json, shared: list[Json], spec: Json) -> Markup:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    more = operation.get("description")
    return _OPERATION.format(
        id=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation.get("summary", ""),
        description=Markup("<p>{}</p>").format(more) if more else "",
        parameters=_table("Parameters", [*shared, *operation.get("parameters", [])]),
        body=_body(content["schema"], spec) if content else "",
        answers=", ".join(operation["responses"]),
    )


def _body(schema: Json, spec: Json) -> Markup:
    shape = spec["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    needed = shape.get("required", [])
    rows = [
        {"name": name, "in": "body", "schema": one, "required": name in needed}
        for name, one in shape["properties"].items()
    ]
    return _table("Body", rows)


def _table(caption: str, rows: list[Json]) -> Markup:
    if not rows:
        return Markup("")
    head = Markup(
        "<thead><tr><th scope=col>Name</th><th scope=col>Where</th><th scope=col>What</th></tr></thead>"
    )
    cells = _join(
        Markup("<tr><th scope=row><code>{}</code></th><td>{}</td><td>{}</td></tr>").format(
            row["name"], row["in"], _words(row)
        )
        for row in rows
    )
    return Markup("<table class=table><caption>{}</caption>{}<tbody>{}</tbody></table>").format(
        caption, head, cells
    )


def _words(row: Json) -> str:
    schema = row["schema"]
    kind = schema.get("type", "text or object" if "oneOf" in schema else "any")
    words = [" or ".join(kind) if isinstance(kind, list) else kind]
    words += [str(schema["format"])] if "format" in schema else []
    words += ["one of " + ", ".join(map(str, schema["enum"]))] if "enum" in schema else []
    words += ["needed"] if row.get("required") else []
    words += [row["description"]] if "description" in row else []
    return "; ".join(words)


def _join(parts: Any) -> Markup:
    return Markup("").join(escape(part) for part in parts)
