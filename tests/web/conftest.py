"""A visitor of the pages: signs in, follows links, sends forms with their tokens, and checks every page."""

import contextvars
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.db.conftest import world, world_app, world_store, world_url  # noqa: F401 (its fixtures)
from tests.factories import PASSWORD, World, email_of


@pytest.fixture
def doors() -> bool:
    """The pages and the API are what these tests go through."""
    return True


class OwnContext(FlaskClient):
    """Sends each request from an empty context, as a server does: nothing of the test's own leaks into it."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        return contextvars.Context().run(super().open, *args, **kwargs)


class Visitor:
    """Somebody with a browser."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client

    def get(self, path: str, status: int = 200) -> BeautifulSoup:
        """Open a page and return it parsed; every page has a title, one h1 and no inline code."""
        answer = self.client.get(path)
        assert answer.status_code == status, f"{path}: {answer.status_code}"
        return self.look(answer)

    def look(self, answer: TestResponse) -> BeautifulSoup:
        page = BeautifulSoup(answer.get_data(as_text=True), "html.parser")
        if answer.mimetype == "text/html" and answer.status_code not in (302, 303):
            headings = page.find_all("h1")
            assert len(headings) == 1
            assert page.title is not None
            assert headings[0].get_text(strip=True) in page.title.get_text()
            assert not page.find_all(style=True)
            assert all(script.get("src") for script in page.find_all("script"))
        return page

    def post(
        self, path: str, data: Mapping[str, Any] | None = None, form_at: str | None = None
    ) -> TestResponse:
        """Send a form with the token of the page that holds it."""
        page = self.look(self.client.get(form_at or path))
        token = page.find("input", {"name": "csrf_token"})
        assert token is not None, f"no form on {form_at or path}"
        return self.client.post(path, data={"csrf_token": token["value"], **(data or {})})

    def send(
        self, path: str, page: BeautifulSoup, changes: Mapping[str, Any], button: str = ""
    ) -> TestResponse:
        """Send the main form of a page as a browser would, with some fields filled in anew."""
        form = page.select_one("main form[method=post]")
        assert form is not None
        data = {**fields_of(form), **changes}
        if button:
            name, _, value = button.partition("=")
            data[name] = value
        return self.client.post(path, data=data)

    def sign_in(self, name: str) -> "Visitor":
        answer = self.post("/login", {"email": email_of(name), "password": PASSWORD})
        assert answer.status_code == 303, "not signed in"
        return self


def fields_of(form: Any) -> dict[str, Any]:
    """Return what a form would send as it stands."""
    data: dict[str, Any] = {}
    for control in form.select("input[name], textarea[name], select[name]"):
        kind = control.get("type")
        if kind in ("radio", "checkbox") and not control.has_attr("checked"):
            continue
        if control.name == "select":
            chosen = control.select_one("option[selected]") or control.select_one("option")
            value = chosen.get("value", chosen.get_text()) if chosen else ""
        else:
            value = (
                control.get_text().lstrip("\r\n") if control.name == "textarea" else control.get("value", "")
            )
        data.setdefault(control["name"], []).append(value)
    return data


@pytest.fixture
def visit(world: World, world_app: Flask) -> Callable[..., Visitor]:  # noqa: F811
    """Return a visitor, signed in if a name of the small world is given."""

    world_app.test_client_class = OwnContext

    def arrive(name: str | None = None) -> Visitor:
        visitor = Visitor(world_app.test_client())
        return visitor.sign_in(name) if name else visitor

    return arrive
