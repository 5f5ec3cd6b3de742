"""The blueprint that every address of the API belongs to, and how an operation is declared on it."""

from collections.abc import Callable
from typing import Any

from flask_smorest import Blueprint

from booking.api import callers
from booking.api.links import links_of
from booking.api.reading import Parser

PREFIX = "/api/v1"
View = Callable[..., Any]

IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "description": "Your own name for this request: sent again, it gets the first answer again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": r"^[!-~]([ -~]*[!-~])?$"},
}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "description": "The ETag of what you read: if it was changed meanwhile, the answer is 412.",
    "schema": {"type": "string"},
}
IF_NONE_MATCH = {
    "in": "header",
    "name": "If-None-Match",
    "description": "The ETag of what you have: if it is still so, the answer is 304 without a body.",
    "schema": {"type": "string"},
}
_HEADERS = {"GET": [IF_NONE_MATCH], "POST": [IDEMPOTENCY_KEY], "PATCH": [IF_MATCH], "DELETE": [IF_MATCH]}
_TEXT = {"schema": {"type": "string"}}
_ETAG = {
    "ETag": {"description": "For If-None-Match, and If-Match where there is something to change.", **_TEXT}
}
_LOCATION = {"Location": {"description": "Where it is from now on.", **_TEXT}}


def _told(status: int) -> dict[str, Any]:
    return _ETAG | _LOCATION if status == 201 else _ETAG


class Door(Blueprint):  # type: ignore[misc]
    """Flask-Smorest's blueprint with our strict reading, and one decorator for an operation."""

    ARGUMENTS_PARSER = Parser()

    def arguments(self, schema: Any, **more: Any) -> Any:
        """Declare what an operation takes; the schema is made once, not for every request."""
        return super().arguments(schema() if isinstance(schema, type) else schema, **more)

    def operation(
        self, method: str, rule: str, *, tag: str, shows: Any, status: int = 200, said: str = "As asked for"
    ) -> Callable[[View], View]:
        """Declare an operation: its address, what it shows, and that all else is a problem."""

        def declare(view: View) -> View:
            view = self.response(status, shows, description=said, headers=_told(status))(view)
            view = self.alt_response("default", response="DEFAULT_ERROR")(view)
            view = self.doc(operationId=view.__name__)(view)
            if links := links_of(view.__name__):
                view = self.doc(responses={status: {"links": links}})(view)
            arguments = view._apidoc.setdefault("arguments", {})  # type: ignore[attr-defined]
            arguments.setdefault("parameters", []).extend(_HEADERS[method])
            if method == "GET":
                view = self.alt_response(304, response="NOT_MODIFIED")(view)
            declared: View = self.route(rule, methods=[method], tags=[tag])(view)
            return declared

        return declare


door = Door("api", __name__, url_prefix=PREFIX, description="Hub Booking")
door.before_request(callers.authenticate)
