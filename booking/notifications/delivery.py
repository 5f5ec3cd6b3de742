"""What a worker does with the outbox: claim a mail, hand it over, mark it as sent; once, whoever dies."""

from datetime import datetime, time, timedelta
from email.message import EmailMessage
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import update

from booking.base import clock
from booking.base.acts import plan
from booking.base.db import db, transaction
from booking.base.period import at
from booking.base.work import MAX_ERROR, anything_due, bury, claim, finish, put_off
from booking.bookings.answer_links import make_answer_link
from booking.bookings.models import Booking
from booking.facilities.queries import places, viewer_of
from booking.notifications.digests import SEND_DIGEST
from booking.notifications.kinds import ANSWERABLE, DIGEST, LINKS, NONE, topic_of
from booking.notifications.mails import envelope, mail_of
from booking.notifications.models import OutboxMessage
from booking.notifications.notices import NotWanted
from booking.notifications.post import MailServer, NotTaken, Post, Unreachable, mail_faults
from booking.notifications.preferences import preferences_of
from booking.people.links import make_link
from booking.people.viewer import Viewer
from booking.settings import Settings

AT_A_TIME = 20
DIGEST_AT = time(7)
TOO_OLD = timedelta(days=7)  # later it would only confuse


def deliver_due(settings: Settings) -> int:
    """Send some of the mails that are due, if there is a mail server; return how many were dealt with."""
    if not settings.mail_url or not anything_due(OutboxMessage):
        return 0
    dealt_with = 0
    try:
        with Post(_server(settings), settings.mail_from) as post:
            while dealt_with < AT_A_TIME:
                post.ready()
                if not deliver_next(post, settings):
                    break
                dealt_with += 1
    except Unreachable as error:
        _say_why_they_wait(str(error))
    return dealt_with


def _server(settings: Settings) -> MailServer:
    faults = mail_faults(settings)
    if faults:
        raise Unreachable("; ".join(faults))
    return MailServer.from_url(settings.mail_url)


def deliver_next(post: Post, settings: Settings) -> bool:
    """Claim one mail and deal with it; tell whether there was one."""
    message = claim(OutboxMessage)
    if message is None:
        return False
    try:
        _deal_with(message, post, settings)
    except NotWanted as why:
        with transaction():
            finish(message, note=str(why))
    except NotTaken as refused:
        (bury if refused.permanent else put_off)(message, str(refused))
    except Exception as error:  # whatever it is, the other mails must not wait for it
        put_off(message, f"{type(error).__name__}: {error}")
    return True


def _deal_with(message: OutboxMessage, post: Post, settings: Settings) -> None:
    recipient = viewer_of(message.recipient_id)
    if recipient is None:
        raise NotWanted("The account is closed.")
    if message.due_at < clock.now() - TOO_OLD:
        raise NotWanted("It waited for more than a week.")
    how = _wanted(message, recipient)
    if how == NONE:
        raise NotWanted("The recipient does not want mails of this kind.")
    if how == DIGEST:
        return _keep_for_digest(message)
    post.send(_packed(message, recipient, settings), recipient.email)
    with transaction():
        finish(message, sent_at=clock.now())


def _wanted(message: OutboxMessage, recipient: Viewer) -> str:
    topic = topic_of(message.kind, own=message.facts.get("by") == recipient.id)
    return preferences_of(recipient.id).get(topic, "")


def _packed(message: OutboxMessage, recipient: Viewer, settings: Settings) -> EmailMessage:
    mail = mail_of(message, recipient, settings.base_url, _token(message, recipient, settings))
    to = (recipient.name, recipient.email)
    return envelope(mail, message.public_id, to, settings.mail_from, clock.now())


def _token(message: OutboxMessage, recipient: Viewer, settings: Settings) -> str:
    """Make the link that a mail carries, at the last moment; an empty text for a mail without one."""
    if message.kind in LINKS:
        return make_link(recipient.id, message.kind)
    if message.kind in ANSWERABLE and "step" in message.facts:
        return make_answer_link(message.facts["step"], recipient.id, settings.secret_key)
    return ""


def _keep_for_digest(message: OutboxMessage) -> None:
    """Let a mail wait for the next digest by the clock of the facility that it is about."""
    facilities = places().facilities
    booking = db.session.get(Booking, message.booking_id) if message.booking_id else None
    facility = facilities[booking.facility_id] if booking else next(iter(facilities.values()))
    due = next_digest(clock.now(), facility.tz)
    with transaction():
        model = OutboxMessage
        mine = (model.id == message.id, model.tries == message.tries, model.done_at.is_(None))
        kept = update(model).where(*mine).values(next_try_at=None, last_error="")
        db.session.execute(kept, execution_options={"synchronize_session": False})
        plan(SEND_DIGEST, message.recipient_id, due)


def next_digest(now: datetime, tz: ZoneInfo) -> datetime:
    """Return the next time that the clocks show seven in the morning."""
    local = now.astimezone(tz)
    day = local.date() if local.time() < DIGEST_AT else local.date() + timedelta(days=1)
    return at(day, DIGEST_AT, tz)


def _say_why_they_wait(error: str) -> None:
    """Let staff read at every waiting mail why it waits; that the server is away is no mail's failure."""
    structlog.get_logger("worker").warning("mail server out of reach", reason=error)
    text = f"The mail server is out of reach: {error}"[:MAX_ERROR]
    with transaction():
        due = (OutboxMessage.next_try_at <= clock.now(), OutboxMessage.last_error != text)
        statement = update(OutboxMessage).where(*due).values(last_error=text)
        db.session.execute(statement, execution_options={"synchronize_session": False})
