"""Who is calling: a bearer token, or the browser's session with its CSRF header for writes."""

from flask import current_app, g, request
from flask_login import current_user
from flask_wtf.csrf import validate_csrf
from wtforms import ValidationError

from booking.api import rates
from booking.api.problems import Forged, NotSignedIn
from booking.facilities.queries import viewer_of
from booking.people.sessions import must_be_able_to_write, token_user
from booking.people.viewer import Viewer

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
STORES_NOTHING = frozenset({"api.check_booking", "api.explain_booking", "api.search_slots"})


def authenticate() -> None:
    """Find out who is calling, before anything of the request is read."""
    if request.method == "OPTIONS":
        return
    given = request.headers.get("Authorization")
    try:
        viewer = _by_session() if given is None else _by_token(given)
    except NotSignedIn:
        rates.count_stranger()
        raise
    if request.method not in SAFE and request.endpoint not in STORES_NOTHING:
        must_be_able_to_write(viewer)
    g.api_caller = viewer


def caller() -> Viewer:
    """Return who is calling."""
    viewer: Viewer = g.api_caller
    return viewer


def _by_token(given: str) -> Viewer:
    scheme, _, token = given.strip().partition(" ")
    if scheme.lower() != "bearer":
        raise NotSignedIn("Send an API token as Authorization: Bearer, or sign in with the browser.")
    token = token.strip()
    rates.must_be_free_to_try(token)
    found = token_user(token)
    viewer = viewer_of(*found) if found else None
    if viewer is None:
        raise NotSignedIn(
            "This token does not work: it is wrong, was revoked, or is past its date.",
            'Bearer realm="Hub Booking", error="invalid_token"',
        )
    rates.count_token(token)
    return viewer


def _by_session() -> Viewer:
    """Return whom the pages' sign-in knows: Flask-Login's user carries the viewer."""
    viewer: Viewer | None = getattr(current_user, "viewer", None)
    if viewer is None:
        raise NotSignedIn("Send an API token as Authorization: Bearer, or sign in with the browser.")
    rates.count_person(viewer.id)
    if request.method not in SAFE and current_app.config.get("WTF_CSRF_ENABLED", True):
        _must_come_from_our_pages()
    return viewer


def _must_come_from_our_pages() -> None:
    try:
        validate_csrf(request.headers.get("X-CSRFToken"))
    except ValidationError as error:
        raise Forged("Send the page's CSRF token in the header X-CSRFToken.") from error
