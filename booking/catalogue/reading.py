"""Reads a catalogue's JSON strictly: no key twice, no NaN, no more than 20 MB."""

import json
from collections import Counter
from typing import Any

from booking.catalogue.faults import BadCatalogue, Fault, place, quoted

MAX_BYTES = 20 * 1024 * 1024


class _Object(dict[str, Any]):
    """A JSON object that remembers which of its keys were given twice."""

    twice: tuple[str, ...] = ()


def read(raw: bytes) -> Any:
    """Return what a catalogue file holds; raise `BadCatalogue` if it is not JSON."""
    if len(raw) > MAX_BYTES:
        raise _unreadable(f"a catalogue has at most {MAX_BYTES // 1024 // 1024} MB")
    try:
        return json.loads(raw.decode("utf-8-sig"), object_pairs_hook=_object, parse_constant=_no_such_number)
    except UnicodeDecodeError as error:
        raise _unreadable(f"this is not UTF-8 text (byte {error.start})") from None
    except json.JSONDecodeError as error:
        raise _unreadable(
            f"this is not JSON: {error.msg}, line {error.lineno}, column {error.colno}"
        ) from None
    except RecursionError:
        raise _unreadable("this is nested too deeply") from None
    except ValueError as error:
        raise _unreadable(f"this is not JSON: {str(error)[:100]}") from None


def _unreadable(message: str) -> BadCatalogue:
    return BadCatalogue([Fault("the file", message)])


def _object(pairs: list[tuple[str, Any]]) -> _Object:
    members = _Object(pairs)
    if len(members) < len(pairs):
        count = Counter(key for key, _ in pairs)
        members.twice = tuple(sorted(key for key in count if count[key] > 1))
    return members


def _no_such_number(name: str) -> None:
    raise ValueError(f"{name} is no number")


def given_twice(data: Any) -> list[Fault]:
    """Name each key that an object gives twice; only what `read` returned can tell."""
    faults = []
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), data)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, _Object):
            faults += [Fault(place(path), f"the key {quoted(key)} is given twice") for key in value.twice]
            waiting += [((*path, key), member) for key, member in value.items()]
        elif isinstance(value, list):
            waiting += [((*path, n), member) for n, member in enumerate(value)]
    return sorted(faults, key=lambda fault: fault.place)
