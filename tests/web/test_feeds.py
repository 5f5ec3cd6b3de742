"""Calendar links over HTTP: what programs get whatever they ask, and the page on which links are made.

`case_NN` in a test's name is the number of the case in the design of our calendars.
"""

import gzip
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any
from urllib.robotparser import RobotFileParser

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from icalendar import Calendar
from sqlalchemy import select, update
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from booking.base import clock
from booking.base.db import db
from booking.base.errors import Busy
from booking.base.kept import Kept
from booking.bookings.actions import book
from booking.bookings.models import Booking
from booking.calendars import feed
from booking.calendars.actions import create_feed, revoke_feed
from booking.calendars.models import EventBytes, Feed
from booking.calendars.queries import Link
from booking.calendars.remembered import Remembered
from booking.calendars.site import Site
from booking.people.models import User
from booking.people.viewer import Viewer
from booking.web import feeds_served
from booking.web.feeds_served import program_of
from tests.factories import LONDON, World, local, next_weekday, request
from tests.subscriber import Subscriber, put
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]
WITHDRAWN = {"This calendar link was withdrawn"}
KEPT = ("ETag", "Cache-Control", "Vary")


@pytest.fixture
def subscriber(world_app: Flask, world: World, monkeypatch: pytest.MonkeyPatch) -> Subscriber:
    """Somebody who subscribes, in the small world; every calendar is put together anew."""
    monkeypatch.setitem(world_app.config, "KEPT", Kept(0))
    return Subscriber(world_app, world)


@pytest.fixture
def token(subscriber: Subscriber, world: World) -> str:
    """A student's link, with one booking to show."""
    book(request(), world.viewer("student"))
    return subscriber.link("student")


# --- asking again ----------------------------------------------------------------------------------


def test_case_34_nothing_new_is_said_shortly(subscriber: Subscriber, token: str) -> None:
    full = subscriber.ask(token)
    tag = full.headers["ETag"]
    strong = tag.removeprefix("W/")
    for asked in (tag, strong, f'"other", {tag}', f'{strong},W/"x"', "*"):
        answer = subscriber.ask(token, If_None_Match=asked)
        assert (answer.status_code, answer.get_data()) == (304, b""), asked
        assert [answer.headers[name] for name in KEPT] == [full.headers[name] for name in KEPT]
    for stale in ('W/"old"', '"old", "older"', strong[:-2] + '"', "", '"*"'):
        assert subscriber.ask(token, If_None_Match=stale).get_data() == full.get_data(), stale


def test_case_35_a_new_day_changes_the_tag_once(subscriber: Subscriber, token: str) -> None:
    midnight = local(clock.now().astimezone(LONDON).date() + timedelta(days=1), 0)
    tags = []
    for moment in (clock.now(), midnight - timedelta(seconds=1), midnight, midnight + timedelta(hours=23)):
        with clock.travel(moment):
            tags.append(subscriber.tag(token))
    assert tags[0] == tags[1] != tags[2] == tags[3]


def test_case_36_head_is_get_without_its_body(subscriber: Subscriber, token: str) -> None:
    for encoding in ("identity", "gzip"):
        get = subscriber.ask(token, Accept_Encoding=encoding)
        head = subscriber.ask(token, "HEAD", Accept_Encoding=encoding)
        assert head.get_data() == b""
        assert without_number(head.headers) == without_number(get.headers)
        assert int(head.headers["Content-Length"]) == len(get.get_data())
    tag = subscriber.tag(token)
    assert subscriber.ask(token, "HEAD", If_None_Match=tag).status_code == 304


def without_number(headers: Any) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name != "X-Request-ID"}


def test_case_37_packed_or_not_it_is_the_same(subscriber: Subscriber, token: str) -> None:
    plain, packed = (subscriber.ask(token, Accept_Encoding=one) for one in ("identity", "br, gzip;q=0.5"))
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.get_data()) == plain.get_data()
    assert packed.headers["ETag"] == plain.headers["ETag"]
    assert plain.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
    assert subscriber.ask(token, Accept_Encoding="gzip;q=0, identity").get_data() == plain.get_data()
    assert subscriber.ask(token, Accept_Encoding="gzip").get_data() == packed.get_data()


