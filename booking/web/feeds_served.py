"""The calendar behind a link, as programs fetch it: without cookie or password, again and again.

They read a wrong answer as an empty calendar: it is never redirected, never HTML; no session is looked at.
"""

import gzip
import re

import structlog
from flask import Flask, Request, Response, current_app, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from limits import RateLimitItemPerHour
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.routing import RoutingException

from booking.base import clock
from booking.base.errors import Busy
from booking.base.kept import Kept
from booking.calendars.actions import NOTED_EVERY, note_fetch
from booking.calendars.feed import compose, etag, is_gone
from booking.calendars.packed import packed
from booking.calendars.queries import Link, find_link
from booking.calendars.site import Site
from booking.facilities.queries import viewer_of
from booking.limits import Limits
from booking.settings import Settings

log = structlog.get_logger("booking")

HEADERS = {
    "Cache-Control": "private, no-cache",
    "Vary": "Accept-Encoding",
    "X-Robots-Tag": "noindex",
    "Referrer-Policy": "no-referrer",
}
PROGRAMS = (
    ("Google Calendar", "google-calendar|google"),
    ("Outlook", "outlook|microsoft|exchange|office"),
    ("Thunderbird", "thunderbird|lightning"),
    ("Apple Calendar", "ios/|macos|mac os x|mac_os_x|dataaccessd|calendaragent|icloud"),
    ("Evolution or GNOME Calendar", "evolution|gnome|libsoup"),
    ("vdirsyncer", "vdirsyncer"),
    ("Android", "android|dalvik|icsx5|davx"),
    ("A browser", "mozilla"),
)


def answer(token: str) -> Response:
    """Answer a calendar program; whatever goes wrong, it gets a plain text and keeps what it has."""
    try:
        link = find_link(token)
        if link is None:
            return nothing()
        wait = _count(link)
        if wait:
            return _plain("This calendar is fetched too often.", 429, {"Retry-After": str(wait)})
        return _answer(token, link)
    except (Busy, SQLAlchemyError) as error:
        log.error("feed", fault=type(error).__name__)
        return _plain("The calendar cannot be read at this moment.", 503, {"Retry-After": "30"})
    except Exception as error:
        log.error("feed", exc_info=error)
        return _plain("The calendar cannot be written.", 500)


def not_a_calendar(why: RoutingException | HTTPException) -> Response:
    """Answer an address that leads nowhere, or a method other than GET and HEAD."""
    if isinstance(why, MethodNotAllowed):
        return _plain("A calendar can only be read.", 405, {"Allow": "GET, HEAD"})
    return nothing()


def nothing() -> Response:
    return _plain("There is no such calendar.", 404)


class SessionForBrowsers(SecureCookieSessionInterface):
    """Neither reads nor sends a cookie where a calendar is fetched, or where a program names its token."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        return self.session_class() if _by_program(request) else super().open_session(app, request)

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not _by_program(request):
            super().save_session(app, session, response)


def _by_program(asked: Request) -> bool:
    if asked.path.startswith("/api/"):
        return "Authorization" in asked.headers
    return asked.path.startswith("/feeds/") and asked.path.endswith(".ics")


def _answer(token: str, link: Link) -> Response:
    if is_gone(link):
        return _plain("This calendar link was withdrawn.", 410)
    site = _site()
    tag = etag(link, site)
    if request.if_none_match.contains_weak(tag):
        response = Response(status=304, headers=HEADERS)
    else:
        response = _calendar(*_bytes(tag, token, link, site), link)
    response.set_etag(tag, weak=True)
    if link.withdrawn_at is None:
        _note_afterwards(response, link)
    return response


def _bytes(tag: str, token: str, link: Link, site: Site) -> tuple[bytes, bytes | None]:
    """Return the calendar, packed, and as it is if it was put together now: that is once for every tag.

    It is kept only if nothing changed meanwhile: a tag must never stand for what came after it.
    """
    kept: Kept = current_app.config["KEPT"]
    small = kept.find(tag)
    if small is not None:
        return small, None
    body = compose(link, viewer_of(link.owner_id), site)
    small, now = packed(body), find_link(token)
    if now is not None and etag(now, site) == tag:
        kept.keep(tag, small)
    return small, body


def _calendar(small: bytes, body: bytes | None, link: Link) -> Response:
    response = Response(headers=HEADERS, content_type="text/calendar; charset=utf-8")
    if request.accept_encodings["gzip"] > 0:
        response.headers["Content-Encoding"] = "gzip"
        response.set_data(small)
    else:
        response.set_data(gzip.decompress(small) if body is None else body)
    response.headers["Content-Disposition"] = f'inline; filename="{link.scope}.ics"'
    return response


def _plain(text: str, status: int, headers: dict[str, str] | None = None) -> Response:
    plain = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex", "Referrer-Policy": "no-referrer"}
    return Response(
        text + "\n", status, {**plain, **(headers or {})}, content_type="text/plain; charset=utf-8"
    )


def _site() -> Site:
    settings: Settings = current_app.config["SETTINGS"]
    return Site(settings.base_url, settings.feed_max_events)


def _note_afterwards(response: Response, link: Link) -> None:
    """Note the fetch once the answer has been sent, so that a busy database delays nobody."""
    if link.fetched_at is not None and clock.now() - link.fetched_at < NOTED_EVERY:
        return
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    program = program_of(request.user_agent.string)

    @response.call_on_close
    def note() -> None:
        with app.app_context():
            try:
                note_fetch(link.id, program)
            except (Busy, SQLAlchemyError) as error:
                log.warning("fetch not noted", fault=type(error).__name__)


def program_of(user_agent: str) -> str:
    """Name the family of a calendar program, no more than its owner needs to recognise it."""
    for name, pattern in PROGRAMS:
        if re.search(pattern, user_agent, re.IGNORECASE):
            return name
    return "Another program"


def _count(link: Link) -> int:
    """Return how long a program must wait, 0 if it need not."""
    limits: Limits = current_app.config["LIMITS"]
    rate = RateLimitItemPerHour(current_app.config["SETTINGS"].feed_rate, namespace="feed")
    return limits.hit(rate, link.public_id)
