"""The calendar's pages: views, filters, what each viewer sees, free gaps as links, and news by ETag."""

import gzip
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from bs4 import BeautifulSoup, Tag
from sqlalchemy import event

from booking.base import clock
from booking.base.db import db, transaction
from booking.bookings import actions
from booking.bookings.models import Booking
from booking.facilities.actions import directory_changed
from booking.facilities.models import Closure
from booking.people.models import Membership
from tests import engines
from tests.factories import MONDAY, World, request, utc
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]
VIEWS = ("day", "week", "month", "list")
on_both = pytest.mark.parametrize("engine_kind", engines.KINDS)


@pytest.fixture
def engine_kind() -> str:
    """Pages are drawn alike from both databases: only what asks them in its own way runs on each."""
    return "sqlite"


def book(
    world: World, by: str = "researcher", start: datetime | None = None, hours: float = 2, **more: Any
) -> Booking:
    """Book the cabinet on Tuesday at ten, unless something else is asked for."""
    return actions.book(request(start=start or utc(2027, 1, 12, 10), hours=hours, **more), world.viewer(by))


def row(page: BeautifulSoup, code: str) -> Tag:
    found = page.select_one(f"tr[data-resource={code}]")
    assert found is not None
    return found


def fragment(visitor: Visitor, address: str, tag: str = "") -> Any:
    headers = {"If-None-Match": tag} if tag else {}
    return visitor.client.get(f"{address}{'&' if '?' in address else '?'}fragment=1", headers=headers)


# --- pages -------------------------------------------------------------------------------------------


def test_strangers_sign_in_first_and_come_back(visit: Visit) -> None:
    answer = visit().client.get("/calendar?view=week")
    assert answer.status_code in (302, 303)
    assert "/login?next=%2Fcalendar%3Fview%3Dweek" in answer.location


@pytest.mark.parametrize("who", ["student", "birch", "staff"])
def test_every_view_opens_for_everybody(visit: Visit, world: World, who: str) -> None:
    book(world, title="Passage 12")
    visitor = visit(who)
    for view in VIEWS:
        page = visitor.get(f"/calendar?view={view}&date=2027-01-12")
        assert page.select_one(f'nav[aria-label=Views] a[href*="view={view}"]')["aria-current"] == "page"


WALKS = {
    "day": ("Tuesday 12 January 2027", "2027-01-11", "2027-01-13"),
    "week": ("Week of 11 January 2027", "2027-01-05", "2027-01-19"),
    "month": ("January 2027", "2026-12-01", "2027-02-01"),
    "list": ("From Tuesday 12 January 2027", "2027-01-05", "2027-01-19"),
}


def test_one_can_walk_through_time(visit: Visit) -> None:
    visitor = visit("student")
    for view, (heading, *around) in WALKS.items():
        page = visitor.get(f"/calendar?view={view}&date=2027-01-12")
        assert page.h1.get_text() == heading
        links = [
            parse_qs(urlsplit(page.select_one(f"a[rel={way}]")["href"]).query) for way in ("prev", "next")
        ]
        assert [link["date"][0] for link in links] == around
        assert {link["view"][0] for link in links} == {view}


def test_the_first_facility_in_use_is_shown_unless_another_is_asked_for(visit: Visit) -> None:
    visitor = visit("researcher")
    page = visitor.get("/calendar")
    assert (
        page.select_one('nav[aria-label=Facilities] a[aria-current="page"]').get_text() == "Manufacturing Hub"
    )
    other = visitor.get("/calendar?facility=SUS")
    assert (
        other.select_one('nav[aria-label=Facilities] a[aria-current="page"]').get_text() == "Single-Use Suite"
    )
    assert "H-BSC1" not in other.get_text()


def test_a_planned_facility_says_when_it_opens_to_me(visit: Visit) -> None:
    for who, opens in (("researcher", "Wed 17 Feb 2027"), ("student", "Wed 24 Feb 2027")):
        page = visit(who).get("/calendar?facility=SUS&date=2027-01-12")
        assert f"It opens to {who}s on {opens}" in page.get_text()
        assert f"Opens to you on {opens}" in page.select_one("td.slot-notyet").get_text()
        assert not page.select("a.gap")


def test_a_planned_facility_can_be_booked_from_its_opening_on(visit: Visit) -> None:
    page = visit("researcher").get("/calendar?facility=SUS&date=2027-02-17")
    assert row(page, "S-BSC").select("a.gap")