def test_an_unchanged_calendar_is_put_together_once(
    subscriber: Subscriber, world: World, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(subscriber.app.config, "KEPT", Kept(1_000_000))
    composed: list[str] = []
    compose = feeds_served.compose

    def counting(link: Link, viewer: Viewer | None, site: Site) -> bytes:
        composed.append(link.public_id)
        return compose(link, viewer, site)

    monkeypatch.setattr(feeds_served, "compose", counting)
    other = subscriber.link("colleague")
    assert subscriber.calendar(token) == subscriber.calendar(token) != subscriber.calendar(other)
    assert len(composed) == 2
    book(request("H-BSC2", title="New"), world.viewer("student"))
    assert set(subscriber.seen(token)) == {"Passage 12", "New"}
    assert len(composed) == 3
    put(update(User).where(User.id == world.users["student"]).values(active=False))
    assert set(subscriber.seen(token)) == WITHDRAWN
    assert len(composed) == 4


def test_what_changed_meanwhile_is_not_kept(
    subscriber: Subscriber, world: World, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Kept(1_000_000)
    monkeypatch.setitem(subscriber.app.config, "KEPT", kept)
    compose = feeds_served.compose

    def overtaken(link: Link, viewer: Viewer | None, site: Site) -> bytes:
        body = compose(link, viewer, site)
        db.session.rollback()
        book(request("H-BSC2", title="Meanwhile"), world.viewer("student"))
        return body

    monkeypatch.setattr(feeds_served, "compose", overtaken)
    first = subscriber.ask(token)
    assert kept.find(first.get_etag()[0]) is None
    monkeypatch.setattr(feeds_served, "compose", compose)
    assert set(subscriber.seen(token)) == {"Passage 12", "Meanwhile"}
    assert kept.find(subscriber.ask(token).get_etag()[0]) is not None


def test_what_is_kept_has_a_limit() -> None:
    kept = Kept(10)
    for tag, size in (("a", 4), ("b", 4), ("a", 4), ("c", 3)):
        kept.keep(tag, b"x" * size)
    assert [kept.find(tag) for tag in "abc"] == [b"xxxx", None, b"xxx"]
    kept.keep("d", b"x" * 11)
    assert [kept.find(tag) for tag in "acd"] == [None] * 3
    kept.keep("e", b"x" * 10)
    assert kept.find("e") is not None


# --- whatever is asked -----------------------------------------------------------------------------


def test_case_38_nothing_but_the_address_counts(subscriber: Subscriber, token: str, visit: Visit) -> None:
    body = subscriber.calendar(token)
    for headers in (
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic bm9ib2R5Ondyb25n"},
        {"Cookie": "hub=nonsense; remember_token=1"},
        {"Accept": "text/html"},
        {"Accept": "application/json;q=1, */*;q=0"},
        {"User-Agent": ""},
        {"Range": "bytes=0-10"},
        {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
        {"Accept-Language": "de"},
        {"X-Forwarded-Host": "evil.example", "Host": "evil.example"},
    ):
        assert subscriber.calendar(token, **headers) == body, headers


def test_case_39_a_calendar_can_only_be_read(subscriber: Subscriber, token: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "NO-SUCH"):
        answer = subscriber.ask(token, method)
        assert answer.status_code == 405, method
        assert answer.headers["Allow"] == "GET, HEAD"
        assert answer.mimetype == "text/plain"


UNKNOWN = ["x" * 43, "x", "..", "x" * 10_000, "%00" * 43, "é" * 43, "a/b", "' OR 1=1 --", "x" * 42 + "%0A"]


def test_case_40_what_is_no_link_gets_one_answer(subscriber: Subscriber, token: str) -> None:
    answers = [subscriber.ask(one) for one in [*UNKNOWN, token[:-1], token.swapcase(), token + "x"]]
    assert {answer.status_code for answer in answers} == {404}
    assert {answer.content_type for answer in answers} == {"text/plain; charset=utf-8"}
    assert len({answer.get_data() for answer in answers}) == 1


@pytest.mark.parametrize("path", ["/feeds/{}", "/feeds/{}.ics/", "/feeds//{}.ics", "/feeds/"])
def test_case_40_an_address_that_is_nearly_right(world_app: Flask, token: str, path: str) -> None:
    with world_app.app_context():
        answer = world_app.test_client().get(path.format(token))
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")


def test_case_40_a_withdrawn_link_empties_calendars_then_is_gone(
    subscriber: Subscriber, world: World
) -> None:
    book(request(), world.viewer("student"))
    feed, token = create_feed(world.viewer("student"), "me")
    tag = subscriber.tag(token)
    revoke_feed(feed.public_id, world.viewer("student"))
    assert set(subscriber.seen(token)) == WITHDRAWN
    assert subscriber.tag(token) != tag
    assert subscriber.ask(token, If_None_Match=subscriber.tag(token)).status_code == 304
    with clock.travel(clock.now() + timedelta(days=29)):
        assert set(subscriber.seen(token)) == WITHDRAWN
    with clock.travel(clock.now() + timedelta(days=31)):
        gone = subscriber.ask(token)
        assert (gone.status_code, gone.mimetype) == (410, "text/plain")


def test_case_41_no_cookie_is_sent_and_none_is_read(
    subscriber: Subscriber, token: str, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = visit("colleague").client
    monkeypatch.setattr("booking.people.sessions.session_user_id", lambda _: pytest.fail("session read"))
    answer = browser.get(f"/feeds/{token}.ics")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Content-Disposition"] == 'inline; filename="me.ics"'
    assert "Last-Modified" not in answer.headers


def test_case_41_robots_may_come(world_app: Flask) -> None:
    """Google's calendar obeys robots.txt: ours must not keep it out."""
    answer = world_app.test_client().get("/robots.txt")
    rules = RobotFileParser()
    rules.parse(answer.get_data(as_text=True).splitlines() if answer.status_code == 200 else [])
    assert rules.can_fetch("Google-Calendar-Importer", "/feeds/a-token.ics")


def test_case_42_who_asks_too_often_waits(subscriber: Subscriber, token: str) -> None:
    subscriber.set(feed_rate=5)
    other = subscriber.link("student")
    assert [subscriber.ask(token).status_code for _ in range(6)] == [200] * 5 + [429]
    answer = subscriber.ask(token)
    assert answer.mimetype == "text/plain"
    assert 3_500 < int(answer.headers["Retry-After"]) <= 3_601
    assert subscriber.ask(other).status_code == 200
    with clock.travel(clock.now() + timedelta(seconds=int(answer.headers["Retry-After"]))):
        assert subscriber.ask(token).status_code == 200
    subscriber.set(feed_rate=0)
    assert {subscriber.ask(token).status_code for _ in range(130)} == {200}


def test_case_42_whatever_a_program_gets_counts_alike(subscriber: Subscriber, token: str) -> None:
    subscriber.set(feed_rate=4)
    tag = subscriber.tag(token)
    answers = [
        subscriber.ask(token, If_None_Match=tag),
        subscriber.ask(token, "HEAD"),
        subscriber.ask(token, If_None_Match=tag),
        subscriber.ask(token, "HEAD"),
        subscriber.ask(token, If_None_Match=tag),
    ]
    assert [answer.status_code for answer in answers] == [304, 200, 304, 429, 429]
    assert all(answer.headers["Retry-After"] for answer in answers[3:])
    assert "ETag" not in answers[4].headers


def test_case_43_no_log_has_the_token(subscriber: Subscriber, token: str) -> None:
    with capture_logs() as logged:
        subscriber.ask(token)
        subscriber.ask(token, "POST")
        subscriber.ask("y" * 43)
    said = repr(logged)
    assert "/feeds/" in said
    assert token not in said
    assert "y" * 43 not in said


@pytest.mark.parametrize("poison", [b"", b"BEGIN:VEVENT\r\nSUMMARY:a\nb\r\n", b"\xff" * 500])
def test_case_44_a_damaged_event_harms_nobody(
    subscriber: Subscriber, world: World, token: str, poison: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed, "remembered", Remembered(0))  # as in another process
    book(request("H-BSC2", title="Sound"), world.viewer("student"))
    before = subscriber.calendar(token)
    one = select(Booking.id).where(Booking.title == "Passage 12").scalar_subquery()
    put(update(EventBytes).where(EventBytes.booking_id == one).values(body=poison))
    with capture_logs() as logged:
        assert subscriber.calendar(token) == before  # it was made anew
    assert "stored event damaged" in [one["event"] for one in logged if one["log_level"] == "error"]


def test_case_44_what_cannot_be_written_is_left_out(subscriber: Subscriber, world: World, token: str) -> None:
    book(request("H-BSC2", title="Sound"), world.viewer("student"))
    put(update(Booking).where(Booking.title == "Passage 12").values(uid="not a uid"))
    with capture_logs() as logged:
        assert set(subscriber.seen(token)) == {"Sound"}
    assert "event left out of a feed" in [one["event"] for one in logged if one["log_level"] == "error"]


def test_case_45_the_address_is_short_enough_for_google(visit: Visit, subscriber: Subscriber) -> None:
    label = "a" * 60
    subscriber.set(base_url=f"https://{label}.{label}.{label}.example")
    page = made(visit("student"))
    assert len(value_of(page)) < 256


@pytest.mark.parametrize("fault", [Busy(), OperationalError("select", {}, Exception("gone"))])
def test_without_a_database_a_program_keeps_what_it_has(
    subscriber: Subscriber, token: str, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    def fail(_: str) -> None:
        raise fault

    monkeypatch.setattr(feeds_served, "find_link", fail)
    answer = subscriber.ask(token)
    assert (answer.status_code, answer.mimetype) == (503, "text/plain")
    assert answer.headers["Retry-After"]


def test_a_fault_of_ours_is_no_page_either(
    subscriber: Subscriber, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds_served, "compose", lambda *_: 1 / 0)
    with capture_logs() as logged:
        answer = subscriber.ask(token)
    assert (answer.status_code, answer.mimetype) == (500, "text/plain")
    assert [one["event"] for one in logged if one["log_level"] == "error"] == ["feed"]
    assert token not in repr(logged)


def test_fetches_are_noted_once_in_a_while(subscriber: Subscriber, token: str) -> None:
    def noted() -> tuple[datetime, str]:
        db.session.rollback()
        return tuple(db.session.execute(select(Feed.fetched_at, Feed.fetched_by)).one())

    began = clock.now()
    subscriber.ask(token, User_Agent="Google-Calendar-Importer")
    assert noted() == (began, "Google Calendar")
    with clock.travel(began + timedelta(minutes=9)):
        subscriber.ask(token, User_Agent="Thunderbird")
        assert noted() == (began, "Google Calendar")
    with clock.travel(began + timedelta(minutes=11)):
        subscriber.ask(token, User_Agent="Thunderbird", If_None_Match=subscriber.tag(token))
        assert noted()[0] == clock.now()


def test_a_fetch_that_cannot_be_noted_is_answered(
    subscriber: Subscriber, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_busy(*_: object) -> None:
        raise Busy

    monkeypatch.setattr(feeds_served, "note_fetch", too_busy)
    assert subscriber.calendar(token)


@pytest.mark.parametrize(
    ("user_agent", "program"),
    [
        ("Google-Calendar-Importer", "Google Calendar"),
        ("Microsoft.Exchange/15.20 (Windows NT 10.0; Win64; x64)", "Outlook"),
        ("iOS/18.1 (22B83) dataaccessd/1.0", "Apple Calendar"),
        ("macOS/15.1 (24B83) CalendarAgent/1141", "Apple Calendar"),
        ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.0", "Thunderbird"),
        ("Evolution/3.46.4", "Evolution or GNOME Calendar"),
        ("vdirsyncer/0.20.0", "vdirsyncer"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/120.0", "A browser"),
        ("", "Another program"),
        ("\x1b[31m" * 100, "Another program"),
    ],
)
def test_programs_are_known_by_their_family(user_agent: str, program: str) -> None:
    assert program_of(user_agent) == program


# --- the page --------------------------------------------------------------------------------------


def made(visitor: Visitor, **form: str) -> BeautifulSoup:
    """Make a link by the form and return the page that shows its address."""
    data = {"scope": "me", "detail": "full", "label": "Phone", **form}
    answer = visitor.post("/feeds", data, form_at="/feeds")
    assert answer.status_code == 200, visitor.look(answer).get_text()
    assert answer.headers["Cache-Control"] == "no-store"
    return visitor.look(answer)


def value_of(page: BeautifulSoup) -> str:
    box = page.find("input", {"id": "feed-url"})
    assert box is not None
    return str(box["value"])


def test_a_link_is_made_shown_once_and_works(visit: Visit, subscriber: Subscriber, world: World) -> None:
    book(request(), world.viewer("student"))
    visitor = visit("student")
    assert "No links yet" in visitor.get("/feeds").get_text()
    page = made(visitor)
    url = value_of(page)
    assert url.startswith("https://hub.example/feeds/")
    assert url.endswith(".ics")
    hrefs = {str(link["href"]) for link in page.select("main a")}
    webcal = "webcal" + url.removeprefix("https")
    assert webcal in hrefs
    encoded = webcal.replace(":", "%3A").replace("/", "%2F")
    assert f"https://calendar.google.com/calendar/r?cid={encoded}" in hrefs
    assert any(href.startswith("https://outlook.office.com/") for href in hrefs)
    code = page.select_one("main svg.segno")
    assert code is not None
    assert code.title is not None
    token = url.rpartition("/")[2].removesuffix(".ics")
    assert set(subscriber.seen(token)) == {"Passage 12"}
    listed = visitor.get("/feeds")
    assert token not in str(listed)
    assert "Phone" in listed.get_text()
    assert "My bookings" in listed.select_one("table").get_text()


def test_the_address_follows_the_request_where_no_base_url_is_set(
    visit: Visit, subscriber: Subscriber
) -> None:
    subscriber.set(base_url="")
    assert value_of(made(visit("student"))).startswith("http://localhost/feeds/")
    assert b"localhost" not in subscriber.calendar(subscriber.link("student"))


@pytest.mark.parametrize("scope", ["resource:H-BSC1", "room:H-01", "facility:HUB", "project:P-OPEN"])
def test_a_page_that_links_here_chooses_for_me(visit: Visit, scope: str) -> None:
    visitor = visit("student")
    page = visitor.get(f"/feeds?scope={scope}&detail=busy")
    chosen = page.select_one("select#scope option[selected]")
    assert chosen is not None
    assert chosen["value"] == scope
    assert page.select_one("input[name=detail][value=busy]").has_attr("checked")
    shown = made(visitor, scope=scope, detail="busy").get_text()
    assert scope.partition(":")[2] in shown


def test_only_what_i_may_have_is_offered(visit: Visit) -> None:
    def offered(name: str) -> set[str]:
        return {str(option["value"]) for option in visit(name).get("/feeds").select("select#scope option")}

    assert {"me", "project:P-OPEN", "facility:HUB", "room:H-01", "resource:H-BSC1"} <= offered("student")
    assert not {"project:P-SECRET", "project:P-AMBER", "organisation:NWT"} & offered("student")
    assert {"organisation:NWT", "project:P-AMBER"} <= offered("amber")
    assert not {"project:P-OPEN", "organisation:ALD"} & offered("amber")


@pytest.mark.parametrize(
    "form", [{"scope": "project:P-SECRET"}, {"scope": ""}, {"detail": "all"}, {"label": "x" * 101}]
)
def test_a_form_filled_in_wrongly_says_so(visit: Visit, form: dict[str, str]) -> None:
    visitor = visit("student")
    data = {"scope": "me", "detail": "full", "label": "", **form}
    answer = visitor.post("/feeds", data, form_at="/feeds")
    page = visitor.look(answer)
    assert answer.status_code == 422
    assert page.select_one(".summary a[href]") is not None
    assert page.title.get_text().startswith("Error: ")


def test_a_link_is_replaced_and_withdrawn_after_a_question(visit: Visit, subscriber: Subscriber) -> None:
    visitor = visit("student")
    old = value_of(made(visitor)).rpartition("/")[2].removesuffix(".ics")

    def address(words: str) -> str:
        link = visitor.get("/feeds").select_one(f"main a[href$='{words}']")
        assert link is not None
        return str(link["href"])

    path = address("/replace")
    page = visitor.look(visitor.post(path))
    new = value_of(page).rpartition("/")[2].removesuffix(".ics")
    assert set(subscriber.seen(old)) == WITHDRAWN
    assert set(subscriber.seen(new)) == {"Calendar link created"}
    assert visitor.client.get(path).status_code == 404
    answer = visitor.post(address("/revoke"))
    assert answer.status_code == 303
    assert "withdrawn" in visitor.get(answer.location).get_text()
    assert set(subscriber.seen(new)) == WITHDRAWN


def test_forms_without_their_token_change_nothing(visit: Visit, subscriber: Subscriber, world: World) -> None:
    visitor = visit("student")
    feed, token = create_feed(world.viewer("student"), "me")
    for path in ("/feeds", f"/feeds/{feed.public_id}/revoke", f"/feeds/{feed.public_id}/replace"):
        assert visitor.client.post(path, data={"scope": "me", "detail": "full"}).status_code == 400
    assert set(subscriber.seen(token)) == {"Calendar link created"}


def test_links_of_others_are_not_there(visit: Visit, world: World) -> None:
    feed, _ = create_feed(world.viewer("student"), "me")
    visitor = visit("colleague")
    for path in (f"/feeds/{feed.public_id}/revoke", f"/feeds/{feed.public_id}/replace"):
        visitor.get(path, status=404)
    assert feed.public_id not in str(visitor.get("/feeds"))


def test_staff_find_and_withdraw_the_links_to_a_project(
    visit: Visit, subscriber: Subscriber, world: World
) -> None:
    feed, token = create_feed(world.viewer("student"), "project:P-OPEN", label="Wall display")
    visitor = visit("staff")
    page = visitor.get("/feeds?of=project:P-OPEN")
    assert "Wall display" in page.get_text()
    assert "Stella Student" in page.get_text()
    answer = visitor.post(f"/feeds/{feed.public_id}/revoke")
    assert answer.status_code == 303
    assert set(subscriber.seen(token)) == WITHDRAWN
    visitor.get(f"/feeds/{feed.public_id}/replace", status=404)
    assert "Links of others" not in visit("student").get("/feeds?of=project:P-OPEN").get_text()


def test_the_page_is_for_those_who_are_signed_in(visit: Visit) -> None:
    visitor = visit()
    for path in ("/feeds", "/feeds/0123456789abcdef/revoke"):
        answer = visitor.client.get(path)
        assert answer.status_code == 302
        assert answer.location.startswith("/login")


def test_a_fetch_shows_on_the_page(visit: Visit, subscriber: Subscriber, token: str) -> None:
    visitor = visit("student")
    assert "Not yet" in visitor.get("/feeds").select_one("table").get_text()
    subscriber.ask(token, User_Agent="Thunderbird")
    assert "09:00 by Thunderbird" in visitor.get("/feeds").select_one("table").get_text()


def test_a_day_of_a_year_ago_is_not_in_a_calendar(subscriber: Subscriber, token: str) -> None:
    """The window moves with the days: what is long over leaves."""
    with clock.travel(next_weekday(10) + timedelta(days=40)):
        (event,) = Calendar.from_ical(subscriber.calendar(token)).events
        assert event["DTSTART"].dt == date(2027, 1, 11)
