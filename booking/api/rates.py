"""How often somebody may ask: `BOOKING_API_RATE` requests a minute for each token, each person who is
signed in with the browser, and each address of callers who are neither.
"""

from flask import current_app, request
from limits import RateLimitItemPerMinute

from booking.limits import Limits, TooManyRequests


def count_token(token: str) -> None:
    """Count a request with a token that works."""
    rate = _rate("api")
    if rate.amount:
        _limits().remember("token", token, _address())
    _must_not_wait(_limits().hit(rate, "token", token))


def count_person(user_id: int) -> None:
    """Count a request of somebody who is signed in with the browser."""
    _must_not_wait(_limits().hit(_rate("api"), "person", str(user_id)))


def count_stranger() -> None:
    """Count a request of nobody that we know."""
    _must_not_wait(_limits().hit(_rate("stranger"), _address()))


def must_be_free_to_try(token: str) -> None:
    """Refuse to look at one more token from an address that sent many wrong ones.

    A token that worked from there lately is let through: those behind one address do not block each other.
    """
    if not _limits().remembers("token", token, _address()):
        _must_not_wait(_limits().test(_rate("stranger"), _address()))


def _must_not_wait(seconds: int) -> None:
    if seconds:
        raise TooManyRequests(seconds)


def _limits() -> Limits:
    limits: Limits = current_app.config["LIMITS"]
    return limits


def _rate(what: str) -> RateLimitItemPerMinute:
    return RateLimitItemPerMinute(current_app.config["SETTINGS"].api_rate, namespace=what)


def _address() -> str:
    return request.remote_addr or ""
