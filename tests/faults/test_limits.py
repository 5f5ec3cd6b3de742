"""Limits shared through a real Redis, and what becomes of requests when it is dead, silent, or back again."""

import http.client
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from urllib.parse import urlsplit

import pytest
from limits import RateLimitItemPerHour, RateLimitItemPerSecond
from structlog.testing import capture_logs

from booking import limits
from booking.calendars.actions import create_feed
from booking.limits import Limits
from booking.settings import Settings
from tests import factories
from tests.faults.server import Client, serving, tokens
from tests.faults.test_served_races import looking_into
from tests.redis_server import RedisServer, running

pytestmark = pytest.mark.faults
FIVE = RateLimitItemPerHour(5, namespace="tests")
RATE = 20
ATTEMPTS, AT_ONCE = 60, 8
PROMPT = 1.0  # seconds, on a machine that is busy with other tests


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    with running() as server:
        yield server


@pytest.fixture(autouse=True)
def short_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REDIS_PAUSE", 0.5)


def process(url: str) -> Limits:
    """Return the limits as another process of the same site has them."""
    return Limits(Settings(secret_key=factories.SECRET_KEY, redis_url=url))


def test_processes_share_one_count(redis_server: RedisServer) -> None:
    one, two = process(redis_server.url), process(redis_server.url)
    assert [each.hit(FIVE, "hub_token", "192.0.2.7") for each in (one, two, one, two, one)] == [0] * 5
    assert 3599 <= one.hit(FIVE, "hub_token", "192.0.2.7") <= 3601
    assert 3599 <= two.test(FIVE, "hub_token", "192.0.2.7") <= 3601
    assert two.hit(FIVE, "hub_other", "192.0.2.7") == 0
    keys = redis_server.stored()
    assert len(keys) == 2
    assert all(key.startswith("hub-booking:tests/") for key in keys)
    assert not any("hub_" in key or "192." in key for key in keys)


def test_waiting_as_long_as_told_helps(redis_server: RedisServer) -> None:
    counted = process(redis_server.url)
    for seconds in (1, 2):
        limit = RateLimitItemPerSecond(2, seconds, namespace="tests")
        assert [counted.hit(limit, "one"), counted.hit(limit, "one")] == [0, 0]
        wait = counted.hit(limit, "one")
        assert seconds <= wait <= seconds + 1
        time.sleep(wait)
        assert counted.hit(limit, "one") == 0


def test_without_redis_every_process_counts_by_itself() -> None:
    one, two = process("redis://127.0.0.1:1"), process("redis://127.0.0.1:1")
    began = time.monotonic()
    with capture_logs() as logged:
        for each in (one, two):
            assert [each.hit(FIVE, "hub_token") for _ in range(5)] == [0] * 5
            assert each.hit(FIVE, "hub_token") >= 3600
    assert time.monotonic() - began < PROMPT
    assert [(one["event"], one["fault"]) for one in logged] == [
        ("redis does not answer", "ConnectionError")
    ] * 2
    assert one.redis_faults()[0].startswith("each process counts by itself, as it does not answer: Error 111")


def test_a_redis_that_dies_and_comes_back(redis_server: RedisServer) -> None:
    counted = process(redis_server.url)
    assert [counted.hit(FIVE, "one") for _ in range(5)] == [0] * 5
    assert counted.hit(FIVE, "one") > 0
    redis_server.kill()
    assert counted.hit(FIVE, "one") == 0, "a lost count lets through"
    redis_server.start()
    assert redis_server.stored() == []
    time.sleep(limits.REDIS_PAUSE)
    assert counted.hit(FIVE, "one") == 0
    assert len(redis_server.stored()) == 1
    assert counted.redis_faults() == []


def test_a_redis_that_hangs_delays_one_request_only(redis_server: RedisServer) -> None:
    counted = process(redis_server.url)
    assert counted.hit(FIVE, "one") == 0
    redis_server.freeze()
    began = time.monotonic()
    assert counted.hit(FIVE, "one") == 0
    assert limits.REDIS_TIMEOUT <= time.monotonic() - began < PROMPT
    began = time.monotonic()
    assert [counted.hit(FIVE, "one") for _ in range(4)] == [0] * 4
    assert counted.hit(FIVE, "one") > 0
    assert time.monotonic() - began < limits.REDIS_TIMEOUT
    time.sleep(limits.REDIS_PAUSE)
    assert counted.hit(FIVE, "one") > 0, "the trial failed, and the count here goes on"
    redis_server.thaw()
    time.sleep(limits.REDIS_PAUSE)
    assert counted.hit(FIVE, "one") == 0, "there it is the second or third"


def test_a_fault_that_nobody_thought_of_stops_nobody(redis_server: RedisServer) -> None:
    counted = process(redis_server.url + "?retry=nonsense")
    with capture_logs() as logged:
        assert counted.hit(FIVE, "one") == 0
    assert [one["event"] for one in logged] == ["redis does not answer"]


# --- the server with two processes -------------------------------------------------------------------


def fetch(address: str, token: str) -> int:
    """Fetch a calendar over a connection of its own, so that either process may answer."""
    with closing(http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)) as connection:
        connection.request("GET", f"/feeds/{token}.ics")
        answer = connection.getresponse()
        answer.read()
        return answer.status


def ask(address: str, token: str) -> int:
    client = Client(address, token)
    answer = client.ask("GET", "/me")
    client.close()
    return answer.status


def let_in(url: str, **settings: str) -> tuple[Counter[int], Counter[int]]:
    """Count the answers of a server to many requests for one calendar and with one token."""
    api = tokens(url, ("student",))["student"]
    with looking_into(url):
        feed = create_feed(factories.the_world().viewer("student"), "me", "full")[1]
    rates = {"BOOKING_API_RATE": str(RATE), "BOOKING_FEED_RATE": str(RATE)}
    # several at once, so that no process can answer them all by itself
    with serving(url, **rates, **settings) as server, ThreadPoolExecutor(AT_ONCE) as crowd:
        feeds = Counter(crowd.map(fetch, [server.address] * ATTEMPTS, [feed] * ATTEMPTS))
        return feeds, Counter(crowd.map(ask, [server.address] * ATTEMPTS, [api] * ATTEMPTS))


def test_two_processes_share_one_count_through_redis(served_url: str, redis_server: RedisServer) -> None:
    exactly = {200: RATE, 429: ATTEMPTS - RATE}
    assert let_in(served_url, BOOKING_REDIS_URL=redis_server.url) == (exactly, exactly)
    assert sorted(key.split("/")[0] for key in redis_server.stored()) == [
        "hub-booking:api",
        "hub-booking:feed",
    ]


def test_two_processes_with_a_dead_redis_count_each(served_url: str) -> None:
    began = time.monotonic()
    for answers in let_in(served_url, BOOKING_REDIS_URL="redis://127.0.0.1:1"):
        assert set(answers) == {200, 429}
        assert RATE < answers[200] <= 2 * RATE
    assert time.monotonic() - began < 60
