"""Defects to be seeded: each takes one safeguard away for the length of a block, and somebody must notice."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy import select, text

from booking.base import audit
from booking.base import db as database
from booking.base.db import db
from booking.bookings import (
    actions,
    facts,
    overruling,
    queries,
    quota_use,
    rules,
    series,
    steps,
    visibility,
    waiting,
    waitlist_queries,
)
from booking.bookings import request as requests
from booking.bookings.visibility import Level
from booking.facilities.models import Resource
from booking.people import viewer as people
from booking.people.models import Project
from booking.schedule import actions as schedule
from booking.schedule import free
from booking.schedule import queries as schedule_queries

Patch = pytest.MonkeyPatch
DECIDING = (actions, facts, queries)  # where the level of sight is asked for
BOTH = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Defect:
    """How to seed it, who must notice (names of safeguards or of races), and on which databases."""

    seed: Callable[[Patch], None]
    noticed_by: str
    kinds: tuple[str, ...] = ("sqlite",)


@contextmanager
def seeded(name: str) -> Iterator[None]:
    """Seed a defect; without a name, none."""
    with pytest.MonkeyPatch.context() as patch:
        if name:
            DEFECTS[name].seed(patch)
        yield


def everywhere(name: str, stand_in: Any, *modules: ModuleType | type) -> Callable[[Patch], None]:
    """Replace a name in every module that uses it."""

    def seed(patch: Patch) -> None:
        for module in modules:
            patch.setattr(module, name, stand_in)

    return seed


def answering(value: Any) -> Callable[..., Any]:
    return lambda *_, **__: value


def without_rule(name: str) -> Callable[[Patch], None]:
    def seed(patch: Patch) -> None:
        left = tuple(rule for rule in rules.RULES if rule.__name__ != name)
        assert len(left) == len(rules.RULES) - 1
        patch.setattr(rules, "RULES", left)

    return seed


def by_sql(sqlite: str, postgresql: str) -> Callable[[Patch], None]:
    """Take a guard out of the database itself."""

    def seed(_patch: Patch) -> None:
        with database.transaction():
            db.session.execute(text(sqlite if database.is_sqlite() else postgresql))

    return seed


def _no_locks(patch: Patch) -> None:
    """Rows are read but not locked, and SQLite's writers do not wait for their turn."""

    def read_only(model: Any, ids: Iterable[int]) -> dict[int, Any]:
        wanted = sorted(ids)
        rows = [db.session.get_one(model, row_id, populate_existing=True) for row_id in wanted]
        return dict(zip(wanted, rows, strict=True))

    everywhere("lock", read_only, database, actions)(patch)
    everywhere("hold_back", answering(None), database, facts, actions, waitlist_queries)(patch)


def _locks_in_any_order(patch: Patch) -> None:
    """Each row is locked on its own, in the order in which it was asked for."""
    lock = database.lock

    def one_by_one(cast: Any, others: Any = (), people: Any = (), rooms: Any = ()) -> None:
        for want in cast.wants:
            lock(Resource, [want.resource.id])

    everywhere("lock_everything", one_by_one, actions)(patch)


def _keeps_what_failed(patch: Patch) -> None:
    """What a failed action wrote is stored all the same."""

    @contextmanager
    def careless() -> Iterator[None]:
        session = db.session()
        if session.info.get("writing"):
            yield
            return
        session.info["writing"] = True
        try:
            yield
        finally:
            session.flush()
            session.commit()
            session.info["writing"] = False

    everywhere("transaction", careless, actions)(patch)


def _everybody_may_know(patch: Patch) -> None:
    taken = facts._taken
    everywhere("_taken", lambda *given: replace(taken(*given), seen=True), facts)(patch)


def _first_units(patch: Patch) -> None:
    first = lambda wanted, all_units, taken: list(all_units[: wanted.units])  # noqa: E731
    everywhere("choose_units", first, rules)(patch)


def _sees_confidential(patch: Patch) -> None:
    level = visibility.level
    open_to_all = lambda viewer, booking: level(viewer, replace(booking, confidential=False))  # noqa: E731
    everywhere("level", open_to_all, actions, facts, queries, visibility)(patch)


def _each_run_shown(patch: Patch) -> None:
    everywhere("use_over_time", lambda rows: list(rows), queries)(patch)


