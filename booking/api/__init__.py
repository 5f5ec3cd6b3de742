"""The JSON door: the same actions and queries as the pages."""

from flask import Flask

TITLE = "Hub Booking"


def init_app(app: Flask) -> None:
    """Register every resource of /api/v1, its description and the page that shows it."""
    from booking.api import bookings, catalogue, docs, feeds, slots, training, waitlist  # noqa: F401
    from booking.api.description import HubApi, Plugin
    from booking.api.door import PREFIX, door

    app.config.update(API_TITLE=TITLE, API_VERSION="v1", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX=PREFIX)
    api = HubApi(app, spec_kwargs={**docs.about(), "marshmallow_plugin": Plugin()})
    api.register_blueprint(door)
    app.register_blueprint(docs.pages)
    if "csrf" in app.extensions:  # the API asks for the header itself, and only of the browser's session
        app.extensions["csrf"].exempt(door)
