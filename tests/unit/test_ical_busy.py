"""A stranger's link shows when something is taken, and nothing else."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Event

from booking.calendars.busy import Block, merge_blocks
from booking.calendars.render import render_busy
from tests.unit.ical_examples import HOST, KEY, MADE

NINE = datetime(2026, 11, 2, 9, tzinfo=UTC)


def block(first: float, last: float) -> Block:
    """Return a block from so many to so many hours after nine."""
    return NINE + timedelta(hours=first), NINE + timedelta(hours=last)


BLOCKS = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 30)).map(lambda pair: block(pair[0], sum(pair))),
    max_size=30,
)


def uids(blocks: list[Block], key: bytes = KEY, **said: str) -> list[str]:
    return [str(Event.from_ical(event)["UID"]) for event in render_busy(blocks, key, MADE, HOST, **said)]


def test_blocks_that_touch_or_overlap_are_one() -> None:
    blocks = [block(5, 6), block(0, 2), block(2, 3), block(2.5, 4), block(0.5, 1)]
    assert merge_blocks(blocks) == [block(0, 4), block(5, 6)]


def test_two_bookings_with_changeover_between_are_exactly_one_busy_event_to_the_end_of_the_last() -> None:
    run, changeover, next_run, last_changeover = block(0, 2), block(2, 2.5), block(2.5, 4), block(4, 4.5)
    events = render_busy([run, changeover, next_run, last_changeover], KEY, MADE, HOST)
    assert len(events) == 1
    event = Event.from_ical(events[0])
    assert (event["DTSTART"].dt, event["DTEND"].dt) == block(0, 4.5)


def test_a_block_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="ends before it starts"):
        merge_blocks([block(1, 1)])


@given(BLOCKS)
def test_merging_keeps_exactly_the_taken_time_and_leaves_gaps(blocks: list[Block]) -> None:
    merged = merge_blocks(blocks)
    assert all(earlier[1] < later[0] for earlier, later in pairwise(merged))
    for half_hour in range(480):
        moment = NINE + timedelta(minutes=30 * half_hour)
        taken = any(start <= moment < end for start, end in blocks)
        assert taken == any(start <= moment < end for start, end in merged)


@given(BLOCKS, st.randoms(use_true_random=False))
def test_the_order_and_the_cut_of_bookings_leave_no_trace(blocks: list[Block], chance: Random) -> None:
    shuffled = list(blocks)
    chance.shuffle(shuffled)
    assert render_busy(shuffled, KEY, MADE, HOST) == render_busy(merge_blocks(blocks), KEY, MADE, HOST)


def test_only_what_a_stranger_may_know_is_written() -> None:
    properties = set(Event.from_ical(render_busy([block(0, 1)], KEY, MADE, HOST, location="H-01")[0]))
    assert properties == {
        "UID", "DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "DTSTART", "DTEND", "SUMMARY", "STATUS", "TRANSP",
        "X-MICROSOFT-CDO-BUSYSTATUS", "CLASS", "LOCATION",
    }  # fmt: skip


def test_no_time_but_that_of_the_block_and_of_the_link_is_written() -> None:
    event = Event.from_ical(render_busy([block(0, 1)], KEY, MADE, HOST)[0])
    assert event["DTSTAMP"].dt == event["LAST-MODIFIED"].dt == MADE
    assert event["SEQUENCE"] == 0


def test_uids_of_the_same_block_in_two_links_differ() -> None:
    assert uids([block(0, 1)]) == uids([block(0, 1)])
    assert uids([block(0, 1)]) != uids([block(0, 1)], b"the key of another link")


def test_whatever_changes_a_block_makes_it_another_event() -> None:
    variants = [
        *uids([block(0, 1)]),
        *uids([block(0, 2)]),
        *uids([block(1, 2)]),
        *uids([block(0, 1)], summary="Closed"),
        *uids([block(0, 1)], location="H-02"),
    ]
    assert len(set(variants)) == len(variants)
