"""Calendar subscriptions: list mine, make one, withdraw one."""

import re
from typing import Any

from flask import Response, current_app, request

from booking.api import schemas, shapes
from booking.api.answers import Answer, send, show, version_wanted
from booking.api.callers import caller
from booking.api.door import PREFIX, door
from booking.api.idempotency import once
from booking.api.paging import page_in_order, read_cursor
from booking.base.errors import NotFound, Stale
from booking.calendars.actions import create_feed, revoke_feed
from booking.calendars.queries import Link, feeds_of, link_by_id
from booking.people.viewer import Viewer
from booking.settings import Settings

ONE = "/feeds/<string(length=16):feed_id>"
VERSION = 1  # a subscription is made and withdrawn, never changed
_ID = re.compile(r"[0-9a-f]{16}")


@door.operation("GET", "/feeds", tag="Calendar feeds", shows=schemas.page_of(schemas.FeedShown))
@door.arguments(schemas.Paged, location="query")
def list_feeds(asked: dict[str, Any]) -> Response:
    """List my calendar subscriptions, newest first; their addresses were shown when they were made"""
    bodies = [_shown(link) for link in feeds_of(caller())]
    return show(page_in_order(bodies, asked["limit"], read_cursor(asked.get("cursor"), (int,))))


@door.operation("POST", "/feeds", tag="Calendar feeds", shows=schemas.FeedMade, status=201, said="Made")
@door.arguments(schemas.NewFeed)
def make_feed(body: dict[str, Any]) -> Response:
    """Make a calendar subscription; its address is shown this once"""
    viewer = caller()
    return once(viewer, lambda: _make(viewer, body))


@door.operation("GET", ONE, tag="Calendar feeds", shows=schemas.FeedShown)
def show_feed(feed_id: str) -> Response:
    """Show a calendar subscription; its address was shown when it was made"""
    link = _find(feed_id)
    if link.withdrawn_at is not None:
        raise NotFound
    return send(Answer(_shown(link), version=VERSION))


@door.operation("DELETE", ONE, tag="Calendar feeds", shows=schemas.FeedShown)
def withdraw_feed(feed_id: str) -> Response:
    """Withdraw a calendar subscription; may be repeated"""
    link = _find(feed_id)
    if version_wanted(VERSION) not in (None, VERSION):
        raise Stale
    revoke_feed(feed_id, caller())
    return send(Answer(_shown(link), version=VERSION))


def _find(feed_id: str) -> Link:
    if not _ID.fullmatch(feed_id):
        raise NotFound
    return link_by_id(feed_id, caller())


def _make(viewer: Viewer, body: dict[str, Any]) -> Answer:
    feed, token = create_feed(viewer, body["scope"], body["detail"], body["label"])
    url = f"{_base()}/feeds/{token}.ics"
    addresses = {"url": url, "webcal_url": f"webcal{url[url.index(':') :]}"}
    shown = {**_shown(link_by_id(feed.public_id, viewer)), **addresses}
    return Answer(shown, 201, VERSION, location=f"{PREFIX}/feeds/{feed.public_id}")


def _base() -> str:
    settings: Settings = current_app.config["SETTINGS"]
    return (settings.base_url or request.url_root).rstrip("/")


def _shown(link: Link) -> shapes.Json:
    return {
        "id": link.public_id,
        "scope": link.subject,
        "detail": link.detail,
        "label": link.label,
        "created_at": shapes.moment(link.created_at),
        "last_used_at": shapes.moment(link.fetched_at) if link.fetched_at else None,
        "last_used_by": link.fetched_by,
    }
