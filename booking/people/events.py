"""News of people, told inside the transaction that changed them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PeopleChanged:
    """Names, roles, organisations or projects changed: what is cached of them is old."""
