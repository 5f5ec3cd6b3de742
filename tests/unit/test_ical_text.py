"""User text must not be able to start a new line in any client, nor to break the file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from booking.calendars.lint import lint
from booking.calendars.render import render_event
from booking.calendars.text import many_lines, one_line
from tests.unit.ical_examples import BREAKS, HOST, SMUGGLED, a_feed, a_run

# Every code point, lone surrogates too: hypothesis leaves those out unless asked.
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=400)


@pytest.mark.parametrize("character", BREAKS)
def test_a_break_becomes_a_blank_or_goes_in_one_line(character: str) -> None:
    cleaned = one_line(f"Run{character}{SMUGGLED}", 100)
    assert cleaned.splitlines() == [cleaned]
    assert cleaned.replace(" ", "") == f"Run{SMUGGLED}"


@pytest.mark.parametrize("character", ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029"])
def test_a_break_becomes_a_newline_in_many_lines(character: str) -> None:
    assert many_lines(f"one{character}two", 100) == "one\ntwo"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("  Growth \t curve ", "Growth curve"),
        ("a\x00b\x07c\x1bd\x7fe\x9bf", "abcdef"),
        ("x\ud800y", "xy"),
        ("\r\n\n", ""),
        ("Häusliche 細胞 😀", "Häusliche 細胞 😀"),
    ],
)
def test_text_is_tidied(text: str, cleaned: str) -> None:
    assert one_line(text, 100) == cleaned


def test_a_long_text_is_cut_and_says_so() -> None:
    assert one_line("abcdef ghi", 8) == "abcdef…"
    assert one_line("abcdefgh", 8) == "abcdefgh"


@given(ANY_TEXT)
def test_any_text_becomes_one_short_writable_line(text: str) -> None:
    cleaned = one_line(text, 120)
    assert len(cleaned.splitlines()) <= 1
    assert len(cleaned) <= 120
    assert cleaned.encode().decode() == cleaned
    assert one_line(cleaned, 120) == cleaned


@given(ANY_TEXT)
def test_any_text_keeps_only_plain_newlines(text: str) -> None:
    cleaned = many_lines(text, 300)
    assert cleaned.splitlines() == (cleaned.split("\n") if cleaned else [])
    assert many_lines(cleaned, 300) == cleaned


@given(ANY_TEXT, ANY_TEXT, st.lists(ANY_TEXT, max_size=4))
def test_any_text_survives_the_way_into_a_feed_and_back(title: str, place: str, lines: list[str]) -> None:
    facts = a_run(title=title, location=place, lines=tuple(lines), categories=tuple(lines))
    feed = a_feed(render_event(facts, HOST))
    assert lint(feed) == []
    assert all(len(line) <= 75 for line in feed.split(b"\r\n"))
    assert feed.decode().splitlines() == feed.decode().split("\r\n")[:-1]
    event = Calendar.from_ical(feed).events[0]
    assert str(event["SUMMARY"]) == (one_line(title, 200) or "Booking")
    assert str(event.get("LOCATION", "")) == one_line(place, 200)
    said = "\n".join(line for line in (one_line(line, 1_500) for line in lines) if line)
    assert str(event.get("DESCRIPTION", "")) == said