FILTERS: tuple[tuple[str, set[str], set[str]], ...] = (
    ("room=H-01", {"H-BSC1", "H-INC1"}, {"H-LC", "H-HALL"}),
    ("kind=incubator", {"H-INC1"}, {"H-BSC1", "H-LC"}),
    ("q=chromato", {"H-LC"}, {"H-BSC1"}),
    ("q=h-bsc", {"H-BSC1", "H-BSC2"}, {"H-LC"}),
    ("room=H-02&kind=analytical", {"H-LC"}, {"H-BR1", "H-BSC1"}),
)


@pytest.mark.parametrize("view", ["day", "week", "month"])
def test_filters_choose_the_rows(visit: Visit, view: str) -> None:
    visitor = visit("researcher")
    for query, shown, hidden in FILTERS:
        page = visitor.get(f"/calendar?view={view}&{query}")
        codes = {tr["data-resource"] for tr in page.select("tr[data-resource]")}
        assert shown <= codes
        assert not hidden & codes
        assert query.split("&")[0] in page.select_one("a[rel=next]")["href"], "it stays while one walks"


def test_filters_choose_the_lines_of_the_list(visit: Visit, world: World) -> None:
    book(world, title="In the cabinet")
    book(world, what="H-LC", title="On the column", hours=3)
    page = visit("researcher").get("/calendar?view=list&date=2027-01-11&kind=analytical").main.get_text()
    assert "On the column" in page
    assert "In the cabinet" not in page


def test_without_a_match_the_page_says_what_to_do(visit: Visit) -> None:
    page = visit("student").get("/calendar?q=nothing+like+it&view=week")
    assert "Nothing matches" in page.get_text()
    assert page.find("a", string="Show everything")


BAD = {
    "date=2027-02-30": "is not a date",
    "date=0001-01-01": "is not a date",
    "date=9999-12-31": "is not a date",
    "date=２０２７-01-12": "is not a date",
    "date=<script>": "is not a date",
    "facility=MOON": "no facility",
    "room=S-01": "has no room",
    "kind=<b>": "no kind",
    "open=H-NONE&open=<b>": "",
    "q=%00%ff": "",
}


@pytest.mark.parametrize("view", VIEWS)
def test_a_bad_address_gets_a_helpful_page(visit: Visit, view: str) -> None:
    visitor = visit("student")
    for query, said in BAD.items():
        page = visitor.get(f"/calendar?view={view}&{query}")
        assert said in page.main.get_text(), query
        assert page.select("#timeline")


def test_an_unknown_view_is_the_day(visit: Visit) -> None:
    page = visit("student").get("/calendar?view=decade")
    assert "There is no view “decade”" in page.get_text()
    assert page.h1.get_text() == "Monday 11 January 2027"


# --- what is drawn -----------------------------------------------------------------------------------


def test_a_booking_stands_in_its_row_between_setup_and_changeover(visit: Visit, world: World) -> None:
    booking = book(world, title="Passage 12")
    cells = row(visit("colleague").get("/calendar?date=2027-01-12"), "H-BSC1").find_all("td")
    at = next(n for n, td in enumerate(cells) if "Passage 12" in td.get_text())
    assert cells[at]["colspan"] == "8"
    assert cells[at].a["href"] == f"/bookings/{booking.public_id}"
    assert "Tue 12 Jan 2027, 10:00–12:00, Confirmed" in cells[at].get_text()
    assert "Rhona Researcher" in cells[at].get_text()
    assert [td.get_text() for td in cells[at - 1 : at + 2 : 2]] == ["Set-up", "Changeover"]
    assert (
        "Set-up from 09:45, changeover until 12:15, cleared for other clients at 13:00"
        in cells[at].a["data-tip"]
    )


def test_mine_is_told_by_a_word_and_an_edge(visit: Visit, world: World) -> None:
    book(world)
    mine = row(visit("researcher").get("/calendar?date=2027-01-12"), "H-BSC1").select_one("a.bk")
    assert "bk--mine" in mine["class"]
    assert "mine" in mine.get_text()
    assert mine["data-id"], "it can be dragged"
    other = row(visit("colleague").get("/calendar?date=2027-01-12"), "H-BSC1").select_one("a.bk")
    assert "bk--mine" not in other["class"]
    assert "data-id" not in other.attrs


