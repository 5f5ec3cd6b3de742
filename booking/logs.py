"""Structured logs: one line an event, with a request id, without secrets."""

import logging
import re
import secrets
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog
from flask import Flask, Response, g, request

from booking.base import clock
from booking.settings import Settings

_SECRET = re.compile(
    r"(/feeds/|/shared/|/password/set/)[A-Za-z0-9_-]{20,}|(/approvals/by-mail/)[A-Za-z0-9_.-]{20,}"
)


def init_app(app: Flask) -> None:
    """Set up logging as the settings say, and log each request when it is answered."""
    configure(app.config["SETTINGS"])
    log = structlog.get_logger("booking")

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if re.fullmatch(r"[A-Za-z0-9-]{8,64}", given) else secrets.token_hex(8)
        g.began_at = clock.now()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def answered(response: Response) -> Response:
        if "request_id" in g:
            response.headers["X-Request-ID"] = g.request_id
            took = (clock.now() - g.began_at).total_seconds() * 1000
            log.info(
                "request",
                method=request.method,
                path=without_secrets(request.path),
                status=response.status_code,
                ms=round(took, 1),
            )
            structlog.contextvars.clear_contextvars()
        return response


def without_secrets(path: str) -> str:
    """Return a path fit for a log: links that are secrets hidden, control characters escaped."""
    plain = _SECRET.sub(r"\1\2<token>", path)
    return plain.encode("unicode_escape").decode("ascii")[:500]


def configure(settings: Settings) -> None:
    """Send all logs to standard error as text or JSON."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        _hide_secrets,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=False)
    )
    level = getattr(logging, settings.log_level.upper(), logging.INFO)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, force=True)


def _hide_secrets(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = _SECRET.sub(r"\1\2<token>", value)
    return event
