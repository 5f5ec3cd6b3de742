"""The linter must find each of 41 known ways to break a calendar, and nothing in ours.

Of these files common libraries accept half or more; real clients lose events, or all of the feed, on them.
"""

from pathlib import Path

import pytest

from booking.calendars.lint import LintError, lint, lint_event
from booking.calendars.render import render_event
from tests.unit.ical_examples import HOST, a_feed, a_run, every_kind

BROKEN = Path(__file__).parent / "feeds_broken"

# Our feeds hold neither series nor local times, so every way to write one wrongly is refused with them.
LOCAL = {"parameters:DTSTART", "parameters:DTEND"}
SERIES = LOCAL | {"not-allowed:RRULE"}

# The file's name tells its single defect.
DEFECTS: dict[str, set[str]] = {
    "b01_no_uid": {"missing:UID"},
    "b02_no_dtstamp": {"missing:DTSTAMP"},
    "b03_no_dtstart": {"missing:DTSTART"},
    "b04_lf_endings": {"line-ending", "cut-off"},
    "b05_long_line": {"line-too-long"},
    "b06_fold_inside_character": {"not-utf-8"},
    "b07_tzid_without_vtimezone": LOCAL,
    "b08_windows_zone_name": LOCAL | {"timezone"},
    "b09_raw_newline_in_description": {"not-a-content-line"},
    "b10_unescaped_comma": {"value:SUMMARY"},
    "b11_end_before_start": {"end-not-after-start"},
    "b12_zero_length": {"end-not-after-start"},
    "b13_time_with_dashes": {"value:DTSTART"},
    "b14_line_without_colon": {"not-a-content-line"},
    "b15_two_uids": {"repeated:UID"},
    "b16_refresh_interval_without_value": {"parameters:REFRESH-INTERVAL"},
    "b17_date_start_time_end": {"mixed-forms"},
    "b18_status_canceled": {"value:STATUS", "contradiction"},
    "b19_negative_sequence": {"value:SEQUENCE"},
    "b20_local_until": SERIES,
    "b21_exdate_as_date": SERIES | {"not-allowed:EXDATE"},
    "b22_override_without_master": {"not-allowed:RECURRENCE-ID"},
    "b23_no_prodid": {"missing:PRODID"},
    "b24_latin_1": {"not-utf-8"},
    "b25_cut_in_the_middle": {
        "cut-off",
        "not-closed",
        "missing:STATUS",
        "missing:TRANSP",
        "missing:CLASS",
        "missing:X-MICROSOFT-CDO-BUSYSTATUS",
    },
    "b26_event_without_end": {"not-closed", "not-allowed:VEVENT"},
    "b27_calendar_without_end": {"not-closed"},
    "b28_end_and_duration": {"not-allowed:DURATION"},
    "b29_time_in_the_gap": LOCAL,
    "b30_floating_time": {"value:DTSTART", "value:DTEND"},
    "b31_byte_order_mark": {"byte-order-mark"},
    "b32_thirtieth_of_february": {"no-such-time:DTSTART"},
    "b33_count_and_until": SERIES,
    "b34_same_uid_twice": {"repeated-uid"},
    "b35_blank_line": {"blank-line"},
    "b36_two_dtstarts": {"repeated:DTSTART"},
    "b37_organizer_without_mailto": {"not-allowed:ORGANIZER"},
    "b38_broken_rrule": SERIES,
    "b39_no_version": {"missing:VERSION"},
    "b40_alarm_without_trigger": {"not-allowed:VALARM"},
    "b41_recurrence_id_in_utc": SERIES | {"not-allowed:RECURRENCE-ID", "repeated-uid"},
}

GOOD = render_event(a_run(), HOST)


def codes(data: bytes) -> set[str]:
    return {finding.code for finding in lint(data)}


def test_there_are_41_broken_feeds_and_each_is_listed() -> None:
    assert sorted(path.stem for path in BROKEN.glob("*.ics")) == sorted(DEFECTS)
    assert len(DEFECTS) == 41


@pytest.mark.parametrize("name", DEFECTS)
def test_a_broken_feed_is_flagged_for_its_defect(name: str) -> None:
    assert codes((BROKEN / f"{name}.ics").read_bytes()) == DEFECTS[name]


