"""Error pages that say what happened and what to do."""

import structlog
from flask import Flask, g, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from booking.base.errors import BookingError, NotFound

log = structlog.get_logger("booking")
HOME = [("Go to my start page", "/"), ("Open the calendar", "/calendar")]
TITLES = {
    400: "We could not read that",
    403: "You may not do this",
    404: "There is nothing here",
    405: "This address does not take that",
    409: "This can no longer be changed",
    412: "Somebody changed this meanwhile",
    413: "That is too large",
    422: "Something needs to be put right",
    429: "Too many tries",
    500: "Something went wrong on our side",
    503: "Many people are booking this moment",
}
ADVICE = {
    400: ["Go back, load the page again and send the form once more."],
    403: ["Ask the facility's staff if you think that you should be able to."],
    404: ["Check the address.", "If somebody sent you the link, it may be for other people's eyes only."],
    412: ["Open it again to see how it stands now, and repeat your change."],
    413: ["Send less than one megabyte."],
    429: ["Wait a few minutes and try again."],
    500: ["Try again in a moment.", "If it happens again, tell the facility's staff the number below."],
    503: ["Try again in a moment: nothing was lost."],
}


def init_app(app: Flask) -> None:
    """Answer every error with a page; below /api the API's own handlers come first."""
    app.register_error_handler(BookingError, refused)
    app.register_error_handler(CSRFError, forged)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unexpected)


def refused(error: BookingError) -> tuple[str, int, dict[str, str]]:
    headers = {}
    if hasattr(error, "retry_after"):
        headers["Retry-After"] = str(error.retry_after)
    return page(error.status, str(error)), error.status, headers


def forged(error: CSRFError) -> tuple[str, int]:
    return page(400, "This page was open for too long, or was not sent from our site."), 400


def http_error(error: HTTPException) -> Response | tuple[str, int, list[tuple[str, str]]]:
    code = error.code or 500
    if code < 400:
        return error.get_response()
    text = str(NotFound()) if code == 404 else str(error.description)
    headers = [(k, v) for k, v in error.get_headers() if k.lower() not in ("content-type", "content-length")]
    return page(code, text), code, headers


def unexpected(error: Exception) -> tuple[str, int, dict[str, str]]:
    if isinstance(error, OperationalError | PoolTimeout):
        log.error("database", exc_info=error)
        return page(503, "The database does not answer at the moment."), 503, {"Retry-After": "2"}
    log.error("unexpected", path=ascii(request.path)[:200], exc_info=error)
    return page(500, f"Your last step was not stored. Number: {g.get('request_id', '')}"), 500, {}


def page(status: int, happened: str) -> str:
    """Build an error page."""
    g.bare_page = status >= 500
    return render_template(
        "errors/error.html",
        title=TITLES.get(status, "This did not work"),
        happened=happened,
        advice=ADVICE.get(status, ["Go back and try another way."]),
        actions=HOME,
    )
