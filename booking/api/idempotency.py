"""Idempotency-Key: a POST sent again gets the first answer, kept in the transaction of its effect."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from flask import Response, current_app, request
from sqlalchemy import delete, func, select

from booking.api.answers import Answer, send
from booking.api.problems import KeyReused
from booking.api.reading import read_json
from booking.base import clock
from booking.base.db import db, is_sqlite, transaction
from booking.base.errors import Invalid
from booking.people.models import IdempotencyKey
from booking.people.viewer import Viewer

KEPT_FOR = timedelta(hours=48)
_KEY = re.compile(r"[\x20-\x7e]{1,200}")


def once(viewer: Viewer, act: Callable[[], Answer]) -> Response:
    """Do something and answer; sent again with the same key and body, only answer."""
    key = given_key()
    if key is None:
        return send(act())
    digest = _digest()
    with transaction():
        _wait_for_twins(viewer, key)
        row = _kept(viewer, key)
        answer = act() if row is None else _first_answer(row, digest)
        if row is None:
            _keep(viewer, key, digest, answer)
    response = send(answer)
    if row is not None:
        response.headers["Idempotent-Replay"] = "true"
    return response


def given_key() -> str | None:
    """Return the caller's key for this request, or None if there is none."""
    key = request.headers.get("Idempotency-Key")
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid({"Idempotency-Key": ["Use 1 to 200 printable ASCII characters."]})
    return key


def _digest() -> str:
    body = read_json(request) if request.get_data() else None
    asked = json.dumps(
        [request.method, request.path, request.query_string.decode("latin-1"), body], sort_keys=True
    )
    return hashlib.sha256(asked.encode()).hexdigest()


def _wait_for_twins(viewer: Viewer, key: str) -> None:
    """Let one request with this key in at a time; SQLite's writers are one by one already.

    No row is locked for it: that could deadlock with the locks that the action takes in its own order.
    """
    if not is_sqlite():
        name = hashlib.sha256(f"{viewer.id} {key}".encode()).digest()
        number = int.from_bytes(name[:8], "big", signed=True)
        db.session.execute(select(func.pg_advisory_xact_lock(number)))


def _kept(viewer: Viewer, key: str) -> IdempotencyKey | None:
    old = clock.now() - KEPT_FOR
    mine = IdempotencyKey.user_id == viewer.id
    db.session.execute(delete(IdempotencyKey).where(mine, IdempotencyKey.created_at < old))
    query = select(IdempotencyKey).where(mine, IdempotencyKey.key == key)
    return db.session.scalar(query.execution_options(populate_existing=True))


def _keep(viewer: Viewer, key: str, digest: str, answer: Answer) -> None:
    nonce = secrets.token_hex(16)
    plain = json.dumps([answer.body, answer.version, answer.location]).encode()
    sealed = _masked(plain, nonce, viewer.id, key).hex()
    row = IdempotencyKey(
        user_id=viewer.id,
        key=key,
        request_hash=digest,
        status=answer.status,
        answer={"nonce": nonce, "sealed": sealed},
        created_at=clock.now(),
    )
    db.session.add(row)
    db.session.flush()


def _first_answer(row: IdempotencyKey, digest: str) -> Answer:
    if row.request_hash != digest:
        raise KeyReused("This Idempotency-Key was used for another request; take a new one.")
    try:
        sealed = bytes.fromhex(row.answer["sealed"])
        plain = _masked(sealed, row.answer["nonce"], row.user_id, row.key)
        body, version, location = json.loads(plain)
    except ValueError:
        raise KeyReused("The first answer can no longer be read; take a new Idempotency-Key.") from None
    return Answer(body, row.status, version, location)


def _masked(text: bytes, nonce: str, user_id: int, key: str) -> bytes:
    """Hide or show a kept answer: it may hold a secret link, which is stored nowhere in the clear."""
    seed: list[Any] = [current_app.secret_key, nonce, user_id, key]
    mask = hashlib.shake_256(json.dumps(seed, default=repr).encode()).digest(len(text))
    return bytes(a ^ b for a, b in zip(text, mask, strict=True))
