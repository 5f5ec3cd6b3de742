"""Somebody's calendar program: makes a link, fetches it as programs do, and reads what it got."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from flask import Flask
from icalendar import Calendar, Event
from sqlalchemy import event
from werkzeug.test import TestResponse

from booking.base.db import db, transaction
from booking.bookings.models import Booking
from booking.calendars.actions import create_feed
from booking.calendars.lint import lint
from booking.facilities.actions import directory_changed
from tests.factories import World

BASE_URL = "https://hub.example"
HOST = "hub.example"
SCOPES = ("me", "resource:H-BSC1", "room:H-01", "facility:HUB", "project:P-OPEN", "organisation")


class Subscriber:
    """Makes and fetches calendar links of the people of the small world."""

    def __init__(self, app: Flask, world: World) -> None:
        self.app = app
        self.world = world
        self.set(base_url=BASE_URL)

    def set(self, **settings: Any) -> None:
        """Change settings as an operator would."""
        self.app.config["SETTINGS"] = replace(self.app.config["SETTINGS"], **settings)

    def link(self, name: str, scope: str = "me", detail: str = "full") -> str:
        """Make a link and return its token."""
        return create_feed(self.world.viewer(name), scope, detail)[1]

    def ask(self, token: str, method: str = "GET", **headers: str) -> TestResponse:
        """Send one request, in a context of its own, without cookies; read the answer to its end."""
        with self.app.app_context():
            client = self.app.test_client(use_cookies=False)
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            answer = client.open(f"/feeds/{token}.ics", method=method, headers=named)
            answer.get_data()
            answer.close()
        return answer

    def calendar(self, token: str, **headers: str) -> bytes:
        """Fetch a calendar that is as it must be."""
        answer = self.ask(token, **headers)
        assert answer.status_code == 200, answer.get_data(as_text=True)
        assert answer.content_type == "text/calendar; charset=utf-8"
        body = answer.get_data()
        assert lint(body) == []
        return body

    def events(self, token: str) -> list[Event]:
        """Fetch a calendar and return its events."""
        return list(Calendar.from_ical(self.calendar(token)).events)

    def seen(self, token: str) -> dict[str, tuple[datetime | date, datetime | date]]:
        """Return what a calendar shows: its titles with start and end."""
        return {str(one["SUMMARY"]): (one["DTSTART"].dt, one["DTEND"].dt) for one in self.events(token)}

    def tag(self, token: str) -> str:
        """Return a calendar's ETag, which must be the weak one of a good answer."""
        answer = self.ask(token)
        assert answer.status_code == 200
        assert answer.headers["ETag"].startswith('W/"')
        return str(answer.headers["ETag"])

    def only(self, token: str) -> Event:
        """Return the one event of a calendar."""
        (event,) = self.events(token)
        return event


def uid(booking: Booking) -> str:
    return f"{booking.uid}@{HOST}"


def put(statement: Any, catalogue: bool = False) -> None:
    """Change rows as other parts of the product would; `catalogue` if it changes names, rules or places."""
    with transaction():
        db.session.execute(statement.execution_options(synchronize_session=False))
        if catalogue:
            directory_changed()
    db.session.expire_all()


def statements(work: Callable[[], Any]) -> int:
    """Count the SQL statements that some work takes."""
    count = 0

    def one_more(*_: Any) -> None:
        nonlocal count
        count += 1

    event.listen(db.engine, "before_cursor_execute", one_more)
    try:
        work()
    finally:
        event.remove(db.engine, "before_cursor_execute", one_more)
    return count