def test_every_row_has_as_many_columns_as_the_head(visit: Visit, world: World) -> None:
    book(world)
    book(world, what="H-INC1", hours=48)
    for view in ("day", "week", "month"):
        page = visit("staff").get(f"/calendar?view={view}&date=2027-01-12&open=H-INC1")
        widths = {
            sum(int(cell.get("colspan", 1)) for cell in tr.find_all(["td", "th"]))
            for tr in page.select("table.timeline tr")
        }
        assert len(widths) == 1


def test_units_are_counted_until_the_resource_is_opened(visit: Visit, world: World) -> None:
    book(world, what="H-INC1", hours=48, title="Shelf life")
    visitor = visit("researcher")
    closed = visitor.get("/calendar?date=2027-01-12")
    assert "1 of 8 in use" in row(closed, "H-INC1").get_text()
    assert not closed.select("tr.timeline-lane")
    toggle = row(closed, "H-INC1").select_one("a.lane-toggle")
    opened = visitor.get(toggle["href"])
    lanes = opened.select("tr.timeline-lane")
    assert len(lanes) == 8
    assert ["Shelf life" in lane.get_text() for lane in lanes] == [True] + [False] * 7
    again = row(opened, "H-INC1").select_one("a.lane-toggle")
    assert "open=" not in again["href"]


def test_a_closure_is_shaded_and_named(visit: Visit, world: World) -> None:
    with transaction():
        monday = date(2027, 1, 18)
        for name, room in (("Deep clean", None), ("New floor", world.rooms["H-02"])):
            db.session.add(
                Closure(
                    facility_id=world.facilities["HUB"],
                    room_id=room,
                    name=name,
                    first_day=monday,
                    last_day=monday,
                    created_at=clock.now(),
                )
            )
            monday += timedelta(days=1)
        directory_changed()
    page = visit("student").get("/calendar?view=week&date=2027-01-18")
    assert "Closed: Deep clean" in row(page, "H-BSC1").select_one("td.slot-closure").get_text()
    assert "Mon 18 Jan 2027, Deep clean" in page.select_one(".timeline-closures").get_text()
    assert [td.get_text() for td in row(page, "H-LC").select("td.slot-closure")][1] == "New floor"
    assert "New floor" not in row(page, "H-BSC1").get_text()


def test_the_line_of_now_is_where_now_is(visit: Visit) -> None:
    visitor = visit("student")
    line = visitor.get("/calendar").select_one(".timeline-now line.now")
    assert float(line["x1"].rstrip("%")) == pytest.approx(100 * 3 / 14, abs=0.01)
    assert not visitor.get("/calendar?date=2027-01-12").select("line.now")


@pytest.mark.parametrize(("day", "hours"), [("2027-03-28", 23), ("2026-10-25", 25)])
def test_a_day_on_which_the_clocks_change_has_all_its_hours(visit: Visit, day: str, hours: int) -> None:
    page = visit("researcher").get(f"/calendar?date={day}")
    heads = [th.get_text() for th in page.select("th.timeline-hour")]
    assert len(heads) == hours
    assert ("01 BST" in heads and "01 GMT" in heads) == (hours == 25)
    assert ("01:00" in heads) is False


def test_free_time_before_now_is_no_link(visit: Visit) -> None:
    page = visit("researcher").get("/calendar")
    start = parse_qs(urlsplit(row(page, "H-BSC1").select_one("a.gap")["href"]).query)["start"]
    assert start == ["2027-01-11T09:00"]
    assert not visit("researcher").get("/calendar?date=2027-01-08").select("a.gap")


def test_a_gap_leads_to_the_form_with_local_times(visit: Visit) -> None:
    visitor = visit("researcher")
    gap = row(visitor.get("/calendar?date=2027-01-13"), "H-BSC1").select_one("a.gap")
    form = visitor.get(gap["href"])
    assert form.select_one("[name=start_time]")["value"] == "07:00"
    assert form.select_one("[name=end_time]")["value"] == "08:00"
    assert form.select_one("[name=start_date]")["value"] == "2027-01-13"


def test_in_summer_a_gap_is_in_summer_time(visit: Visit) -> None:
    with clock.travel(utc(2027, 6, 1, 12)):
        page = visit("researcher").get("/calendar?date=2027-06-02")
        assert "start=2027-06-02T07:00" in row(page, "H-BSC1").select_one("a.gap")["href"].replace("%3A", ":")


