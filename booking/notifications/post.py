"""The way to the mail server: one connection for many mails, short waits, and what its refusals mean."""

import smtplib
import ssl
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import parseaddr
from types import TracebackType
from urllib.parse import parse_qs, unquote, urlsplit

from booking.settings import Settings

TIMEOUT = 20  # seconds for each step; four steps for a mail are well within a lease
HERE = ("localhost", "127.0.0.1", "::1")
PORTS = {"smtp": 25, "smtps": 465}


class Unreachable(Exception):
    """The server cannot be reached or takes no mail from us at all: this says nothing about any one mail."""


class NotTaken(Exception):
    """The server did not take a mail: `permanent` if it never will."""

    def __init__(self, reason: str, permanent: bool) -> None:
        super().__init__(reason)
        self.permanent = permanent


@dataclass(frozen=True)
class MailServer:
    """Where mails are handed over, read from `smtp://user:password@host:25` or `smtps://…`."""

    host: str
    port: int
    tls: bool
    starttls: bool
    user: str
    password: str

    @classmethod
    def from_url(cls, url: str) -> "MailServer":
        """Read an address; raise `ValueError` if it is none."""
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("smtp://user:password@host:25 is needed")
        asked = parse_qs(parts.query).get("starttls", [""])[0]
        if asked not in ("", "yes", "no"):
            raise ValueError("?starttls=yes or ?starttls=no is needed")
        tls = parts.scheme == "smtps"
        # A password is not sent in the clear to another machine unless that is asked for.
        guarded = asked == "yes" or (not asked and bool(parts.password) and parts.hostname not in HERE)
        return cls(
            host=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            tls=tls,
            starttls=guarded and not tls,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )


class Post:
    """A connection that is made when it is needed and made anew when it broke."""

    def __init__(self, server: MailServer, sender: str) -> None:
        self._server = server
        self._sender = parseaddr(sender)[1]
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> "Post":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._smtp is not None:
            with suppress(smtplib.SMTPException, OSError):
                self._smtp.quit()

    def ready(self) -> None:
        """Make sure that the server listens, before any mail is claimed; raise `Unreachable`."""
        if self._smtp is not None and self._listens(self._smtp):
            return
        self._smtp = None
        try:
            self._smtp = self._connect()
        except (smtplib.SMTPException, OSError) as error:
            raise Unreachable(in_words(error)) from error

    def _listens(self, smtp: smtplib.SMTP) -> bool:
        with suppress(smtplib.SMTPException, OSError):
            return smtp.noop()[0] == 250
        smtp.close()
        return False

    def _connect(self) -> smtplib.SMTP:
        server, own_name = self._server, self._sender.rpartition("@")[2]
        safe = ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.tls:
            smtp = smtplib.SMTP_SSL(server.host, server.port, own_name, timeout=TIMEOUT, context=safe)
        else:
            smtp = smtplib.SMTP(server.host, server.port, own_name, timeout=TIMEOUT)
        try:
            if server.starttls:
                smtp.starttls(context=safe)
            if server.user:
                smtp.login(server.user, server.password)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def send(self, mail: EmailMessage, address: str) -> None:
        """Hand a mail over; return when the server has taken it, else raise `NotTaken`."""
        assert self._smtp is not None  # noqa: S101 (ready was called)
        try:
            self._smtp.send_message(mail, self._sender, [address])
        except smtplib.SMTPRecipientsRefused as refused:
            code, text = next(iter(refused.recipients.values()))
            raise NotTaken(in_words(smtplib.SMTPResponseException(code, text)), code >= 500) from refused
        except (smtplib.SMTPDataError, smtplib.SMTPNotSupportedError) as refused:
            permanent = getattr(refused, "smtp_code", 500) >= 500
            raise NotTaken(in_words(refused), permanent) from refused
        except (smtplib.SMTPException, OSError) as error:
            self._smtp.close()
            self._smtp = None
            raise NotTaken(in_words(error), permanent=False) from error


def mail_faults(settings: Settings) -> list[str]:
    """Say what is wrong with the mail settings; without any, mails stay in the outbox."""
    if not settings.mail_url:
        return []
    faults = []
    try:
        MailServer.from_url(settings.mail_url)
    except ValueError as error:
        faults.append(f"BOOKING_MAIL_URL: {error}")
    user, _, place = parseaddr(settings.mail_from)[1].rpartition("@")
    if not user or not place or not settings.mail_from.isprintable():
        faults.append("BOOKING_MAIL_FROM: set the sender's address")
    return faults


def in_words(error: Exception) -> str:
    """Say in one line what the server or the network said."""
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
        return " ".join(f"{error.smtp_code} {text}".split())
    return " ".join(f"{type(error).__name__}: {error}".split())
