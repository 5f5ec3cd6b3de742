"""Links that work once: to choose the first password, or a new one. Only their hash is stored."""

import secrets
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select, update

from booking.base import clock
from booking.base.db import db, transaction
from booking.base.errors import Invalid, NotFound
from booking.base.events import emit
from booking.people.events import PasswordForgotten
from booking.people.models import OneUseLink, User
from booking.people.passwords import hash_password, password_faults
from booking.people.sessions import (
    ADDRESS_FACTOR,
    TooManyFailures,
    digest,
    note_attempt,
    store_password,
    throttled,
)

VALID = {"password_reset": timedelta(hours=2), "invitation": timedelta(days=7)}
FORGOT_RATE = 3


def make_link(user_id: int, purpose: str) -> str:
    """Make a link for somebody and return its token, this one time."""
    token = secrets.token_urlsafe(32)
    now = clock.now()
    with transaction():
        db.session.execute(delete(OneUseLink).where(OneUseLink.expires_at < now))
        link = OneUseLink(
            token_hash=digest(token), user_id=user_id, purpose=purpose, expires_at=now + VALID[purpose]
        )
        db.session.add(link)
    return token


def forgotten(email: str, address: str, rate: int) -> None:
    """Let a link be mailed if there is such an account; whoever asks does not learn whether there is."""
    folded = email.strip().casefold()
    account = digest(f"forgotten:{folded}")
    if rate and throttled(account, address, min(rate, FORGOT_RATE), rate * ADDRESS_FACTOR):
        raise TooManyFailures("You asked often in a short time. Wait five minutes and try again.")
    with transaction():
        note_attempt(account, address)
        user_id = db.session.scalar(select(User.id).where(User.email == folded, User.active))
        if user_id is not None:
            emit(PasswordForgotten(user_id))


def link_user(token: str) -> User:
    """Return whose password a link sets; raise `NotFound` if it does not work, or no longer."""
    query = select(User).join(OneUseLink, OneUseLink.user_id == User.id).where(User.active)
    user = db.session.scalar(query.where(*_works(token)))
    if user is None:
        raise NotFound("This link does not work, or no longer.")
    return user


def choose_password(token: str, password: str) -> User:
    """Set a password by a link: every link and every session of its owner ends with that."""
    user = link_user(token)
    faults = password_faults(password, user.email, user.name)
    if faults:
        raise Invalid({"password": faults})
    new_hash = hash_password(password)
    with transaction():
        now = clock.now()
        used = update(OneUseLink).where(*_works(token)).values(used_at=now).returning(OneUseLink.id)
        if db.session.scalar(used, execution_options={"synchronize_session": False}) is None:
            raise NotFound("This link was used a moment ago.")
        others = update(OneUseLink).where(OneUseLink.user_id == user.id, OneUseLink.used_at.is_(None))
        db.session.execute(others.values(used_at=now), execution_options={"synchronize_session": False})
        store_password(user.id, new_hash, user.id)
    return user


def _works(token: str) -> tuple[ColumnElement[bool], ...]:
    fits = OneUseLink.token_hash == digest(token)
    return fits, OneUseLink.used_at.is_(None), OneUseLink.expires_at > clock.now()