@on_both
def test_every_gap_of_a_day_can_be_booked_as_it_stands(visit: Visit, world: World) -> None:
    """What a gap offers is accepted by the rules, beside whatever is there already."""
    book(world, start=utc(2027, 1, 12, 10), hours=2.5)
    book(world, start=utc(2027, 1, 12, 15), by="student")
    page = visit("researcher").get("/calendar?date=2027-01-12")
    gaps = page.select("a.gap[data-slot-start], a.load[data-slot-start]")
    assert len(gaps) > 5
    for gap in gaps:
        start, end = (
            datetime.fromtimestamp(int(gap[f"data-slot-{x}"]) * 60, MONDAY.tzinfo) for x in ("start", "end")
        )
        code = parse_qs(urlsplit(gap["href"]).query)["resource"][0]
        asked = request(code, start, (end - start).total_seconds() / 3600)
        refusals, _ = actions.check_only(asked, world.viewer("researcher"))
        assert refusals == [], gap["href"]


# --- who sees what -----------------------------------------------------------------------------------


@on_both
def test_a_company_sees_busy_times_of_others_and_nothing_else(visit: Visit, world: World) -> None:
    made = [
        book(world, by="amber", title="Secret harvest"),
        book(world, what="H-INC1", hours=48, title="Host flasks"),
    ]
    hidden = ["Secret harvest", "Host flasks", "Anna", "Okafor", "Rhona", "Northwind", "Partner Amber"]
    hidden += [booking.public_id for booking in made]
    visitor = visit("birch")
    for view in VIEWS:
        for opened in ("", "&open=H-INC1"):
            answer = visitor.client.get(f"/calendar?view={view}&date=2027-01-12{opened}")
            text = answer.get_data(as_text=True)
            assert not [word for word in hidden if word in text]
            assert "Busy" in text


def test_the_host_sees_a_company_by_its_alias(visit: Visit, world: World) -> None:
    book(world, by="amber", title="Secret harvest")
    page = visit("student").get("/calendar?date=2027-01-12")
    busy = row(page, "H-BSC1").select_one(".bk--busy")
    assert "Partner Amber" in busy.get_text()
    assert "09:45–12:15" in busy.get_text(), "with its set-up and changeover, as one"
    assert "Secret" not in page.get_text()
    assert "Anna" not in page.get_text()


def test_the_staff_sees_all(visit: Visit, world: World) -> None:
    book(world, by="amber", title="Secret harvest")
    assert "Secret harvest" in row(visit("staff").get("/calendar?date=2027-01-12"), "H-BSC1").get_text()


def test_a_confidential_project_is_busy_even_for_the_host(visit: Visit, world: World) -> None:
    book(world, title="Quiet run", project="P-SECRET")
    visitor = visit("student")
    for view in VIEWS:
        page = visitor.get(f"/calendar?view={view}&date=2027-01-12").get_text()
        assert "Quiet run" not in page
        assert "Rhona" not in page


# --- the list and the phone --------------------------------------------------------------------------


def test_the_list_tells_each_day_in_order_of_time(visit: Visit, world: World) -> None:
    book(world, start=utc(2027, 1, 12, 14), title="Later")
    book(world, start=utc(2027, 1, 12, 9), what="H-BSC2", title="Earlier")
    book(world, what="H-INC1", start=utc(2027, 1, 12, 12), hours=48, title="For two days")
    page = visit("colleague").get("/calendar?view=list&date=2027-01-12")
    days = [section.get_text(" ", strip=True) for section in page.select("section.list-day")]
    assert len(days) == 7
    assert days[0].index("Earlier") < days[0].index("For two days") < days[0].index("Later")
    assert "all day For two days" in days[1]
    assert "until 12:00 For two days" in days[2]
    assert "Nothing is booked." in days[3]


def test_a_booking_of_several_resources_is_one_line(visit: Visit, world: World) -> None:
    book(world, what=("H-BSC1", "H-HALL"), title="Both")
    page = visit("colleague").get("/calendar?view=list&date=2027-01-12")
    (line,) = [li for li in page.select("li.row") if "Both" in li.get_text()]
    assert "H-BSC1" in line.get_text()
    assert "H-HALL" in line.get_text()


def test_on_a_phone_a_day_is_a_strip_and_lines_with_free_times(visit: Visit, world: World) -> None:
    book(world, title="Passage 12")
    page = visit("researcher").get("/calendar?date=2027-01-12")
    item = next(li for li in page.select(".only-phone .timeline-list > li") if "H-BSC1" in li.h3.get_text())
    assert item.select("svg.strip rect.strip-confirmed")
    lines = [li.get_text(" ", strip=True) for li in item.select(".agenda > li")]
    assert lines[0].startswith("07:00–09:45 Free Book")
    assert lines[1].startswith("10:00–12:00 Passage 12")
    assert "/bookings/new?resource=H-BSC1" in item.select_one("a.agenda-book")["href"]