@pytest.mark.parametrize("kind", every_kind())
def test_our_feeds_have_no_finding(kind: str) -> None:
    assert lint(a_feed(*every_kind()[kind])) == []


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"METHOD:PUBLISH", "not-allowed:METHOD"),
        (b"UID:5f3c1f0e-6a51-4d0c-9d0e-0a4a4b1f7a11", "not-allowed:UID"),
        (b"SOURCE;VALUE=URI:https://booking.example/feeds/secret.ics", "not-allowed:SOURCE"),
    ],
)
def test_what_clients_cannot_bear_in_the_head_is_flagged(line: bytes, code: str) -> None:
    assert codes(a_feed(GOOD).replace(b"CALSCALE:GREGORIAN", b"CALSCALE:GREGORIAN\r\n" + line)) == {code}


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029"])
def test_a_hidden_line_break_is_flagged(character: str) -> None:
    written = GOOD.replace(b"Growth curve", f"Growth{character}ATTENDEE:mailto:e@x".encode(), 1)
    assert {finding.code for finding in lint_event(written)} == {"hidden-break"}


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"SEQUENCE:2", b"SEQUENCE:1790000000", "value:SEQUENCE"),
        (b"Growth curve", b"Growth\x07curve", "control-character"),
        (b"SUMMARY:Growth curve\\, eight", b"SUMMARY:Growth curve\\: eight", "value:SUMMARY"),
        (b"TRANSP:OPAQUE", b"TRANSP:TRANSPARENT", "contradiction"),
        (b"BUSYSTATUS:BUSY", b"BUSYSTATUS:FREE", "contradiction"),
        (b"CLASS:PUBLIC", b"CLASS:PRIVATE", "value:CLASS"),
        (b"DTSTAMP:20260904T", b"DTSTAMP:20260905T", "two-revisions"),
        (b"DTEND:", b"DTEND;VALUE=DATE:", "form:DTEND"),
        (b"SUMMARY:Growth curve", b"SUMMARY:" + b"x\r\n " * 201, "too-long:SUMMARY"),
        (b"URL:https:", b"URL:javascript:", "value:URL"),
        (b"CLASS:PUBLIC", b"CLASS:PUBLIC\rX", "line-ending"),
        (b"END:VEVENT\r\n", b"END:VEVENT\r\nEND:VEVENT\r\n", "not-open"),
        (b"BEGIN:VEVENT\r\n", b"CLASS:PUBLIC\r\nBEGIN:VEVENT\r\n", "outside"),
    ],
)
def test_a_fault_in_one_event_is_flagged(old: bytes, new: bytes, code: str) -> None:
    assert old in GOOD
    assert code in {finding.code for finding in lint_event(GOOD.replace(old, new, 1))}


@pytest.mark.parametrize(
    "data", [b"", b"<!doctype html>\r\n<title>Log in</title>\r\n", GOOD, a_feed(GOOD) * 2]
)
def test_what_is_not_one_calendar_is_flagged(data: bytes) -> None:
    assert "not-one-calendar" in codes(data)


@pytest.mark.parametrize(("octets", "found"), [(75, set()), (76, {"line-too-long"})])
def test_a_line_may_have_75_octets_and_no_more(octets: int, found: set[str]) -> None:
    line = b"LOCATION:".ljust(octets, b"x")
    written = GOOD.replace(b"LOCATION:H-01 Cell culture laboratory", line)
    assert {finding.code for finding in lint_event(written)} == found


def test_what_is_not_one_event_is_flagged() -> None:
    assert {finding.code for finding in lint_event(GOOD * 2)} == {"not-one-event"}


def test_a_feed_without_an_event_is_flagged() -> None:
    assert codes(a_feed(GOOD).replace(GOOD, b"")) == {"no-event"}


def test_a_foreign_component_is_flagged() -> None:
    todo = b"BEGIN:VTODO\r\nUID:1\r\nEND:VTODO\r\n"
    assert codes(a_feed(GOOD, todo)) == {"not-allowed:VTODO"}


def test_a_feed_that_google_would_drop_is_flagged() -> None:
    many = [GOOD.replace(b"0a4a4b1f7a11", b"%012x" % number) for number in range(1_002)]
    assert codes(a_feed(*many)) == {"too-much"}


def test_a_finding_names_its_line() -> None:
    finding = next(iter(lint((BROKEN / "b35_blank_line.ics").read_bytes())))
    lines = (BROKEN / "b35_blank_line.ics").read_bytes().split(b"\r\n")
    assert lines[finding.line - 1] == b""
    assert str(finding) == f"line {finding.line}: a blank line [blank-line]"


def test_an_error_carries_its_findings() -> None:
    with pytest.raises(LintError, match="value:SEQUENCE") as caught:
        render_event(a_run(sequence=-1), HOST)
    assert [finding.code for finding in caught.value.findings] == ["value:SEQUENCE"]
