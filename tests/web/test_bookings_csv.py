"""My bookings as CSV: everything of mine and nothing else, and nothing in it that a spreadsheet would run."""

import csv
import io
from collections.abc import Callable
from datetime import datetime

from booking.base import clock
from booking.bookings.actions import book, cancel
from tests.factories import LONDON, World, next_weekday, request, utc
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]


def table(visitor: Visitor) -> list[dict[str, str]]:
    answer = visitor.client.get("/bookings/mine.csv")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert "attachment" in answer.headers["Content-Disposition"]
    text = answer.get_data().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def test_all_of_mine_and_nothing_else(visit: Visit, world: World) -> None:
    mine = request(
        ("H-BSC1", "H-HALL"),
        title='Passage "12", ünd mehr',
        notes="two\nlines",
        project="P-OPEN",
        participants=("researcher@hub.example",),
    )
    own = book(mine, world.viewer("student"))
    gone = book(request("H-BSC2", next_weekday(12)), world.viewer("student"))
    cancel(gone.public_id, world.viewer("student"), "Not needed")
    book(request("H-BSC2", title="Somebody's"), world.viewer("colleague"))
    first, second = table(visit("student"))
    assert (first["id"], first["title"], first["notes"]) == (
        own.public_id,
        'Passage "12", ünd mehr',
        "two\nlines",
    )
    assert first["resources"] == "H-BSC1, H-HALL"
    assert (first["organiser"], first["participants"]) == ("Stella Student", "Rhona Researcher")
    assert (first["project"], first["status"]) == ("P-OPEN Open media study", "confirmed")
    assert (second["status"], second["reason"]) == ("cancelled", "Not needed")
    assert [one["id"] for one in table(visit("researcher"))] == [own.public_id]
    assert table(visit("birch")) == []


def test_times_are_the_facilitys_and_utc(visit: Visit, world: World) -> None:
    with clock.travel(utc(2027, 3, 22, 9)):
        book(request(start=utc(2027, 3, 30, 9)), world.viewer("student"))
        (row,) = table(visit("student"))
    assert (row["start"], row["end"], row["timezone"]) == (
        "2027-03-30 10:00",
        "2027-03-30 11:00",
        "Europe/London",
    )
    assert (row["start_utc"], row["end_utc"]) == ("2027-03-30T09:00:00Z", "2027-03-30T10:00:00Z")
    local = datetime.fromisoformat(row["start"]).replace(tzinfo=LONDON)
    assert local == datetime.fromisoformat(row["start_utc"])


def test_no_cell_is_a_formula(visit: Visit, world: World) -> None:
    for n, title in enumerate(("=1+1", "+SUM(A1)", "-2", "@cmd")):
        book(request("H-HALL", next_weekday(10 + n), title=title), world.viewer("student"))
    titles = [row["title"] for row in table(visit("student"))]
    assert titles == ["'=1+1", "'+SUM(A1)", "'-2", "'@cmd"]


def test_several_pages_are_one_table(visit: Visit, world: World) -> None:
    for n in range(60):
        book(request("H-HALL", next_weekday(9 + n % 6, days=1 + n // 6)), world.viewer("student"))
    assert len(table(visit("student"))) == 60
    assert visit("student").get("/bookings").find("a", href="/bookings/mine.csv") is not None
