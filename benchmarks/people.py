"""Who asks: the eight who book, the one who looks, and how each is signed in."""

import http.client
import re
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from benchmarks.place import Member, members
from benchmarks.wire import bearer
from benchmarks.world import PASSWORD, token_of

COOKIE = "hub"
_EVERYBODY = members()
STAFF = next(member for member in _EVERYBODY if member.role == "staff")
VIEWER = _EVERYBODY[0]  # a researcher of the host: sees the host's bookings, and of partners the alias
BOOKERS = [_EVERYBODY[n] for n in (1, 2, 3, 4, 125, 126, 165, 190)]  # host, host, host, host, and partners
_CSRF = re.compile(r'name="csrf_token"[^>]* value="([^"]+)"')


def by_token(member: Member) -> dict[str, str]:
    """Return the headers of a script."""
    return bearer(token_of(member.email))


@dataclass(frozen=True)
class SignIn:
    """A browser's session: its cookie, and what a write must carry besides."""

    cookie: str
    csrf: str

    def headers(self) -> dict[str, str]:
        return {"Cookie": f"{COOKIE}={self.cookie}", "X_CSRFToken": self.csrf}


def sign_in(address: str, member: Member) -> SignIn:
    """Sign in on the page as a person does."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    try:
        cookie, page = _fetched(connection, "GET", "/login", "", None)
        form = {"csrf_token": _csrf_in(page), "email": member.email, "password": PASSWORD}
        cookie, _ = _fetched(connection, "POST", "/login", cookie, urlencode(form))
        kept, page = _fetched(connection, "GET", "/account", cookie, None)
        return SignIn(kept or cookie, _csrf_in(page))
    finally:
        connection.close()


def _fetched(
    connection: http.client.HTTPConnection, method: str, path: str, cookie: str, form: str | None
) -> tuple[str, str]:
    headers = {"Cookie": f"{COOKIE}={cookie}", "Content-Type": "application/x-www-form-urlencoded"}
    connection.request(method, path, form, headers)
    answer = connection.getresponse()
    page = answer.read().decode()
    if answer.status not in (200, 303):
        raise RuntimeError(f"{method} {path}: {answer.status}")
    given = answer.getheader("Set-Cookie") or ""
    found = re.search(rf"{COOKIE}=([^;]+)", given)
    return (found[1] if found else ""), page


def _csrf_in(page: str) -> str:
    found = _CSRF.search(page)
    if not found:
        raise RuntimeError("the page has no CSRF token")
    return found[1]
