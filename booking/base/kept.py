"""Answers kept in memory. A tag names everything its answer was made from, so that none can be stale."""

import threading
from collections import OrderedDict


class Kept:
    """The answers asked for last, in this process, up to a number of bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._answers: OrderedDict[str, bytes] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, tag: str) -> bytes | None:
        with self._lock:
            answer = self._answers.get(tag)
            if answer is not None:
                self._answers.move_to_end(tag)
            return answer

    def keep(self, tag: str, answer: bytes) -> None:
        """Keep an answer, and let go of those that nobody asked for lately."""
        with self._lock:
            self._bytes += len(answer) - len(self._answers.pop(tag, b""))
            self._answers[tag] = answer
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._answers.popitem(last=False)[1])
