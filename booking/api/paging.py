"""Lists in pages: at most 200 items, and an opaque cursor that says where the next page begins."""

import base64
import binascii
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from booking.api.shapes import Json
from booking.base.errors import Invalid
from booking.base.period import MAX_MOMENT, MIN_MOMENT

MOST = 200


@dataclass(frozen=True)
class Cursor:
    """The key of the last item that was given, and what the first page settled for all."""

    after: tuple[Any, ...] = ()
    settled: tuple[int, ...] = ()


def page(items: Iterable[tuple[tuple[Any, ...], Json]], limit: int, cursor: Cursor) -> Json:
    """Return one page of items, each given with the key by which the list is sorted."""
    rows = sorted(items, key=lambda row: row[0])
    if cursor.after:
        rows = [row for row in rows if row[0] > cursor.after]
    shown = rows[:limit]
    more = len(rows) > limit
    following = write_cursor(Cursor(shown[-1][0], cursor.settled)) if more else None
    return {"items": [body for _, body in shown], "next": following}


def page_in_order(bodies: Sequence[Json], limit: int, cursor: Cursor) -> Json:
    """Return one page of a list that is short and in order already."""
    return page((((n,), body) for n, body in enumerate(bodies)), limit, cursor)


def write_cursor(cursor: Cursor) -> str:
    text = json.dumps([cursor.after, cursor.settled], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_cursor(text: str | None, kinds: tuple[type, ...], settles: int = 0) -> Cursor:
    """Read a cursor whose key is made of values of these kinds; raise `Invalid` if it is not ours."""
    if not text:
        return Cursor()
    try:
        padded = text + "=" * (-len(text) % 4)
        after, settled = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        well_made = [type(part) for part in after] == list(kinds)
        if well_made and [type(part) for part in settled] == [int] * settles:
            return Cursor(tuple(after), tuple(settled))
    except (ValueError, TypeError, RecursionError, binascii.Error):
        pass
    raise not_ours()


def moment_in(seconds: int) -> datetime:
    """Read a moment of a cursor."""
    if not MIN_MOMENT.timestamp() <= seconds <= MAX_MOMENT.timestamp():
        raise not_ours()
    return datetime.fromtimestamp(seconds, UTC)


def not_ours() -> Invalid:
    return Invalid({"cursor": ["Use the cursor as the page before gave it."]})
