"""Mails as text and HTML, from templates, ready to be sent."""

from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from sqlalchemy import select

from booking.base.db import db
from booking.notifications.kinds import ANSWERABLE, KINDS, LINKS
from booking.notifications.models import OutboxMessage
from booking.notifications.notices import Notice, NotWanted, notice_of
from booking.notifications.training import ABOUT_TRAINING, training_notice
from booking.paths import TEMPLATES
from booking.people.viewer import Viewer

HIDDEN_TOKEN = "made-when-the-mail-is-sent"  # noqa: S105 (in place of the token, for staff who read the outbox)


@dataclass(frozen=True)
class Mail:
    """What a mail says."""

    subject: str
    text: str
    html: str


def mail_of(message: OutboxMessage, viewer: Viewer, base_url: str, token: str = HIDDEN_TOKEN) -> Mail:
    """Put a message into words for its recipient; raise `NotWanted` if nothing is to be said."""
    values: dict[str, Any] = {"base_url": base_url.rstrip("/"), "name": viewer.name}
    kind = KINDS[message.kind]
    if message.kind in LINKS:
        subject = f"{kind.subject} for Hub Booking"
        return _rendered("link", subject, values | {"lead": kind.lead, "path": f"/password/set/{token}"})
    if message.kind == "digest":
        items = items_of(message, viewer)
        if not items:
            raise NotWanted("Nothing in it still applies.")
        subject = f"{kind.subject}: {len(items)} {'message' if len(items) == 1 else 'messages'}"
        return _rendered("news", subject, values | {"intro": kind.lead, "notices": items})
    notice = _notice(message, viewer, token if message.kind in ANSWERABLE else "")
    return _rendered("news", notice.subject, values | {"intro": "", "notices": [notice]})


def _notice(message: OutboxMessage, viewer: Viewer, answer: str = "") -> Notice:
    if message.kind in ABOUT_TRAINING:
        return training_notice(message, viewer)
    return notice_of(message, viewer, answer)


def items_of(digest: OutboxMessage, viewer: Viewer) -> list[Notice]:
    """Put what a digest holds into words, in the order of time, without what no longer applies."""
    query = select(OutboxMessage).where(OutboxMessage.digest_id == digest.id).order_by(OutboxMessage.id)
    found = []
    for message in db.session.scalars(query):
        try:
            found.append(_notice(message, viewer))
        except NotWanted:
            continue
    return found


def _rendered(template: str, subject: str, values: dict[str, Any]) -> Mail:
    subject = " ".join(subject.split())
    text, html = (
        _templates().get_template(f"mail/{template}.{ending}").render(values | {"subject": subject})
        for ending in ("txt", "html")
    )
    return Mail(subject, text, html)


@cache
def _templates() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def envelope(mail: Mail, message_id: str, to: tuple[str, str], sender: str, at: datetime) -> EmailMessage:
    """Put a mail into the form in which it travels; the same row always has the same Message-ID."""
    name, address = parseaddr(sender)
    place = address.rpartition("@")[2]
    packed = EmailMessage(policy=SMTP)
    packed["From"] = _address(name or "Hub Booking", address)
    packed["To"] = _address(*to)
    packed["Subject"] = mail.subject
    packed["Date"] = format_datetime(at)
    packed["Message-ID"] = f"<{message_id}@{place}>"
    packed["List-Id"] = f"Hub Booking <hub-booking.{place}>"
    packed["Auto-Submitted"] = "auto-generated"
    packed["X-Auto-Response-Suppress"] = "All"
    packed.set_content(mail.text, cte="quoted-printable")
    packed.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    packed.set_boundary(f"=_{message_id}")
    return packed


def _address(name: str, address: str) -> Address:
    user, _, domain = address.rpartition("@")
    return Address(display_name=" ".join(name.split()), username=user, domain=domain)
