"""News that travels upwards inside the same transaction: lower packages emit, higher ones listen."""

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

Event = TypeVar("Event")
_listeners: dict[type[Any], list[Callable[[Any], None]]] = defaultdict(list)


def on(kind: type[Event]) -> Callable[[Callable[[Event], None]], Callable[[Event], None]]:
    """Register a listener; it may only write rows of its own package."""

    def register(listener: Callable[[Event], None]) -> Callable[[Event], None]:
        if listener not in _listeners[kind]:
            _listeners[kind].append(listener)
        return listener

    return register


def emit(event: object) -> None:
    """Tell everybody who listens to this kind of news."""
    for listener in _listeners[type(event)]:
        listener(event)
