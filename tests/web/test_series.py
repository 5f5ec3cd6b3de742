"""Series by form, without JavaScript: every date is shown before anything is booked."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from booking.base import clock
from booking.base.db import db
from booking.bookings import actions
from booking.bookings.models import Booking, Series
from booking.bookings.series import Repeat, book_series
from tests.factories import LONDON, World, next_weekday, request
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]
WEEK = timedelta(days=7)
WEEKLY = {"repeats": "weekly", "count": "4"}


def address(start: datetime, hours: float = 1, resource: str = "H-BSC1") -> str:
    local = [
        f"{moment.astimezone(LONDON):%Y-%m-%dT%H:%M}" for moment in (start, start + timedelta(hours=hours))
    ]
    return f"/bookings/new?resource={resource}&start={local[0]}&end={local[1]}"


def bookings() -> list[Booking]:
    db.session.remove()
    return list(db.session.scalars(select(Booking).order_by(Booking.starts_at)))


def a_series(world: World, by: str = "researcher", **more: Any) -> tuple[Booking, ...]:
    return book_series(request(**more), Repeat("FREQ=WEEKLY;COUNT=4"), world.viewer(by)).bookings


def shown(visitor: Visitor, path: str, changes: dict[str, Any]) -> Any:
    """Send a form and return the page that shows its dates."""
    answer = visitor.send(path, visitor.get(path), changes)
    page = visitor.look(answer)
    assert answer.status_code == 200, page.get_text()
    return page


def ticks(page: Any) -> list[str]:
    return [one["value"] for one in page.select("input[name=keep][checked]")]


def test_the_dates_are_shown_first_and_then_booked(visit: Visit) -> None:
    visitor, start = visit("researcher"), next_weekday(10)
    path = address(start)
    page = shown(visitor, path, {"title": "Feed", **WEEKLY})
    assert page.select_one("#dates").get_text(strip=True) == "All 4 dates are free"
    assert ticks(page) == [f"{start + n * WEEK:%Y-%m-%d}" for n in range(4)]
    assert bookings() == []
    answer = visitor.send(path, page, {}, "book=1")
    assert answer.status_code == 303
    assert [one.starts_at for one in bookings()] == [start + n * WEEK for n in range(4)]
    page = visitor.get(answer.location)
    assert "Booked 4 dates." in page.get_text()
    assert "Every week, 4 times. This is 1 of 4." in page.select_one("#series").get_text()
    assert len(page.select("#series li a")) == 3


def test_what_clashes_has_no_tick_and_the_others_can_be_booked(world: World, visit: Visit) -> None:
    start = next_weekday(10)
    actions.book(request(start=start + WEEK), world.viewer("colleague"))
    visitor, path = visit("researcher"), address(start)
    page = shown(visitor, path, {"title": "Feed", **WEEKLY})
    assert page.select_one("#dates").get_text(strip=True) == "3 of 4 dates can be booked"
    assert "H-BSC1 is taken at this time." in page.select_one(".dates").get_text()
    kept = ticks(page)[:2]  # the last is left out by hand
    answer = visitor.send(path, page, {"keep": kept}, "book=1")
    assert answer.status_code == 303
    mine = [one for one in bookings() if one.series_id]
    assert [f"{one.starts_at:%Y-%m-%d}" for one in mine] == kept
    assert db.session.scalar(select(Series.rrule)).startswith("FREQ=WEEKLY;COUNT=4\nEXDATE:")


def test_a_date_that_is_taken_meanwhile_refuses_all_and_is_shown(world: World, visit: Visit) -> None:
    visitor, start = visit("researcher"), next_weekday(10)
    path = address(start)
    page = shown(visitor, path, {"title": "Feed", **WEEKLY})
    actions.book(request(start=start + WEEK), world.viewer("colleague"))
    answer = visitor.send(path, page, {"keep": ticks(page)[:3]}, "book=1")
    page = visitor.look(answer)
    assert answer.status_code == 409
    assert "Nothing was booked" in page.select_one("#dates").get_text()
    assert len(ticks(page)) == 2  # of the three that were ticked
    assert len(bookings()) == 1
    assert visitor.send(path, page, {}, "book=1").status_code == 303


def test_what_was_not_shown_is_not_booked(visit: Visit) -> None:
    visitor = visit("researcher")
    path = address(next_weekday(10))
    page = shown(visitor, path, {"title": "Feed", **WEEKLY})
    for changes in ({"count": "3"}, {"start_time": "09:00"}, {"title": "Other"}, {"previewed": "x"}):
        answer = visitor.send(path, page, changes, "book=1")
        assert (answer.status_code, bookings()) == (200, [])
        assert visitor.look(answer).select_one("#dates")


def test_a_series_form_sent_twice_books_once(visit: Visit) -> None:
    visitor = visit("researcher")
    path = address(next_weekday(10))
    page = shown(visitor, path, {"title": "Feed", **WEEKLY})
    first, second = (visitor.send(path, page, {}, "book=1") for _ in range(2))
    assert first.location == second.location
    assert len(bookings()) == 4


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"repeats": "weekly"}, "Say how many times, or until which day; one of both."),
        ({**WEEKLY, "until": "2027-03-01"}, "Say how many times, or until which day; one of both."),
        ({**WEEKLY, "count": "0"}, "Give a number from 1 to 200."),
        ({**WEEKLY, "count": "many"}, "Give a whole number."),
        ({**WEEKLY, "every": "100"}, "Give a number from 1 to 99."),
        ({"repeats": "weekly", "until": "2026-03-01"}, "The pattern has too few days"),
        ({"repeats": "daily", "until": "2029-03-01"}, "The pattern has more than 200 occurrences"),
        ({**WEEKLY, "weekdays": "XX"}, "not a valid choice"),
        ({**WEEKLY, "repeats": "hourly"}, "Not a valid choice"),
    ],
)
def test_what_cannot_be_followed_is_told(visit: Visit, changes: dict[str, str], told: str) -> None:
    visitor = visit("researcher")
    path = address(next_weekday(10))
    answer = visitor.send(path, visitor.get(path), {"title": "Feed", **changes})
    assert answer.status_code == 422
    assert told in visitor.look(answer).select_one("[role=alert]").get_text()
    assert bookings() == []


def test_no_tick_books_nothing(visit: Visit) -> None:
    visitor = visit("researcher")
    path = address(next_weekday(10))
    page = shown(visitor, path, {"title": "Feed", **WEEKLY})
    answer = visitor.send(path, page, {"keep": []}, "book=1")
    assert answer.status_code == 422
    assert "Tick at least one date." in visitor.look(answer).get_text()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"repeats": "daily", "count": "2"}, "Every day, 2 times"),
        (
            {"repeats": "working", "count": "2", "every": "3"},
            "Every day on Monday, Tuesday, Wednesday, Thursday and Friday, 2 times",
        ),
        (
            {"repeats": "weekly", "every": "2", "weekdays": ["TU", "TH"], "count": "2"},
            "Every 2 weeks on Tuesday and Thursday, 2 times",
        ),
        ({"repeats": "monthly_date", "count": "2"}, "Every month on the 12th, 2 times"),
        ({"repeats": "monthly_day", "count": "2"}, "Every month on the second Tuesday, 2 times"),
        (
            {"repeats": "monthly_last", "until": "2027-02-23"},
            "Every month on the last Tuesday, until Tue 23 Feb 2027",
        ),
    ],
)
def test_each_choice_is_a_pattern(visit: Visit, changes: dict[str, Any], words: str) -> None:
    visitor = visit("researcher")
    path = address(next_weekday(10))
    page = shown(visitor, path, {"title": "Feed", **changes})
    answer = visitor.send(path, page, {}, "book=1")
    assert words in visitor.get(answer.location).select_one("#series").get_text()


# --- out of a booking


def test_a_booking_is_made_the_first_of_a_series(world: World, visit: Visit) -> None:
    first = actions.book(request(), world.viewer("researcher"))
    visitor, path = visit("researcher"), f"/bookings/{first.public_id}/repeat"
    page = shown(visitor, path, {"repeats": "weekly", "count": "3"})
    assert len(ticks(page)) == 2
    answer = visitor.send(path, page, {}, "book=1")
    assert answer.location.endswith(first.public_id)
    assert [one.starts_at for one in bookings()] == [first.starts_at + n * WEEK for n in range(3)]
    page = visitor.get(answer.location)
    assert "Made the first of a series" in page.select_one("#history").get_text()
    assert "one of a series" in visitor.get(path).get_text()
    again = visitor.client.post(
        path, data={"csrf_token": page.find("input", {"name": "csrf_token"})["value"], **WEEKLY}
    )
    assert again.status_code == 409


def test_a_booking_once_more_opens_the_form_a_week_later(world: World, visit: Visit) -> None:
    first = actions.book(
        request(notes="N", project="P-OPEN", participants=("colleague@hub.example",)),
        world.viewer("researcher"),
    )
    visitor = visit("researcher")
    page = visitor.get(f"/bookings/{first.public_id}/repeat")
    link = page.select_one("main .buttons a")
    assert link.get_text() == "Again on Tue 19 Jan 2027, 10:00–11:00"
    answer = visitor.send(link["href"], visitor.get(link["href"]), {})
    assert answer.status_code == 303
    one, two = bookings()
    assert (two.starts_at, two.notes, two.project_id, two.title) == (
        one.starts_at + WEEK,
        "N",
        one.project_id,
        one.title,
    )
    assert (one.series_id, two.series_id) == (None, None)


def test_a_past_booking_once_more_is_in_the_next_week_to_come(world: World, visit: Visit) -> None:
    first = actions.book(request(), world.viewer("researcher"))
    visitor = visit("researcher")
    with clock.travel(first.starts_at + 3 * WEEK + timedelta(hours=1)):
        visitor.sign_in("researcher")
        page = visitor.get(f"/bookings/{first.public_id}/repeat")
    assert "Again on Tue 9 Feb 2027, 10:00–11:00" in page.get_text()


def test_staff_copy_a_booking_for_its_organiser(world: World, visit: Visit) -> None:
    first = actions.book(request(), world.viewer("student"))
    visitor = visit("staff")
    path = f"/bookings/new?copy={first.public_id}"
    assert visitor.send(path, visitor.get(path), {}).status_code == 303
    assert {one.organiser_id for one in bookings()} == {world.users["student"]}


def test_who_sees_less_than_all_can_copy_and_repeat_nothing(world: World, visit: Visit) -> None:
    first = actions.book(request(), world.viewer("student"))
    for name in ("colleague", "birch"):
        visitor = visit(name)
        for path in (f"/bookings/{first.public_id}/repeat", f"/bookings/new?copy={first.public_id}"):
            assert visitor.client.get(path).status_code == 404
    page = visit("colleague").get(f"/bookings/{first.public_id}")
    assert "Repeat" not in page.get_text()


@pytest.mark.parametrize("name", ["x", "%00", "0" * 16, "%F0%9F%98%80", "x" * 5000])
def test_there_is_nothing_to_copy(visit: Visit, name: str) -> None:
    assert visit("researcher").client.get(f"/bookings/new?copy={name}").status_code == 404


def test_who_takes_part_may_copy_but_not_repeat(world: World, visit: Visit) -> None:
    first = actions.book(request(participants=("colleague@hub.example",)), world.viewer("student"))
    visitor = visit("colleague")
    page = visitor.get(f"/bookings/{first.public_id}/repeat")
    assert "Again on" in page.get_text()
    assert page.select_one("main form[method=post]") is None


# --- this, following, all


@pytest.mark.parametrize(("scope", "moved"), [("this", 1), ("following", 3), ("all", 4)])
def test_a_change_is_of_this_of_following_or_of_all(
    world: World, visit: Visit, scope: str, moved: int
) -> None:
    second = a_series(world)[1]
    visitor, path = visit("researcher"), f"/bookings/{second.public_id}/edit"
    changes = {"start_time": "14:00", "end_time": "15:00", "scope": scope}
    assert visitor.send(path, visitor.get(path), changes).status_code == 303
    assert [one.starts_at.hour for one in bookings()].count(14) == moved


def test_a_refused_change_of_a_series_names_the_dates(world: World, visit: Visit) -> None:
    first = a_series(world)[0]
    actions.book(request(start=next_weekday(14) + 2 * WEEK), world.viewer("colleague"))
    visitor, path = visit("researcher"), f"/bookings/{first.public_id}/edit"
    changes = {"start_time": "14:00", "end_time": "15:00", "scope": "all"}
    answer = visitor.send(path, visitor.get(path), changes)
    page = visitor.look(answer)
    assert answer.status_code == 409
    assert "Tue 26 Jan 2027, 14:00–15:00: H-BSC1 is taken at this time." in page.get_text()
    assert page.select_one("input[name=scope][value=all]").has_attr("checked")


@pytest.mark.parametrize(("scope", "left"), [("this", 3), ("following", 1), ("all", 0), ("some", 3)])
def test_a_cancellation_is_of_this_of_following_or_of_all(
    world: World, visit: Visit, scope: str, left: int
) -> None:
    second = a_series(world)[1]
    visitor, path = visit("researcher"), f"/bookings/{second.public_id}/cancel"
    assert visitor.send(path, visitor.get(path), {"scope": scope}).status_code == 303
    assert [one.status for one in bookings()].count("confirmed") == left


def test_a_booking_alone_is_asked_no_scope(world: World, visit: Visit) -> None:
    alone = actions.book(request(), world.viewer("researcher"))
    for page in ("edit", "cancel"):
        assert not visit("researcher").get(f"/bookings/{alone.public_id}/{page}").select("input[name=scope]")
    assert db.session.scalar(select(func.count()).select_from(Series)) == 0
