"""The JSON door: the same actions and queries as the pages."""

from typing import Any

from flask import Flask
from flask_smorest import Api
from flask_smorest.spec import prepare_response

TITLE = "Hub Booking"


class HubApi(Api):  # type: ignore[misc]
    """Flask-Smorest's registry, with problem details for errors, and the pages' errors left alone."""

    def _register_error_handlers(self) -> None:
        from booking.api import problems

        problems.init_app(self._app)

    def _register_responses(self) -> None:
        from booking.api.problems import MEDIA_TYPE
        from booking.api.schemas import Problem

        problem: dict[str, Any] = {"description": "What went wrong, and what would help", "schema": Problem}
        prepare_response(problem, self.spec, MEDIA_TYPE)
        for name in ("DEFAULT_ERROR", "UNPROCESSABLE_ENTITY"):
            self.spec.components.response(name, dict(problem), lazy=True)
        self.spec.components.response("NOT_MODIFIED", {"description": "You have it already"}, lazy=True)

    def _register_pagination_header(self) -> None:
        """Our pages say where they go on in the body."""


def init_app(app: Flask) -> None:
    """Register every resource of /api/v1, its description and the page that shows it."""
    from booking.api import bookings, catalogue, docs, feeds  # noqa: F401
    from booking.api.door import PREFIX, door

    app.config.update(API_TITLE=TITLE, API_VERSION="v1", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX=PREFIX)
    api = HubApi(app, spec_kwargs=docs.about())
    api.register_blueprint(door)
    app.register_blueprint(docs.pages)
    if "csrf" in app.extensions:  # the API asks for the header itself, and only of the browser's session
        app.extensions["csrf"].exempt(door)