def _looks_back_a_week(patch: Patch) -> None:
    everywhere("MAX_HOLD", timedelta(days=7), schedule_queries)(patch)
    everywhere("MAX_CLEARANCE", timedelta(0), schedule_queries)(patch)


def _everybody_staffs(patch: Patch) -> None:
    patch.setattr(people.Viewer, "staffs", answering(True))


def _any_project(patch: Patch) -> None:
    everywhere(
        "_project",
        lambda code, *_: db.session.scalar(select(Project).where(Project.code == code)),
        facts,
    )(patch)


def _on_anybodys_behalf(patch: Patch) -> None:
    everywhere("_on_behalf", lambda name, found, *_: facts._named(name, found, "", {}), facts)(patch)


def _expires_at_once(patch: Patch) -> None:
    everywhere("due", lambda place, opened_at, *_: (opened_at, opened_at), steps)(patch)


def _never_stale(patch: Patch) -> None:
    change = actions.find_to_change
    everywhere("find_to_change", lambda booking, by, _: change(booking, by, None), actions)(patch)
    again = actions._again
    everywhere("_again", lambda booking, _: again(booking, None), actions)(patch)


DROP_EXCLUSION = "ALTER TABLE occupancy DROP CONSTRAINT occupancy_no_overlap"
DROP_CLEARANCE = "DROP TRIGGER occupancy_clearance ON occupancy"
DEFECTS: dict[str, Defect] = {
    # the guard
    "no overlap guard for inserts": Defect(
        by_sql("DROP TRIGGER occupancy_no_overlap_insert", DROP_EXCLUSION), "no_overlap_by_insert", BOTH
    ),
    "no overlap guard for updates": Defect(
        by_sql("DROP TRIGGER occupancy_no_overlap_update", DROP_EXCLUSION), "no_overlap_by_update", BOTH
    ),
    "no clearance guard for inserts": Defect(
        by_sql("DROP TRIGGER occupancy_clearance_insert", DROP_CLEARANCE),
        "no_missing_clearance_by_insert",
        BOTH,
    ),
    "no clearance guard for updates": Defect(
        by_sql("DROP TRIGGER occupancy_clearance_update", DROP_CLEARANCE),
        "no_missing_clearance_by_update",
        BOTH,
    ),
    "a guard is gone unnoticed": Defect(
        by_sql("DROP TRIGGER occupancy_clearance_insert", DROP_CLEARANCE), "every_guard_stands", BOTH
    ),
    "holds of any length": Defect(
        by_sql(
            "PRAGMA ignore_check_constraints = ON",
            "ALTER TABLE occupancy DROP CONSTRAINT ck_occupancy_longest_hold",
        ),
        "no_hold_longer_than_is_looked_back",
        ("postgresql",),
    ),
    "the guard's word is not taken": Defect(
        everywhere("guard_that_refused", answering(None), schedule),
        "the_guards_word_is_a_refusal",
        BOTH,
    ),
    # the rules
    "anybody may book": Defect(without_rule("role_must_be_allowed"), "who_is_not_allowed_is_refused"),
    "planned is live": Defect(without_rule("resource_must_be_in_use"), "what_is_planned_is_refused"),
    "the past is open": Defect(without_rule("must_not_start_in_the_past"), "the_past_is_refused"),
    "no notice": Defect(without_rule("start_must_keep_the_notice"), "short_notice_is_refused"),
    "no horizon": Defect(without_rule("start_must_be_within_the_horizon"), "the_far_future_is_refused"),
    "any length": Defect(without_rule("length_must_fit"), "what_is_too_long_is_refused"),
    "no grid": Defect(without_rule("times_must_be_on_the_grid"), "what_is_off_the_grid_is_refused"),
    "no hours": Defect(without_rule("must_be_inside_opening_hours"), "what_is_outside_hours_is_refused"),
    "no closures": Defect(
        everywhere("_closure_in_the_way", answering(None), rules), "a_closed_day_is_refused"
    ),
    "taken is free": Defect(without_rule("units_must_be_free"), "what_is_taken_is_refused"),
    "looks back a week": Defect(_looks_back_a_week, "what_was_taken_long_ago_is_refused"),
    "no head-count": Defect(
        everywhere("WHOLE_RULES", (rules.quotas_must_be_kept,), rules), "a_full_room_is_refused"
    ),
    "nobody is in the room": Defect(
        everywhere("presence_of", answering([]), rules, actions), "a_full_room_is_refused"
    ),
    "always the first units": Defect(_first_units, "free_units_are_found"),
    "all are one client": Defect(
        everywhere("client_of", answering("host"), facts), "other_clients_wait_for_clearance"
    ),
    "confidential work is the host's": Defect(
        everywhere("client_of", lambda org, kind, _: people.client_of(org, kind, None), facts),
        "a_confidential_project_is_a_client",
    ),
    "no quotas": Defect(
        everywhere("WHOLE_RULES", (rules.rooms_must_have_space,), rules), "more_than_the_quota_is_refused"
    ),
    # who sees what
    "everybody sees all": Defect(
        everywhere("level", answering(Level.FULL), *DECIDING),
        "companies_see_nothing_of_each_other",
    ),
    "everybody sees in part": Defect(
        everywhere("level", answering(Level.PARTIAL), *DECIDING),
        "others_bookings_are_not_found",
    ),
    "aliases for everybody": Defect(
        everywhere("level", answering(Level.ALIAS), queries), "companies_see_nothing_of_each_other"
    ),
    "nothing is confidential": Defect(_sees_confidential, "confidential_work_is_hidden_from_the_own_house"),
    "changeover is told to all": Defect(_everybody_may_know, "strangers_are_told_of_no_changeover"),
    "each run is shown": Defect(_each_run_shown, "runs_of_others_are_not_counted"),
    # who does what
    "everybody may change": Defect(
        everywhere("may_change", answering(True), actions), "others_bookings_are_not_changed"
    ),
    "no reason needed": Defect(everywhere("must_give_a_reason", answering(False), actions), "staff_say_why"),
    "everybody answers": Defect(
        everywhere("may_answer", answering(True), waiting), "only_staff_answer_requests"
    ),
    "everybody staffs": Defect(_everybody_staffs, "companies_see_nothing_of_each_other"),
    "everything is overruled": Defect(
        everywhere("may_overrule", answering(True), overruling), "nobody_overrules_the_past"
    ),
    "nothing needs approval": Defect(
        everywhere("_answers_needed", answering(()), actions), "what_needs_approval_is_requested"
    ),
    "reading tokens write": Defect(
        everywhere("must_be_able_to_write", answering(None), actions), "a_token_to_read_does_not_write"
    ),
    "on anybody's behalf": Defect(_on_anybodys_behalf, "nobody_books_for_others"),
    "for any project": Defect(_any_project, "nobody_books_for_others_projects"),
    # what is stored
    "no history": Defect(everywhere("record", answering(None), audit), "history_is_written"),
    "no news": Defect(everywhere("emit", answering(None), actions), "people_are_told"),
    "calendars are not told": Defect(everywhere("bump", answering(None), actions), "calendars_learn_of_it"),
    "what failed is kept": Defect(_keeps_what_failed, "a_failure_leaves_nothing"),
    "cancelled time stays held": Defect(
        everywhere("release", answering(None), actions), "a_cancelled_slot_is_free"
    ),
    "a move only frees": Defect(everywhere("_take", answering([]), actions), "a_moved_booking_moves"),
    "a series asks no rule": Defect(
        everywhere("judge", answering(overruling.Verdict([], [])), series), "a_series_is_judged"
    ),
    "nothing is stale": Defect(_never_stale, "who_is_late_is_told"),
    "requests expire at once": Defect(_expires_at_once, "unanswered_requests_expire"),
    # races, on the database where the safeguard is needed
    "no locks": Defect(_no_locks, "race:head_counts", ("postgresql",)),
    "no locks on requests": Defect(_no_locks, "race:answers", ("postgresql",)),
    "no locks on people": Defect(_no_locks, "race:own_quota", ("postgresql",)),
    "no locks on groups": Defect(
        everywhere("groups", answering(set()), quota_use.Charged), "race:group_quota", ("postgresql",)
    ),
    "locks in any order": Defect(_locks_in_any_order, "race:opposite_order", ("postgresql",)),
    "set-up is not held": Defect(
        everywhere("claim", lambda r, used, _, *rest: free.claim(r, used, (0, 0, 0), *rest), requests),
        "details_are_complete",
    ),
}
