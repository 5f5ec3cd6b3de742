"""`week`, `page` and `feed`: one person reads the measured week, or a calendar program its calendar."""

import gzip
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import cycle
from statistics import median
from typing import Any
from urllib.parse import quote

from benchmarks.bench import Bench
from benchmarks.clients import alone, quantile
from benchmarks.figures import Figure, at_most, milliseconds
from benchmarks.people import COOKIE, STAFF, VIEWER, SignIn, by_token, sign_in
from benchmarks.place import FACILITY
from benchmarks.stock import monday
from benchmarks.wire import Reply, Wire, request
from benchmarks.world import ROOM, link_of

PAINTINGS = 5
PAINTED = """async () => {
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() / 1000;
}"""


# --- week ------------------------------------------------------------------------------------------


def week(bench: Bench) -> Iterator[Figure]:
    """The bookings of one week as JSON, page by page to the last."""
    wire = Wire(bench.server.address)
    paths, replies = _pages(wire)
    count = sum(len(reply.json()["items"]) for reply in replies)
    requests = [_as_viewer(path) for path in paths]
    taken, hello = bench.beside_p50(lambda: _p50_of_all(wire, requests, bench.seconds, 200))
    p50 = median(taken)
    what = f"{milliseconds(p50)}, {count} bookings and blocks in {len(paths)} requests"
    yield Figure("week", what, p50 / hello, at_most(10), value=p50)
    known = [
        _as_viewer(path, If_None_Match=reply.header("ETag"))
        for path, reply in zip(paths, replies, strict=True)
    ]
    taken, hello = bench.beside_p50(lambda: _p50_of_all(wire, known, bench.seconds, 304) / len(known))
    yield Figure(
        "week, unchanged (each request)", milliseconds(median(taken)), median(taken) / hello, at_most(2)
    )
    wire.close()


def _pages(wire: Wire) -> tuple[list[str], list[Reply]]:
    first = monday(1)
    path = (
        f"/api/v1/bookings?facility={FACILITY}&limit=200"
        f"&start={first}T00:00:00Z&end={first + timedelta(days=7)}T00:00:00Z"
    )
    paths, replies, following = [], [], ""
    while True:
        paths.append(path + following)
        replies.append(_good(wire.ask(_as_viewer(paths[-1]))))
        cursor = replies[-1].json()["next"]
        if cursor is None:
            return paths, replies
        following = f"&cursor={quote(cursor)}"


def _as_viewer(path: str, **headers: str) -> bytes:
    return request("GET", path, Accept_Encoding="gzip", **by_token(VIEWER), **headers)


def _p50_of_all(wire: Wire, requests: Sequence[bytes], seconds: float, wanted: int) -> float:
    """Return the median time for all requests, one after the other."""
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        began = time.perf_counter()
        for one in requests:
            _good(wire.ask(one), wanted)
        taken.append(time.perf_counter() - began)
    return median(taken)


def _good(reply: Reply, wanted: int = 200) -> Reply:
    if reply.status != wanted:
        raise RuntimeError(f"{reply.status} in place of {wanted}: {reply.body[:300]!r}")
    return reply


# --- page ------------------------------------------------------------------------------------------


def page(bench: Bench) -> Iterator[Figure]:
    """The whole timeline page of the week, as HTML and painted in Chromium."""
    session = sign_in(bench.server.address, VIEWER)
    path = f"/calendar?view=week&facility={FACILITY}&date={monday(1)}"
    headers = {"Accept_Encoding": "gzip", **session.headers()}
    ask = request("GET", path, **headers)
    wire = Wire(bench.server.address)
    reply = _good(wire.ask(ask))
    taken, hello = bench.beside_p50(lambda: _p50_of_all(wire, [ask], bench.seconds, 200))
    p50 = median(taken)
    yield Figure("page", milliseconds(p50), p50 / hello, at_most(25), value=p50)
    yield from _sizes(reply)
    part = f"{path}&fragment=1"
    tag = _good(wire.ask(request("GET", part, **headers))).header("ETag")
    known = request("GET", part, If_None_Match=tag, **headers)
    taken, hello = bench.beside_p50(lambda: _p50_of_all(wire, [known], bench.seconds / 2, 304))
    yield Figure("page, asked whether anything changed", milliseconds(median(taken)), median(taken) / hello)
    wire.close()
    seconds = _painted(bench.server.address, path, session)
    yield Figure("page, painted by Chromium", f"{seconds:.2f} s", seconds, at_most(1))


