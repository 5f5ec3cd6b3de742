"""Settings from the environment (`BOOKING_*`): typed, validated, listed in docs/settings.md."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

PREFIX = "BOOKING_"


class BadSettings(Exception):
    """One clear line for each setting that is missing, unknown or unusable."""

    def __init__(self, lines: list[str]) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@dataclass(frozen=True)
class Settings:
    """Everything an operator may set; each field is the environment variable of the same name."""

    database_url: str = ""
    secret_key: str = ""
    base_url: str = ""
    mail_url: str = ""
    mail_from: str = ""
    redis_url: str = ""
    oidc_issuer: str = ""
    oidc_client_id: str = ""
    oidc_client_secret: str = ""
    trusted_proxies: int = 0
    demo_password: str = ""
    feed_rate: int = 120
    feed_max_events: int = 1000
    login_rate: int = 10
    api_rate: int = 0
    log_level: str = "INFO"
    log_format: str = "text"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str], **overrides: Any) -> "Settings":
        """Read the `BOOKING_*` variables; raise `BadSettings` naming each that is not understood."""
        kinds = {field.name: field.type for field in fields(cls)}
        values: dict[str, Any] = {}
        faults = []
        for variable, text in environ.items():
            if not variable.startswith(PREFIX) or variable == "BOOKING_TESTS":
                continue
            name = variable[len(PREFIX) :].lower()
            if name not in kinds:
                faults.append(f"{variable}: there is no such setting (see docs/settings.md)")
            elif kinds[name] in (int, "int"):
                if text.strip().isascii() and text.strip().isdigit():
                    values[name] = int(text)
                else:
                    faults.append(f"{variable}: a whole number is needed, not {text!r}")
            else:
                values[name] = text
        if faults:
            raise BadSettings(faults)
        return cls(**{**values, **overrides})

    def faults(self) -> list[str]:
        """Name every setting with which the production server must not start, one line each."""
        lines = []
        if len(self.secret_key) < 16:
            lines.append("BOOKING_SECRET_KEY: set a random text of at least 16 characters")
        lines += self._database_faults() + self._redis_faults()
        if self.base_url and urlsplit(self.base_url).scheme not in ("http", "https"):
            lines.append("BOOKING_BASE_URL: an address that begins with http:// or https:// is needed")
        if self.log_format not in ("text", "json"):
            lines.append("BOOKING_LOG_FORMAT: text or json is needed")
        if self.log_level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
            lines.append("BOOKING_LOG_LEVEL: DEBUG, INFO, WARNING, ERROR or CRITICAL is needed")
        return lines

    def _database_faults(self) -> list[str]:
        try:
            backend = make_url(self.database_url).drivername
        except ArgumentError:
            return ["BOOKING_DATABASE_URL: this is not a database address"]
        if backend not in ("sqlite", "postgresql+psycopg"):
            return ["BOOKING_DATABASE_URL: sqlite:///FILE or postgresql+psycopg://… is needed"]
        return []

    def _redis_faults(self) -> list[str]:
        if not self.redis_url:
            return []
        from redis.connection import parse_url  # a fifth of a second, only where Redis is used

        try:
            parse_url(self.redis_url)
        except ValueError:
            return ["BOOKING_REDIS_URL: redis://host:6379/0, rediss://… or unix:///… is needed"]
        return []

    def sqlite_file(self) -> Path | None:
        """Return the embedded database's file, or None on PostgreSQL."""
        url = make_url(self.database_url)
        return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def sqlite_url(folder: Path) -> str:
    """Return the address of the embedded database in a data folder."""
    return f"sqlite:///{(folder / 'booking.db').resolve()}"
