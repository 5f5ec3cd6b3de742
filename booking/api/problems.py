"""Errors of the API: RFC 9457 problem details for whatever goes wrong below /api, from one place."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from flask import Flask, Response, g, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from booking.api import shapes
from booking.base.errors import BookingError, Busy, Forbidden, Invalid, NotFound, Refused, problem
from booking.bookings.series import SeriesClash

MEDIA_TYPE = "application/problem+json"
log = structlog.get_logger("booking")

CODES = {
    400: "unreadable",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    429: "too_many_requests",
    500: "error",
}
TITLES = {
    "unreadable": "The request cannot be read",
    "unauthorized": "Sign in first",
    "forbidden": "Not yours to do",
    "csrf": "The request does not come from our own pages",
    "not_found": "Nothing is here",
    "method_not_allowed": "This address does not take that method",
    "not_changeable": "It can no longer be changed",
    "stale": "It was changed meanwhile",
    "too_large": "The body is too large",
    "unsupported_media_type": "The body must be JSON",
    "invalid": "The request has a wrong shape",
    "idempotency_mismatch": "This key was used for another request",
    "too_many_requests": "Too many requests",
    "too_many_failures": "Too many failures",
    "busy": "Busy",
    "error": "Something went wrong on our side",
}
REFUSED = "The booking is refused"


class NotSignedIn(BookingError):
    status = 401
    code = "unauthorized"

    def __init__(self, message: str, challenge: str = 'Bearer realm="Hub Booking"') -> None:
        super().__init__(message)
        self.challenge = challenge


class Unreadable(BookingError):
    status = 400
    code = "unreadable"


class WrongMediaType(BookingError):
    status = 415
    code = "unsupported_media_type"


class Forged(Forbidden):
    code = "csrf"


def init_app(app: Flask) -> None:
    """Answer every error below /api with a problem; what goes wrong on pages stays with the pages.

    The handlers of a blueprint see no unknown address, and those of the application belong to the pages.
    """
    of_pages = app.handle_user_exception

    def handle(error: Exception) -> Any:
        return answer(error) if is_api(request.path) else of_pages(error)

    app.handle_user_exception = handle  # type: ignore[method-assign,assignment]


def is_api(path: str) -> bool:
    return path == "/api" or path.startswith("/api/")


def answer(error: Exception) -> AnyResponse:
    """Return the problem that tells the caller about an error."""
    if isinstance(error, HTTPException):
        return _of_http(error)
    if isinstance(error, PoolTimeout):
        error = Busy()
    if isinstance(error, OperationalError):
        log.error("database", error=type(error.orig).__name__, exc_info=error)
        error = Busy("The database does not answer at the moment; please try again.")
    if isinstance(error, BookingError):
        return _of_booking(error)
    log.error("unexpected", path=ascii(request.path)[:200], exc_info=error)
    return _response(
        500, "error", "Nothing was stored. Tell the facility's staff the request id.", _request()
    )


def _of_http(error: HTTPException) -> AnyResponse:
    status = error.code or 500
    if status < 400 or error.response is not None:
        return error.get_response()
    detail = str(NotFound()) if status == 404 else error.description or HTTPStatus(status).phrase
    response = _response(status, CODES.get(status, "error"), detail)
    for name, value in error.get_headers():
        if name.lower() in ("allow", "retry-after", "www-authenticate"):
            response.headers[name] = value
    return response


def _of_booking(error: BookingError) -> Response:
    shared = problem(error)
    response = _response(shared["status"], shared["code"], shared["detail"], members_of(error))
    if isinstance(error, NotSignedIn):
        response.headers["WWW-Authenticate"] = error.challenge
    if hasattr(error, "retry_after"):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def members_of(error: BookingError) -> dict[str, Any]:
    """Return what a problem says beyond its common members."""
    if isinstance(error, Invalid):
        return {"errors": error.errors}
    if not isinstance(error, Refused):
        return {}
    members: dict[str, Any] = {
        "refusals": [shapes.refusal(one) for one in error.refusals],
        "alternatives": [shapes.alternative(one) for one in error.alternatives],
    }
    if isinstance(error, SeriesClash):
        members["occurrences"] = [shapes.occurrence(one) for one in error.occurrences]
    return members


def _request() -> dict[str, Any]:
    return {"request_id": g.request_id} if "request_id" in g else {}


def _response(status: int, code: str, detail: str, members: Mapping[str, Any] | None = None) -> Response:
    body = {
        "type": f"/api/docs#{code}",
        "title": TITLES.get(code, REFUSED),
        "status": status,
        "detail": detail,
        "code": code,
        **(members or {}),
    }
    response = Response(json.dumps(body), status, mimetype=MEDIA_TYPE)
    response.headers["Cache-Control"] = "no-store"
    return response


def flat(messages: Any) -> dict[str, list[str]]:
    """Turn marshmallow's nested messages into field → messages, places inside a field before the text."""
    if not isinstance(messages, Mapping):
        return {"body": _texts(messages)}
    names = {"_schema": "body"}
    return {names.get(str(name), str(name))[:100]: _texts(inner) for name, inner in messages.items()}


def _texts(messages: Any, place: str = "") -> list[str]:
    if isinstance(messages, Mapping):
        return [
            text
            for name, inner in messages.items()
            for text in _texts(inner, f"{place}.{name}" if place else str(name))
        ]
    if isinstance(messages, Sequence) and not isinstance(messages, str):
        return [text for one in messages for text in _texts(one, place)]
    return [f"{place[:100]}: {messages}" if place else str(messages)]
