"""Who would like to book what in the demo: the habits of each week, from `habits.json`."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from importlib.resources import files
from random import Random
from typing import Any

DOMAIN = "demo.example"
WEEKS = range(-8, 12)
DAY = 24 * 60
STARTS = {
    "any": (
        "08:30",
        "09:00",
        "09:30",
        "10:00",
        "10:30",
        "11:00",
        "13:00",
        "13:30",
        "14:00",
        "14:30",
        "15:00",
    ),
    "mornings": ("08:30", "09:00", "09:30", "10:00"),
    # Steps of an hour, counted from the opening at half past eight.
    "full_hours": ("08:30", "09:30", "10:30"),
}
USUAL = {"at": "any", "project": "", "people": 1, "ahead": (2, 4, 7, 12), "supervisor": ""}
FATES = {"kept": 80, "cancelled": 8, "changed": 9, "declined": 3}


@dataclass(frozen=True)
class Wish:
    """A booking somebody would like to make: on a day, so many days ahead, and what becomes of it."""

    who: str
    takes: tuple[tuple[str, int], ...]
    day: date
    at: str
    minutes: int
    title: str
    project: str = ""
    people: int = 1
    ahead: int = 3
    fate: str = "kept"
    participants: tuple[str, ...] = ()
    supervisor: str = ""
    on_behalf_of: str = ""
    notes: str = ""
    rrule: str = ""
    overrules: str = ""
    because: str = ""

    @property
    def starts(self) -> time:
        return time.fromisoformat(self.at)


def weekly(t0: date, rng: Random) -> Iterator[Wish]:
    """Yield what habits lead to from eight weeks ago until twelve weeks ahead."""
    monday = t0 - timedelta(days=t0.weekday())
    habits = _habits()
    for week in WEEKS:
        for habit in habits:
            for _ in range(int(habit["a_week"] + rng.random())):
                yield _once(habit, monday + timedelta(weeks=week, days=rng.randrange(5)), rng)


def _habits() -> list[dict[str, Any]]:
    """Read the habits, with groups of people and usual starts written out."""
    data = json.loads(files("booking.demo").joinpath("habits.json").read_text(encoding="utf-8"))
    habits = [{**USUAL, **habit} for habit in data["habits"]]
    for habit in habits:
        if isinstance(habit["who"], str):
            habit["who"] = data["groups"][habit["who"]]
        if isinstance(habit["at"], str):
            habit["at"] = STARTS[habit["at"]]
    return habits


def _once(habit: dict[str, Any], day: date, rng: Random) -> Wish:
    minutes = int(rng.choice(habit["hours"]) * 60)
    if minutes >= DAY:
        end = workday(day + timedelta(minutes=minutes))
        minutes = (end - day).days * DAY + minutes % DAY
    return Wish(
        who=rng.choice(habit["who"]),
        takes=tuple(habit["takes"].items()),
        day=day,
        at=rng.choice(habit["at"]),
        minutes=minutes,
        title=rng.choice(habit["titles"]),
        project=habit["project"],
        people=habit["people"],
        ahead=rng.choice(habit["ahead"]),
        fate=rng.choices(list(FATES), list(FATES.values()))[0],
        supervisor=habit["supervisor"],
    )


def workday(day: date, step: int = 1) -> date:
    """Return the day, or the next one (or the one before) from Monday to Friday."""
    while day.weekday() > 4:
        day += timedelta(days=step)
    return day
