"""Every page in a browser: WCAG at two widths, light and dark, no sideways scrolling, the keyboard."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from booking.base.db import db
from booking.bookings import actions
from booking.bookings.answer_links import make_answer_link
from booking.bookings.request import Override
from booking.bookings.waiting import steps_of
from booking.facilities.banner_actions import BannerDetails, post_banner
from booking.notifications.models import OutboxMessage
from booking.people.links import make_link
from booking.training.permits import keep_document
from booking.training.sessions import take_place
from tests.browser.conftest import TUESDAY, Open
from tests.db.approval_world import a_deputy, a_rule, an_owner
from tests.db.quota_world import a_quota
from tests.db.training_world import (
    a_certificate,
    a_module,
    a_need,
    a_permit,
    a_session,
    competent,
    today,
)
from tests.factories import SECRET_KEY, World, request, utc

pytestmark = pytest.mark.browser
WCAG = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
NOT_PAGES = {
    "pages.healthz",
    "pages.readyz",
    "pages.robots",
    "feeds.calendar",
    "login.login",
    "training.document",
    "admin.overrides.as_csv",
    "bookings.table",
}


def paths(app: Flask, **more: str) -> Iterator[str]:
    """Yield the address of every page of the address map, with things of the small world in it."""
    known = {"code": "H-BSC1", **more}
    with app.test_request_context():
        adapter = app.url_map.bind("localhost")
        for rule in app.url_map.iter_rules():
            if "GET" not in (rule.methods or ()) or rule.endpoint in NOT_PAGES:
                continue
            if rule.rule.startswith(("/static", "/api/v1", "/feeds/<")):
                continue
            yield adapter.build(rule.endpoint, {name: known.get(name, "1") for name in rule.arguments})


def a_mail() -> str:
    """Return the id of a mail in the outbox."""
    return db.session.scalars(select(OutboxMessage.public_id)).first() or ""


def some_training(world: World) -> None:
    """Ask for a module, a permit and an examination, and plan a session."""
    module = a_module("H-BSC1", world, "H-BSC1", "H-BSC2", valid_months=12)
    session = a_session(world, module, utc(2027, 1, 13, 10))
    take_place(session.id, world.viewer("student"))
    competent(world, "colleague", module, today())
    a_need(world, resource_id=world.resources["H-BSC1"])
    keep_document(a_permit(user_id=world.users["admin"]).id, "paper", b"%PDF-1", world.viewer("admin"))
    a_certificate(world, "H-BSC1", today())


def some_approvals(world: World) -> str:
    """Ask for approval in two steps, name owner and deputy, overrule a rule; return the link of a mail."""
    a_rule(world, "quality_officer", "staff", resource="H-BSC2", name="Donor material")
    an_owner(world, "researcher", "H-BSC1")
    a_deputy(world, "admin", "leader")
    asked = actions.book(request("H-BSC2", start=utc(2027, 1, 19, 10)), world.viewer("student"))
    override = Override(("too_long",), "The audit is that day")
    actions.book(request(start=utc(2027, 1, 20, 9), hours=8, override=override), world.viewer("admin"))
    (step, _) = steps_of(asked.id)
    return f"/approvals/by-mail/{make_answer_link(step.id, world.users['staff'], SECRET_KEY)}"


def complaints(page: Page) -> list[str]:
    """Return what axe finds, and whether the page scrolls sideways."""
    found = Axe().run(page, options=WCAG).response["violations"]
    told = [f"{one['id']}: {one['nodes'][0]['target']}" for one in found]
    wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
    return told + (["scrolls sideways"] if wide else [])


@pytest.mark.parametrize(
    ("width", "scheme"), [(1280, "light"), (360, "dark")], ids=["desktop, light", "phone, dark"]
)
def test_no_page_has_a_barrier(world: World, world_app: Flask, visit: Open, width: int, scheme: str) -> None:
    booking = actions.book(request(start=utc(2027, 1, 12, 10)), world.viewer("researcher"))
    by_mail = some_approvals(world)
    some_training(world)
    a_quota(world, "week", 720)
    actions.book(request("H-BR1", start=utc(2027, 1, 18, 10), hours=24), world.viewer("researcher"))
    day = utc(2027, 1, 12).date()
    post_banner(BannerDetails("HUB", "The lift is out until Tuesday.", day, day), world.viewer("staff"))
    page = visit("admin", "/", color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    base = page.url.rstrip("/")
    found: dict[str, list[str]] = {}
    seen = 0
    mail, token = a_mail(), make_link(world.users["student"], "invitation")
    for path in (by_mail, *paths(world_app, booking_id=booking.public_id, message_id=mail, token=token)):
        if page.request.get(base + path).ok:
            page.goto(base + path)
            seen += 1
            found[path] = complaints(page)
    assert {path: told for path, told in found.items() if told} == {}
    assert by_mail in found
    assert seen > 40


def test_a_refusal_has_no_barrier_and_gets_the_focus(world: World, visit: Open) -> None:
    actions.book(request(start=utc(2027, 1, 12, 10), hours=2), world.viewer("researcher"))
    page = visit("student", f"/bookings/new?resource=H-BSC1&start={TUESDAY}T10:00&end={TUESDAY}T11:00")
    page.get_by_label("Title").fill("Late")
    page.get_by_role("button", name="Book").click()
    expect(page.get_by_text("is taken at this time")).to_be_visible()
    assert complaints(page) == []
    page.get_by_label("Title").fill("")
    page.get_by_role("button", name="Book").click()
    expect(page.get_by_role("alert")).to_be_focused()
    assert complaints(page) == []


@pytest.mark.parametrize("width", [1280, 360])
def test_the_dates_of_a_series_have_no_barrier(world: World, visit: Open, width: int) -> None:
    actions.book(request(start=utc(2027, 1, 19, 10)), world.viewer("colleague"))
    page = visit("student", f"/bookings/new?resource=H-BSC1&start={TUESDAY}T10:00&end={TUESDAY}T11:00")
    page.set_viewport_size({"width": width, "height": 900})
    expect(page.get_by_label("How many times")).to_be_hidden()
    page.get_by_label("Title").fill("Feed")
    page.get_by_label("Repeats").select_option("daily")
    expect(page.get_by_label("Wednesday")).to_be_hidden()
    page.get_by_label("Repeats").select_option("weekly")
    expect(page.get_by_label("Wednesday")).to_be_visible()
    page.get_by_label("How many times").fill("3")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="2 of 3 dates can be booked")).to_be_visible()
    assert complaints(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Tue 26 Jan 2027, 10:00–11:00")).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Booked 1 date.")).to_be_visible()
    assert complaints(page) == []
    for name in ("Change", "Cancel"):
        page.get_by_role("link", name=name, exact=True).click()
        expect(page.get_by_label("This and all following")).to_be_visible()
        assert complaints(page) == []
        page.go_back()


def test_signing_in_and_booking_by_keyboard_alone(visit: Open) -> None:
    page = visit("researcher", f"/bookings/new?resource=H-BSC1&start={TUESDAY}T10:00&end={TUESDAY}T11:00")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Title")).to_be_focused()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("By keyboard")
