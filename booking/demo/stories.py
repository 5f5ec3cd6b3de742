"""The stories of the people who can sign in to the demo, and of the new suite: past, present and future."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

from booking.demo.wishes import Wish, workday


def stories(t0: date) -> Iterator[Wish]:
    """Yield what makes each sign-in worth looking at: past, present and future on whatever day it is."""
    for story in (_hub, _partners, _teaching, _storage, _campus_east, _waiting):
        yield from story(t0)


def series(t0: date) -> Iterator[Wish]:
    """Yield what comes again every week from the next Monday on."""
    monday = t0 + timedelta(days=7 - t0.weekday())
    images = Wish("researcher", (("H-IMG", 1),), monday, "09:00", 240, "Confluence of line 3", "P-VEC")
    yield replace(images, rrule="FREQ=WEEKLY;COUNT=3")
    care = Wish("technician", (("H-CRF", 1),), monday, "08:30", 90, "Alarm test and defrosting")
    yield replace(care, rrule="FREQ=WEEKLY;BYDAY=MO,TH;COUNT=12")


def _weeks(t0: date, wish: Wish, *weeks: int) -> Iterator[Wish]:
    """Repeat a wish in some weeks around T0."""
    for week in weeks:
        yield replace(wish, day=workday(wish.day + timedelta(weeks=week)))


def _running(t0: date, days_before: int, days_after: int) -> tuple[date, int]:
    """Return a workday before T0 and the minutes until a workday after it."""
    start = workday(t0 - timedelta(days=days_before), -1)
    end = workday(t0 + timedelta(days=days_after))
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
        workday(t0 + timedelta(days=5)),
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
            "mei.ling.tan", (("H-FC1", 1),), workday(day), "09:00", 210, "Memory panel", "P-CELL", ahead=6
        )
        yield Wish(
            "samuel.osei", (("H-FC1", 1),), workday(day), "13:30", 180, "Phenotype panel", "P-CELL", ahead=6
        )
        yield Wish(
            "chloe.martin",
            (("H-BSC1", 1),),
            workday(day),
            "08:30",
            240,
            "Passage T cells",
            "P-CELL",
            ahead=5,
        )
        yield Wish(
            "arjun.mehta", (("H-BSC1", 1),), workday(day), "13:30", 210, "Thaw and seed", "P-CELL", ahead=5
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
    start = workday(t0 + timedelta(days=18))  # a run of twelve days would outlive her certificate
    minutes = (workday(start + timedelta(days=7)) - start).days * 24 * 60
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
    yield Wish(
        "staff",
        (("H-TECH", 1),),
        workday(t0 + timedelta(days=10)),
        "08:30",
        9 * 60,
        "Inspection by the regulator",
        people=0,
        overrules="too_long",
        because="The inspectors stay for the whole day.",
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
        workday(t0 + timedelta(days=14)),
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
            workday(t0, -1),
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
    day = workday(t0 - timedelta(weeks=7))
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
    opening, pilot, live, industry = (workday(t0 + timedelta(weeks=w, days=1)) for w in (8, 20, 26, 30))
    for n, code in enumerate(("S-SUB50A", "S-SUB50B", "S-SUB200")):
        day = workday(opening + timedelta(days=2 * n))
        yield Wish(
            "staff", ((code, 1),), day, "09:00", 3 * 24 * 60, "Installation qualification", people=2, ahead=10
        )
        yield Wish(
            "technician",
            ((code, 1),),
            workday(day + timedelta(weeks=3)),
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
            workday(opening + timedelta(weeks=2, days=n)),
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
        workday(pilot + timedelta(days=7)),
        "09:30",
        360,
        "Pilot run: capture",
        "P-DSP",
        2,
        5,
    )
    yield Wish(
        "oliver.grant",
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
        workday(live + timedelta(days=3)),
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
    soon = workday(t0 + timedelta(days=16))
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
            2 * 24 * 60,
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
            day=workday(wish.day),
            ahead=0,
            fate="halfway" if ("H-FER100", 1) in wish.takes else "waiting",
            notes="" if n else "The donor is fixed; a later start is possible.",
        )
