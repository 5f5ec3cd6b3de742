"""The rows that `book` would have written: plain tuples, so that a million bookings are stored in minutes."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

from benchmarks.place import Cell, Member, members
from booking.people.viewer import client_of

MINUTE = 60
ENDS = 30 * MINUTE  # an unattended run counts people in its first and last half hour
COLUMNS = {
    "holds": ("id", "kind"),
    "bookings": (
        *("id", "public_id", "uid", "status", "title", "notes", "starts_at", "ends_at", "people", "client"),
        *("facility_id", "organiser_id", "organisation_id", "project_id", "made_by_id"),
        *("created_at", "updated_at", "revised_at", "ended_at", "reason", "long_stay", "version", "sequence"),
    ),
    "booking_resources": ("booking_id", "resource_id", "units", "position", "starts_at"),
    "participants": ("booking_id", "user_id"),
    "occupancy": (
        *("hold_id", "unit_id", "resource_id", "client", "starts_at", "held_until", "cleared_until"),
        *("kind", "long_stay", "active"),
    ),
    "presence": ("hold_id", "room_id", "starts_at", "ends_at", "people", "active"),
    "audit": ("at", "actor_id", "action", "object_kind", "object_id", "before", "after", "reason"),
    "outbox": (
        *("public_id", "kind", "recipient_id", "booking_id", "facts", "created_at", "due_at"),
        *("next_try_at", "tries", "last_error", "done_at", "sent_at"),
    ),
}
TITLES = ("Passage", "Media fill", "Harvest", "Assay", "Cleaning validation", "Seed train", "Buffer exchange")
Moment = Callable[[int], Any]
Row = tuple[str, tuple[Any, ...]]


@dataclass(frozen=True)
class Ids:
    """The keys that the database gave to what the catalogue holds."""

    facility: int
    rooms: dict[str, int]
    resources: dict[str, int]
    units: dict[tuple[str, int], int]
    people: dict[str, int]
    organisations: dict[str, tuple[int, str]]
    projects: dict[str, tuple[int, bool]]


@dataclass(frozen=True)
class Entry:
    """One booking to be stored; `midnight` is the epoch second from which its week counts."""

    id: int
    cell: Cell
    midnight: int
    made_at: int
    organiser: Member
    with_project: bool
    participants: tuple[Member, ...] = ()
    cancelled_at: int | None = None
    latest: int = 0  # what is due later waits

    @property
    def start(self) -> int:
        return self.midnight + self.cell.start * MINUTE

    @property
    def end(self) -> int:
        return self.midnight + self.cell.end * MINUTE

    @property
    def title(self) -> str:
        return f"{TITLES[self.id % len(TITLES)]} {self.id % 90 + 1}"


def entries(
    cells: tuple[Cell, ...], midnight: int, first_id: int, latest: int, number: int
) -> Iterator[Entry]:
    """Make a week's bookings, none of them made later than `latest`; one in 25 was cancelled."""
    people = members()
    rng = Random(midnight)  # noqa: S311 (the same in each run)
    for n, cell in enumerate(cells[:number]):
        start = midnight + cell.start * MINUTE
        made_at = min(start - rng.randrange(1, 60) * 86400 // 4, latest)
        organiser = people[rng.randrange(len(people))]
        others = tuple(rng.sample(people, 2)) if rng.random() < 0.1 else ()
        yield Entry(
            id=first_id + n,
            cell=cell,
            midnight=midnight,
            made_at=made_at,
            organiser=organiser,
            with_project=rng.random() < 0.5,
            participants=tuple(one for one in others if one != organiser),
            cancelled_at=min(made_at + 3600, latest) if rng.random() < 0.04 else None,
            latest=latest,
        )


def rows_of(entry: Entry, ids: Ids, moment: Moment) -> Iterator[Row]:
    """Yield (table, row) of everything that one booking stores; `moment` is how the database writes time."""
    person = ids.people[entry.organiser.email]
    project, client = _project_and_client(entry, ids)
    at = moment(entry.made_at)
    yield "holds", (entry.id, "booking")
    yield "bookings", _booking(entry, ids, moment, person, project, client)
    resource = ids.resources[entry.cell.machine]
    yield "booking_resources", (entry.id, resource, 1, 0, moment(entry.start))
    for other in entry.participants:
        yield "participants", (entry.id, ids.people[other.email])
    yield "occupancy", _occupancy(entry, ids, moment, resource, client)
    for start, end in _presence(entry):
        room = ids.rooms[entry.cell.kind.room]
        yield "presence", (entry.id, room, moment(start), moment(end), 1, entry.cancelled_at is None)
    made = ("booked", "booking", entry.id, "{}", json.dumps(_picture(entry, project is not None)), "")
    yield "audit", (at, person, *made)
    people = [person, *(ids.people[other.email] for other in entry.participants)]
    for n, message in enumerate(_messages(entry, person, people)):
        yield "outbox", _outbox(entry, n, *message, moment)
    if entry.cancelled_at is not None:
        before, after = json.dumps({"status": "confirmed"}), json.dumps({"status": "cancelled"})
        ended = moment(entry.cancelled_at)
        yield "audit", (ended, person, "cancelled", "booking", entry.id, before, after, "")


def _messages(entry: Entry, by: int, people: list[int]) -> Iterator[tuple[str, int, dict[str, Any], int]]:
    """Yield each mail's kind, recipient, facts and when it was or will be due."""
    for person in people:
        yield "booking_confirmed", person, {"version": 1, "by": by}, entry.made_at
        reminder = entry.start - 86400
        if reminder > entry.made_at:
            yield "booking_reminder", person, {"start": _text(entry.start)}, reminder
        if entry.cancelled_at is not None:
            facts = {"version": 2, "by": by, "reason": ""}
            yield "booking_cancelled", person, facts, entry.cancelled_at


def _outbox(
    entry: Entry, n: int, kind: str, person: int, facts: dict[str, Any], due: int, moment: Moment
) -> tuple[Any, ...]:
    """Return a mail: sent when it was due, or waiting if that is after all that was loaded."""
    name = Random(entry.id * 100 + n).getrandbits(64)  # noqa: S311 (the same in each run)
    made = due if kind == "booking_cancelled" else entry.made_at
    at, waits = moment(due), due > entry.latest
    sent = None if waits else at
    told = (f"{name:016x}", kind, person, entry.id, json.dumps(facts), moment(made), at)
    return (*told, at if waits else None, 0 if waits else 1, "", sent, sent)


def _project_and_client(entry: Entry, ids: Ids) -> tuple[int | None, str]:
    organisation, kind = ids.organisations[entry.organiser.organisation]
    if not entry.with_project:
        return None, client_of(organisation, kind, None)
    project, confidential = ids.projects[entry.organiser.project]
    return project, client_of(organisation, kind, project if confidential else None)


def _booking(
    entry: Entry, ids: Ids, moment: Moment, person: int, project: int | None, client: str
) -> tuple[Any, ...]:
    rng = Random(entry.id)  # noqa: S311 (names of rows, the same in each run)
    name, uid = rng.getrandbits(64), f"{rng.getrandbits(128):032x}"
    made, ended = moment(entry.made_at), entry.cancelled_at
    updated = moment(max(ended, entry.made_at + 1)) if ended is not None else made
    return (
        entry.id,
        f"{name:016x}",
        f"{uid[:8]}-{uid[8:12]}-4{uid[13:16]}-8{uid[17:20]}-{uid[20:]}",
        "confirmed" if ended is None else "cancelled",
        entry.title,
        "",
        moment(entry.start),
        moment(entry.end),
        1,
        client,
        ids.facility,
        person,
        ids.organisations[entry.organiser.organisation][0],
        project,
        person,
        made,
        updated,
        updated,
        None if ended is None else moment(ended),
        "",
        False,
        1 if ended is None else 2,
        0 if ended is None else 1,
    )


def _occupancy(entry: Entry, ids: Ids, moment: Moment, resource: int, client: str) -> tuple[Any, ...]:
    kind = entry.cell.kind
    return (
        entry.id,
        ids.units[entry.cell.machine, entry.cell.unit],
        resource,
        client,
        moment(entry.start - kind.setup * MINUTE),
        moment(entry.end + kind.changeover * MINUTE),
        moment(entry.end + max(kind.changeover, kind.clearance) * MINUTE),
        "booking",
        False,
        entry.cancelled_at is None,
    )


def _presence(entry: Entry) -> list[tuple[int, int]]:
    if entry.cell.kind.running == "attended" or entry.end - entry.start <= 2 * ENDS:
        return [(entry.start, entry.end)]
    return [(entry.start, entry.start + ENDS), (entry.end - ENDS, entry.end)]


def _picture(entry: Entry, with_project: bool) -> dict[str, Any]:
    return {
        "status": "confirmed",
        "title": entry.title,
        "start": _text(entry.start),
        "end": _text(entry.end),
        "resources": [entry.cell.machine],
        "people": 1,
        "notes": "",
        "participants": sorted(one.name for one in entry.participants),
        "project": entry.organiser.project if with_project else None,
        "supervisor": None,
        "organiser": entry.organiser.name,
    }


def _text(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
