"""Every route of the address map: who gets in, and what rivals find there. A route without a case fails."""

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import event

from booking.base.db import db
from booking.bookings import actions
from booking.people.sessions import create_token
from booking.web import security
from tests.factories import World, next_weekday, request
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]
PUBLIC = {
    "login.login",
    "password.forgot",
    "pages.healthz",
    "pages.readyz",
    "pages.robots",
    "pages.accessibility",
    "pages.privacy",
}
# opened by a secret in the address
OWN_KEY = {"approvals.by_mail", "sharing.show", "feeds.calendar", "feeds.served", "feeds.serve"}
VALUES = {
    "booking_id": "0" * 16,
    "code": "H-BSC1",
    "token": "x" * 43,
    "feed_id": "0" * 16,
}


def pages(app: Flask, method: str) -> Iterator[tuple[str, str]]:
    """Yield (endpoint, path) of every route below the pages' door that takes a method."""
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if method in (rule.methods or ()) and not rule.rule.startswith(("/api", "/static")):
                values = {name: VALUES.get(name, "1") for name in rule.arguments}
                yield rule.endpoint, app.url_map.bind("localhost").build(rule.endpoint, values)


def test_a_stranger_gets_no_further_than_the_sign_in_page(world_app: Flask, visit: Visit) -> None:
    client = visit().client
    open_doors = []
    for endpoint, path in pages(world_app, "GET"):
        answer = client.get(path)
        to_sign_in = answer.status_code == 302 and answer.location.startswith("/login")
        if not to_sign_in and answer.status_code != 404:
            open_doors.append(endpoint)
    assert set(open_doors) <= PUBLIC | OWN_KEY


def test_no_form_is_taken_without_its_token(world_app: Flask, visit: Visit) -> None:
    visitor = visit("admin")
    for endpoint, path in pages(world_app, "POST"):
        if endpoint not in OWN_KEY:
            answer = visitor.client.post(path, data={"title": "forged"})
            assert answer.status_code in (400, 404, 405), endpoint


def test_no_page_breaks_on_strange_addresses(world_app: Flask, visit: Visit) -> None:
    visitor = visit("admin")
    strange = "?date=9999-99-99&facility=%00&view=%F0%9F%92%A9&q=" + "x" * 3000 + "&after=~&page=-1&kind[]=1"
    for endpoint, path in pages(world_app, "GET"):
        if endpoint not in OWN_KEY:
            answer = visitor.client.get(path + strange)
            assert answer.status_code < 500, f"{endpoint}: {answer.status_code}"


MARKERS = ("MARKER-TITLE", "MARKER-NOTES", "Anna Okafor", "Northwind", "NWT", "amber@")


def test_a_rival_finds_no_trace_of_a_company(world: World, world_app: Flask, visit: Visit) -> None:
    for day in (1, 2, 3):
        actions.book(
            request(start=next_weekday(10, days=day), title="MARKER-TITLE", notes="MARKER-NOTES"),
            world.viewer("amber"),
        )
    own, found = set(), []
    visitors = {name: visit(name) for name in ("amber", "birch")}
    for name, visitor in visitors.items():
        for endpoint, path in pages(world_app, "GET"):
            text = visitor.client.get(path).get_data(as_text=True)
            own |= {marker for marker in MARKERS if name == "amber" and marker in text}
            found += [(endpoint, marker) for marker in MARKERS if name == "birch" and marker in text]
    for path in ("/calendar?view=week", "/calendar?view=month", "/calendar?view=list", "/resources/H-BSC1"):
        text = visitors["birch"].client.get(path).get_data(as_text=True)
        found += [(path, marker) for marker in MARKERS if marker in text]
    token = create_token(world.users["birch"], "t", "write", None, None)
    client = visitors["birch"].client
    for path in ("bookings", "resources/H-BSC1", "resources", "me", "rooms", "facilities"):
        answer = client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200
        found += [(path, marker) for marker in MARKERS if marker in answer.get_data(as_text=True)]
    assert found == []
    assert {"MARKER-TITLE", "Anna Okafor"} <= own, "the markers are not where their owner sees them"


def statements(world_app: Flask, visitor: Visitor, path: str) -> list[str]:
    seen: list[str] = []

    def note(_c: object, _k: object, statement: str, *_: object) -> None:
        if not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            seen.append(statement.split("\n")[0][:100])

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        assert visitor.client.get(path).status_code == 200
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return seen


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/calendar",
        "/calendar?view=week",
        "/calendar?view=list",
        "/bookings",
        "/resources",
        "/resources/H-BSC1",
    ],
)
def test_the_number_of_statements_does_not_grow_with_the_rows(
    world: World, world_app: Flask, visit: Visit, path: str, capsys: pytest.CaptureFixture[str]
) -> None:
    visitor = visit("researcher")
    visitor.get(path)
    few = statements(world_app, visitor, path)
    for hour in (9, 11, 13, 15):
        for day in (1, 2):
            actions.book(request(start=next_weekday(hour, days=day)), world.viewer("researcher"))
    many = statements(world_app, visitor, path)
    with capsys.disabled():
        print(f"\n  {path}: {len(few)} statements with no bookings, {len(many)} with eight")
    assert len(many) <= max(len(few), 12) + 4  # the names around bookings are asked for only if there are any
    assert len(many) <= 20


def test_the_policy_allows_nothing_inline() -> None:
    assert "unsafe" not in security.CONTENT_SECURITY_POLICY
    assert "default-src 'none'" in security.CONTENT_SECURITY_POLICY
