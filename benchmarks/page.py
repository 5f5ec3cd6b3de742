"""`page`: the timeline of one week, as HTML and as painted in Chromium."""

import gzip
from collections.abc import Iterator
from statistics import median

from playwright.sync_api import sync_playwright

from benchmarks.bench import Bench
from benchmarks.figures import Figure, at_most
from benchmarks.people import COOKIE, VIEWER, SignIn, sign_in
from benchmarks.place import FACILITY
from benchmarks.reading import fetch, read
from benchmarks.stock import monday
from benchmarks.wire import Reply, request
from tests.chromium import chromium

PAINTINGS = 5
PAINTED = """async () => {
  await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
  return performance.now() / 1000;
}"""


def page(bench: Bench) -> Iterator[Figure]:
    """The whole page, its size, its part that is asked for every few seconds, and until it is painted."""
    session = sign_in(bench.server.address, VIEWER)
    headers = {"Accept_Encoding": "gzip", **session.headers()}
    path = f"/calendar?view=week&facility={FACILITY}&date={monday(1)}"
    ask, part = request("GET", path, **headers), f"{path}&fragment=1"
    whole = fetch(bench, ask)
    yield read(bench, "page", [ask], at_most(25))
    yield read(bench, "page, after a change", [ask], changed=True)
    yield _size(whole)
    tag = fetch(bench, request("GET", part, **headers)).header("ETag")
    known = request("GET", part, If_None_Match=tag, **headers)
    yield read(bench, "page, asked for changes", [known], wanted=304)
    seconds = painted(bench.server.address, path, session)
    yield Figure("page, seconds until painted", f"{seconds:.2f} s", seconds, at_most(1))


def _size(reply: Reply) -> Figure:
    packed = reply.header("Content-Encoding") == "gzip"
    small = len(reply.body if packed else gzip.compress(reply.body)) / 1000
    sent = "as sent" if packed else f"but sent as {len(reply.body) / 1000:.0f} kB"
    return Figure("page, kB gzipped", f"{small:.0f} kB, {sent}", small, at_most(120))


def painted(address: str, path: str, session: SignIn) -> float:
    """Return the median time from asking for the page to its second frame, each with an empty cache."""
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
