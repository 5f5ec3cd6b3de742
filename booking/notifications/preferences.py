"""What each person wants to be mailed, and how."""

from collections.abc import Mapping

from sqlalchemy import delete, select

from booking.base.db import db, lock, transaction
from booking.base.edits import Faults, record
from booking.bookings.waiting import decides_anything
from booking.notifications.kinds import NOW, TOPICS
from booking.notifications.models import MailPreference
from booking.people.models import User
from booking.people.sessions import must_be_able_to_write
from booking.people.viewer import Viewer


def preferences_of(user_id: int) -> dict[str, str]:
    """Return how somebody wants the mails of each topic: at once unless they said otherwise."""
    query = select(MailPreference.topic, MailPreference.how).where(MailPreference.user_id == user_id)
    return dict.fromkeys(TOPICS, NOW) | {topic: how for topic, how in db.session.execute(query)}


def topics_for(viewer: Viewer) -> tuple[str, ...]:
    """Return the topics that somebody may get mails of."""
    return tuple(topic for topic in TOPICS if topic != "requests" or decides_anything(viewer))


def set_preferences(wanted: Mapping[str, str], by: Viewer) -> None:
    """Choose how I want the mails of some topics."""
    must_be_able_to_write(by)
    faults = Faults()
    for topic, how in wanted.items():
        faults.choice(topic, how, TOPICS[topic].ways)
    faults.stop()
    with transaction():
        lock(User, [by.id])
        before = preferences_of(by.id)
        after = before | dict(wanted)
        db.session.execute(delete(MailPreference).where(MailPreference.user_id == by.id))
        chosen = {topic: how for topic, how in after.items() if how != NOW}
        db.session.add_all(
            MailPreference(user_id=by.id, topic=topic, how=how) for topic, how in chosen.items()
        )
        record("mail_chosen", "user", by.id, by.id, before, after)
