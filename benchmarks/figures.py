"""One line of the table: a figure, its ratio to the reference, and what it must reach."""

from collections.abc import Sequence
from dataclasses import dataclass

HEADINGS = ("what", "database", "bookings", "figure", "ratio", "must be", "")


@dataclass(frozen=True)
class Target:
    """What a ratio must reach."""

    sign: str
    limit: float

    def is_met(self, ratio: float) -> bool:
        return ratio >= self.limit if self.sign == "≥" else ratio <= self.limit

    def __str__(self) -> str:
        return f"{self.sign} {self.limit:g}"


def at_least(limit: float) -> Target:
    return Target("≥", limit)


def at_most(limit: float) -> Target:
    return Target("≤", limit)


@dataclass(frozen=True)
class Figure:
    """What was measured; `ratio` is what is judged, and what is compared between sizes."""

    what: str
    figure: str
    ratio: float | None = None
    target: Target | None = None
    engine: str = ""
    bookings: int = 0

    @property
    def mark(self) -> str:
        if self.target is None or self.ratio is None:
            return ""
        return "✓" if self.target.is_met(self.ratio) else "✗"

    def cells(self) -> tuple[str, ...]:
        """Return the texts of the line."""
        return (
            self.what,
            {"sqlite": "SQLite", "postgresql": "PostgreSQL"}.get(self.engine, ""),
            size_words(self.bookings),
            self.figure,
            "" if self.ratio is None else three_digits(self.ratio),
            "" if self.target is None else str(self.target),
            self.mark,
        )


def size_words(bookings: int) -> str:
    """`10k`, `1M`."""
    if bookings >= 1_000_000:
        return f"{bookings / 1_000_000:g}M"
    return f"{bookings / 1000:g}k" if bookings >= 1000 else str(bookings or "")


def three_digits(number: float) -> str:
    """`0.163`, `26.3`, `1,760`."""
    return f"{number:.3g}" if number < 1000 else f"{number:,.0f}"


def milliseconds(seconds: float) -> str:
    return f"{three_digits(seconds * 1000)} ms"


def processor(seconds: float) -> str:
    """Tell the processor time that the server took for it: a busy machine changes it little."""
    return f"CPU {milliseconds(seconds)}"


def table(figures: Sequence[Figure]) -> str:
    """Return a Markdown table that can also be read as it is."""
    lines = [HEADINGS, *(figure.cells() for figure in figures)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEADINGS))]
    rule = tuple("-" * max(3, width) for width in widths)
    return "\n".join(
        "| " + " | ".join(cell.ljust(max(3, width)) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in (lines[0], rule, *lines[1:])
    )
