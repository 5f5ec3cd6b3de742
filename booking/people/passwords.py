"""Passwords: argon2id, checked in the same time whether the account exists or not."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

MIN_LENGTH = 10
MAX_LENGTH = 200
_hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_nobody = _hasher.hash("nobody has this password")


def hash_password(password: str) -> str:
    return _hasher.hash(password)


def password_fits(password_hash: str, password: str) -> bool:
    """Compare a password with a stored hash; an empty hash fits nothing but takes as long."""
    try:
        fits = _hasher.verify(password_hash or _nobody, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
    return fits and bool(password_hash)


def password_faults(password: str, email: str, name: str) -> list[str]:
    """Say what is wrong with a new password, in words for its owner."""
    faults = []
    if len(password) < MIN_LENGTH:
        faults.append(f"Use at least {MIN_LENGTH} characters; a few words are easy to remember.")
    if len(password) > MAX_LENGTH:
        faults.append(f"Use at most {MAX_LENGTH} characters.")
    plain = password.casefold()
    if len(set(plain)) < 5 or plain in _COMMON or any(word in plain for word in _own_words(email, name)):
        faults.append("This is easy to guess: leave out names, the facility and common words.")
    return faults


_COMMON = {"password123", "passwordpassword", "1234567890", "qwertyuiop", "letmeinplease", "welcome2026"}


def _own_words(email: str, name: str) -> list[str]:
    words = [email.split("@")[0], *name.split()]
    return ["hubbooking", *(word.casefold() for word in words if len(word) > 3)]
