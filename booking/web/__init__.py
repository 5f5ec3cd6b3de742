"""The HTML door: one module per page group, each a blueprint with its forms."""

import hashlib
from functools import cache
from typing import Any

from flask import Flask, g, request, url_for
from jinja2 import StrictUndefined

from booking.bookings.waiting import count_waiting, decides_anything
from booking.paths import STATIC
from booking.web import errors, security, session, words

PART_OF = {"series": "bookings"}  # page groups without an entry of their own in the top bar


def init_app(app: Flask) -> None:
    """Register every page."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(asset=asset, words=words)
    session.init_app(app)
    security.init_app(app)
    errors.init_app(app)
    app.context_processor(frame)
    _register(app)


def _register(app: Flask) -> None:
    from booking.web import (
        account,
        admin,
        approvals,
        bookings,
        calendar,
        deputies,
        explain,
        feeds,
        find,
        handing,
        home,
        login,
        pages,
        password,
        resources,
        restoring,
        series,
        sharing,
        training,
        waitlist,
    )

    doors = (
        home,
        login,
        password,
        calendar,
        resources,
        find,
        explain,
        bookings,
        series,
        handing,
        restoring,
        sharing,
        approvals,
        waitlist,
        training,
        feeds,
        account,
        deputies,
        admin,
        pages,
    )
    for module in doors:
        app.register_blueprint(module.bp)


@cache
def _fingerprint(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """Return the address of a static file, new whenever its content is."""
    return url_for("static", filename=name, v=_fingerprint(name))


def frame() -> dict[str, Any]:
    """Return what the frame of every page needs."""
    if g.get("bare_page"):  # an error page must not ask the database again
        return {"viewer": None, "nav": []}
    viewer = session.current_viewer()
    return {"viewer": viewer, "nav": navigation() if viewer else []}


def navigation() -> list[dict[str, Any]]:
    """List the pages of the top bar for who is signed in."""
    viewer = session.the_viewer()
    items = [
        _item("Calendar", "calendar.calendar"),
        _item("Resources", "resources.index"),
        _item("Find a slot", "find.find"),
        _item("Bookings", "bookings.index"),
    ]
    if decides_anything(viewer):
        items.append({**_item("Approvals", "approvals.index"), "count": count_waiting(viewer)})
    training = _item("Training", "training.index")
    items.append({**training, "more": True} if viewer.staffs_anything else training)
    items.append(_item("Subscriptions", "feeds.index"))
    items.append({**_item("Waiting list", "waitlist.index"), "more": True})
    if viewer.staffs_anything:
        items.append({**_item("Explain", "explain.show"), "more": True})
        items.append({**_item("Administration", "admin.index"), "more": True})
    items.append({**_item("My account", "account.index"), "more": True})
    return items


def _item(label: str, endpoint: str) -> dict[str, Any]:
    here = (request.endpoint or "").split(".")[0]
    current = PART_OF.get(here, here) == endpoint.split(".")[0]
    return {"label": label, "href": url_for(endpoint), "current": current}
