"""Hostile requests to the running server: each gets its 4xx at once, and the server goes on."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from tests.served.conftest import Hub
from tests.web.api_client import V1, a_body
from tests.web.test_api_problems import UNREADABLE

MOST_SECONDS = 2
MEBIBYTE = 1024 * 1024
JSON = {"Content-Type": "application/json"}


class Told(NamedTuple):
    """An answer: its status, and the problem that it tells if it is one."""

    status: int
    problem: dict[str, Any]
    seconds: float

    @property
    def code(self) -> str:
        return str(self.problem.get("code", ""))


class Rogue:
    """Sends bytes as they are, which no honest client would."""

    def __init__(self, hub: Hub, name: str) -> None:
        self.host = urlsplit(hub.address).netloc
        self.token = hub.tokens[name]

    def send(
        self, method: str, path: str, body: bytes = b"", chunks: int = 0, **headers: str | bytes | None
    ) -> Told:
        """Send a request, whole or in chunks, and read the answer whatever becomes of the sending."""
        given: dict[str, str | bytes | None] = {"Host": self.host, "Authorization": f"Bearer {self.token}"}
        if method not in ("GET", "DELETE"):
            given |= JSON | (
                {"Transfer-Encoding": "chunked"} if chunks else {"Content-Length": str(len(body))}
            )
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        head = [f"{method} {path} HTTP/1.1".encode("latin-1")]
        head += [name.encode() + b": " + _raw(value) for name, value in given.items() if value is not None]
        parts = [body] if not chunks else [*_chunked(body, chunks)]
        return self._exchange([b"\r\n".join(head) + b"\r\n\r\n", *parts])

    def _exchange(self, parts: list[bytes]) -> Told:
        name, _, port = self.host.partition(":")
        began = time.monotonic()
        with closing(socket.create_connection((name, int(port)), timeout=20)) as connection:
            try:
                for part in parts:
                    connection.sendall(part)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it has heard enough; what it said is there to be read
            with closing(HTTPResponse(connection)) as response:
                response.begin()
                content = response.read()
                is_problem = response.headers.get_content_type() == "application/problem+json"
                problem = json.loads(content) if is_problem else {}
                return Told(response.status, problem, time.monotonic() - began)


def _raw(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


def _chunked(body: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(body), size):
        piece = body[at : at + size]
        yield f"{len(piece):x}\r\n".encode() + piece + b"\r\n"
    yield b"0\r\n\r\n"


@pytest.fixture(scope="module")
def rogue(hub: Hub) -> Rogue:
    return Rogue(hub, "researcher")


@pytest.fixture(autouse=True)
def _it_goes_on(rogue: Rogue) -> Iterator[None]:
    yield
    assert rogue.send("GET", f"{V1}/me").status == 200


def booking(**more: Any) -> bytes:
    return json.dumps(a_body(**more)).encode()


# --- bodies ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", UNREADABLE)
def test_an_unreadable_body(rogue: Rogue, name: str) -> None:
    told = rogue.send("POST", f"{V1}/bookings", UNREADABLE[name])
    assert (told.status, told.code) == (400, "unreadable")
    assert told.seconds < MOST_SECONDS


@pytest.mark.parametrize("path", ["/bookings", "/bookings/check", "/feeds", f"/bookings/{'0' * 16}/approve"])
@pytest.mark.parametrize("chunks", [0, 65_536], ids=["whole", "in chunks"])
def test_two_mebibytes(rogue: Rogue, path: str, chunks: int) -> None:
    told = rogue.send("POST", V1 + path, booking(notes="x" * 2 * MEBIBYTE), chunks)
    assert (told.status, told.code) == (413, "too_large")
    assert told.seconds < MOST_SECONDS


def test_chunks_are_as_good_as_a_whole(rogue: Rogue) -> None:
    told = rogue.send("POST", f"{V1}/bookings/check", booking(), 7)
    assert told.status == 200
    told = rogue.send("POST", f"{V1}/bookings/check", b"[" * 60_000, 4096)
    assert (told.status, told.code) == (400, "unreadable")


def test_a_body_of_another_kind(rogue: Rogue) -> None:
    for kind in (
        "text/plain",
        "application/json; charset=utf-16",
        "a/b/c",
        "",
        "\xff",
        "multipart/form-data",
    ):
        told = rogue.send("POST", f"{V1}/bookings", booking(), Content_Type=kind)
        assert (told.status, told.code) == (415, "unsupported_media_type"), kind
    packed = rogue.send("POST", f"{V1}/bookings", b"\x1f\x8b\x08\x00", Content_Encoding="gzip")
    assert (packed.status, packed.code) == (400, "unreadable")


# --- addresses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "%00",
        "%0d%0aX-Evil:%20yes",
        "%ff",
        "%ed%a0%80",
        "..%2f..%2fetc%2fpasswd",
        "%2e%2e",
        "a" * 8000,
        "%",
        "%zz",
    ],
    ids=lambda path: path[:20],
)
def test_a_path_that_leads_nowhere(rogue: Rogue, path: str) -> None:
    for place in ("/bookings/", "/resources/", "/facilities/", "/feeds/", "/"):
        told = rogue.send("GET", f"{V1}{place}{path}")
        assert (told.status, told.code) == (404, "not_found"), place
        assert told.seconds < MOST_SECONDS


def test_an_address_without_end(rogue: Rogue) -> None:
    for path in (f"{V1}/{'a' * 100_000}", f"{V1}/bookings?cursor={'A' * 100_000}"):
        assert 400 <= rogue.send("GET", path).status < 500


@pytest.mark.parametrize(
    "cursor", ["A" * 2001, "A" * 1999, "W10", "bnVsbA", "W1swXSxbXV0", "%00", "%ff", "-", "e30"]
)
def test_a_cursor_that_is_not_ours(rogue: Rogue, cursor: str) -> None:
    for path in ("/bookings", "/resources", "/feeds", "/rooms", "/facilities"):
        told = rogue.send("GET", f"{V1}{path}?cursor={cursor}")
        assert told.status == 422 or (path != "/bookings" and cursor == "W1swXSxbXV0"), path


# --- headers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"Bearer",
        b"Bearer \xff\xfe",
        b"Bearer " + b"x" * 10_000,
        b"Basic !!!",
        b"\x80" * 100,
        b"Digest a=b",
    ],
    ids=lambda value: repr(value[:12]),
)
def test_a_sign_in_that_is_none(rogue: Rogue, value: bytes) -> None:
    for method, path in (("GET", "/me"), ("POST", "/bookings")):
        told = rogue.send(method, V1 + path, Authorization=value)
        assert (told.status, told.code) == (401, "unauthorized")


@pytest.mark.parametrize(
    "key", [b"x" * 10_000, b"", b"\xff\xfe", b"a\tb", b"\xc3\xa9"], ids=lambda key: repr(key[:5])
)
def test_a_key_that_is_none(rogue: Rogue, key: bytes) -> None:
    for path, body in (
        ("/bookings", booking()),
        ("/bookings/check", booking()),
        ("/feeds", b'{"scope": "me"}'),
    ):
        told = rogue.send("POST", V1 + path, body, Idempotency_Key=key)
        assert (told.status, list(told.problem["errors"])) == (422, ["Idempotency-Key"])


def test_an_etag_that_is_none(hub: Hub, rogue: Rogue) -> None:
    made = rogue.send("POST", f"{V1}/bookings", booking(what="H-HALL"))
    assert made.status == 201
    with closing(hub.client("researcher")) as client:
        (found,) = client.ask("GET", "/bookings?mine=true").body["items"]
    path = f"{V1}/bookings/{found['id']}"
    for tag in (b"x", b'"', b'W/"', b"\xff", b'"9999999999-ab"', b'"' + b"1" * 10_000 + b'"', b"," * 5000):
        assert rogue.send("GET", path, If_None_Match=tag).status == 200
        told = rogue.send("PATCH", path, b'{"title": "Two"}', If_Match=tag)
        assert (told.status, told.code) == (412, "stale"), tag
    assert rogue.send("DELETE", path, If_Match=b'"0"').status == 412
    assert rogue.send("DELETE", path, If_Match=b"*").status == 200


def test_other_headers(rogue: Rogue) -> None:
    for headers in (
        {"Host": b"a b"},
        {"Host": b"\xff"},
        {"Host": b"evil.example:99999999"},
        {"Content_Length": b"-1"},
        {"Content_Length": b"1e3"},
        {"Transfer_Encoding": b"gzip"},
        {"Cookie": b"hub=" + b"x" * 5000},
        {"Accept": b"\xff"},
        {"Forwarded": b"for=\xff"},
        {"Range": b"bytes=9-1"},
    ):
        told = rogue.send("POST", f"{V1}/feeds", b'{"scope": "moon"}', **headers)
        assert 400 <= told.status < 500, headers
        assert told.seconds < MOST_SECONDS


def test_a_method_that_is_none(rogue: Rogue) -> None:
    for method in ("BREW", "PROPFIND", "X" * 100):
        told = rogue.send(method, f"{V1}/me")
        assert (told.status, told.code) == (405, "method_not_allowed")
