"""The layout of the timeline: axes over 23 and 25 hours, cells, clusters, lanes, counts, proposals."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from booking.base.period import Period, day_period, zone
from booking.bookings.queries import Block, Held
from booking.bookings.visibility import Level
from booking.facilities.places import (
    ClosedDays,
    FacilityPlace,
    Hours,
    PolicyPlace,
    ResourcePlace,
    Step,
    UnitPlace,
    hour_kinds,
)
from booking.web.timeline import count_lane, lane
from booking.web.timeline_axis import Axis, day_axis, month_axis, week_axis
from booking.web.timeline_cells import Cell, cells
from booking.web.timeline_days import Days
from booking.web.timeline_gaps import offer, terms, why_not_offered
from booking.web.timeline_stretches import SOLID, ground

LONDON = zone("Europe/London")
MONDAY = date(2026, 11, 23)
LONG_AGO = date(2026, 1, 1)
SPRING, AUTUMN = date(2027, 3, 28), date(2026, 10, 25)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def a_facility(closures: tuple[ClosedDays, ...] = (), steps: tuple[Step, ...] = ()) -> FacilityPlace:
    """Mon to Fri: staffed 08:30 to 17:30, extended 07:00 to 19:00."""
    hours = [
        Hours(kind, day, opens, closes)
        for day in range(5)
        for kind, opens, closes in (
            ("staffed", time(8, 30), time(17, 30)),
            ("extended", time(7), time(19)),
        )
    ]
    return FacilityPlace(1, "HUB", "Hub", "Europe/London", "", steps, tuple(hours), closures, "")


def a_resource(
    running: str = "attended", units: int = 1, facility: FacilityPlace | None = None, **rules: object
) -> ResourcePlace:
    return ResourcePlace(
        id=1,
        code="H-1",
        name="Machine",
        kind="workstation",
        model_class="",
        unit_name="place",
        running=running,
        approval=False,
        needs="",
        long_stay=False,
        outlook="",
        description="",
        facility=facility or a_facility(),
        room=None,
        units=tuple(UnitPlace(n, n, str(n)) for n in range(1, units + 1)),
        steps=(),
        policies=(PolicyPlace(1, "Rules", "us", None, 1, None, rules),),
    )


def at(hour: float, day: date = MONDAY) -> datetime:
    """A wall-clock hour of a day in London, in UTC."""
    return datetime.combine(day, time(), tzinfo=UTC) + timedelta(hours=hour)


def a_booking(
    start: float,
    end: float,
    setup: float = 0.0,
    change: float = 0.0,
    clear: float = 0.0,
    units: Sequence[int] = (1,),
    name: str = "b1",
    mine: bool = False,
) -> Block:
    held = tuple(Held(1, u, at(start - setup), at(end + change), at(end + change + clear)) for u in units)
    return Block(
        Level.FULL,
        1,
        at(start),
        at(end),
        len(units),
        "confirmed",
        "",
        name,
        name,
        "Ann",
        mine,
        mine,
        1,
        held,
        tuple(units),
    )


def a_busy(start: float, end: float, label: str = "", unit: int = 1) -> Block:
    return Block(Level.BUSY, 1, at(start), at(end), 1, label=label, unit_ids=(unit,))


def day(whole: bool = False, on: date = MONDAY) -> Axis:
    return day_axis(on, LONDON, MONDAY, whole)


def week(monday: date = MONDAY) -> Axis:
    return week_axis(monday, a_facility(), hour_kinds("researcher"), MONDAY)


def lay(axis: Axis, *blocks: Block, resource: ResourcePlace | None = None) -> list[Cell]:
    """The cells of one unit."""
    beneath = ground(Days(resource or a_resource(), "researcher"), axis.window, axis.view == "month")
    return list(lane(axis, beneath, blocks, 1).cells)


def kinds(found: Sequence[Cell]) -> list[str]:
    return [cell.kind for cell in found]


# --- axes --------------------------------------------------------------------------------------------


def test_a_day_shows_working_hours_in_quarters() -> None:
    axis = day()
    assert (axis.edges[0], axis.edges[-1]) == (at(6), at(20))
    assert axis.columns == 14 * 4
    assert [head.label for head in axis.hours][:2] == ["06:00", "07:00"]


def test_a_day_reaches_to_what_lies_outside() -> None:
    axis = day_axis(MONDAY, LONDON, MONDAY, outside=[at(4.25), at(22.5)])
    assert (axis.edges[0], axis.edges[-1]) == (at(4), at(23))


@pytest.mark.parametrize(("when", "hours"), [(SPRING, 23), (AUTUMN, 25), (MONDAY, 24)])
def test_a_whole_day_is_as_long_as_it_is(when: date, hours: int) -> None:
    axis = day(whole=True, on=when)
    assert axis.window == day_period(when, LONDON)
    assert axis.columns == hours * 4
    assert {b - a for a, b in pairwise(axis.edges)} == {timedelta(minutes=15)}
    assert sum(head.span for head in axis.hours) == axis.columns


def test_a_day_on_which_the_clocks_change_is_shown_whole_without_asking() -> None:
    assert day(on=AUTUMN).columns == 100
    assert day(on=SPRING).columns == 92


def test_the_hour_that_comes_twice_says_which_one_it_is() -> None:
    labels = [head.label for head in day(on=AUTUMN).hours]
    assert labels[:4] == ["00:00", "01 BST", "01 GMT", "02:00"]
    assert len(labels) == 25


def test_the_hour_that_is_skipped_has_no_column() -> None:
    labels = [head.label for head in day(on=SPRING).hours]
    assert labels[:3] == ["00:00", "02:00", "03:00"]
    assert len(labels) == 23


@pytest.mark.parametrize("monday", [MONDAY, SPRING - timedelta(days=6), AUTUMN - timedelta(days=6)])
def test_a_week_covers_seven_days_without_a_gap(monday: date) -> None:
    axis = week(monday)
    last = monday + timedelta(days=6)
    assert axis.window == Period(day_period(monday, LONDON).start, day_period(last, LONDON).end)
    assert all(a < b for a, b in pairwise(axis.edges))
    assert sum(head.span for head in axis.days) == sum(head.span for head in axis.hours) == axis.columns


def test_a_week_gives_room_to_working_hours() -> None:
    axis = week()
    assert axis.days[0].span == 24 + 2, "twelve hours in halves, and the night before and after"
    assert axis.days[5].span == 8
    assert axis.days[5].minor


@pytest.mark.parametrize("first", [date(2026, 10, 1), date(2027, 2, 1), date(2027, 3, 1)])
def test_a_month_has_a_column_for_each_day(first: date) -> None:
    axis = month_axis(first, LONDON, MONDAY)
    assert axis.columns == len(axis.days)
    assert axis.edges[0] == day_period(first, LONDON).start
    assert axis.days[-1].day.month == first.month
    assert (axis.days[-1].day + timedelta(days=1)).month != first.month


@pytest.mark.parametrize(
    "axis", [day(), day(whole=True), week(), month_axis(date(2026, 10, 1), LONDON, MONDAY)]
)
def test_every_moment_has_a_place_and_the_browser_gets_the_same_columns(axis: Axis) -> None:
    assert [axis.position(edge) for edge in axis.edges] == list(range(axis.columns + 1))
    lengths = [
        int(length)
        for run in axis.steps().split(",")
        for count, length in [run.split("x")]
        for _ in range(int(count))
    ]
    assert lengths == [int((b - a).total_seconds() // 60) for a, b in pairwise(axis.edges)]
    assert axis.percent(axis.edges[0]) == 0
    assert axis.percent(axis.edges[-1]) is None


# --- what is open ------------------------------------------------------------------------------------


def test_the_ground_is_closed_open_closed() -> None:
    chain = ground(Days(a_resource(), "researcher"), day(whole=True).window)
    assert [(s.kind, s.start, s.end) for s in chain] == [
        ("closed", at(0), at(7)),
        ("free", at(7), at(19)),
        ("closed", at(19), at(24)),
    ]


def test_a_student_finds_the_staffed_hours_only() -> None:
    chain = ground(Days(a_resource(), "student"), day(whole=True).window)
    assert [(s.start, s.end) for s in chain if s.kind == "free"] == [(at(8.5), at(17.5))]


def test_a_closure_is_named() -> None:
    shut = a_facility(closures=(ClosedDays(MONDAY, MONDAY, "Deep clean"),))
    (stretch,) = ground(Days(a_resource(facility=shut), "researcher"), day(whole=True).window)
    assert (stretch.kind, stretch.text) == ("closure", "Deep clean")


def test_what_is_planned_says_when_it_opens_to_me() -> None:
    steps = (Step(LONG_AGO, "planned"), Step(date(2026, 12, 7), "pilot"), Step(date(2027, 1, 4), "live"))
    planned = a_resource(facility=a_facility(steps=steps))
    assert ground(Days(planned, "researcher"), day().window)[0].text == "Opens to you on Mon 7 Dec 2026"
    assert ground(Days(planned, "student"), day().window)[0].text == "Opens to you on Mon 4 Jan 2027"
    assert [s.kind for s in ground(Days(planned, "researcher"), week(date(2026, 12, 7)).window)][:2] == [
        "closed",
        "free",
    ]


def test_what_is_closed_for_good_says_so() -> None:
    gone = a_resource(facility=a_facility(steps=(Step(LONG_AGO, "live"), Step(MONDAY, "closed"))))
    assert ground(Days(gone, "researcher"), day().window)[0].text == "No longer in use"


# --- cells -------------------------------------------------------------------------------------------


def test_a_booking_stands_between_its_setup_and_its_changeover() -> None:
    found = lay(day(), a_booking(9, 12, 0.25, 0.5, 1))
    assert kinds(found) == ["closed", "free", "setup", "booking", "changeover", "clearing", "free", "closed"]
    assert [cell.span for cell in found] == [4, 7, 1, 12, 2, 4, 22, 4]


def test_a_booking_is_cut_at_the_edges_of_the_window() -> None:
    found = lay(day(), a_booking(-20, 30))
    assert kinds(found) == ["booking"]
    assert found[0].stretch.period == day().window


def test_what_lies_outside_of_the_window_is_not_there() -> None:
    assert kinds(lay(day(), a_booking(-20, 5), a_booking(21, 30))) == ["closed", "free", "closed"]


def test_neighbours_that_touch_stay_two_bookings() -> None:
    found = lay(day(), a_booking(9, 10, name="one"), a_booking(10, 11, name="two"))
    assert [cell.stretch.text for cell in found if cell.kind == "booking"] == ["one", "two"]


def test_a_busy_stretch_shows_its_label_and_nothing_else() -> None:
    (cell,) = [cell for cell in lay(day(), a_busy(9, 12, "Partner Amber")) if cell.kind == "busy"]
    assert (cell.stretch.text, cell.span) == ("Partner Amber", 12)
    assert cell.stretch.block is not None
    assert cell.stretch.block.title == ""


def test_what_is_too_narrow_to_click_is_drawn_to_scale_in_a_wider_cell() -> None:
    (cell,) = [cell for cell in lay(week(), a_booking(9, 10)) if cell.kind in ("booking", "cluster")]
    assert cell.kind == "cluster"
    assert cell.span >= week().least
    (mark,) = cell.marks
    assert mark.width == pytest.approx(2)


def test_short_neighbours_become_one_cluster() -> None:
    names = ("left", "one", "two", "right")
    hours = ((7, 9), (9, 9.5), (9.5, 10), (10, 13))
    found = lay(week(), *(a_booking(a, b, name=name) for (a, b), name in zip(hours, names, strict=True)))
    (cluster,) = [cell for cell in found if cell.kind == "cluster"]
    assert [mark.stretch.text for mark in cluster.marks] == ["one", "two", "right"]
    assert [cell.stretch.text for cell in found if cell.kind == "booking"] == ["left", "right"]


def test_a_booking_shorter_than_a_column_is_not_lost() -> None:
    found = lay(day(), a_booking(9, 9 + 5 / 60))
    assert [mark.stretch.text for cell in found for mark in cell.marks] == ["b1"]


def test_a_month_gathers_each_day_by_itself() -> None:
    axis = month_axis(date(2026, 11, 1), LONDON, MONDAY)
    found = lay(
        axis, a_booking(9, 11, name="one"), a_booking(13, 14, name="two"), a_booking(33, 35, name="three")
    )
    clusters = [cell for cell in found if cell.kind == "cluster"]
    assert [(cell.column, len(cell.marks)) for cell in clusters] == [(22, 2), (23, 1)]


def test_a_month_draws_a_long_run_as_a_bar() -> None:
    axis = month_axis(date(2026, 11, 1), LONDON, MONDAY)
    (run,) = [cell for cell in lay(axis, a_booking(9, 9 + 24 * 4)) if cell.kind == "booking"]
    assert run.span in (4, 5)


moments = st.lists(st.integers(0, 7 * 24 * 12), min_size=0, max_size=24, unique=True).map(sorted)


@given(moments, st.sampled_from(["day", "week", "month"]), st.sampled_from(["attended", "ends", "free"]))
def test_cells_always_fill_the_row_and_lose_no_booking(points: list[int], view: str, running: str) -> None:
    """Whatever is booked: the spans add up, every booking is in some cell, every link is wide enough."""
    axis = {"day": day(whole=True), "week": week(), "month": month_axis(date(2026, 11, 1), LONDON, MONDAY)}[
        view
    ]
    blocks = [
        a_booking(a / 12, b / 12, name=f"b{n}")
        for n, (a, b) in enumerate(zip(points[::2], points[1::2], strict=False))
    ]
    found = lay(axis, *blocks, resource=a_resource(running))
    assert sum(cell.span for cell in found) == axis.columns
    assert [cell.column for cell in found] == [sum(c.span for c in found[:n]) for n in range(len(found))]
    seen = {cell.stretch.text for cell in found if cell.kind in SOLID}
    seen |= {mark.stretch.text for cell in found for mark in cell.marks}
    window = axis.window
    assert seen == {b.title for b in blocks if b.starts_at < window.end and b.ends_at > window.start}
    assert all(cell.span >= axis.least for cell in found if cell.kind in {*SOLID, "cluster"})


def test_a_row_without_time_has_no_cells() -> None:
    assert cells(day(), []) == []


# --- several units -----------------------------------------------------------------------------------


def counted(axis: Axis, *blocks: Block, units: int = 8) -> list[tuple[tuple[int, int], int]]:
    beneath = ground(Days(a_resource(units=units), "researcher"), axis.window)
    found = count_lane(axis, beneath, blocks, units).cells
    return [(cell.stretch.used, cell.span) for cell in found if cell.kind == "count"]


def test_the_count_is_what_is_held_not_only_what_is_used() -> None:
    found = counted(day(), a_booking(9, 12, units=(1, 2, 3)), a_booking(10, 11, 0.5, 0.5, units=(4,)))
    assert found == [((3, 3), 2), ((4, 4), 8), ((3, 3), 2)]


def test_the_count_adds_what_i_may_see_and_what_i_may_not() -> None:
    assert counted(day(), a_booking(9, 12, units=(1, 2)), a_busy(9, 12, unit=5)) == [((3, 3), 12)]


def test_counts_too_narrow_to_read_are_joined_to_a_range() -> None:
    found = counted(week(), a_booking(9, 12, units=(1,)), a_booking(10, 10.5, units=(2,)))
    assert found == [((1, 2), 6)]


def test_a_count_is_told_day_by_day_in_a_week() -> None:
    assert len(counted(week(), a_booking(0, 7 * 24, units=(1,)))) == 7


def test_my_share_of_a_count_is_marked() -> None:
    axis = day()
    beneath = ground(Days(a_resource(units=4), "researcher"), axis.window)
    row = count_lane(
        axis, beneath, [a_booking(9, 11, units=(1,)), a_booking(11, 13, units=(1,), mine=True)], 4
    )
    assert [cell.stretch.mine for cell in row.cells if cell.kind == "count"] == [False, True]


def test_each_unit_has_its_own_lane() -> None:
    axis = day()
    resource = a_resource(units=2)
    beneath = ground(Days(resource, "researcher"), axis.window)
    blocks = [a_booking(9, 11, units=(1, 2), name="both"), a_booking(12, 14, units=(2,), name="second")]
    by_unit = {
        unit: [
            c.stretch.text
            for c in lane(axis, beneath, [b for b in blocks if unit in b.unit_ids], unit).cells
            if c.kind == "booking"
        ]
        for unit in (1, 2)
    }
    assert by_unit == {1: ["both"], 2: ["both", "second"]}


# --- proposals ---------------------------------------------------------------------------------------

CABINET = {
    "min_minutes": 30,
    "max_minutes": 240,
    "grid_minutes": 30,
    "setup_minutes": 15,
    "changeover_minutes": 15,
}


def propose(
    gap: tuple[float, float], *busy: tuple[float, float], running: str = "attended", **rules: object
) -> Period | None:
    resource = a_resource(running, **{**CABINET, **rules})
    found = terms(Days(resource, "researcher"), NOW)
    return offer(found, Period(at(gap[0]), at(gap[1])), [Period(at(a), at(b)) for a, b in busy])


def test_a_gap_offers_an_hour_from_its_beginning() -> None:
    assert propose((7, 19)) == Period(at(7), at(8))


def test_an_offer_leaves_time_for_setup_and_changeover() -> None:
    assert propose((12.25, 14), (9, 12.25), (14, 15)) == Period(at(12.5), at(13.5))
    assert propose((12.25, 13.75), (9, 12.25), (13.75, 15)) == Period(at(12.5), at(13.5))
    assert propose((12.25, 13.25), (9, 12.25), (13.25, 15)) == Period(at(12.5), at(13))


def test_too_little_time_is_not_offered() -> None:
    assert propose((12.25, 12.75), (9, 12.25), (12.75, 15)) is None


def test_the_past_is_not_offered_and_notice_is_kept() -> None:
    assert propose((-20, -12)) is None
    assert propose((7, 19), notice_minutes=22 * 60) == Period(at(10), at(11))
    assert propose((7, 9), notice_minutes=48 * 60) is None


def test_beyond_the_horizon_nothing_is_offered() -> None:
    assert propose((7, 19), horizon_days=1) is not None
    assert propose((31, 43), horizon_days=1) is None


def test_a_run_of_days_ends_inside_opening_hours() -> None:
    assert propose((7, 19), running="ends", min_minutes=1440, max_minutes=20160, grid_minutes=1440) == Period(
        at(7.5), at(31.5)
    )
    friday = 4 * 24
    assert propose(
        (friday + 9, friday + 19), running="ends", min_minutes=1440, max_minutes=20160, grid_minutes=60
    ) == Period(at(friday + 9), at(friday + 9 + 72))


def test_a_run_does_not_reach_into_the_next_booking() -> None:
    rules = {"min_minutes": 1440, "max_minutes": 20160, "grid_minutes": 60}
    assert propose((8, 19), (30, 60), running="ends", **rules) is None


def test_another_role_learns_why_it_cannot_book() -> None:
    found = terms(Days(a_resource(roles=("student",)), "researcher"), NOW)
    gap = Period(at(7), at(19))
    assert offer(found, gap, []) is None
    assert why_not_offered(found, gap) == "It is not open to your role."
    assert "notice" in why_not_offered(terms(Days(a_resource(notice_minutes=4320), "researcher"), NOW), gap)
    assert "too far ahead" in why_not_offered(
        terms(Days(a_resource(horizon_days=0), "researcher"), NOW - timedelta(days=3)), gap
    )
    assert why_not_offered(terms(Days(a_resource(), "researcher"), NOW), gap) == ""
