"""Answers with their ETag, and 304 where the caller has them already."""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from flask import Response, request

from booking.api.shapes import Json

_VERSION = re.compile(r"([0-9]{1,9})(?:-[0-9a-f]+)?")


@dataclass(frozen=True)
class Answer:
    """What the API says: a body, and for one object its version and where it is."""

    body: Json
    status: int = 200
    version: int | None = None
    location: str | None = None


def send(answer: Answer) -> Response:
    """Turn an answer into a response; a GET of what the caller has already is 304."""
    data = json.dumps(answer.body, separators=(",", ":"))
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


def version_wanted(current: int) -> int | None:
    """Return the version that If-Match asks for: None if any will do, -1 if it is not the current one.

    Only the version counts: the rest of the tag changes with what its reader may see.
    """
    tags = request.if_match
    if not request.headers.get("If-Match", "").strip() or tags.star_tag:
        return None
    return current if current in {_version_of(tag) for tag in tags.as_set(include_weak=True)} else -1


def _version_of(tag: Any) -> int:
    match = _VERSION.fullmatch(str(tag))
    return int(match[1]) if match else -1
