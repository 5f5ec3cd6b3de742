"""Idempotency-Key: a POST sent again gets the first answer, kept in the transaction of its effect."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from typing import Any

from flask import Response, current_app, request

from booking.api.answers import Answer, send
from booking.api.reading import body_of, read_json
from booking.base.db import transaction
from booking.base.errors import Invalid
from booking.people.idempotency import Answer as FirstAnswer
from booking.people.idempotency import IdempotencyMismatch, fingerprint, first_answer, remember
from booking.people.viewer import Viewer

_KEY = re.compile(r"[\x20-\x7e]{1,200}")


def once(viewer: Viewer, act: Callable[[], Answer]) -> Response:
    """Do something and answer; sent again with the same key and body, only answer."""
    key = given_key()
    if key is None:
        return send(act())
    with transaction():
        known = first_answer(viewer.id, key, _digest())
        answer = act() if known is None else _opened(known, viewer, key)
        if known is None:
            remember(viewer.id, key, _sealed(answer, viewer, key))
    response = send(answer)
    if known is not None:
        response.headers["Idempotent-Replay"] = "true"
    return response


def given_key() -> str | None:
    """Return the caller's key for this request, or None if there is none."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid({"Idempotency-Key": ["Use 1 to 200 printable ASCII characters."]})
    return key


def _digest() -> str:
    body = read_json(request) if body_of(request) else None
    return fingerprint([request.method, request.path, request.query_string.decode("latin-1"), body])


def _sealed(answer: Answer, viewer: Viewer, key: str) -> FirstAnswer:
    nonce = secrets.token_hex(16)
    plain = json.dumps([answer.body, answer.version, answer.location]).encode()
    return FirstAnswer(answer.status, {"nonce": nonce, "sealed": _masked(plain, nonce, viewer.id, key).hex()})


def _opened(known: FirstAnswer, viewer: Viewer, key: str) -> Answer:
    try:
        sealed = bytes.fromhex(known.body["sealed"])
        body, version, location = json.loads(_masked(sealed, known.body["nonce"], viewer.id, key))
    except ValueError:
        raise IdempotencyMismatch("The first answer can no longer be read; take a new key.") from None
    return Answer(body, known.status, version, location)


def _masked(text: bytes, nonce: str, user_id: int, key: str) -> bytes:
    """Hide or show a kept answer: it may hold a secret link, which is stored nowhere in the clear."""
    seed: list[Any] = [current_app.secret_key, nonce, user_id, key]
    mask = hashlib.shake_256(json.dumps(seed, default=repr).encode()).digest(len(text))
    return bytes(a ^ b for a, b in zip(text, mask, strict=True))
