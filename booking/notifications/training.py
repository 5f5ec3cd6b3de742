"""Mails about training: what ends in 60, 30 and 7 days, and sessions that were called off.

One timed act for each day writes the reminders of that day and plans the next: a day is never left out
or done twice, however long no worker ran.
"""

from collections.abc import Iterator
from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from booking.base import clock, words
from booking.base.acts import TimedAct, carries_out, plan
from booking.base.db import db, transaction
from booking.base.events import on
from booking.base.period import at, zone
from booking.facilities.queries import places
from booking.notifications.kinds import KINDS
from booking.notifications.models import OutboxMessage
from booking.notifications.notices import Notice, NotWanted
from booking.notifications.outbox import Row, message, put
from booking.people.models import Membership
from booking.people.queries import names_of
from booking.people.viewer import Viewer
from booking.training.events import SessionCalledOff
from booking.training.listing import ending_competences, ending_permits
from booking.training.models import Module, TrainingSession
from booking.training.queries import next_sessions

REMIND = "remind_of_what_ends"
DAYS_AHEAD = (60, 30, 7)
AT_CLOCK = time(6)
MOST = 10_000
ABOUT_TRAINING = ("competence_ends", "permit_ends", "session_called_off")


def plan_reminders() -> None:
    """Plan the first day's reminders, unless a day is planned already."""
    open_now = select(TimedAct.id).where(TimedAct.kind == REMIND, TimedAct.done_at.is_(None)).limit(1)
    if db.session.scalar(open_now) is None:
        with transaction():
            plan(REMIND, clock.now().astimezone(_zone()).date().toordinal(), clock.now())


@carries_out(REMIND)
def remind(day_number: int) -> None:
    """Write the reminders of a day, given by its number, and plan those of the next."""
    day = date.fromordinal(day_number)
    with transaction():
        put(row for ahead in DAYS_AHEAD for row in _rows(day + timedelta(days=ahead), ahead))
        following = day + timedelta(days=1)
        plan(REMIND, following.toordinal(), at(following, AT_CLOCK, _zone()))


def _rows(last: date, ahead: int) -> Iterator[Row]:
    """Yield a mail for each competence and permit whose last day this is."""
    facts = {"last_day": last.isoformat(), "days": ahead}
    for _, module, user in ending_competences(last, last, MOST):
        what = {"module": module.id, "what": f"{module.code} {module.title}"}
        yield message("competence_ends", None, user.id, facts | what, clock.now())
    for permit, _ in ending_permits(last, last, MOST):
        what = {"what": f"{permit.kind}, {permit.reference}"}
        for user_id in _holders(permit.user_id, permit.project_id):
            yield message("permit_ends", None, user_id, facts | what, clock.now())


def _holders(user_id: int | None, project_id: int | None) -> list[int]:
    """Return who looks after a permit: its person, or those who lead its project."""
    if user_id is not None:
        return [user_id]
    leads = select(Membership.user_id).where(Membership.project_id == project_id, Membership.lead)
    return sorted(db.session.scalars(leads))


@on(SessionCalledOff)
def tell_of_a_session(news: SessionCalledOff) -> None:
    facts = {"by": news.by_id, "reason": news.reason, "session": news.session_id}
    put(message("session_called_off", None, person, facts, clock.now()) for person in sorted(news.people))


def _zone() -> ZoneInfo:
    first = next(iter(places().facilities.values()), None)
    return first.tz if first else zone("Europe/London")


# --- in words --------------------------------------------------------------------------------------


def training_notice(message: OutboxMessage, viewer: Viewer) -> Notice:
    """Put a mail about training into words."""
    return _called_off(message, viewer) if message.kind == "session_called_off" else _ends(message)


def _ends(message: OutboxMessage) -> Notice:
    facts = message.facts
    last, what = date.fromisoformat(facts["last_day"]), str(facts["what"])
    kind = KINDS[message.kind]
    module_id = facts.get("module")
    return Notice(
        subject=f"{kind.subject}: {what}, {words.day(last)}",
        lead=kind.lead.format(days=facts["days"]),
        title=what,
        facts=(("Valid through", words.day(last)), *_cure(module_id)),
        changes=(),
        reason="",
        path="/training",
    )


def _cure(module_id: int | None) -> Iterator[tuple[str, str]]:
    """Yield the next session with places left, if there is one."""
    found = next_sessions([module_id], clock.now()).get(module_id, ()) if module_id else ()
    for one in found[:1]:
        session = db.session.get_one(TrainingSession, one.id)
        timezone = places().facilities[session.facility_id].timezone
        yield "Next session", words.when(one.starts_at, one.ends_at, timezone)


def _called_off(message: OutboxMessage, viewer: Viewer) -> Notice:
    session = db.session.get(TrainingSession, message.facts["session"])
    if session is None or session.ends_at < clock.now():
        raise NotWanted("The session would be over.")
    module = db.session.get_one(Module, session.module_id)
    facility = places().facilities[session.facility_id]
    when = words.when(session.starts_at, session.ends_at, facility.timezone)
    by = message.facts["by"]
    who = "You" if by == viewer.id else names_of([by]).get(by, "Somebody")
    kind, title = KINDS[message.kind], f"{module.code} {module.title}"
    return Notice(
        subject=f"{kind.subject}: {title}, {when}",
        lead=kind.lead.format(who=who),
        title=title,
        facts=(
            ("When", when),
            ("Facility", facility.name),
            *([("Place", session.place)] if session.place else []),
        ),
        changes=(),
        reason=message.facts["reason"],
        path="/training",
    )