def _sizes(reply: Reply) -> Iterator[Figure]:
    packed = reply.header("Content-Encoding") == "gzip"
    plain = gzip.decompress(reply.body) if packed else reply.body
    small = len(reply.body) if packed else len(gzip.compress(plain))
    sent = "sent so" if packed else f"but {len(plain) / 1000:.0f} kB are sent"
    yield Figure("page, kB gzipped", f"{small / 1000:.0f} kB, {sent}", small / 1000, at_most(120))


def _painted(address: str, path: str, session: SignIn) -> float:
    """Return the median time from asking for the page to its second frame, each with an empty cache."""
    from playwright.sync_api import sync_playwright

    from tests.chromium import chromium

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**chromium().launch_options())
        seconds = []
        for _ in range(PAINTINGS):
            context = browser.new_context(viewport={"width": 1280, "height": 800})
            context.add_cookies([{"name": COOKIE, "value": session.cookie, "url": address}])
            tab = context.new_page()
            tab.goto(address + path, wait_until="load")
            seconds.append(float(tab.evaluate(PAINTED)))
            context.close()
        browser.close()
    return median(seconds)


# --- feed ------------------------------------------------------------------------------------------


def feed(bench: Bench) -> Iterator[Figure]:
    """A calendar link with about 2,000 events, whole after one of them changed, and unchanged."""
    wire = Wire(bench.server.address)
    ask = request("GET", f"/feeds/{link_of(ROOM)}.ics", Accept_Encoding="gzip")
    events = gzip.decompress(_good(wire.ask(ask)).body).count(b"BEGIN:VEVENT")
    changes = _changes(wire)
    taken, hello = bench.beside_p50(lambda: _p50_after_changes(wire, ask, changes, bench.seconds))
    p50 = median(taken)
    yield Figure(
        "feed, after a change", f"{milliseconds(p50)}, {events} events", p50 / hello, at_most(10), value=p50
    )
    tag = _good(wire.ask(ask)).header("ETag")
    known = request("GET", f"/feeds/{link_of(ROOM)}.ics", Accept_Encoding="gzip", If_None_Match=tag)
    taken, hello = bench.beside_p50(
        lambda: quantile(alone(bench.server.address, known, bench.seconds / 2, 304), 0.5)
    )
    yield Figure("feed, unchanged", milliseconds(median(taken)), median(taken) / hello, at_most(2))
    wire.close()


def _changes(wire: Wire) -> Iterator[bytes]:
    """Yield requests that give a booking of the room another title, one booking after the other."""
    first = monday(1)
    window = f"start={first}T00:00:00Z&end={first + timedelta(days=7)}T00:00:00Z"
    path = f"/api/v1/bookings?room={ROOM}&status=confirmed&limit=200&{window}"
    items: list[dict[str, Any]] = _good(wire.ask(request("GET", path, **by_token(STAFF)))).json()["items"]
    for n, item in enumerate(cycle(items)):
        body = {"title": f"Moved up {n}", "reason": "as measured"}
        yield request("PATCH", f"/api/v1/bookings/{item['id']}", body, **by_token(STAFF))


def _p50_after_changes(wire: Wire, ask: bytes, changes: Iterator[bytes], seconds: float) -> float:
    taken: list[float] = []
    end = time.perf_counter() + seconds
    while not taken or time.perf_counter() < end:
        _good(wire.ask(next(changes)))
        began = time.perf_counter()
        _good(wire.ask(ask))
        taken.append(time.perf_counter() - began)
    return median(taken)
