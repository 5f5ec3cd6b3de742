"""`book`: eight people book free slots on 50 machines at the same time, as fast as they are answered."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random
from statistics import median

from benchmarks.bench import CLIENTS, WARM_UP, Bench
from benchmarks.clients import Client, Crowd
from benchmarks.figures import Figure, at_least, at_most, milliseconds, processor
from benchmarks.people import BOOKERS, by_token, sign_in
from benchmarks.place import Cell, Member, members, midnight_of, week
from benchmarks.stock import WEEKS_AHEAD, monday
from benchmarks.wire import request
from benchmarks.world import link_of

MUST_REACH = {"sqlite": 0.15, "postgresql": 0.08}
LINKS, FETCHES_PER_SECOND, POLLERS = 200, 40, 2


def plans(signed_in: list[dict[str, str]]) -> list[list[bytes]]:
    """Write each client's requests: all free cells after the measured week, dealt out by chance."""
    slots = [
        (midnight_of(monday(number)), cell) for number in range(2, WEEKS_AHEAD + 1) for cell in week().free
    ]
    Random(8).shuffle(slots)  # noqa: S311 (the same in each run)
    return [
        [
            _wish(cell, midnight, BOOKERS[client], headers, n % 2 == 0)
            for n, (midnight, cell) in enumerate(slots[client::CLIENTS])
        ]
        for client, headers in enumerate(signed_in)
    ]


def _wish(cell: Cell, midnight: int, who: Member, headers: dict[str, str], with_project: bool) -> bytes:
    body = {
        "resources": [cell.machine],
        "start": _text(midnight + cell.start * 60),
        "end": _text(midnight + cell.end * 60),
        "title": "Passage 12",
    }
    if with_project:
        body["project"] = who.project
    return request("POST", "/api/v1/bookings", body, **headers)


def _text(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


def book(bench: Bench) -> Iterator[Figure]:
    """Bookings per second by API token, how evenly they are dealt, and the same with a browser's session."""
    bench.book(WARM_UP)
    crowds, hello = bench.beside_rate(lambda: bench.book(bench.seconds))
    rate = median(crowd.rate for crowd in crowds)
    cpu = median(crowd.cpu for crowd in crowds)
    p50, p95 = (median(crowd.quantile(share) for crowd in crowds) for share in (0.5, 0.95))
    target = at_least(MUST_REACH[bench.store.name])
    yield Figure("book", f"{rate:.0f}/s, {processor(cpu)}", rate / hello, target)
    spread = f"p50 {milliseconds(p50)}, p95 {milliseconds(p95)}"
    yield Figure("book: p95 ÷ p50", spread, p95 / p50, at_most(3))
    shares = [sum(counts) for counts in zip(*(crowd.counts for crowd in crowds), strict=True)]
    fairness = f"{min(shares)} and {max(shares)} bookings"
    yield Figure("book: slowest ÷ fastest client", fairness, min(shares) / max(shares), at_least(0.7))
    yield _refused(crowds)
    yield _by_session(bench, hello)


def _refused(crowds: list[Crowd]) -> Figure:
    failures: Counter[str] = sum((crowd.failures for crowd in crowds), Counter())
    said = "".join(f": {text[:120]}" for text, _ in failures.most_common(1))
    return Figure("book: refused", f"{failures.total()}{said}", float(failures.total()), at_most(0))


def _by_session(bench: Bench, hello: float) -> Figure:
    sessions = [sign_in(bench.server.address, member).headers() for member in BOOKERS]
    token_plans = bench.plans
    bench.plans = [
        [_with(headers, wish) for wish in plan] for headers, plan in zip(sessions, token_plans, strict=True)
    ]
    crowd = bench.book(bench.seconds)
    for plan, log in zip(token_plans, crowd.logs, strict=True):
        del plan[: log.asked]
    bench.plans = token_plans
    return Figure("book, signed in by cookie", f"{crowd.rate:.0f}/s", crowd.rate / hello)


def _with(headers: dict[str, str], wish: bytes) -> bytes:
    """Sign a request in by session in place of the token."""
    lines = wish.split(b"\r\n")
    new = [f"{name.replace('_', '-')}: {value}".encode() for name, value in headers.items()]
    return b"\r\n".join(
        [*lines[:1], *new, *(line for line in lines[1:] if not line.startswith(b"Authorization"))]
    )


def polling(bench: Bench) -> Iterator[Figure]:
    """One person's bookings, alone and while 200 calendar links are fetched."""
    pollers = tuple(_poller(n) for n in range(POLLERS))
    bench.book(WARM_UP, 1)
    quiet = bench.book(bench.seconds, 1)
    beside = bench.book(bench.seconds, 1, pollers)
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        before, after = quiet.quantile(share), beside.quantile(share)
        figure = f"{milliseconds(before)} alone, {milliseconds(after)} beside"
        yield Figure(f"book beside {LINKS} feeds: {name}", figure, after / before)


def _poller(n: int) -> Client:
    links = [link_of(member.email) for member in members()[:LINKS]][n::POLLERS]
    fetches = [request("GET", f"/feeds/{link}.ics", Accept_Encoding="gzip") for link in links]
    return Client(fetches * 50, 200, POLLERS / FETCHES_PER_SECOND)


def by_tokens() -> list[dict[str, str]]:
    """Return the headers of those who book."""
    return [by_token(member) for member in BOOKERS]
