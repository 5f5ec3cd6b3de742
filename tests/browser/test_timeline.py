"""The timeline in a browser: dragging, the keyboard, details, news of others, phones, no JavaScript, WCAG."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from booking.base import clock
from booking.base.db import db
from booking.base.period import Period
from booking.bookings import actions
from booking.bookings.models import Booking
from booking.bookings.queries import blocks
from tests.browser.conftest import TUESDAY, Open
from tests.factories import World, request, utc

pytestmark = pytest.mark.browser
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def row(page: Page, code: str) -> Locator:
    return page.locator(f"tr[data-resource={code}]").first


def at(page: Page, code: str, hour: float) -> tuple[float, float]:
    """Return where on the screen an hour of the day is in a row."""
    line = row(page, code)
    line.scroll_into_view_if_needed()
    box, name = line.bounding_box(), line.locator("th").bounding_box()
    assert box is not None
    assert name is not None
    width = box["width"] - name["width"]
    return box["x"] + name["width"] + width * (hour - 6) / 14, box["y"] + box["height"] / 2


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*start)
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2, steps=4)
    page.mouse.move(*end, steps=4)
    expect(page.locator("#timeline-tip")).not_to_contain_text("Checking")
    page.mouse.up()


def times(booking_id: str) -> tuple[datetime, datetime]:
    db.session.rollback()
    found = db.session.query(Booking).filter_by(public_id=booking_id).populate_existing().one()
    return found.starts_at, found.ends_at


def on(world: World, code: str = "H-BSC1") -> list[tuple[str, datetime, datetime]]:
    """Return what is booked on a resource on Tuesday."""
    db.session.rollback()
    window = Period(utc(2027, 1, 12), utc(2027, 1, 13))
    found = blocks(world.viewer("admin"), [world.resources[code]], window)
    return [(block.title, block.starts_at, block.ends_at) for block in found]


def hour(value: float) -> datetime:
    return utc(2027, 1, 12) + timedelta(hours=value)


# --- with the mouse ----------------------------------------------------------------------------------


def test_dragging_over_free_time_books_it(visit: Open, world: World) -> None:
    page = visit("researcher")
    drag(page, at(page, "H-BSC1", 9.1), at(page, "H-BSC1", 11.4))
    dialog = page.get_by_role("dialog", name="New booking")
    expect(dialog).to_contain_text("Tue 12 Jan, 09:00–11:30 (2 h 30 min)")
    dialog.get_by_role("button", name="Book").click()
    expect(dialog).to_contain_text("Give the booking a title.")
    dialog.get_by_label("Title").fill("Passage 12")
    dialog.get_by_role("button", name="Book").click()
    made = row(page, "H-BSC1").get_by_role("link", name="Passage 12")
    expect(made).to_contain_text("09:00–11:30")
    expect(page.locator("#timeline-toast")).to_contain_text("Booked: Passage 12")
    assert on(world) == [("Passage 12", hour(9), hour(11.5))]


def test_a_click_on_free_time_books_from_there(visit: Open) -> None:
    page = visit("researcher")
    page.mouse.click(*at(page, "H-BSC2", 13.2))
    expect(page.get_by_role("dialog")).to_contain_text("13:00–14:00")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).not_to_be_attached()


def test_what_is_refused_says_why_and_what_would_do(
    visit: Open,
    book: Callable[..., Booking],
    world: World,
) -> None:
    book("student")
    page = visit("researcher")
    drag(page, at(page, "H-BSC1", 8.1), at(page, "H-BSC1", 10.9))
    dialog = page.get_by_role("dialog", name="New booking")
    expect(dialog).to_contain_text("H-BSC1 is taken at this time")
    expect(dialog.get_by_role("button", name="Book", exact=True)).to_be_disabled()
    expect(dialog).to_contain_text("These would be accepted")
    dialog.locator(".timeline-options button").first.click()
    expect(dialog.get_by_role("button", name="Book", exact=True)).to_be_enabled()
    dialog.get_by_label("Title").fill("Instead")
    dialog.get_by_role("button", name="Book", exact=True).click()
    expect(page.locator("#timeline-toast")).to_contain_text("Booked: Instead")
    expect(page.get_by_role("dialog")).not_to_be_attached()


def test_a_booking_moves_in_time_and_to_a_twin_and_back(
    visit: Open,
    book: Callable[..., Booking],
    world: World,
) -> None:
    moved = book(title="Passage 12").public_id
    page = visit("researcher")
    drag(page, at(page, "H-BSC1", 11), at(page, "H-BSC2", 14))
    expect(row(page, "H-BSC2").get_by_role("link", name="Passage 12")).to_contain_text("13:00–15:00")
    assert times(moved) == (hour(13), hour(15))
    assert on(world, "H-BSC1") == []
    page.get_by_role("button", name="Undo").click()
    expect(row(page, "H-BSC1").get_by_role("link", name="Passage 12")).to_contain_text("10:00–12:00")
    assert times(moved) == (hour(10), hour(12))


@pytest.mark.parametrize(("grip", "to", "expected"), [(11.95, 13.4, (10, 13.5)), (10.05, 9.1, (9, 12))])
def test_an_edge_stretches_a_booking(
    visit: Open, book: Callable[..., Booking], grip: float, to: float, expected: tuple[float, float]
) -> None:
    stretched = book(title="Passage 12").public_id
    page = visit("researcher")
    drag(page, at(page, "H-BSC1", grip), at(page, "H-BSC1", to))
    expect(page.locator("#timeline-toast")).to_contain_text("Moved to")
    assert times(stretched) == (hour(expected[0]), hour(expected[1]))


def test_a_move_onto_others_stays_where_it_was(visit: Open, book: Callable[..., Booking]) -> None:
    mine, _ = book(title="Mine").public_id, book("student", hour=14)
    page = visit("researcher")
    drag(page, at(page, "H-BSC1", 11), at(page, "H-BSC1", 15))
    dialog = page.get_by_role("dialog", name="It stays where it was")
    expect(dialog).to_contain_text("H-BSC1 is taken at this time")
    dialog.get_by_role("button", name="Leave it").click()
    assert times(mine) == (hour(10), hour(12))


def test_an_alternative_moves_it_there(visit: Open, book: Callable[..., Booking]) -> None:
    mine, _ = book(title="Mine").public_id, book("student", hour=14)
    page = visit("researcher")
    drag(page, at(page, "H-BSC1", 11), at(page, "H-BSC1", 15))
    page.get_by_role("dialog").locator(".timeline-options button").first.click()
    expect(page.locator("#timeline-toast")).to_contain_text("Moved to")
    assert times(mine) != (hour(10), hour(12)) or page.locator("tr[data-resource=H-BSC2] a.bk").count() == 1


def test_a_booking_of_others_cannot_be_dragged(visit: Open, book: Callable[..., Booking]) -> None:
    other = book("student").public_id
    page = visit("colleague")
    start = at(page, "H-BSC1", 11)
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + 200, start[1], steps=5)
    expect(page.locator(".bk--draft")).to_have_count(0)
    page.mouse.up()
    assert times(other) == (hour(10), hour(12))


def test_staff_who_move_a_booking_say_why(visit: Open, book: Callable[..., Booking]) -> None:
    other = book("student").public_id
    page = visit("staff")
    drag(page, at(page, "H-BSC1", 11), at(page, "H-BSC1", 15))
    dialog = page.get_by_role("dialog", name="Say why")
    dialog.get_by_label("Reason for the change").fill("The cabinet is serviced at noon.")
    dialog.get_by_role("button", name="Save").click()
    expect(page.locator("#timeline-toast")).to_contain_text("Moved to")
    assert times(other) == (hour(14), hour(16))


def test_a_change_of_somebody_else_meanwhile_is_not_overwritten(
    visit: Open,
    book: Callable[..., Booking],
    world: World,
) -> None:
    booking = book(title="Passage 12")
    page = visit("researcher")
    later = request(start=hour(15), hours=2, title="Passage 12")
    actions.change(booking.public_id, later, world.viewer("researcher"))
    drag(page, at(page, "H-BSC1", 11), at(page, "H-BSC1", 9))
    expect(page.locator("#timeline-toast")).to_contain_text("Somebody changed this booking meanwhile")
    expect(row(page, "H-BSC1").get_by_role("link", name="Passage 12")).to_contain_text("15:00–17:00")
    assert times(booking.public_id) == (hour(15), hour(17))


def test_escape_ends_a_drag(visit: Open, book: Callable[..., Booking]) -> None:
    booking = book().public_id
    page = visit("researcher")
    page.mouse.move(*at(page, "H-BSC1", 11))
    page.mouse.down()
    page.mouse.move(*at(page, "H-BSC1", 15), steps=5)
    expect(page.locator(".bk--draft")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(page.locator(".bk--draft")).to_have_count(0)
    page.mouse.up()
    assert times(booking) == (hour(10), hour(12))


def test_a_week_can_be_dragged_too(visit: Open, book: Callable[..., Booking]) -> None:
    booking = book(title="Passage 12", hours=4).public_id
    page = visit("researcher", f"/calendar?view=week&date={TUESDAY}")
    box = row(page, "H-BSC1").get_by_role("link", name="Passage 12").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + 15)
    drag(page, middle, (middle[0] + box["width"] * 26 / 8, middle[1]))
    expect(page.locator("#timeline-toast")).to_contain_text("Wed 13 Jan, 10:00–14:00")
    assert times(booking)[0] == utc(2027, 1, 13, 10)


# --- by keyboard -------------------------------------------------------------------------------------


def test_arrows_walk_over_the_timeline_with_one_stop_for_tab(
    visit: Open, book: Callable[..., Booking]
) -> None:
    book(title="Passage 12")
    page = visit("researcher")
    expect(page.locator(".timeline tbody [tabindex='0']")).to_have_count(1)
    first = row(page, "H-BSC1").locator("a.gap").first
    first.focus()
    page.keyboard.press("ArrowRight")
    expect(row(page, "H-BSC1").get_by_role("link", name="Passage 12")).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(row(page, "H-BSC2").locator("a.gap").first).to_be_focused()
    expect(page.locator(".timeline tbody [tabindex='0']")).to_have_count(1)


def test_a_booking_is_moved_and_stretched_by_keyboard(visit: Open, book: Callable[..., Booking]) -> None:
    booking = book(title="Passage 12").public_id
    page = visit("researcher")
    said = page.locator("#timeline-said")
    row(page, "H-BSC1").get_by_role("link", name="Passage 12").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog", name="Passage 12")).to_be_visible()
    page.keyboard.press("Enter")
    expect(said).to_contain_text("Arrow keys move it")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    expect(said).to_contain_text("11:00–13:30. Can be booked.")
    page.keyboard.press("Enter")
    expect(said).to_contain_text("Moved to Tue 12 Jan, 11:00–13:30")
    expect(row(page, "H-BSC1").get_by_role("link", name="Passage 12")).to_be_focused()
    assert times(booking) == (hour(11), hour(13.5))


def test_escape_leaves_a_booking_where_it_was(visit: Open, book: Callable[..., Booking]) -> None:
    booking = book(title="Passage 12").public_id
    page = visit("researcher")
    row(page, "H-BSC1").get_by_role("link", name="Passage 12").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Escape")
    expect(page.locator("#timeline-said")).to_have_text("Left as it was.")
    expect(page.locator(".bk--draft")).to_have_count(0)
    assert times(booking) == (hour(10), hour(12))


def test_free_time_is_booked_by_keyboard(visit: Open, world: World) -> None:
    page = visit("researcher")
    row(page, "H-BSC1").locator("a.gap").first.focus()
    page.keyboard.press("Enter")
    for key in ("ArrowRight", "ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator("#timeline-said")).to_contain_text("08:00–09:30. Can be booked.")
    page.keyboard.press("Enter")
    page.get_by_label("Title").fill("By hand")
    page.keyboard.press("Enter")
    expect(page.locator("#timeline-said")).to_contain_text("Booked: By hand")
    assert on(world) == [("By hand", hour(8), hour(9.5))]


def test_a_refusal_is_said_aloud(visit: Open, book: Callable[..., Booking]) -> None:
    book(title="Mine")
    book("student", hour=13)
    page = visit("researcher")
    row(page, "H-BSC1").get_by_role("link", name="Mine").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#timeline-said")).to_contain_text("H-BSC1 is taken at this time")


# --- details -----------------------------------------------------------------------------------------


def test_details_show_on_hover_and_focus_and_escape_hides_them(
    visit: Open, book: Callable[..., Booking]
) -> None:
    book(title="Passage 12")
    page = visit("colleague")
    tip = page.get_by_role("tooltip")
    link = row(page, "H-BSC1").get_by_role("link", name="Passage 12")
    link.hover()
    expect(tip).to_contain_text("Set-up from 09:45")
    expect(link).to_have_attribute("aria-describedby", "timeline-tip")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    page.mouse.move(0, 0)
    row(page, "H-BSC1").locator("a.gap").first.focus()
    page.keyboard.press("ArrowRight")
    expect(tip).to_contain_text("Passage 12")
    page.keyboard.press("Escape")
    expect(tip).to_be_hidden()
    expect(link).not_to_have_attribute("aria-describedby", "timeline-tip")


def test_units_open_in_place(visit: Open, book: Callable[..., Booking]) -> None:
    book(what="H-INC1", hours=48, title="Shelf life")
    page = visit("researcher")
    page.locator("[data-toggle=H-INC1]").click()
    expect(page.locator("tr.timeline-lane")).to_have_count(8)
    expect(page).to_have_url(re.compile("open=H-INC1"))
    expect(page.locator("[data-toggle=H-INC1]")).to_be_focused()
    assert "open=H-INC1" in (page.locator("a[rel=next]").get_attribute("href") or "")
    page.locator("[data-toggle=H-INC1]").click()
    expect(page.locator("tr.timeline-lane")).to_have_count(0)


# --- news --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["week", "list"])
def test_a_booking_of_somebody_else_appears_by_itself(
    visit: Open, book: Callable[..., Booking], view: str
) -> None:
    page = visit("student", f"/calendar?view={view}&date={TUESDAY}")
    expect(page.get_by_text("News of others")).to_have_count(0)
    book(title="News of others", hours=4)
    expect(page.locator("#timeline").get_by_text("News of others").locator("visible=true")).to_be_visible(
        timeout=20_000
    )


def test_news_keep_the_focus_and_the_place(visit: Open, book: Callable[..., Booking]) -> None:
    book(title="Passage 12")
    page = visit("researcher")
    page.set_viewport_size({"width": 800, "height": 500})
    frame = page.locator(".timeline-scroll")
    frame.evaluate("box => { box.scrollTop = 60; box.scrollLeft = 90; }")
    link = row(page, "H-BSC1").get_by_role("link", name="Passage 12")
    link.evaluate("link => link.focus({preventScroll: true})")
    before = frame.evaluate("box => [box.scrollLeft, box.scrollTop]")
    book("student", what="H-BSC2", title="News of others")
    expect(row(page, "H-BSC2")).to_contain_text("News of others", timeout=20_000)
    expect(row(page, "H-BSC1").get_by_role("link", name="Passage 12")).to_be_focused()
    assert frame.evaluate("box => [box.scrollLeft, box.scrollTop]") == before


def test_a_sleeping_server_costs_nothing_but_a_304(visit: Open) -> None:
    page = visit("student")
    answers: list[int] = []
    page.on("response", lambda answer: answers.append(answer.status) if "fragment=1" in answer.url else None)
    page.clock.install()
    page.reload()
    expect(page.locator("#timeline[data-ready]")).to_be_attached()
    for _ in range(3):
        with page.expect_response(lambda answer: "fragment=1" in answer.url):
            page.clock.fast_forward(15_500)
        page.wait_for_timeout(100)
    assert answers == [200, 304, 304]


# --- without JavaScript, on a phone, for everybody ----------------------------------------------------


def test_without_javascript_a_gap_becomes_a_booking(visit: Open, world: World) -> None:
    page = visit("researcher", java_script_enabled=False)
    row(page, "H-BSC1").locator("a.gap").first.click()
    page.get_by_label("Title").fill("Without a script")
    page.locator("main form button.button--primary").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Without a script")
    assert on(world) == [("Without a script", hour(7), hour(8))]


def test_on_a_phone_a_day_is_booked_from_its_lines(visit: Open, world: World) -> None:
    page = visit("researcher")
    page.set_viewport_size({"width": 360, "height": 740})
    expect(page.locator("table.timeline")).to_be_hidden()
    card = page.locator(".timeline-list > li", has_text="H-BSC1")
    expect(card.locator(".strip")).to_be_visible()
    card.get_by_role("link", name=re.compile("Book")).first.click()
    page.get_by_label("Title").fill("From a phone")
    page.locator("main form button.button--primary").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("From a phone")
    assert on(world) == [("From a phone", hour(7), hour(8))]


def test_nothing_spills_at_any_width(visit: Open, book: Callable[..., Booking]) -> None:
    book(title="A very long title that goes on and on, and then some, without ever coming to its end")
    book(what="H-INC1", hours=48)
    page = visit("researcher")
    for view in ("day", "week", "month", "list"):
        page.goto(re.sub(r"/calendar.*", f"/calendar?view={view}&date={TUESDAY}&open=H-INC1", page.url))
        for width in (320, 360, 768, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 900})
            spill = page.evaluate(
                "document.documentElement.scrollWidth - document.documentElement.clientWidth"
            )
            assert spill <= 0, (view, width)


def test_a_week_fits_on_a_desk(visit: Open) -> None:
    page = visit("researcher", f"/calendar?view=week&date={TUESDAY}")
    assert page.locator(".timeline-scroll").evaluate("box => box.scrollWidth - box.clientWidth") <= 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_view_meets_wcag(visit: Open, book: Callable[..., Booking], scheme: Any, width: int) -> None:
    book(title="Passage 12")
    book(hour=13, hours=0.5, title="Short one")
    book("amber", hour=15, title="Secret harvest")
    book("student", hour=15, what="H-BSC2", title="Another")
    book(what="H-INC1", hours=48)
    book(what="H-BR1", hour=10 + 3 * 24, hours=72, title="A request")
    page = visit("researcher", color_scheme=scheme)
    page.set_viewport_size({"width": width, "height": 900})
    paths = [f"view={view}&date={TUESDAY}&open=H-INC1" for view in ("day", "week", "month", "list")]
    for query in [*paths, "facility=SUS&view=week", "date=2026-10-25", "date=nonsense&q=nothing"]:
        page.goto(re.sub(r"/calendar.*", f"/calendar?{query}", page.url))
        expect(page.locator("#timeline[data-ready]")).to_be_attached()
        found = Axe().run(page, options={"runOnly": WCAG}).response["violations"]
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == [], query


def test_dialogs_meet_wcag(visit: Open, book: Callable[..., Booking]) -> None:
    book("student")
    page = visit("researcher")
    drag(page, at(page, "H-BSC1", 8.1), at(page, "H-BSC1", 10.9))
    expect(page.get_by_role("dialog")).to_contain_text("These would be accepted")
    found = Axe().run(page, options={"runOnly": WCAG}).response["violations"]
    assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


def test_the_line_of_now_follows_the_servers_clock(visit: Open) -> None:
    page = visit("student", "/calendar")
    line = page.locator(".timeline-now line")
    expect(line).to_have_attribute("x1", re.compile(r"^21\.[4-5]"))
    assert clock.now().hour == 9


# --- the facility's clock ----------------------------------------------------------------------------


def test_times_are_the_facilitys_wherever_one_is(visit: Open, world: World) -> None:
    page = visit("researcher", timezone_id="America/New_York")
    expect(page.locator("#timeline-zone")).to_contain_text("Europe/London")
    page.mouse.click(*at(page, "H-BSC1", 13.2))
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("13:00–14:00")
    dialog.get_by_label("Title").fill("From afar")
    dialog.get_by_role("button", name="Book", exact=True).click()
    expect(row(page, "H-BSC1").get_by_role("link", name="From afar")).to_contain_text("13:00–14:00")
    assert on(world) == [("From afar", hour(13), hour(14))]


CLOCK = """async ([address, question, moment, minutes]) => {
  const clock = (await import(address)).clockOf("Europe/London");
  return clock[question](moment / 60, minutes);
}"""


def test_the_browser_knows_the_hour_that_comes_twice_and_the_one_that_is_skipped(visit: Open) -> None:
    page = visit("student")
    address = page.locator("#timeline-script").get_attribute("data-time")

    def ask(question: str, moment: datetime, minutes: int = 0) -> Any:
        return page.evaluate(CLOCK, [address, question, int(moment.timestamp()), minutes])

    assert (
        ask("read", utc(2026, 10, 25, 0, 30))
        == ask("read", utc(2026, 10, 25, 1, 30))
        == {
            "date": "2026-10-25",
            "time": "01:30",
        }
    )
    folds = [ask("fold", utc(2026, 10, 25, 0, 30) + timedelta(minutes=30 * n)) for n in range(-2, 5)]
    assert folds == ["", "first", "first", "second", "second", "", ""]
    assert ask("fold", utc(2027, 3, 28, 1)) == ""
    assert ask("add", utc(2027, 3, 27, 9), 24 * 60) * 60 == utc(2027, 3, 28, 8).timestamp()
    assert ask("add", utc(2027, 3, 27, 9), 90) * 60 == utc(2027, 3, 27, 10, 30).timestamp()
