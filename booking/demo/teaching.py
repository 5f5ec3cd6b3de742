"""The demo's training: sessions with places, how the last ones went, and a competence that was withdrawn."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import select

from booking.base import clock
from booking.base.db import db
from booking.base.period import from_wall, zone
from booking.demo.wishes import DOMAIN, workday
from booking.people.models import User
from booking.people.viewer import Viewer
from booking.training.competences import award, withdraw
from booking.training.sessions import SessionDetails, plan_session, record_outcomes, take_place
from booking.training.standing import add_months

ZONE = "Europe/London"
CARELESS = "george.papadakis"
PLANNED_AHEAD = timedelta(days=21)


@dataclass(frozen=True)
class Lesson:
    """A session: so many days from T0, who has a place and, if it is over, how it went for them."""

    module: str
    days: int
    at: str
    hours: float
    places: int
    where: str
    people: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    trainer: str = "trainer"
    facility: str = "HUB"


LESSONS = (
    Lesson(
        "T-CL2",
        -6,
        "09:00",
        4,
        4,
        "H-01 Cell culture laboratory",
        ("jamal.carter", "keiko.sato", "liam.byrne"),
        ("passed", "practice", "absent"),
    ),
    Lesson("T-IND", -1, "10:00", 1.5, 8, "H-07 Teaching laboratory", ("peter.lang", "quinn.harris")),
    Lesson("T-IND", 3, "10:00", 1.5, 8, "H-07 Teaching laboratory", ("renee.dubois", "stefan.ionescu")),
    Lesson(
        "T-CL2",
        4,
        "09:00",
        4,
        4,
        "H-01 Cell culture laboratory",
        ("anna.kaya", "ben.foster", "hugo.laurent"),
    ),
    Lesson("T-FLOW", 6, "13:00", 4, 3, "H-06 Analytical laboratory", ("samuel.osei",)),
    Lesson("T-LN2", 8, "14:00", 2, 4, "H-08 Cryostore"),
    Lesson("T-OOH", 9, "11:00", 1, 12, "Seminar room"),
    Lesson("T-CL2", 11, "09:00", 4, 4, "H-01 Cell culture laboratory"),
    Lesson("T-CTP", 12, "09:00", 8, 2, "H-01 Cell culture laboratory", trainer="paul.mensah"),
    Lesson("T-AKTA", 13, "09:30", 6, 3, "H-05 Downstream laboratory", trainer="paul.mensah"),
    Lesson("T-VEC", 15, "09:00", 6, 2, "H-02 Viral vector laboratory", ("noah.bennett",)),
    Lesson("T-TFF", 16, "09:30", 4, 3, "H-05 Downstream laboratory", trainer="paul.mensah"),
    Lesson("T-IND", 17, "10:00", 1.5, 8, "H-07 Teaching laboratory"),
    Lesson("T-GOWN", 20, "13:00", 3, 4, "S-01 Gowning", facility="SUS"),
    Lesson("T-CL2", 25, "09:00", 4, 4, "H-01 Cell culture laboratory"),
)


def show(t0: date, viewer: Callable[[str], Viewer]) -> None:
    """Record what somebody showed long ago: it is withdrawn in the end, and endangers what they booked."""
    with clock.travel(_morning(t0) - timedelta(weeks=20)):
        day = clock.now().date()
        through = add_months(day, 24)
        award(f"{CARELESS}@{DOMAIN}", "T-TFF", "competent", day, through, viewer("trainer"))


def teach(t0: date, viewer: Callable[[str], Viewer]) -> None:
    """Plan the sessions, let people take their places, and record how the last ones went."""
    users = {email: key for email, key in db.session.execute(select(User.email, User.id))}
    for lesson in LESSONS:
        start = _start(t0, lesson)
        with clock.travel(min(start, _morning(t0)) - PLANNED_AHEAD):
            session = plan_session(_details(lesson, start), viewer("staff"))
            for name in lesson.people:
                take_place(session.id, viewer("staff"), f"{name}@{DOMAIN}")
        if lesson.outcomes:
            with clock.travel(session.ends_at):
                went = {
                    users[f"{name}@{DOMAIN}"]: outcome
                    for name, outcome in zip(lesson.people, lesson.outcomes, strict=True)
                }
                record_outcomes(session.id, went, viewer(lesson.trainer))
    with clock.travel(_morning(t0) - timedelta(hours=16)):
        reason = "A membrane was run dry; a refresher is agreed."
        withdraw(f"{CARELESS}@{DOMAIN}", "T-TFF", viewer("trainer"), reason)


def _start(t0: date, lesson: Lesson) -> datetime:
    day = workday(t0 + timedelta(days=lesson.days), 1 if lesson.days > 0 else -1)
    return from_wall(datetime.combine(day, time.fromisoformat(lesson.at)), zone(ZONE))


def _morning(t0: date) -> datetime:
    return from_wall(datetime.combine(t0, time(9)), zone(ZONE))


def _details(lesson: Lesson, start: datetime) -> SessionDetails:
    return SessionDetails(
        module=lesson.module,
        facility=lesson.facility,
        trainer=f"{lesson.trainer}@{DOMAIN}",
        starts_at=start,
        ends_at=start + timedelta(hours=lesson.hours),
        places=lesson.places,
        place=lesson.where,
    )
