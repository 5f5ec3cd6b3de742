"""News of people, told inside the transaction that changed them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PeopleChanged:
    """Names, roles, organisations or projects changed: what is cached of them is old."""


@dataclass(frozen=True)
class PersonInvited:
    """Somebody has an account and is to choose its password."""

    user_id: int


@dataclass(frozen=True)
class PasswordForgotten:
    """Somebody asked for a way to set a new password."""

    user_id: int
