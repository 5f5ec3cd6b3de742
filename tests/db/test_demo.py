"""The demo: made through the rules, the same on the same day, with something to see for everybody."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from booking import create_app
from booking.base import clock
from booking.base.audit import AuditEntry
from booking.base.db import db
from booking.bookings.actions import check_only
from booking.bookings.checklist import checklists
from booking.bookings.endangered import endangered
from booking.bookings.models import ApprovalStep, Booking, BookingResource, Overruled, Participant
from booking.bookings.request import BookingRequest, Wanted
from booking.catalogue.actions import load
from booking.cli.catalogue import demo_catalogue
from booking.cli.check import ORPHANS
from booking.cli.demo import SIGN_INS
from booking.demo.fill import fill, set_passwords
from booking.demo.wishes import DOMAIN
from booking.facilities.models import Facility, Resource
from booking.facilities.queries import places, viewer_of
from booking.people.models import Organisation, Project, User
from booking.people.passwords import password_fits
from booking.people.sessions import SignInRefused, set_password, sign_in
from booking.schedule.guard import overlaps
from booking.settings import Settings
from tests import engines

MONDAY = datetime(2026, 11, 23, 10, 30, tzinfo=UTC)
HOLDING = ("requested", "confirmed")
Rows = list[tuple[Any, ...]]


def a_demo(url: str, now: datetime) -> Flask:
    """Return the application on a new database with the demo of a day."""
    app = create_app(Settings(database_url=url, secret_key="only for the tests"))
    with clock.travel(now), app.app_context():
        load(json.loads(demo_catalogue()), now.date())
        set_passwords("demo")
        fill()
    return app


def bookings() -> Rows:
    """Return what is booked, without what is new each time."""
    query = select(
        Booking.title, Booking.status, Booking.starts_at, Booking.ends_at, Booking.created_at, User.email
    ).join(User, User.id == Booking.organiser_id)
    return sorted(tuple(row) for row in db.session.execute(query))


@pytest.fixture(scope="module")
def demo(databases: engines.Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The demo as it is on a Monday morning; tests only read it."""
    app = a_demo(databases.fresh("sqlite", tmp_path_factory.mktemp("demo")), MONDAY)
    with app.app_context(), clock.travel(MONDAY):
        yield app
        db.session.remove()
        db.engine.dispose()


def count(*conditions: Any) -> int:
    return db.session.scalar(select(func.count()).select_from(Booking).where(*conditions)) or 0


def test_there_is_enough_of_everything(demo: Flask) -> None:
    assert 450 <= count() <= 600
    assert count(Booking.ends_at <= MONDAY) >= 150
    assert count(Booking.starts_at > MONDAY, Booking.status.in_(HOLDING)) >= 120
    assert count(Booking.starts_at <= MONDAY, Booking.ends_at > MONDAY, Booking.status == "confirmed") >= 10
    assert count(Booking.status == "requested", Booking.answer_due_at > MONDAY) >= 3
    assert count(Booking.status == "cancelled") >= 10
    assert count(Booking.sequence >= 1, Booking.status == "confirmed") >= 15
    assert count(Booking.long_stay) >= 3
    people = db.session.scalar(select(func.count()).select_from(User)) or 0
    assert 78 <= people <= 86


def test_some_come_again_every_week(demo: Flask) -> None:
    query = select(func.count()).where(Booking.series_id.is_not(None)).group_by(Booking.series_id)
    sizes = sorted(db.session.scalars(query))
    assert len(sizes) == 2
    assert sizes[0] >= 2


def test_a_request_waits_for_its_second_answer_and_a_rule_was_overruled(demo: Flask) -> None:
    half = select(ApprovalStep.booking_id).where(ApprovalStep.approved, ApprovalStep.position == 1)
    assert count(Booking.status == "requested", Booking.id.in_(half)) == 1
    asked = select(ApprovalStep.decider).where(ApprovalStep.approved)
    assert set(db.session.scalars(asked)) >= {"quality_officer", "staff"}
    (one,) = db.session.scalars(select(Overruled))
    assert (one.code, one.reason) == ("too_long", "The inspectors stay for the whole day.")


def test_several_resources_units_and_people_are_booked(demo: Flask) -> None:
    several = select(BookingResource.booking_id).group_by(BookingResource.booking_id).having(func.count() > 1)
    assert len(db.session.scalars(several).all()) >= 10
    shelves = select(BookingResource.units).join(Resource).where(Resource.code == "H-INC1")
    assert 3 in db.session.scalars(shelves).all()
    assert db.session.scalar(select(func.count()).select_from(Participant)) or 0 >= 10


def test_partners_and_secrets_are_among_it(demo: Flask) -> None:
    partners = (
        select(Booking.organisation_id, func.count()).join(Organisation).where(Organisation.kind != "host")
    )
    found = {org: n for org, n in db.session.execute(partners.group_by(Booking.organisation_id))}
    assert len(found) >= 5
    assert min(found.values()) >= 2
    secret = select(func.count()).select_from(Booking).join(Project).where(Project.confidential)
    assert (db.session.scalar(secret) or 0) >= 3


