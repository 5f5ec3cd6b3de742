"""What the API says when something is wrong: who calls, what is sent, and what cannot be had now."""

import base64
import contextvars
import json
import re
from typing import Any
from unittest.mock import Mock

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from structlog.testing import capture_logs
from werkzeug.test import TestResponse

from booking.api import bookings as api_bookings
from booking.base import clock
from booking.base.db import db, transaction
from booking.base.errors import Busy
from booking.people.models import ApiToken, User
from booking.people.sessions import TooManyFailures, create_token, revoke_token, sign_in
from tests.factories import MONDAY, PASSWORD, World, email_of
from tests.web.api_client import V1, Caller, Hub, a_body


@pytest.fixture
def hub(world_app: Flask, world: World) -> Hub:
    return Hub(world_app, world)


def told(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["code"]


# --- who is calling --------------------------------------------------------------------------------


def test_nobody_gets_nothing(hub: Hub) -> None:
    """Every address of the API is asked, so that a new one is not forgotten."""
    public = {f"{V1}/openapi.json", "/api/docs"}
    asked = 0
    for rule in hub.app.url_map.iter_rules():
        if not rule.rule.startswith("/api") or rule.rule in public:
            continue
        path = re.sub(r"<string.*?>", "0" * 16, rule.rule).replace("<code>", "H-BSC1")
        path = re.sub(r"<int.*?>", "1", path)
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            answer = hub.nobody().send(method, path.removeprefix(V1), json={})
            assert told(answer) == (401, "unauthorized"), (method, path)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            asked += 1
    assert asked >= 16


def test_a_wrong_token_is_401(hub: Hub) -> None:
    basic = "Basic c3R1ZGVudDpkZW1v"
    for header in ("Bearer nonsense", "Bearer ", "Bearer", basic, "nonsense", "Bearer é", "Bearer a b", ""):
        answer = Caller(hub, {"Authorization": header}).get("/me")
        assert told(answer) == (401, "unauthorized")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_token_works_until_its_date_or_until_it_is_revoked(hub: Hub) -> None:
    user_id = hub.world.users["student"]
    token = create_token(user_id, "tests", "write", 1, None)
    caller = Caller(hub, {"Authorization": f"bearer {token}"})
    assert caller.get("/me").status_code == 200
    with clock.travel(MONDAY.replace(day=13)):
        assert caller.get("/me").status_code == 401
    revoke_token(db.session.scalars(select(ApiToken.public_id)).one(), hub.world.viewer("student"))
    assert caller.get("/me").status_code == 401


def test_who_has_left_is_nobody(hub: Hub) -> None:
    caller = hub.as_("student")
    with transaction():
        db.session.get_one(User, hub.world.users["student"]).active = False
    assert caller.get("/me").status_code == 401


def test_a_token_that_may_only_read_writes_nothing(hub: Hub) -> None:
    reader = hub.as_("researcher", scope="read")
    made = hub.as_("researcher").book()
    path = f"/bookings/{made['id']}"
    assert reader.get(path).status_code == 200
    for answer in (
        reader.post("/bookings", a_body("H-BSC2")),
        reader.patch(path, {"title": "Two"}),
        reader.delete(path),
        reader.post(f"{path}/approve"),
        reader.post("/feeds", {"scope": "me"}),
    ):
        assert told(answer) == (403, "forbidden")


# --- the browser's session -------------------------------------------------------------------------


class Browser(Caller):
    """Somebody signed in with a browser; the CSRF token is sent if it is wanted."""

    def __init__(self, hub: Hub, name: str) -> None:
        super().__init__(hub, {})
        self.token = sign_in(email_of(name), PASSWORD, "127.0.0.1", "tests", 0)

    def send(self, method: str, path: str, **options: Any) -> TestResponse:
        csrf = options.pop("csrf", None)
        headers = {"X-CSRFToken": csrf} if csrf else {}
        client = self.hub.app.test_client()
        with client.session_transaction() as session:
            session.update(_user_id=self.token, _fresh=True, csrf_token="raw")
        send: Any = contextvars.Context().run
        answer: TestResponse = send(client.open, V1 + path, method=method, headers=headers, **options)
        return answer

    def csrf(self) -> str:
        signer = URLSafeTimedSerializer(str(self.hub.app.secret_key), salt="wtf-csrf-token")
        return str(signer.dumps("raw"))


def test_the_browsers_session_reads(hub: Hub) -> None:
    assert Browser(hub, "student").get("/me").json["name"] == "Stella Student"


def test_the_browsers_session_writes_with_the_csrf_header_only(hub: Hub) -> None:
    browser = Browser(hub, "researcher")
    for csrf in (None, "nonsense", "é", URLSafeTimedSerializer("other", salt="wtf-csrf-token").dumps("raw")):
        answer = browser.post("/bookings", a_body(), csrf=csrf)
        assert told(answer) == (403, "csrf")
    made = browser.post("/bookings", a_body(), csrf=browser.csrf())
    assert made.status_code == 201
    path = f"/bookings/{made.json['id']}"
    assert told(browser.patch(path, {"title": "Two"})) == (403, "csrf")
    assert told(browser.delete(path)) == (403, "csrf")
    assert browser.patch(path, {"title": "Two"}, csrf=browser.csrf()).json["title"] == "Two"


def test_a_wrong_token_is_not_saved_by_a_session(hub: Hub) -> None:
    browser = Browser(hub, "student")
    client = hub.app.test_client()
    with client.session_transaction() as session:
        session.update(_user_id=browser.token, _fresh=True)
    answer = client.get(f"{V1}/me", headers={"Authorization": "Bearer nonsense"})
    assert told(answer) == (401, "unauthorized")


# --- addresses and methods -------------------------------------------------------------------------


def test_an_unknown_address_is_a_problem_too(hub: Hub) -> None:
    paths = (
        "/",
        "/nothing",
        "/bookings/",
        "/bookings/x/y/z",
        "/../v2/me",
        "/%0d%0aX: y",
        "/%ff",
        "/" + "a" * 4000,
    )
    for caller in (hub.nobody(), hub.as_("student")):
        for path in paths:
            assert told(caller.get(path)) == (404, "not_found")


def test_a_method_that_is_not_taken_is_told_with_those_that_are(hub: Hub) -> None:
    student = hub.as_("student")
    for method, path, allowed in (
        ("PUT", "/bookings", {"GET", "HEAD", "OPTIONS", "POST"}),
        ("TRACE", "/me", {"GET", "HEAD", "OPTIONS"}),
        ("POST", "/resources", {"GET", "HEAD", "OPTIONS"}),
        ("GET", "/bookings/check", {"OPTIONS", "POST"}),
        ("PATCH", f"/feeds/{'0' * 16}", {"DELETE", "GET", "HEAD", "OPTIONS"}),
        ("BREW", "/feeds", {"GET", "HEAD", "OPTIONS", "POST"}),
    ):
        answer = student.send(method, path)
        assert told(answer) == (405, "method_not_allowed")
        assert set(answer.headers["Allow"].split(", ")) == allowed


# --- bodies ----------------------------------------------------------------------------------------

JSON = "application/json"
UNREADABLE: dict[str, bytes] = {
    "empty": b"",
    "no JSON": b"title=x",
    "cut off": b'{"title": "x',
    "two texts": b"{} {}",
    "deep lists": b"[" * 60_000,
    "deep objects": b'{"a":' * 60_000,
    "deep and closed": b"[" * 60_000 + b"]" * 60_000,
    "a name twice": b'{"title": "a", "title": "b"}',
    "a name twice inside": b'{"resources": [{"code": "H-BSC1", "code": "H-BSC2"}]}',
    "NaN": b'{"people": NaN}',
    "Infinity": b'{"people": -Infinity}',
    "UTF-16": '{"title": "x"}'.encode("utf-16"),
    "Latin-1": '{"title": "é"}'.encode("latin-1"),
    "a byte order mark": b'\xef\xbb\xbf{"title": "x"}',
    "a number of 5,000 digits": b'{"people": ' + b"9" * 5000 + b"}",
    "a raw newline in a text": b'{"title": "a\nb"}',
    "a comment": b'{"title": "x" /* y */}',
    "gzip": b"\x1f\x8b\x08\x00",
}


def test_an_unreadable_body_is_400(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    for name, data in UNREADABLE.items():
        for method, path in (("POST", "/bookings"), ("POST", "/bookings/check"), ("POST", "/feeds")):
            answer = researcher.send(method, path, data=data, content_type=JSON)
            assert told(answer) == (400, "unreadable"), name


def test_a_body_that_is_no_object_is_invalid(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    for data in (b"[]", b"null", b'"x"', b"7", b"true"):
        answer = researcher.send("POST", "/bookings", data=data, content_type=JSON)
        assert told(answer) == (422, "invalid")
        assert list(answer.json["errors"]) == ["body"]


def test_a_body_of_another_kind_is_415(hub: Hub) -> None:
    researcher, data = hub.as_("researcher"), json.dumps(a_body())
    form = "application/x-www-form-urlencoded"
    for content_type in (None, "text/plain", form, "multipart/form-data; boundary=x", "application/xml"):
        for path in ("/bookings", "/feeds"):
            answer = researcher.post(path, data=data, content_type=content_type)
            assert told(answer) == (415, "unsupported_media_type")


def test_a_body_in_another_charset_is_415(hub: Hub) -> None:
    researcher, data = hub.as_("researcher"), json.dumps(a_body())
    wrong = researcher.post("/bookings/check", data=data, content_type="application/json; charset=latin-1")
    assert told(wrong) == (415, "unsupported_media_type")
    right = researcher.post("/bookings/check", data=data, content_type="application/json; charset=UTF-8")
    assert right.json["ok"]


def test_more_than_a_mebibyte_is_413(hub: Hub) -> None:
    large = json.dumps(a_body(notes="x" * 1_100_000))
    for path in ("/bookings", "/bookings/check", f"/bookings/{'0' * 16}/approve"):
        answer = hub.as_("researcher").post(path, data=large, content_type=JSON)
        assert told(answer) == (413, "too_large")


WHOLE = {"-0": 0, "-0.0": 0, "2.0": 2, "1e0": 1, "20E-1": 2}
NOT_WHOLE = (
    "1e999",
    "-1e999",
    "1" + "0" * 400,
    "1e308",
    "2.5",
    "-1",
    '"2"',
    "true",
    "[]",
    "{}",
    "9007199254740993",
)


def test_numbers_are_whole_and_within_bounds_or_refused(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    body = json.dumps(a_body("H-HALL", people=4711))
    for number, people in WHOLE.items():
        made = researcher.post("/bookings", data=body.replace("4711", number), content_type=JSON)
        assert (made.status_code, made.json["people"]) == (201, people)
    made = researcher.book("H-HALL")
    for number in NOT_WHOLE:
        asked = (
            ("/bookings", body.replace("4711", number), "people"),
            ("/bookings", body.replace('"H-HALL"', f'{{"code": "H-HALL", "units": {number}}}'), "resources"),
            (f"/bookings/{made['id']}/extend", f'{{"minutes": {number}}}', "minutes"),
        )
        for path, data, field in asked:
            answer = researcher.post(path, data=data, content_type=JSON)
            assert told(answer) == (422, "invalid"), (path, number)
            assert field in answer.json["errors"]


def test_another_kind_of_value_is_invalid(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    deep: Any = []
    for _ in range(200):
        deep = [deep]
    for value in ([], {}, [[]], {"a": {}}, deep, 7, 1e300, True, [None], ["x", {}]):
        for name in ("title", "start", "end", "notes", "project", "supervisor", "on_behalf_of", "people"):
            if name == "people" and value == 7:
                continue
            answer = researcher.post("/bookings", a_body() | {name: value})
            assert told(answer) == (422, "invalid"), (name, value)
            assert list(answer.json["errors"]) == [name]
    for value in ({}, "x", 7, [[]], [7], [None], [True], [{"code": []}], [{"code": {}}], [{}], deep):
        for name in ("resources", "participants"):
            if (name, value) != ("participants", "x"):
                assert told(researcher.post("/bookings", a_body() | {name: value})) == (422, "invalid"), value


def test_a_cursor_holds_only_what_we_write(hub: Hub) -> None:
    caller = hub.as_("researcher")
    for inside in (
        "[]",
        "[[1],[1]]",
        "[[],[]]",
        "[[1e999],[]]",
        "[[true],[]]",
        "[[" + "9" * 4000 + "],[]]",
        "{}",
        "[" * 900,
    ):
        cursor = base64.urlsafe_b64encode(inside.encode()).decode().rstrip("=")
        for path in ("/bookings", "/resources", "/rooms", "/facilities", "/feeds"):
            answer = caller.get(f"{path}?cursor={cursor}")
            assert answer.status_code in (200, 422), (path, inside[:20])
            assert answer.status_code == 422 or inside == "[[],[]]" or inside.startswith("[[9")


def test_hostile_texts_are_stored_or_refused_but_never_break(hub: Hub) -> None:
    researcher = hub.as_("researcher")
    for title in (
        "<script>alert(1)</script>",
        "'; DROP TABLE bookings; --",
        "=cmd()",
        "🧫 日本 ‮",
        "%s {0} {{7*7}}",
    ):
        made = researcher.book(title=title)
        assert researcher.get(f"/bookings/{made['id']}").json["title"] == title
        researcher.delete(f"/bookings/{made['id']}")
    bad = ("\u0000", "\ud800", "a\rb", "\u0007")
    for name in ("title", "project", "on_behalf_of", "supervisor"):
        for text in bad:
            assert told(researcher.post("/bookings", a_body() | {name: text})) == (422, "invalid")
    for text in bad:
        assert told(researcher.post("/bookings", a_body(participants=[text]))) == (422, "invalid")
        assert told(researcher.post("/bookings", a_body({"code": text}))) == (422, "invalid")
        assert told(researcher.post("/bookings", a_body(text))) == (422, "invalid")
        assert told(researcher.post("/bookings/check", a_body(booking=text))) == (422, "invalid")
        assert told(researcher.post("/feeds", {"scope": text})) == (422, "invalid")
        assert told(researcher.post("/feeds", {"scope": "me", "label": text})) == (422, "invalid")
        assert told(researcher.post("/bookings", a_body(**{text: 1}))) == (422, "invalid")


def test_hostile_queries_never_break(hub: Hub) -> None:
    caller = hub.as_("researcher")
    places = ("facility", "room", "limit", "cursor")
    fields = {
        "/bookings": (*places, "resource", "project", "mine", "status", "start", "end"),
        "/resources": (*places, "kind", "q"),
        "/resources/H-BSC1/availability": ("start", "end"),
        "/feeds": ("limit", "cursor"),
    }
    for value in ("%00", "%ff", "%ed%a0%80", "'--", "9" * 400, "-1", "1e9", "%0d%0a", "2199-12-31T10:00:00Z"):
        for path, names in fields.items():
            for name in names:
                assert caller.get(f"{path}?{name}={value}").status_code in (200, 422), (path, name, value)
    for path in ("/bookings/%00", "/bookings/%ff", "/facilities/%00", "/feeds/x"):
        assert caller.get(path).status_code in (404, 405)


# --- what cannot be had now ------------------------------------------------------------------------


def test_who_must_wait_is_told_how_long(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    researcher = hub.as_("researcher")
    for error, status, code, seconds in (
        (Busy(), 503, "busy", "1"),
        (PoolTimeout(), 503, "busy", "1"),
        (OperationalError("SELECT secret", {}, Exception("gone")), 503, "busy", "1"),
        (TooManyFailures("Wait."), 429, "too_many_failures", "300"),
    ):
        monkeypatch.setattr(api_bookings, "book_and_show", Mock(side_effect=error))
        answer = researcher.post("/bookings", a_body())
        assert told(answer) == (status, code)
        assert answer.headers["Retry-After"] == seconds
        assert "secret" not in answer.text


def test_an_unexpected_fault_tells_nothing_but_the_requests_number(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = hub.as_("researcher")
    monkeypatch.setattr(
        api_bookings, "book_and_show", Mock(side_effect=RuntimeError("the secret of the house"))
    )
    with capture_logs() as logs:
        answer = hub.app.test_client().post(f"{V1}/bookings", json=a_body(), headers=caller.headers)
    assert told(answer) == (500, "error")
    assert answer.mimetype == "application/problem+json"
    assert answer.json["request_id"] == answer.headers["X-Request-ID"]
    assert "secret" not in answer.text
    assert [str(one["exc_info"]) for one in logs if one["event"] == "unexpected"] == [
        "the secret of the house"
    ]


def test_every_problem_says_the_same_five_things(hub: Hub) -> None:
    answer = hub.nobody().get("/me")
    assert set(answer.json) == {"type", "title", "status", "detail", "code"}
    assert answer.json["type"] == "/api/docs#unauthorized"
    assert answer.headers["Cache-Control"] == "no-store"
