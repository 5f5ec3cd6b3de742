"""Signing in and out: throttled, the same answer for known and unknown accounts, sessions revocable."""

import hashlib
import secrets
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import bindparam, delete, func, select, update

from booking.base import audit, clock
from booking.base.db import db, read, transaction
from booking.base.errors import BookingError, Busy, Forbidden
from booking.people.models import ApiToken, SignIn, SignInFailure, User
from booking.people.passwords import hash_password, password_fits
from booking.people.viewer import Viewer

SESSION_LENGTH = timedelta(days=14)
SEEN_EVERY = timedelta(minutes=5)
THROTTLE_WINDOW = timedelta(minutes=5)
ADDRESS_FACTOR = 5


class SignInRefused(BookingError):
    status = 422
    code = "sign_in_refused"


class TooManyFailures(BookingError):
    status = 429
    code = "too_many_failures"
    retry_after = int(THROTTLE_WINDOW.total_seconds())


def digest(secret: str) -> str:
    """Return the only form in which a token is stored."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def sign_in(email: str, password: str, address: str, device: str, rate: int) -> str:
    """Check a password and return a new session's token; `rate` failures per 5 minutes, 0 for no limit."""
    account = digest(email.strip().casefold())
    if rate and throttled(account, address, rate, rate * ADDRESS_FACTOR):
        raise TooManyFailures("Too many failed sign-ins. Wait five minutes and try again.")
    user = db.session.scalar(select(User).where(User.email == email.strip().casefold()))
    stored = user.password_hash if user and user.active else ""
    if not password_fits(stored, password) or user is None:
        note_attempt(account, address)
        raise SignInRefused("E-mail address and password do not fit together.")
    return _open_session(user, account, device)


def throttled(account: str, address: str, rate: int, address_rate: int) -> bool:
    """Tell whether an account, or an address, has used up the attempts of the last five minutes."""
    since = clock.now() - THROTTLE_WINDOW
    count = select(func.count()).select_from(SignInFailure).where(SignInFailure.at > since)
    by_account = db.session.scalar(count.where(SignInFailure.account == account)) or 0
    by_address = db.session.scalar(count.where(SignInFailure.address == address)) or 0
    return by_account >= rate or by_address >= address_rate


def note_attempt(account: str, address: str) -> None:
    """Count an attempt against an account and an address."""
    with transaction():
        now = clock.now()
        db.session.execute(delete(SignInFailure).where(SignInFailure.at < now - timedelta(days=1)))
        db.session.add(SignInFailure(account=account, address=address[:64], at=now))


def _open_session(user: User, account: str, device: str) -> str:
    token = secrets.token_urlsafe(32)
    now = clock.now()
    with transaction():
        db.session.execute(delete(SignInFailure).where(SignInFailure.account == account))
        db.session.execute(delete(SignIn).where(SignIn.expires_at < now - timedelta(days=30)))
        db.session.add(
            SignIn(
                token_hash=digest(token),
                user_id=user.id,
                created_at=now,
                last_seen_at=now,
                expires_at=now + SESSION_LENGTH,
                device=device[:200],
            )
        )
        audit.record("signed_in", "user", user.id, user.id)
    return token


_SESSION = (
    select(SignIn.id, SignIn.user_id, SignIn.last_seen_at)
    .join(User, User.id == SignIn.user_id)
    .where(SignIn.token_hash == bindparam("hash"), SignIn.expires_at > bindparam("now"))
    .where(SignIn.revoked_at.is_(None), User.active)
)


def session_user_id(token: str) -> int | None:
    """Return whose session a cookie's token opens, or None; keeps the session alive while it is used."""
    now = clock.now()
    row = next(iter(read(_SESSION, {"hash": digest(token), "now": now})), None)
    if row is None:
        return None
    if now - row.last_seen_at > SEEN_EVERY:
        with suppress(Busy):  # reading must not fail because others write
            _keep_alive(row.id)
    return row.user_id


