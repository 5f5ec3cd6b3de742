"""`python3 run.py bench`: build the databases, start the servers, measure, and print one table."""

import argparse
import fcntl
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from statistics import median

from benchmarks import guard, machine, page, reading, servers, stock, writing
from benchmarks.bench import Bench, Measure, Reference
from benchmarks.figures import Figure, Target, at_least, at_most, milliseconds, processor, size_words, table
from benchmarks.stores import Store
from booking.base import clock

# In this order: whatever only reads comes first.
MEASURES: dict[str, Measure] = {
    "week": reading.week,
    "page": page.page,
    "feed": reading.feed,
    "find": reading.find,
    "guard": guard.guard,
    "book": writing.book,
    "polling": writing.polling,
}
GROWTH = {
    "book": at_least(0.9),
    "week": at_most(1.3),
    "week, after a change": at_most(1.3),
    "page": at_most(1.3),
    "page, after a change": at_most(1.3),
    "feed, after a change": at_most(1.3),
    "guard: check and insert": at_most(1.3),
}
SIZES, QUICK_SIZES, FULL_SIZES = (10_000, 100_000), (10_000,), (10_000, 100_000, 1_000_000)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what the command line asks for; return 1 if a target was missed."""
    asked = parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no server is left behind
    figures: list[Figure] = []
    with _alone():
        stores: list[Store] = [stock.STORES[name](stock.cache_folder()) for name in asked.engine]
        words = machine.in_words(stores)
        try:
            _measure(stores, asked, figures)
        finally:  # what was measured before an interruption is shown too
            print(f"\n{words}\n\n{table(figures)}")
    if asked.write:
        _write(words, figures, _sizes(asked))
    return 1 if any(figure.mark == "✗" for figure in figures) else 0


def parser() -> argparse.ArgumentParser:
    """Return what the command line may say."""
    parser = argparse.ArgumentParser(prog="run.py bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10k bookings and short rounds: for development")
    parser.add_argument("--full", action="store_true", help="also 1M bookings")
    parser.add_argument("--engine", type=_names(stock.STORES), default=list(stock.STORES), metavar="NAME,…")
    parser.add_argument("--only", type=_names(MEASURES), default=list(MEASURES), metavar="NAME,…",
                        help=f"some of {', '.join(MEASURES)}")  # fmt: skip
    parser.add_argument("--write", action="store_true", help="keep the result in benchmarks/RESULTS.md")
    return parser


def _names(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    def read(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(known)}")
        return names

    return read


@contextmanager
def _alone() -> Iterator[None]:
    """Refuse to run beside another benchmark of this user."""
    with (stock.cache_folder() / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("run.py: another benchmark is running")
        yield


def _sizes(asked: argparse.Namespace) -> tuple[int, ...]:
    return QUICK_SIZES if asked.quick else FULL_SIZES if asked.full else SIZES


def _measure(stores: list[Store], asked: argparse.Namespace, found: list[Figure]) -> None:
    sizes = _sizes(asked)
    with servers.gunicorn() as hello:
        reference = Reference(hello, 0.6 if asked.quick else 1.5)
        reference.warm_up()
        for store in stores:
            for bookings in sizes:
                for figure in _of_one(store, bookings, reference, asked):
                    found.append(replace(figure, engine=store.name, bookings=bookings))
            found += growth(store.name, found)
        found[:0] = _hellos(reference)


def _of_one(store: Store, bookings: int, reference: Reference, asked: argparse.Namespace) -> Iterator[Figure]:
    _say(f"{store.name}, {size_words(bookings)} bookings: building the database …")
    key = stock.get(store, bookings)
    with store.copy(key) as url, servers.booking(url) as server:
        bench = Bench(
            store=store,
            bookings=bookings,
            url=url,
            server=server,
            reference=reference,
            rounds=1 if asked.quick else 3,
            seconds=2.0 if asked.quick else 4.0,
            plans=writing.plans(writing.by_tokens()),
        )
        for name in [name for name in MEASURES if name in asked.only]:
            _say(f"{store.name}, {size_words(bookings)} bookings: {name} …")
            yield from MEASURES[name](bench)
        yield from _footprint(store, key, bookings, server)
        yield from _verified(bench)


def _footprint(store: Store, key: str, bookings: int, server: servers.Server) -> Iterator[Figure]:
    resident, shared_out = server.weight()
    yield Figure("memory of a worker", f"{resident:.0f} MiB resident, {shared_out:.0f} MiB its share")
    yield Figure("cold start", f"{server.cold_start:.2f} s")
    per_100k = store.size(key) / bookings * 100_000 / 1e6
    yield Figure("database, for 100k bookings", f"{per_100k:.0f} MB")


def _verified(bench: Bench) -> Iterator[Figure]:
    """Count in the database: as many bookings as were confirmed to clients, and no overlap."""
    missing = bench.bookings + bench.booked - guard.stored(bench.url)
    overlaps = guard.overlaps(bench.url)
    faults = abs(missing) + overlaps
    what = f"{bench.booked} confirmed, {missing} missing, {overlaps} overlap"
    yield Figure("verified in the database", what, float(faults), at_most(0))


def growth(engine: str, figures: list[Figure]) -> Iterator[Figure]:
    """Compare the largest database with the smallest, each by its ratio: the machine's mood is out of it."""
    own = [figure for figure in figures if figure.engine == engine]
    for what, target in GROWTH.items():
        series = sorted((f for f in own if f.what == what), key=lambda figure: figure.bookings)
        if len(series) > 1:
            yield _grown(series[0], series[-1], target)


def _grown(small: Figure, large: Figure, target: Target) -> Figure:
    what = f"{large.what}: {size_words(large.bookings)} ÷ {size_words(small.bookings)}"
    figure = f"{small.figure.split(',')[0]} → {large.figure.split(',')[0]}"
    return Figure(what, figure, (large.ratio or 0) / (small.ratio or 1), target, engine=large.engine)


def _hellos(reference: Reference) -> Iterator[Figure]:
    """Show the reference itself, and the same on the product's own server."""
    with servers.granian() as server:
        other = Reference(server, reference.seconds)
        other.warm_up()
        other.rate()
        other.p50()
    if not reference.rates:
        reference.rate()
    if not reference.p50s:
        reference.p50()
    gunicorn, granian = median(reference.rates), median(other.rates)
    yield Figure("hello, gunicorn", _speed(reference), 1.0)
    yield Figure("hello, granian", _speed(other), granian / gunicorn)


def _speed(reference: Reference) -> str:
    rates, p50s = sorted(reference.rates), sorted(reference.p50s)
    rate = f"{median(rates):.0f}/s" + (f" ({rates[0]:.0f}–{rates[-1]:.0f})" if len(rates) > 1 else "")
    return f"{rate}, p50 {milliseconds(median(p50s))}, {processor(median(reference.cpus))}"


def _write(words: str, figures: list[Figure], sizes: Sequence[int]) -> None:
    day, loaded = clock.now().date(), ", ".join(f"{size // 1000}k" for size in sizes)
    text = (
        f"# The last result\n\nMeasured on {day:%-d %B %Y} by `python3 run.py bench` with {loaded} bookings; "
        "[README.md](README.md) says what each line means. "
        "Ratios are to the hello-world of the same minute.\n\n"
        f"{words}\n\n{table(figures)}\n"
    )
    machine.results_file().write_text(text, encoding="utf-8")


def _say(text: str) -> None:
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