# --- news --------------------------------------------------------------------------------------------


@on_both
@pytest.mark.parametrize("view", ["week", "list"])
def test_the_part_that_changes_is_served_alone_and_only_when_it_changed(
    visit: Visit, world: World, view: str
) -> None:
    visitor, address = visit("student"), f"/calendar?view={view}&date=2027-01-12"
    first = fragment(visitor, address)
    assert first.status_code == 200
    text = first.get_data(as_text=True)
    assert "<html" not in text
    assert "csrf" not in text
    tag = first.headers["ETag"]
    assert fragment(visitor, address, tag).status_code == 304
    booking = book(world, title="News")
    news = fragment(visitor, address, tag)
    assert news.status_code == 200
    assert "News" in news.get_data(as_text=True)
    again = news.headers["ETag"]
    actions.cancel(booking.public_id, world.viewer("researcher"))
    assert fragment(visitor, address, again).status_code == 200


def test_a_change_elsewhere_is_no_news_here(visit: Visit, world: World) -> None:
    visitor, address = visit("student"), "/calendar?room=H-02&date=2027-01-12"
    tag = fragment(visitor, address).headers["ETag"]
    book(world)
    assert fragment(visitor, address, tag).status_code == 304


def test_an_etag_is_of_one_viewer_one_address_and_one_quarter_of_an_hour(visit: Visit, world: World) -> None:
    visitor, address = visit("student"), "/calendar?date=2027-01-12"
    tag = fragment(visitor, address).headers["ETag"]
    assert fragment(visit("colleague"), address, tag).status_code == 200
    assert fragment(visitor, "/calendar?date=2027-01-13", tag).status_code == 200
    with clock.travel(MONDAY + timedelta(minutes=15)):
        assert fragment(visitor, address, tag).status_code == 200


def test_new_rights_are_news(visit: Visit, world: World) -> None:
    book(world, project="P-SECRET", title="Quiet run")
    visitor, address = visit("student"), "/calendar?date=2027-01-12"
    first = fragment(visitor, address)
    assert "Quiet run" not in first.get_data(as_text=True)
    with transaction():
        db.session.add(
            Membership(project_id=world.projects["P-SECRET"], user_id=world.users["student"], lead=False)
        )
    try:
        news = fragment(visitor, address, first.headers["ETag"])
        assert "Quiet run" in news.get_data(as_text=True)
    finally:
        with transaction():
            membership = db.session.get(Membership, (world.projects["P-SECRET"], world.users["student"]))
            db.session.delete(membership)


def test_the_fragment_is_for_signed_in_people(visit: Visit) -> None:
    assert fragment(visit(), "/calendar").status_code in (302, 303)


# --- cost --------------------------------------------------------------------------------------------


def statements(visitor: Visitor, path: str) -> int:
    seen: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        seen.append(statement)

    visitor.get(path)
    event.listen(db.engine, "before_cursor_execute", count)
    try:
        visitor.get(path)
    finally:
        event.remove(db.engine, "before_cursor_execute", count)
    return len(seen)


@on_both
def test_the_number_of_statements_does_not_grow(visit: Visit, world: World) -> None:
    visitor = visit("staff")
    paths = [f"/calendar?view={view}&date=2027-01-12&open=H-INC1" for view in VIEWS]
    before = [statements(visitor, path) for path in paths]
    for day in (12, 13, 14):
        for hour in (9, 11, 13, 15):
            book(world, start=utc(2027, 1, day, hour), hours=1)
    assert [statements(visitor, path) for path in paths] == before
    assert max(before) < 16


def test_the_page_stays_small(visit: Visit, world: World) -> None:
    for day in (11, 12, 13, 14, 15):
        for hour in (10, 12, 14, 16):
            for what in ("H-BSC1", "H-BSC2", "H-HALL"):
                book(world, what=what, start=utc(2027, 1, day, hour), hours=1)
    visitor = visit("staff")
    for view in VIEWS:
        answer = visitor.client.get(f"/calendar?view={view}&date=2027-01-11")
        assert len(gzip.compress(answer.data)) < 24_000, "ten resources; 120 kB are allowed for fifty"