def _keep_alive(sign_in_id: int) -> None:
    now = clock.now()
    with transaction():
        db.session.execute(
            update(SignIn)
            .where(SignIn.id == sign_in_id)
            .values(last_seen_at=now, expires_at=now + SESSION_LENGTH)
        )


def sign_out(token: str) -> None:
    """End the session that a token opens."""
    with transaction():
        db.session.execute(
            update(SignIn).where(SignIn.token_hash == digest(token)).values(revoked_at=clock.now())
        )


def open_sessions(user_id: int) -> list[SignIn]:
    """List where a person is signed in."""
    query = select(SignIn).where(SignIn.user_id == user_id, SignIn.revoked_at.is_(None))
    return list(db.session.scalars(query.where(SignIn.expires_at > clock.now()).order_by(SignIn.id.desc())))


def revoke_session(session_id: str, by: Viewer) -> None:
    """End one of my own sessions by its public id."""
    with transaction():
        db.session.execute(
            update(SignIn)
            .where(SignIn.public_id == session_id, SignIn.user_id == by.id)
            .values(revoked_at=clock.now())
        )


def set_password(user_id: int, password: str, by_id: int | None) -> None:
    """Store a new password and end every session of its owner."""
    store_password(user_id, hash_password(password), by_id)


def store_password(user_id: int, new_hash: str, by_id: int | None) -> None:
    """Store the hash of a new password and end every session of its owner."""
    with transaction():
        now = clock.now()
        db.session.execute(update(User).where(User.id == user_id).values(password_hash=new_hash))
        db.session.execute(
            update(SignIn)
            .where(SignIn.user_id == user_id, SignIn.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        audit.record("password_set", "user", user_id, by_id)


def create_token(user_id: int, name: str, scope: str, days: int | None, by_id: int | None) -> str:
    """Make an API token and return it, this one time."""
    token = f"hub_{secrets.token_urlsafe(32)}"
    now = clock.now()
    with transaction():
        row = ApiToken(
            user_id=user_id,
            name=name,
            token_hash=digest(token),
            scope=scope,
            created_at=now,
            expires_at=now + timedelta(days=days) if days else None,
        )
        db.session.add(row)
        db.session.flush()
        audit.record("token_made", "user", user_id, by_id, after={"name": name, "scope": scope})
    return token


def tokens_of(user_id: int) -> list[ApiToken]:
    """List a person's API tokens that still work."""
    query = select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
    return list(db.session.scalars(query.order_by(ApiToken.id.desc())))


def revoke_token(token_id: str, by: Viewer) -> None:
    """End one of my own API tokens by its public id."""
    with transaction():
        db.session.execute(
            update(ApiToken)
            .where(ApiToken.public_id == token_id, ApiToken.user_id == by.id)
            .values(revoked_at=clock.now())
        )
        audit.record("token_revoked", "user", by.id, by.id)


_TOKEN = (
    select(ApiToken.id, ApiToken.user_id, ApiToken.scope, ApiToken.expires_at, ApiToken.last_used_at)
    .join(User, User.id == ApiToken.user_id)
    .where(ApiToken.token_hash == bindparam("hash"), ApiToken.revoked_at.is_(None), User.active)
)


def token_user(token: str) -> tuple[int, str] | None:
    """Return (user id, scope) of a bearer token that works, or None; notes its use once in a while."""
    now = clock.now()
    row = next(iter(read(_TOKEN, {"hash": digest(token)})), None)
    if row is None or (row.expires_at is not None and row.expires_at <= now):
        return None
    if row.last_used_at is None or now - row.last_used_at > SEEN_EVERY:
        with suppress(Busy), transaction():
            db.session.execute(update(ApiToken).where(ApiToken.id == row.id).values(last_used_at=now))
    return row.user_id, row.scope


def must_be_able_to_write(viewer: Viewer) -> None:
    """Refuse a write with a token that may only read."""
    if viewer.scope != "write":
        raise Forbidden("This token may read only.")
