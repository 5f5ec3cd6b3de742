"""`week` and `feed`: one person reads a week as JSON, a calendar program its calendar."""

import gzip
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from statistics import median
from typing import Any
from urllib.parse import quote

from benchmarks.bench import Bench
from benchmarks.figures import Figure, Target, at_most, milliseconds, processor
from benchmarks.people import STAFF, VIEWER, by_token
from benchmarks.place import FACILITY, KINDS, machines
from benchmarks.stock import monday
from benchmarks.wire import Reply, Wire, request
from benchmarks.world import ROOM, link_of


@dataclass(frozen=True)
class Timed:
    """What it took to get something: the median, and the server's processor time."""

    p50: float
    cpu: float


def good(reply: Reply, wanted: int = 200) -> Reply:
    """Return the reply, or raise if it is another than was wanted."""
    if reply.status != wanted:
        raise RuntimeError(f"{reply.status} in place of {wanted}: {reply.body[:300]!r}")
    return reply


def fetch(bench: Bench, ask: bytes) -> Reply:
    """Get something once, over a connection of its own: the server ends those that are idle for long."""
    wire = Wire(bench.server.address)
    try:
        return good(wire.ask(ask))
    finally:
        wire.close()


def timed(
    bench: Bench,
    wire: Wire,
    asks: Sequence[bytes],
    wanted: int = 200,
    changes: Iterator[bytes] | None = None,
) -> Timed:
    """Send all requests one after the other, again and again; before each time, untimed, the next change."""
    seconds: list[float] = []
    cpu = 0.0
    end = time.perf_counter() + bench.seconds
    while not seconds or time.perf_counter() < end:
        if changes:
            good(wire.ask(next(changes)))
        used, began = bench.server.cpu(), time.perf_counter()
        for ask in asks:
            good(wire.ask(ask), wanted)
        seconds.append(time.perf_counter() - began)
        cpu += bench.server.cpu() - used
    return Timed(median(seconds), cpu / len(seconds))


def read(
    bench: Bench,
    what: str,
    asks: Sequence[bytes],
    target: Target | None = None,
    note: str = "",
    wanted: int = 200,
    changed: bool = False,
) -> Figure:
    """Time some requests over one connection, beside the reference; `changed` if each time after a change."""
    wire = Wire(bench.server.address)
    changes = _changes(wire) if changed else None
    for ask in asks:  # to warm up
        good(wire.ask(ask), wanted)
    rounds, hello = bench.beside_p50(lambda: timed(bench, wire, asks, wanted, changes))
    wire.close()
    p50, cpu = median(one.p50 for one in rounds), median(one.cpu for one in rounds)
    return Figure(what, f"{milliseconds(p50)}, {processor(cpu)}{note}", p50 / hello, target)


def _changes(wire: Wire) -> Iterator[bytes]:
    """Yield requests that give one booking after the other of the measured week another title."""
    path = f"/api/v1/bookings?room={ROOM}&status=confirmed&limit=200&{window()}"
    items: list[dict[str, Any]] = good(wire.ask(request("GET", path, **by_token(STAFF)))).json()["items"]
    for n, item in enumerate(cycle(items)):
        body = {"title": f"Moved up {n}", "reason": "as measured"}
        yield request("PATCH", f"/api/v1/bookings/{item['id']}", body, **by_token(STAFF))


# --- week ------------------------------------------------------------------------------------------


def week(bench: Bench) -> Iterator[Figure]:
    """The bookings of one week as JSON, page by page to the last; then one of the pages, unchanged."""
    paths, replies = _pages(bench)
    count = sum(len(reply.json()["items"]) for reply in replies)
    note = f", {count} items in {len(paths)} requests"
    asks = [_as_viewer(path) for path in paths]
    yield read(bench, "week", asks, at_most(10), note)
    yield read(bench, "week, after a change", asks, changed=True)
    paths, replies = _pages(bench)
    known = _as_viewer(paths[0], If_None_Match=replies[0].header("ETag"))
    yield read(bench, "week, unchanged", [known], at_most(2), ", one request", 304)


def _pages(bench: Bench) -> tuple[list[str], list[Reply]]:
    path = f"/api/v1/bookings?facility={FACILITY}&limit=200&{window()}"
    paths, replies, following = [], [], ""
    while True:
        paths.append(path + following)
        replies.append(fetch(bench, _as_viewer(paths[-1])))
        cursor = replies[-1].json()["next"]
        if cursor is None:
            return paths, replies
        following = f"&cursor={quote(cursor)}"


def window() -> str:
    """Return the measured week as the API takes it."""
    first = monday(1)
    return f"start={first}T00:00:00Z&end={first + timedelta(days=7)}T00:00:00Z"


def _as_viewer(path: str, **headers: str) -> bytes:
    return request("GET", path, Accept_Encoding="gzip", **by_token(VIEWER), **headers)


# --- find ------------------------------------------------------------------------------------------


def find(bench: Bench) -> Iterator[Figure]:
    """The first slot for three cabinets together, four hours long, within eight weeks; judged in ms."""
    first = monday(1)
    asked = {
        "resources": machines(KINDS[0])[:3],
        "duration_minutes": 240,
        "earliest": f"{first}T00:00:00Z",
        "latest": f"{first + timedelta(weeks=8)}T00:00:00Z",
        "limit": 1,
    }
    wire, ask = Wire(bench.server.address), request("POST", "/api/v1/slots/search", asked, **by_token(VIEWER))
    if not good(wire.ask(ask)).json()["slots"]:
        raise RuntimeError("no slot was found")
    rounds, _ = bench.beside_p50(lambda: timed(bench, wire, [ask]))
    wire.close()
    p50, cpu = median(one.p50 for one in rounds), median(one.cpu for one in rounds)
    yield Figure("find (ratio: ms)", f"{milliseconds(p50)}, {processor(cpu)}", p50 * 1000, at_most(20))


# --- feed ------------------------------------------------------------------------------------------


def feed(bench: Bench) -> Iterator[Figure]:
    """A calendar link with about 2,000 events, whole after one of them changed, and unchanged."""
    ask = _of_the_room()
    calendar = gzip.decompress(fetch(bench, ask).body)
    note = f", {calendar.count(b'BEGIN:VEVENT')} events"
    yield read(bench, "feed, after a change", [ask], at_most(10), note, changed=True)
    known = _of_the_room(If_None_Match=fetch(bench, ask).header("ETag"))
    yield read(bench, "feed, unchanged", [known], at_most(2), wanted=304)


def _of_the_room(**headers: str) -> bytes:
    return request("GET", f"/feeds/{link_of(ROOM)}.ics", Accept_Encoding="gzip", **headers)
