"""Calendars packed in pieces: any program unpacks them, and a change packs little anew."""

import gzip
import subprocess
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from booking.calendars import packed as module
from booking.calendars.packed import EVENT_ENDS, packed, pieces


def a_calendar(count: int, without: int | None = None) -> bytes:
    events = (
        b"BEGIN:VEVENT\r\nUID:%d\r\nSUMMARY:Run %d\r\n" % (n, n * 7) for n in range(count) if n != without
    )
    return b"BEGIN:VCALENDAR\r\n" + EVENT_ENDS.join((*events, b"END:VCALENDAR\r\n"))


@given(st.lists(st.sampled_from([EVENT_ENDS, b"x", b"\r\n", b"END:VEVENT", bytes(range(256))])).map(b"".join))
def test_what_is_packed_is_unpacked_the_same(body: bytes) -> None:
    assert gzip.decompress(packed(body)) == body
    assert b"".join(pieces(body)) == body


def test_other_programs_read_it(tmp_path: Path) -> None:
    body = a_calendar(500)
    (tmp_path / "feed.gz").write_bytes(packed(body))
    assert subprocess.run(["gzip", "-dc", "feed.gz"], cwd=tmp_path, capture_output=True).stdout == body


def test_it_is_one_member_with_no_time_in_it() -> None:
    body = a_calendar(500)
    assert packed(body) == packed(body)
    assert packed(body)[:10] == module.HEAD
    assert len(packed(body)) < len(body) / 3


def test_a_change_packs_one_or_two_pieces_anew() -> None:
    before, after = set(pieces(a_calendar(1_000))), set(pieces(a_calendar(1_000, without=500)))
    assert 10 < len(before) < 100
    assert 1 <= len(after - before) <= 2
