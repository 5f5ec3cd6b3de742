"""Limits counted in this process: how many, for how long, for whom, and what is kept of it."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute

from booking import limits
from booking.base import clock
from booking.limits import Counts, Limits
from booking.settings import Settings
from tests.factories import MONDAY

FIVE = RateLimitItemPerHour(5, namespace="tests")
KEY = "a random text for the tests"


@pytest.fixture(autouse=True)
def stopped_clock() -> Iterator[None]:
    with clock.travel(MONDAY):
        yield


@pytest.fixture
def counted() -> Limits:
    return Limits(Settings(secret_key=KEY))


def used_up(counted: Limits, limit: RateLimitItem, who: str) -> int:
    """Make as many requests as there may be, and return how long the next has to wait."""
    assert [counted.hit(limit, who) for _ in range(limit.amount)] == [0] * limit.amount
    return counted.hit(limit, who)


def test_whoever_waits_as_long_as_told_may_go_on(counted: Limits) -> None:
    wait = used_up(counted, FIVE, "one")
    assert 3600 <= wait <= 3601
    with clock.travel(MONDAY + timedelta(seconds=wait - 2)):
        assert 1 <= counted.hit(FIVE, "one") <= 3
    with clock.travel(MONDAY + timedelta(seconds=wait)):
        assert used_up(counted, FIVE, "one") >= 3600


def test_the_window_begins_with_the_first_request(counted: Limits) -> None:
    assert counted.hit(FIVE, "one") == 0
    with clock.travel(MONDAY + timedelta(minutes=50)):
        assert [counted.hit(FIVE, "one") for _ in range(4)] == [0] * 4
        assert 600 <= counted.hit(FIVE, "one") <= 601
    with clock.travel(MONDAY + timedelta(minutes=61)):
        assert counted.hit(FIVE, "one") == 0


def test_everybody_has_a_count_of_their_own(counted: Limits) -> None:
    assert used_up(counted, FIVE, "one")
    assert counted.hit(FIVE, "two") == 0
    assert counted.hit(RateLimitItemPerHour(5, namespace="other"), "one") == 0
    assert counted.hit(RateLimitItemPerMinute(5, namespace="tests"), "one") == 0
    assert counted.hit(FIVE, "one", "") == 0


def test_looking_counts_nothing(counted: Limits) -> None:
    assert {counted.test(FIVE, "one") for _ in range(10)} == {0}
    wait = used_up(counted, FIVE, "one")
    assert counted.test(FIVE, "one") == wait


def test_none_is_no_limit(counted: Limits) -> None:
    none = RateLimitItemPerHour(0, namespace="tests")
    assert {counted.hit(none, "one") for _ in range(1000)} == {0}
    assert counted.test(none, "one") == 0


def test_a_clock_set_back_locks_nobody_out(counted: Limits) -> None:
    assert used_up(counted, FIVE, "one")
    with clock.travel(MONDAY - timedelta(days=1)):
        assert counted.hit(FIVE, "one") == 0


def test_who_was_good_is_remembered_for_a_day(counted: Limits) -> None:
    assert not counted.remembers("one", "here")
    counted.remember("one", "here")
    assert counted.remembers("one", "here")
    assert not counted.remembers("one", "there")
    with clock.travel(MONDAY + timedelta(days=1, seconds=1)):
        assert not counted.remembers("one", "here")


def test_threads_are_counted_exactly(counted: Limits) -> None:
    many = RateLimitItemPerHour(1000, namespace="tests")
    let_in = []

    def ask() -> None:
        let_in.extend(counted.hit(many, "one") == 0 for _ in range(400))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(let_in), sum(let_in)) == (3200, 1000)


def test_the_oldest_of_too_many_counts_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MOST", 3)
    counts = Counts()
    for key in ("a", "b", "c", "a", "d"):
        counts.incr(key, 60)
    assert {key: counts.get(key) for key in "abcd"} == {"a": 0, "b": 1, "c": 1, "d": 1}
    with clock.travel(MONDAY + timedelta(minutes=2)):
        assert counts.incr("b", 60) == 1  # a new window, and so the newest
        counts.incr("e", 60)
        assert (counts.get("b"), counts.get("c"), counts.get("e")) == (1, 0, 1)


def test_counts_can_be_cleared() -> None:
    counts = Counts()
    counts.incr("a", 60)
    counts.incr("b", 60)
    counts.clear("a")
    assert (counts.get("a"), counts.get("b")) == (0, 1)
    counts.reset()
    assert counts.get("b") == 0
    assert counts.get_expiry("b") == MONDAY.timestamp()
    assert counts.check()


def test_nothing_of_a_caller_is_kept(counted: Limits, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setattr(Counts, "incr", lambda _, key, *__, **___: seen.append(key) or 1)
    Limits(Settings(secret_key="another random text")).hit(FIVE, "hub_token", "192.0.2.7")
    counted.hit(FIVE, "hub_token", "192.0.2.7")
    assert len(set(seen)) == 2, "the key of the site is part of it"
    assert not any("hub_" in key or "192" in key for key in seen)
