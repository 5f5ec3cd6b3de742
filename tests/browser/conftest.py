"""A browser on the small world: the application served on loopback, pages opened as somebody."""

import re
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, expect
from werkzeug.serving import make_server

from booking.bookings import actions
from booking.bookings.models import Booking
from tests.db.conftest import world, world_app, world_store, world_url  # noqa: F401 (its fixtures)
from tests.factories import PASSWORD, World, email_of, request, utc

TUESDAY = "2027-01-12"
Open = Callable[..., Page]


@pytest.fixture
def doors() -> bool:
    """The pages are what these tests go through."""
    return True


@pytest.fixture
def engine_kind() -> str:
    """The browser sees the same on both databases."""
    return "sqlite"


@pytest.fixture
def address(world_app: Flask) -> Iterator[str]:  # noqa: F811
    """The application, served to a browser."""
    server = make_server("127.0.0.1", 0, world_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Open]:
    """Open a page of the application as somebody; the console must stay silent."""
    contexts: list[BrowserContext] = []
    noise: list[str] = []

    def sign_in(who: str, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": 1280, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: noise.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: noise.append(str(error)))
        page.goto(f"{address}/login")
        page.fill("[name=email]", email_of(who))
        page.fill("[name=password]", PASSWORD)
        page.click("main button")
        page.wait_for_url(lambda url: "/login" not in url)
        return page

    def go(who: str, path: str = f"/calendar?date={TUESDAY}", **options: Any) -> Page:
        page = sign_in(who, **options)
        page.goto(f"{address}{path}")
        if options.get("java_script_enabled", True) and page.locator("#timeline").count():
            expect(page.locator("#timeline[data-ready]")).to_be_attached()
        return page

    yield go
    for context in contexts:
        context.close()
    expected = re.compile(r"status of (409|412|422)")
    assert [line for line in noise if not expected.search(line)] == []


@pytest.fixture
def book(world: World) -> Callable[..., Booking]:  # noqa: F811
    """Book the cabinet on Tuesday from ten to twelve, unless something else is asked for."""

    def make(by: str = "researcher", hour: float = 10, hours: float = 2, **more: Any) -> Booking:
        start = utc(2027, 1, 12) + timedelta(hours=hour)
        return actions.book(request(start=start, hours=hours, **more), world.viewer(by))

    return make
