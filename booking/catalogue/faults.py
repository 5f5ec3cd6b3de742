"""What is wrong with a catalogue, each fault with its place: `resources[3].policy.grid_minutes`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from booking.base.errors import BookingError

SHOWN = 60
Path = Sequence[str | int]


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong, and where."""

    place: str
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class BadCatalogue(BookingError):
    """A catalogue that was not loaded, with everything that is wrong with it."""

    status = 422
    code = "bad_catalogue"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = list(faults)


def place(path: Iterable[str | int]) -> str:
    """Write a path as people read it."""
    words = ""
    for step in path:
        if isinstance(step, int):
            words += f"[{step}]"
        else:
            words += f".{plain(step)}" if words else plain(step)
    return words or "the file"


def plain(text: object) -> str:
    """Return a short text fit for a terminal, whatever it holds."""
    words = str(text).encode("ascii", "backslashreplace").decode() if isinstance(text, str) else str(text)
    words = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in words[: SHOWN + 1])
    return words if len(words) <= SHOWN else f"{words[:SHOWN]}…"


def quoted(text: object) -> str:
    """Return a text in quotes, shortened."""
    return f"“{plain(text)}”"
