"""Who would like to do what in the demo: weekly habits, and the stories of the people who can sign in."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from random import Random

DOMAIN = "demo.example"
WEEKS = range(-8, 12)
HALF_DAYS = (
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
)
MORNINGS = ("08:30", "09:00", "09:30", "10:00")
FULL_HOURS = ("08:30", "09:30", "10:30")  # steps of an hour, counted from the opening at half past eight


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

    @property
    def starts(self) -> time:
        return time.fromisoformat(self.at)


@dataclass(frozen=True)
class Habit:
    """Something that people of a group do so many times a week on some resources."""

    takes: tuple[tuple[str, int], ...]
    who: tuple[str, ...]
    a_week: float
    titles: tuple[str, ...]
    hours: tuple[float, ...]
    at: tuple[str, ...] = HALF_DAYS
    project: str = ""
    people: int = 1
    ahead: tuple[int, ...] = (2, 4, 7, 12)
    supervisor: str = ""


VECTOR = ("aisha.rahman", "lukas.brandt", "sofia.marchetti", "noah.bennett", "zainab.yusuf", "researcher")
CELL = ("katarina.novak", "oliver.grant", "mei.ling.tan", "samuel.osei", "chloe.martin", "arjun.mehta")
DOWNSTREAM = ("emily.hughes", "pedro.alvarez", "nadia.karim", "george.papadakis", "lucy.turner")
DIGITAL = ("hassan.ali", "julia.schmidt", "kwame.boateng")
STUDENTS = ("student", "anna.kaya", "ben.foster", "carla.ruiz", "david.lam", "esther.mbeki", "farid.aziz")
FERMENTATION = ("rosa.delgado", "patrick.nolan")
AMBER = ("amber", "marcus.klein")
BIRCH = ("birch", "irina.volkova")
COBALT = ("cobalt", "dmitri.orlov")
TECHNICIANS = ("technician", "leila.haddad", "owen.price", "chen.wei")
_DAYS = (24.0, 48.0, 72.0, 96.0, 168.0)

HABITS = (
    Habit(
        (("H-BSC1", 1),),
        CELL,
        3,
        ("Passage T cells", "Thaw and seed", "Feed day 4"),
        (1, 1.5, 2),
        project="P-CELL",
    ),
    Habit(
        (("H-BSC2", 1),),
        STUDENTS,
        2,
        ("Practise aseptic transfer", "MSc project: seeding"),
        (1, 2),
        project="P-MSC",
        supervisor="chloe.martin",
    ),
    Habit((("H-BSC1", 1), ("H-CNT", 1)), CELL, 0.7, ("Passage and count",), (1,), project="P-CELL"),
    Habit(
        (("H-BSC1", 1),),
        ("katarina.novak", "oliver.grant"),
        0.6,
        ("Editing run, thaw", "Editing run, feed"),
        (1, 2),
        project="P-SPIN",
    ),
    Habit((("H-BSC2", 1),), AMBER, 0.6, ("CAR-T sampling", "CAR-T feed"), (1, 2), project="P-AMBER1"),
    Habit(
        (("H-BSC3", 1),),
        VECTOR,
        1.4,
        ("Transduction", "Transfection", "Harvest and aliquot"),
        (2, 3, 4),
        MORNINGS,
        "P-VEC",
    ),
    Habit((("H-BSC3", 1),), BIRCH, 0.5, ("LV10 aliquots", "LV10 thaw"), (2,), MORNINGS, "P-BIRCH1"),
    Habit(
        (("H-INC1", 3),),
        CELL,
        0.7,
        ("Donor panel", "Expansion series"),
        _DAYS,
        MORNINGS,
        "P-CELL",
        ahead=(3, 10, 30),
    ),
    Habit(
        (("H-INC1", 1),),
        STUDENTS,
        0.6,
        ("MSc project: culture",),
        _DAYS,
        MORNINGS,
        "P-MSC",
        supervisor="samuel.osei",
        ahead=(2, 9, 25),
    ),
    Habit(
        (("H-INC2", 2),), VECTOR, 0.4, ("Functional titre",), (72, 96), MORNINGS, "P-VEC", ahead=(4, 12, 30)
    ),
    Habit(
        (("H-SHK1", 4),), VECTOR, 0.5, ("Flask expansion",), (72, 96), MORNINGS, "P-VEC", ahead=(4, 12, 40)
    ),
    Habit(
        (("H-SHK1", 3),),
        BIRCH,
        0.3,
        ("LV10 flask expansion",),
        (72, 96),
        MORNINGS,
        "P-BIRCH1",
        ahead=(7, 20, 40),
    ),
    Habit(
        (("H-RM1", 1),),
        CELL,
        0.3,
        ("Rocking expansion",),
        (96, 168, 240),
        FULL_HOURS,
        "P-CELL",
        ahead=(10, 30, 60),
    ),
    Habit(
        (("H-RM2", 1),),
        AMBER,
        0.2,
        ("CAR-T expansion, 25 L bag",),
        (168, 240),
        FULL_HOURS,
        "P-AMBER1",
        ahead=(14, 40),
    ),
    Habit(
        (("H-A15", 2),),
        DIGITAL,
        0.4,
        ("Screening run", "Feed profile screen"),
        (168, 240, 336),
        FULL_HOURS,
        "P-DIG",
        ahead=(10, 30, 50),
    ),
    Habit(
        (("H-A250", 6),),
        DIGITAL,
        0.25,
        ("Digital twin: calibration run",),
        (240, 336),
        FULL_HOURS,
        "P-DIG",
        ahead=(14, 40, 90),
    ),
    Habit(
        (("H-BR2", 2),),
        VECTOR,
        0.4,
        ("Producer line, fed batch",),
        (96, 120, 168),
        FULL_HOURS,
        "P-VEC",
        ahead=(7, 21, 50),
    ),
    Habit(
        (("H-BR10", 1),),
        BIRCH,
        0.25,
        ("LV10 production",),
        (96, 120),
        FULL_HOURS,
        "P-BIRCH1",
        ahead=(14, 30, 60),
    ),
    Habit(
        (("H-FER100", 1),),
        FERMENTATION,
        0.25,
        ("Plasmid host, 100 L",),
        (48, 72),
        FULL_HOURS,
        "P-FERM",
        2,
        (21, 60),
    ),
    Habit(
        (("H-HOM", 1), ("H-CEN", 1)),
        FERMENTATION,
        0.25,
        ("Lysis and clarification",),
        (3, 4),
        MORNINGS,
        "P-FERM",
        2,
        (14, 40),
    ),
    Habit(
        (("H-TFF1", 1), ("H-AK1", 1)), DOWNSTREAM, 0.5, ("Clarify and capture",), (4, 6), MORNINGS, "P-DSP"
    ),
    Habit(
        (("H-TFF1", 1),),
        DOWNSTREAM,
        0.8,
        ("Membrane screen", "Flux stepping"),
        (2, 3, 4),
        project="P-DSP",
        ahead=(3, 10, 40),
    ),
    Habit(
        (("H-AK1", 1),),
        DOWNSTREAM,
        1.2,
        ("Resin screen", "Gradient scouting"),
        (3, 4, 5),
        project="P-DSP",
        ahead=(3, 10, 30),
    ),
    Habit((("H-AK2", 1),), COBALT, 0.5, ("Antibody capture",), (4, 6), MORNINGS, "P-COBALT1", 2, (7, 21, 50)),
    Habit(
        (("H-AK2", 1),), BIRCH, 0.25, ("LV10 ion exchange",), (4, 5), MORNINGS, "P-BIRCH1", ahead=(7, 21, 50)
    ),
    Habit(
        (("H-CFC", 1),),
        ("nora.jensen",),
        0.4,
        ("Cord blood wash",),
        (2, 3),
        MORNINGS,
        "P-SLATE",
        ahead=(5, 20),
    ),
    Habit(
        (("H-TFF1", 1),),
        ("andrew.fraser",),
        0.3,
        ("Exosome concentration",),
        (3, 4),
        MORNINGS,
        "P-CHALK",
        ahead=(5, 30),
    ),
    Habit(
        (("H-FC1", 1),),
        CELL,
        2,
        ("Phenotype panel", "Viability panel", "Memory panel"),
        (1, 1.5, 2),
        project="P-CELL",
    ),
    Habit((("H-FC1", 1), ("H-CNT", 1)), VECTOR, 0.6, ("Transduction efficiency",), (1,), project="P-VEC"),
    Habit((("H-FC1", 1),), AMBER, 0.5, ("CAR expression",), (1, 2), project="P-AMBER1"),
    Habit((("H-CNT", 1),), (*CELL, *STUDENTS[:3]), 2.4, ("Count", "Viability"), (0.25, 0.5), ahead=(1, 2, 4)),
    Habit(
        (("H-MET", 1),),
        (*VECTOR, *DIGITAL),
        1.8,
        ("Daily sample", "Glucose and lactate"),
        (0.25, 0.5),
        ahead=(1, 2, 4),
    ),
    Habit((("H-PCR", 1),), VECTOR, 1.4, ("Titre by qPCR", "Copy number"), (3, 4), project="P-VEC"),
    Habit(
        (("H-LC", 1),),
        (*DOWNSTREAM, *COBALT[:1]),
        1.2,
        ("Aggregate assay", "Amino acid profile"),
        (4, 16, 24, 40),
        ("09:00", "12:00", "16:00"),
        ahead=(3, 10, 25),
    ),
    Habit(
        (("H-IMG", 2),),
        CELL,
        0.5,
        ("Confluence time course",),
        (24, 48, 72),
        FULL_HOURS,
        "P-CELL",
        ahead=(3, 9, 20),
    ),
    Habit((("H-CRF", 1),), (*CELL, *BIRCH[:1]), 0.7, ("Freeze bank vials",), (2, 3), ahead=(3, 9, 30)),
    Habit((("H-AUT", 1),), TECHNICIANS, 1.6, ("Waste cycle", "Glassware"), (1.5, 2), ahead=(1, 3, 5)),
    Habit(
        (("H-PREP", 1),),
        (*TECHNICIANS[1:], *DOWNSTREAM),
        1.2,
        ("Buffers", "Medium"),
        (2, 3, 4),
        ahead=(3, 9, 20),
    ),
    Habit(
        (("H-TECH", 1),),
        (*AMBER, *COBALT, *VECTOR),
        0.9,
        ("Help with set-up", "Supervised first run"),
        (2, 4),
        people=0,
        ahead=(4, 14, 30),
    ),
    Habit(
        (("H-TRN", 1),),
        STUDENTS,
        0.6,
        ("Cabinet practice", "Assessment"),
        (2, 3),
        people=0,
        ahead=(5, 14, 30),
    ),
)


def weekly(t0: date, rng: Random) -> Iterator[Wish]:
    """Yield what habits lead to from eight weeks ago until twelve weeks ahead."""
    monday = t0 - timedelta(days=t0.weekday())
    for week in WEEKS:
        for habit in HABITS:
            for _ in range(int(habit.a_week + rng.random())):
                yield _once(habit, monday + timedelta(weeks=week, days=rng.randrange(5)), rng)


def _once(habit: Habit, day: date, rng: Random) -> Wish:
    minutes = int(rng.choice(habit.hours) * 60)
    if minutes >= 24 * 60:
        end = _workday(day + timedelta(minutes=minutes))
        minutes = (end - day).days * 24 * 60 + minutes % (24 * 60)
    return Wish(
        who=rng.choice(habit.who),
        takes=habit.takes,
        day=day,
        at=rng.choice(habit.at),
        minutes=minutes,
        title=rng.choice(habit.titles),
        project=habit.project,
        people=habit.people,
        ahead=rng.choice(habit.ahead),
        fate=rng.choices(("kept", "cancelled", "changed", "declined"), (80, 8, 9, 3))[0],
        supervisor=habit.supervisor,
    )


def stories(t0: date) -> Iterator[Wish]:
    """Yield what makes each sign-in worth looking at: past, present and future on whatever day it is."""
    for story in (_hub, _partners, _teaching, _storage, _campus_east, _waiting):
        yield from story(t0)


def _workday(day: date, step: int = 1) -> date:
    while day.weekday() > 4:
        day += timedelta(days=step)
    return day


def _weeks(t0: date, wish: Wish, *weeks: int) -> Iterator[Wish]:
    """Repeat a wish in some weeks around T0."""
    for week in weeks:
        yield replace(wish, day=_workday(wish.day + timedelta(weeks=week)))


def _running(t0: date, days_before: int, days_after: int) -> tuple[date, int]:
    """Return a workday before T0 and the minutes until a workday after it."""
    start = _workday(t0 - timedelta(days=days_before), -1)
    end = _workday(t0 + timedelta(days=days_after))
    return start, (end - start).days * 24 * 60


def _hub(t0: date) -> Iterator[Wish]:
    bench = Wish("researcher", (("H-BSC3", 1),), t0, "09:00", 180, "Transduction, donor 14", "P-VEC", ahead=9)
    yield from _weeks(t0, bench, -6, -3, -1, 0, 1, 2)
    start, minutes = _running(t0, 2, 4)
    yield Wish(
        "researcher", (("H-INC2", 2),), start, "10:00", minutes, "Functional titre, lot 7", "P-VEC", ahead=8
    )
    start, minutes = _running(t0, 3, 3)
    yield Wish(
        "researcher",
        (("H-BR2", 2),),
        start,
        "09:30",
        minutes,
        "Producer line, clone 3",
        "P-VEC",
        ahead=20,
        fate="changed",
    )
    yield Wish(
        "researcher",
        (("H-AK1", 1),),
        _workday(t0 + timedelta(days=5)),
        "10:00",
        300,
        "Vector capture",
        "P-VEC",
        ahead=12,
        notes="Bring the column from the cold room.",
    )
    culture = Wish(
        "student",
        (("H-BSC2", 1),),
        t0,
        "14:00",
        120,
        "MSc project: passage",
        "P-MSC",
        ahead=6,
        supervisor="researcher",
        participants=("anna.kaya",),
    )
    yield from _weeks(t0, culture, -5, -3, -2, -1, 0, 1)
    start, minutes = _running(t0, 3, 4)
    yield Wish(
        "student",
        (("H-INC1", 3),),
        start,
        "14:30",
        minutes,
        "MSc project: flasks",
        "P-MSC",
        ahead=6,
        supervisor="researcher",
    )
    start, minutes = _running(t0, 1, 2)
    yield Wish("parttime", (("H-IMG", 1),), start, "09:30", minutes, "Remote imaging exercise", "P-MSC", 0, 8)
    yield from _weeks(
        t0,
        Wish("parttime", (("H-CNT", 1),), t0, "16:00", 30, "Counting exercise", "P-MSC", ahead=4),
        -4,
        -2,
        0,
    )
    for day in (t0, t0 + timedelta(days=1)):
        yield Wish(
            "mei.ling.tan", (("H-FC1", 1),), _workday(day), "09:00", 210, "Memory panel", "P-CELL", ahead=6
        )
        yield Wish(
            "samuel.osei", (("H-FC1", 1),), _workday(day), "13:30", 180, "Phenotype panel", "P-CELL", ahead=6
        )
        yield Wish(
            "chloe.martin",
            (("H-BSC1", 1),),
            _workday(day),
            "08:30",
            240,
            "Passage T cells",
            "P-CELL",
            ahead=5,
        )
        yield Wish(
            "arjun.mehta", (("H-BSC1", 1),), _workday(day), "13:30", 210, "Thaw and seed", "P-CELL", ahead=5
        )
    start, minutes = _running(t0, 0, 1)
    yield Wish(
        "nadia.karim",
        (("H-LC", 1),),
        start,
        "00:00",
        minutes,
        "Aggregate assay, long sequence",
        "P-DSP",
        0,
        7,
    )
    start = _workday(t0 + timedelta(days=21))
    minutes = (_workday(start + timedelta(days=12)) - start).days * 24 * 60
    yield Wish("katarina.novak", (("H-CTP1", 1),), start, "09:30", minutes, "Editing run 4", "P-SPIN", 1, 40)
    start, minutes = _running(t0, 4, 6)
    yield Wish(
        "hassan.ali", (("H-A15", 2),), start, "09:30", minutes, "Feed profile screen 9", "P-DIG", 1, 25
    )
    yield from _weeks(
        t0, Wish("technician", (("H-AUT", 1),), t0, "08:30", 180, "Waste cycle", ahead=4), -2, -1, 0
    )
    yield from _weeks(
        t0,
        Wish("technician", (("H-PREP", 2),), t0, "13:00", 240, "Medium for the week", ahead=8),
        -3,
        -1,
        0,
        1,
        2,
    )
    yield from _weeks(
        t0,
        Wish("staff", (("H-FER100", 1),), t0, "08:30", 24 * 60, "Hydraulic test", people=2, ahead=20),
        -5,
        7,
    )
    yield from _weeks(
        t0,
        Wish("staff", (("H-TECH", 1),), t0, "10:00", 240, "Audit of the pilot plant", people=0, ahead=9),
        -2,
        0,
        2,
    )


def _partners(t0: date) -> Iterator[Wish]:
    start, minutes = _running(t0, 5, 7)
    run = Wish(
        "amber",
        (("H-CTP1", 1),),
        start,
        "09:30",
        minutes,
        "CAR-T run 07",
        "P-AMBER1",
        1,
        30,
        participants=("marcus.klein",),
    )
    yield run
    yield replace(run, day=start - timedelta(weeks=4), title="CAR-T run 06", minutes=7 * 24 * 60)
    yield replace(run, day=start + timedelta(weeks=8), title="CAR-T run 08", minutes=7 * 24 * 60, ahead=60)
    panel = Wish("amber", (("H-FC1", 1),), t0, "12:30", 60, "CAR expression, run 07", "P-AMBER1", ahead=7)
    yield from _weeks(t0, panel, -3, 0, 1)
    yield Wish(
        "amber",
        (("H-RM1", 1),),
        _workday(t0 + timedelta(days=14)),
        "09:30",
        7 * 24 * 60,
        "Comparability arm B",
        "P-AMBER2",
        ahead=20,
    )
    help_ = Wish(
        "coordinator.amber",
        (("H-TECH", 1),),
        t0,
        "13:00",
        120,
        "Technician for sampling",
        "P-AMBER1",
        0,
        12,
        on_behalf_of="amber",
    )
    yield from _weeks(t0, help_, -2, 1)
    review = Wish("coordinator.amber", (("H-CNT", 1),), t0, "15:00", 60, "Count check", "P-AMBER1", ahead=5)
    yield from _weeks(t0, review, -3, -1, 0)
    start, minutes = _running(t0, 2, 3)
    yield Wish(
        "birch", (("H-BR10", 1),), start, "09:30", minutes, "LV10 production, lot B3", "P-BIRCH1", 1, 30
    )
    yield from _weeks(
        t0,
        Wish(
            "birch",
            (("H-BR10", 1),),
            _workday(t0, -1),
            "09:30",
            7 * 24 * 60,
            "LV10 production",
            "P-BIRCH1",
            ahead=40,
        ),
        -5,
        5,
        9,
    )
    yield from _weeks(
        t0,
        Wish(
            "birch",
            (("H-AK2", 1),),
            t0 + timedelta(days=3),
            "10:00",
            300,
            "LV10 ion exchange",
            "P-BIRCH1",
            ahead=20,
        ),
        -3,
        0,
        2,
    )
    yield from _weeks(
        t0,
        Wish(
            "birch",
            (("H-TFF1", 1),),
            t0 + timedelta(days=3),
            "09:00",
            240,
            "LV10 formulation",
            "P-BIRCH1",
            ahead=20,
        ),
        -3,
        0,
    )
    yield from _weeks(
        t0,
        Wish("cobalt", (("H-AK2", 1),), t0, "11:00", 300, "Antibody capture, lot 22", "P-COBALT1", 2, 20),
        -6,
        -2,
        0,
        1,
        3,
    )
    start, minutes = _running(t0, 0, 1)
    yield Wish(
        "cobalt",
        (("H-LC", 1),),
        start + timedelta(days=3),
        "18:00",
        minutes + 480,
        "Titre sequence",
        "P-COBALT1",
        0,
        12,
    )


def _teaching(t0: date) -> Iterator[Wish]:
    cohort = (
        "student",
        "anna.kaya",
        "ben.foster",
        "carla.ruiz",
        "david.lam",
        "esther.mbeki",
        "farid.aziz",
        "gemma.walsh",
    )
    lesson = Wish(
        "trainer",
        (("H-TL", 16),),
        t0 + timedelta(days=2),
        "09:30",
        180,
        "CL2 and cabinet practice",
        "",
        17,
        40,
        participants=cohort,
    )
    yield from _weeks(t0, lesson, -7, -5, 1, 7)
    part_time = replace(
        lesson,
        title="Residential week: buffers and media",
        minutes=360,
        participants=("parttime", "peter.lang", "quinn.harris"),
    )
    yield from _weeks(t0, replace(part_time, takes=(("H-TL", 12),), people=13), -3, 0, 3, 9)
    tuition = Wish("trainer", (("H-TRN", 1),), t0, "09:00", 180, "Assessments", people=0, ahead=10)
    yield from _weeks(t0, tuition, -4, -1, 0, 2)
    yield from _weeks(
        t0,
        Wish(
            "trainer",
            (("H-TRN", 1), ("H-AK1", 1)),
            t0 + timedelta(days=1),
            "13:30",
            180,
            "Chromatography training",
            people=3,
            ahead=12,
        ),
        -1,
        1,
    )


def _storage(t0: date) -> Iterator[Wish]:
    day = _workday(t0 - timedelta(weeks=7))
    banks = (
        ("katarina.novak", 3, "Donor bank 2", "P-CELL"),
        ("researcher", 2, "Producer cell bank", "P-VEC"),
        ("amber", 4, "CAR-T retention samples", "P-AMBER1"),
        ("birch", 2, "Vector retention samples", "P-BIRCH1"),
    )
    for n, (who, racks, title, project) in enumerate(banks):
        weeks = (30, 52, 78, 26)[n]
        yield Wish(
            who,
            (("H-LN2", racks),),
            day + timedelta(days=7 * n),
            "10:00",
            weeks * 7 * 24 * 60,
            title,
            project,
            1,
            6,
        )


def _campus_east(t0: date) -> Iterator[Wish]:
    """Commissioning by staff, pilot runs of researchers, then live; industry last."""
    opening, pilot, live, industry = (_workday(t0 + timedelta(weeks=w, days=1)) for w in (8, 20, 26, 30))
    for n, code in enumerate(("S-SUB50A", "S-SUB50B", "S-SUB200")):
        day = _workday(opening + timedelta(days=2 * n))
        yield Wish(
            "staff", ((code, 1),), day, "09:00", 3 * 24 * 60, "Installation qualification", people=2, ahead=10
        )
        yield Wish(
            "technician",
            ((code, 1),),
            _workday(day + timedelta(weeks=3)),
            "09:00",
            4 * 24 * 60,
            "Operation qualification",
            people=2,
            ahead=9,
        )
    for n, code in enumerate(("S-CTR1", "S-VEC", "S-SEED")):
        yield Wish(
            "fiona.campbell",
            ((code, 1),),
            _workday(opening + timedelta(weeks=2, days=n)),
            "09:00",
            240,
            "Room qualification",
            people=2,
            ahead=8,
        )
    yield Wish(
        "researcher",
        (("S-SUB50A", 1),),
        pilot,
        "10:00",
        5 * 24 * 60,
        "Pilot run: vector at 50 L",
        "P-VEC",
        2,
        6,
    )
    yield Wish(
        "lucy.turner",
        (("S-CHR", 1), ("S-TFF2", 1)),
        _workday(pilot + timedelta(days=7)),
        "09:30",
        360,
        "Pilot run: capture",
        "P-DSP",
        2,
        5,
    )
    yield Wish(
        "katarina.novak",
        (("S-CTR1", 1), ("S-CTP2", 1)),
        live,
        "09:30",
        7 * 24 * 60,
        "Expansion in the new room",
        "P-CELL",
        1,
        4,
    )
    yield Wish(
        "oliver.grant",
        (("S-QC", 2),),
        _workday(live + timedelta(days=3)),
        "09:30",
        240,
        "Release tests, dry run",
        "P-CELL",
        2,
        4,
    )
    yield Wish(
        "cobalt",
        (("S-SUB200", 1),),
        industry,
        "09:30",
        12 * 24 * 60,
        "Antibody fed-batch, 200 L",
        "P-COBALT1",
        2,
        3,
    )
    yield Wish(
        "amber",
        (("S-CTR2", 1),),
        industry,
        "10:00",
        7 * 24 * 60,
        "Comparability in the new room",
        "P-AMBER2",
        1,
        3,
    )


def _waiting(t0: date) -> Iterator[Wish]:
    """Requests that nobody has answered yet."""
    soon = _workday(t0 + timedelta(days=16))
    asked = (
        Wish(
            "amber",
            (("H-CTP1", 1),),
            soon + timedelta(weeks=7),
            "09:30",
            7 * 24 * 60,
            "CAR-T small-scale run",
            "P-AMBER1",
        ),
        Wish(
            "rosa.delgado",
            (("H-FER100", 1),),
            soon + timedelta(weeks=5),
            "09:30",
            7 * 24 * 60,
            "Plasmid host, 100 L",
            "P-FERM",
            2,
        ),
        Wish(
            "patrick.nolan",
            (("H-HOM", 1), ("H-CEN", 1)),
            soon + timedelta(weeks=6, days=1),
            "10:00",
            240,
            "Lysis and clarification",
            "P-FERM",
            2,
        ),
        Wish(
            "julia.schmidt",
            (("H-A250", 12),),
            soon + timedelta(weeks=4),
            "09:30",
            14 * 24 * 60,
            "Full twelve-vessel design",
            "P-DIG",
        ),
        Wish("birch", (("H-LN2", 2),), soon, "10:00", 52 * 7 * 24 * 60, "Vector lot B3", "P-BIRCH1"),
    )
    for n, wish in enumerate(asked):
        yield replace(
            wish,
            day=_workday(wish.day),
            ahead=0,
            fate="waiting",
            notes="" if n else "The donor is fixed; a later start is possible.",
        )
