"""The benchmark's own parts: the lattice of cells, the client, the table, the command line."""

import subprocess
import sys
import threading
from collections import defaultdict
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from benchmarks import __main__ as command
from benchmarks import clients, place, writing
from benchmarks.figures import Figure, at_least, at_most, table
from benchmarks.wire import Wire, request
from booking.catalogue.shape import shape_faults
from run import ROOT

WEEK = 7 * place.DAY


def test_every_week_is_as_dense_as_a_real_one():
    week = place.week()
    assert 350 <= len(week.taken) <= 500
    assert {cell.machine for cell in (*week.taken, *week.free)} == {
        code for kind in place.KINDS for code in place.machines(kind)
    }
    assert sum(kind.machines for kind in place.KINDS) == 50
    assert not set(week.taken) & set(week.free)
    assert place.week() == week


def test_no_cell_gets_into_the_way_of_another_whoever_books():
    units = defaultdict(list)
    for cell in (*place.week().taken, *place.week().free):
        units[cell.machine, cell.unit].append(cell)
    for cells in units.values():
        cells.sort(key=lambda cell: cell.start)
        kind = cells[0].kind
        cleared = [cell.end + max(kind.changeover, kind.clearance) for cell in cells]
        following = [cell.start - kind.setup for cell in cells[1:]] + [cells[0].start - kind.setup + WEEK]
        assert all(end <= start for end, start in zip(cleared, following, strict=True)), cells[0].machine


def test_weeks_count_from_local_midnight():
    assert place.midnight_of(date(2027, 1, 4)) % 86400 == 0
    assert place.midnight_of(date(2027, 7, 5)) % 86400 == 23 * 3600


def test_the_facility_is_a_good_catalogue():
    assert shape_faults(place.catalogue(), date(2027, 1, 4)) == []


def test_the_clients_never_ask_for_the_same_slot():
    plans = writing.plans(writing.by_tokens())
    wishes = [wish.split(b"\r\n\r\n")[1].split(b'"title"')[0] for plan in plans for wish in plan]
    assert len(plans) == 8
    assert max(wishes.count(wish) for wish in wishes[:50]) <= 8  # the units of one machine, by the same name
    assert len(wishes) == (writing.WEEKS_AHEAD - 1) * len(place.week().free)


# --- the client


class Answering(BaseHTTPRequestHandler):
    """Answers with a body, or that nothing changed."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        known = self.headers.get("If-None-Match") == "x"
        body = b"" if known else b"long " * 100_000
        self.send_response(304 if known else 200)
        self.send_header("ETag", "x")
        if not known:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        """Say nothing."""


@pytest.fixture
def address():
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_answers_are_read_whole_and_the_connection_is_kept(address):
    wire = Wire(address)
    for _ in range(2):
        reply = wire.ask(request("GET", "/"))
        assert (reply.status, len(reply.body), reply.header("ETag")) == (200, 500_000, "x")
        assert wire.ask(request("GET", "/", If_None_Match="x")).status == 304
    wire.close()


def test_an_answer_that_was_not_wanted_is_a_failure(address):
    with pytest.raises(RuntimeError, match="unexpected answer: 200"):
        clients.alone(address, request("GET", "/"), 0.01, wanted=304)
    assert clients.alone(address, request("GET", "/", If_None_Match="x"), 0.01, wanted=304)


def test_clients_with_nothing_left_to_ask_are_no_measurement(address):
    with pytest.raises(LookupError, match="nothing left"):
        clients.together(address, [clients.Client([request("GET", "/")])], 5)


# --- the table


def test_a_figure_is_marked_by_its_target():
    assert Figure("book", "400/s", 0.16, at_least(0.15)).mark == "✓"
    assert Figure("book", "400/s", 0.14, at_least(0.15)).mark == "✗"
    assert Figure("week", "3 ms", 9.9, at_most(10)).mark == "✓"
    assert Figure("week", "3 ms", 10.1, at_most(10)).mark == "✗"
    assert Figure("cold start", "1 s").mark == ""


def test_the_table_shows_size_database_and_target():
    lines = table([Figure("book", "400/s", 0.1632, at_least(0.15), engine="sqlite", bookings=10_000)])
    cells = [cell.strip() for cell in lines.splitlines()[-1].split("|")[1:-1]]
    assert cells == ["book", "SQLite", "10k", "400/s", "0.163", "≥ 0.15", "✓"]


def test_growth_compares_the_largest_with_the_smallest():
    sizes = {10_000: 2.0, 100_000: 2.2, 1_000_000: 3.0}
    figures = [Figure("week", "x", v, engine="sqlite", bookings=n) for n, v in sizes.items()]
    (grown,) = command.growth("sqlite", figures)
    assert (grown.what, grown.ratio, grown.mark) == ("week: 1M ÷ 10k", 1.5, "✗")


# --- the command line


def test_the_command_line_names_what_to_measure():
    asked = command.parser().parse_args(["--quick", "--engine", "sqlite", "--only", "week,book"])
    assert (asked.quick, asked.full, asked.engine, asked.only) == (True, False, ["sqlite"], ["week", "book"])
    assert command.parser().parse_args([]).engine == ["sqlite", "postgresql"]


def test_an_unknown_measure_is_named(capsys):
    with pytest.raises(SystemExit):
        command.parser().parse_args(["--only", "week,speed"])
    assert "'speed' is none of week, page" in capsys.readouterr().err


def test_it_explains_itself():
    asked = [sys.executable, "-m", "benchmarks", "--help"]
    done = subprocess.run(asked, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "--full" in done.stdout
