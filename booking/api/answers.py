"""Answers with their ETag, and 304 where the caller has them already."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Response, current_app, request

from booking.api.shapes import Json
from booking.base import clock
from booking.base.kept import Kept

_VERSION = re.compile(r"([0-9]{1,9})(?:-[0-9a-f]+)?")
_LIST_TAG = re.compile(r"([0-9a-f]{32})\.([0-9]{1,11})")
NEVER = 99_999_999_999


@dataclass(frozen=True)
class Answer:
    """What the API says: a body, and for one object its version and where it is."""

    body: Json
    status: int = 200
    version: int | None = None
    location: str | None = None


def send(answer: Answer) -> Response:
    """Turn an answer into a response; a GET of what the caller has already is 304."""
    data = _text(answer.body)
    tag = hashlib.sha256(data.encode()).hexdigest()[:20]
    if answer.version is not None:
        tag = f"{answer.version}-{tag}"
    reading = request.method in ("GET", "HEAD")
    if reading and request.if_none_match.contains_weak(tag):
        response = Response(status=304)
    else:
        response = Response(data, answer.status, mimetype="application/json")
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache" if reading else "no-store"
    if answer.location:
        response.headers["Location"] = answer.location
    return response


def show(body: Json) -> Response:
    """Send a body that has no version of its own."""
    return send(Answer(body))


def show_list(state: Callable[[], str], make: Callable[[], tuple[Json, datetime | None]]) -> Response:
    """Send a list by the name of its state, in memory or not; `make` also says when time alone changes it.

    The tag is the state and that moment: who has it is answered without a look at the list itself.
    """
    name, now = state(), int(clock.now().timestamp())
    if (tag := _still_good(name, now)) is not None:
        response = Response(status=304)
    else:
        until, data = _kept_or_made(name, now, state, make)
        response, tag = Response(data, mimetype="application/json"), f"{name}.{until}"
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def _kept_or_made(
    name: str, now: int, state: Callable[[], str], make: Callable[[], tuple[Json, datetime | None]]
) -> tuple[int, bytes]:
    """Return until when a list is right, and the list; it is kept only if nothing changed meanwhile."""
    kept: Kept = current_app.config["KEPT"]
    until, _, data = (kept.find(name) or b"0").partition(b"\n")
    if int(until) > now:
        return int(until), data
    body, changes_at = make()
    good_until, data = int(changes_at.timestamp()) if changes_at else NEVER, _text(body).encode()
    if state() == name:
        kept.keep(name, b"%d\n%b" % (good_until, data))
    return good_until, data


def _still_good(name: str, now: int) -> str | None:
    for tag in request.if_none_match.as_set(include_weak=True):
        match = _LIST_TAG.fullmatch(tag or "")  # an empty tag is read as None
        if match and match[1] == name and int(match[2]) > now:
            return str(tag)
    return None


def _text(body: Json) -> str:
    return json.dumps(body, separators=(",", ":"))


def version_wanted(current: int) -> int | None:
    """Return the version that If-Match asks for: None if any will do, -1 if it is not the current one.

    Only the version counts: the rest of the tag changes with what its reader may see.
    """
    tags = request.if_match
    if "If-Match" not in request.headers or tags.star_tag:
        return None
    return current if current in {_version_of(tag) for tag in tags.as_set(include_weak=True)} else -1


def _version_of(tag: Any) -> int:
    match = _VERSION.fullmatch(str(tag))
    return int(match[1]) if match else -1