def test_the_new_suite_is_booked_from_the_day_it_opens(demo: Flask) -> None:
    query = select(Booking.starts_at, User.role).join(User, User.id == Booking.organiser_id)
    rows = list(db.session.execute(query.join(Facility).where(Facility.code == "SUS")))
    assert {row.role for row in rows} == {"staff", "researcher", "industry"}
    first = {
        role: min(row.starts_at for row in rows if row.role == role)
        for role in ("staff", "researcher", "industry")
    }
    for role, weeks in (("staff", 8), ("researcher", 20), ("industry", 30)):
        assert timedelta(0) <= first[role] - (MONDAY + timedelta(weeks=weeks)) <= timedelta(days=8)


@pytest.mark.parametrize("name", [name for name in SIGN_INS if name != "admin"])
def test_every_sign_in_has_a_past_and_a_future(demo: Flask, name: str) -> None:
    mine = (
        select(Booking.id).join(User, User.id == Booking.organiser_id).where(User.email == f"{name}@{DOMAIN}")
    )
    mine = mine.where(Booking.status.in_(HOLDING))
    assert db.session.scalars(mine.where(Booking.ends_at <= MONDAY)).first()
    assert db.session.scalars(mine.where(Booking.ends_at > MONDAY)).first()


def test_nothing_in_it_contradicts_itself(demo: Flask) -> None:
    assert overlaps() == 0
    for query in ORPHANS.values():
        assert db.session.scalar(text(query)) == 0
    made = select(AuditEntry.at).where(AuditEntry.object_kind == "booking").order_by(AuditEntry.id)
    moments = list(db.session.scalars(made))
    assert moments == sorted(moments)
    assert moments[-1] <= MONDAY


@pytest.mark.slow
@pytest.mark.parametrize("now", [MONDAY.replace(hour=22), datetime(2026, 12, 26, 3, tzinfo=UTC)])
def test_the_same_day_gives_the_same_bookings(
    now: datetime, databases: engines.Databases, tmp_path: Path
) -> None:
    found = []
    for n, hour in enumerate((now.hour, 6)):
        folder = tmp_path / str(n)
        folder.mkdir()
        app = a_demo(databases.fresh("sqlite", folder), now.replace(hour=hour))
        with app.app_context():
            found.append(bookings())
            assert count(Booking.starts_at <= now, Booking.ends_at > now, Booking.status == "confirmed") >= 4
            db.session.remove()
            db.engine.dispose()
    assert found[0] == found[1]
    assert len(found[0]) >= 400


def test_the_password_follows_the_setting_but_not_who_has_one_of_their_own(app: Flask) -> None:
    load(json.loads(demo_catalogue()), MONDAY.date())
    assert set_passwords("demo") == 83
    assert set_passwords("demo") == 0
    own = db.session.scalars(select(User).where(User.email == f"student@{DOMAIN}")).one()
    set_password(own.id, "a password of my own", own.id)
    assert set_passwords("for the network") == 82
    assert sign_in(f"staff@{DOMAIN}", "for the network", "::1", "test", 10)
    with pytest.raises(SignInRefused):
        sign_in(f"staff@{DOMAIN}", "demo", "::1", "test", 10)
    db.session.refresh(own)
    assert password_fits(own.password_hash, "a password of my own")


# --- training in the demo


ORDINARY = ("H-BSC1", "H-INC1", "H-CNT", "H-FC1", "H-LC", "H-BR2", "S-BSC")


@pytest.mark.parametrize("name", ["student", "parttime", "researcher", "amber", "birch", "cobalt"])
def test_sign_ins_have_what_the_ordinary_resources_ask_for(demo: Flask, name: str) -> None:
    viewer = viewer_of(db.session.scalars(select(User.id).where(User.email == f"{name}@{DOMAIN}")).one())
    assert viewer is not None
    lists = checklists(viewer, [places().by_code[code] for code in ORDINARY])
    assert {one.resource.code: [item.what for item in one.lacking] for one in lists if one.lacking} == {}


def test_the_demo_tells_the_stories_of_training(demo: Flask) -> None:
    def refused(name: str, code: str, days: int, length: int) -> dict[str, str]:
        who = viewer_of(db.session.scalars(select(User.id).where(User.email == f"{name}@{DOMAIN}")).one())
        assert who is not None
        start = MONDAY.replace(hour=10, minute=0) + timedelta(days=days)
        wanted = BookingRequest(start, start + timedelta(minutes=length), (Wanted(code),), "Story", "P-CELL")
        asked = wanted if name == "katarina.novak" else replace(wanted, project="P-MSC")
        return {one.code: one.fix for one in check_only(asked, who)[0]}

    run = refused("katarina.novak", "H-CTP1", 22, 12 * 24 * 60)
    assert "Book a place in T-CTP" in run["training_expires"]  # it ends on day nine of twelve
    assert "T-CL2" in refused("gemma.walsh", "H-BSC1", 1, 60)["training_missing"]
    assert "supervisor" in refused("anna.kaya", "H-BSC1", 1, 60)["supervisor_needed"]
    assert set(refused("student", "H-BSC2", 10, 60)) >= {"certificate_expires"}
    hub = places().facility("HUB")
    assert hub is not None
    assert {one.refusals[0].code for one in endangered([hub.id], timedelta(days=90))} == {"training_missing"}
