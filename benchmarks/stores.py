"""What the two kinds of databases have in common: filled fast, kept, copied, weighed."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Loader(Protocol):
    """Writes rows in bulk."""

    def add(self, table: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Store rows of one table, given in the order of COLUMNS."""


class Store(Protocol):
    """Where the databases of one kind are."""

    name: str

    def moment(self, seconds: int) -> Any:
        """Return a moment as the driver takes it."""

    def has(self, key: str) -> bool:
        """Tell whether this database was built."""

    def kept(self) -> list[str]:
        """Name the databases that were built."""

    def drop(self, key: str) -> None:
        """Forget a database."""

    def empty(self, key: str) -> str:
        """Make an empty database and return its address."""

    def rename(self, key: str, new: str) -> None:
        """Give a finished database its name."""

    def address(self, key: str) -> str:
        """Return the address of a database."""

    def copy(self, key: str) -> AbstractContextManager[str]:
        """Lend a copy."""

    def filling(self, key: str) -> AbstractContextManager[Loader]:
        """Let rows be loaded fast; what guards and finds them is put back and proves them at the end."""

    def size(self, key: str) -> int:
        """Return the bytes that a database takes."""

    def version(self) -> str:
        """Name the engine and its version."""
