"""People, organisations, projects: who may change them, what is refused, what history keeps; signing in."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from booking.base import audit, clock
from booking.base.db import db, transaction
from booking.base.edits import as_read
from booking.base.errors import Forbidden, Invalid, NotFound, Stale
from booking.facilities.actions import directory_changed
from booking.facilities.queries import directory_version
from booking.people import actions, queries, sessions
from booking.people.actions import OrganisationDetails, PersonDetails, ProjectDetails
from booking.people.models import Organisation, User
from booking.people.permissions import WHO_MAY, Permission, able_to
from booking.people.sessions import SignInRefused, TooManyFailures
from booking.people.viewer import Viewer
from tests.factories import MONDAY, PASSWORD, World, email_of

ANNA = PersonDetails("New.Person@Partner.Example", "Nia Newcomer", "industry", "NWT", "Process group")
COMPANY = OrganisationDetails("QRS", "Quarry Sciences", "Partner Dusk", "industry")
PROJECT = ProjectDetails("P-NEW", "Fresh start", "NWT")
FINE = "seven quiet incubators"


def public_id(world: World, name: str) -> str:
    return db.session.get_one(User, world.users[name]).public_id


def faults_of(error: pytest.ExceptionInfo[Invalid]) -> set[str]:
    return set(error.value.errors)


def details_of(world: World, who: str, /, **changes: object) -> PersonDetails:
    picture = queries.picture_of_person(db.session.get_one(User, world.users[who]))
    return replace(PersonDetails(**picture), **changes)  # type: ignore[arg-type]


# --- the table of who may what ---------------------------------------------------------------------


def test_every_permission_has_somebody_and_says_what_it_is() -> None:
    assert set(WHO_MAY) == set(Permission)
    assert all(WHO_MAY.values())


@pytest.mark.parametrize(
    ("name", "may"),
    [
        ("student", set()),
        ("coordinator", set()),
        ("technician", {Permission.READ_ADMINISTRATION, Permission.POST_BANNERS}),
        (
            "staff",
            set(Permission)
            - {Permission.CHANGE_PEOPLE, Permission.CHANGE_ORGANISATIONS, Permission.ADD_FACILITIES},
        ),
        ("admin", set(Permission)),
    ],
)
def test_who_may_what_at_the_hub(world: World, name: str, may: set[Permission]) -> None:
    viewer = world.viewer(name)
    assert {one for one in Permission if able_to(viewer, one, world.facilities["HUB"])} == may


def test_a_manager_may_nothing_at_another_facility(world: World) -> None:
    viewer, sus = world.viewer("staff"), world.facilities["SUS"]
    assert not able_to(viewer, Permission.CHANGE_FACILITY, sus)
    assert not able_to(viewer, Permission.GIVE_DUTIES, sus)


def test_a_token_that_may_only_read_changes_nothing(world: World) -> None:
    with pytest.raises(Forbidden):
        actions.add_person(ANNA, world.viewer("admin", scope="read"))


# --- people ----------------------------------------------------------------------------------------


def test_a_new_person_can_sign_in_and_is_in_history(world: World) -> None:
    version = directory_version()
    person = actions.add_person(ANNA, world.viewer("staff"), FINE)
    assert person.email == "new.person@partner.example"
    assert directory_version() > version
    assert sessions.sign_in("NEW.person@partner.example", FINE, "10.0.0.1", "", 10)
    entry = next(one for one in audit.history("user", person.id) if one.action == "added")
    assert entry.actor_id == world.users["staff"]
    assert entry.after["organisation"] == "NWT"


def test_without_a_password_nobody_signs_in(world: World) -> None:
    actions.add_person(ANNA, world.viewer("staff"))
    with pytest.raises(SignInRefused):
        sessions.sign_in(ANNA.email, "", "10.0.0.1", "", 10)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "nobody"}, "email"),
        ({"email": "a\x00@b.example"}, "email"),
        ({"email": "a" * 300 + "@b.example"}, "email"),
        ({"email": "amber@partner.example"}, "email"),
        ({"name": " "}, "name"),
        ({"name": "x" * 201}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "\ud800"}, "name"),
        ({"role": "king"}, "role"),
        ({"organisation": "NONE"}, "organisation"),
        ({"organisation": "\x00"}, "organisation"),
        ({"group": "y" * 101}, "group"),
    ],
)
def test_what_is_wrong_with_a_person_is_said_at_its_field(
    world: World, changes: dict[str, str], field: str
) -> None:
    with pytest.raises(Invalid) as error:
        actions.add_person(replace(ANNA, **changes), world.viewer("admin"))
    assert faults_of(error) == {field}
    assert db.session.scalar(select(User).where(User.name == ANNA.name)) is None


def test_a_weak_first_password_is_refused(world: World) -> None:
    with pytest.raises(Invalid) as error:
        actions.add_person(ANNA, world.viewer("admin"), "short")
    assert faults_of(error) == {"password"}


@pytest.mark.parametrize("name", ["student", "coordinator", "technician"])
def test_others_add_nobody(world: World, name: str) -> None:
    with pytest.raises(Forbidden, match="only administrators and facility managers"):
        actions.add_person(ANNA, world.viewer(name))


def test_only_an_admin_makes_an_admin(world: World) -> None:
    with pytest.raises(Forbidden):
        actions.add_person(replace(ANNA, role="admin"), world.viewer("staff"))
    with pytest.raises(Forbidden):
        actions.change_person(
            public_id(world, "staff"), details_of(world, "staff", role="admin"), world.viewer("staff")
        )
    actions.change_person(
        public_id(world, "staff"), details_of(world, "staff", role="admin"), world.viewer("admin")
    )
    assert world.viewer("staff").is_admin


def test_a_new_name_is_remembered_with_its_moment(world: World) -> None:
    with clock.travel(MONDAY + timedelta(hours=1)):
        changed = details_of(world, "amber", name="Anna Berg")
        actions.change_person(public_id(world, "amber"), changed, world.viewer("admin"))
        assert db.session.get_one(User, world.users["amber"]).renamed_at == clock.now()
    with clock.travel(MONDAY + timedelta(hours=2)):
        same_name = details_of(world, "amber", group="Downstream")
        actions.change_person(public_id(world, "amber"), same_name, world.viewer("admin"))
    assert db.session.get_one(User, world.users["amber"]).renamed_at == MONDAY + timedelta(hours=1)
    entries = audit.history("user", world.users["amber"])
    assert (entries[1].before, entries[1].after) == ({"name": "Anna Okafor"}, {"name": "Anna Berg"})
    assert entries[0].after == {"group": "Downstream"}


def test_what_somebody_else_changed_meanwhile_is_not_overwritten_unseen(world: World) -> None:
    mark = as_read(queries.picture_of_person(db.session.get_one(User, world.users["amber"])))
    mine = details_of(world, "amber", group="Mine")
    theirs = details_of(world, "amber", group="Theirs")
    actions.change_person(public_id(world, "amber"), theirs, world.viewer("admin"), mark)
    with pytest.raises(Stale):
        actions.change_person(public_id(world, "amber"), mine, world.viewer("admin"), mark)
    assert db.session.get_one(User, world.users["amber"]).group == "Theirs"


def test_the_last_admin_stays(world: World) -> None:
    admin, own = world.viewer("admin"), public_id(world, "admin")
    with pytest.raises(Invalid) as error:
        actions.change_person(own, details_of(world, "admin", role="staff"), admin)
    assert faults_of(error) == {"role"}
    with pytest.raises(Invalid) as error:
        actions.change_person(own, details_of(world, "admin", active=False), admin)
    assert faults_of(error) == {"active"}
    actions.change_person(public_id(world, "staff"), details_of(world, "staff", role="admin"), admin)
    actions.change_person(own, details_of(world, "admin", role="staff"), admin)
    assert db.session.get_one(User, world.users["admin"]).role == "staff"


def test_a_closed_account_is_out_at_once_and_its_tokens_stay_dead(world: World) -> None:
    session = sessions.sign_in(email_of("amber"), PASSWORD, "10.0.0.1", "", 10)
    token = actions.make_token("script", "read", 30, world.viewer("amber"))
    assert sessions.token_user(token) == (world.users["amber"], "read")
    admin = world.viewer("admin")
    actions.change_person(public_id(world, "amber"), details_of(world, "amber", active=False), admin)
    assert sessions.session_user_id(session) is None
    assert sessions.token_user(token) is None
    with pytest.raises(SignInRefused):
        sessions.sign_in(email_of("amber"), PASSWORD, "10.0.0.1", "", 10)
    actions.change_person(public_id(world, "amber"), details_of(world, "amber", active=True), admin)
    assert sessions.session_user_id(session) is None
    assert sessions.token_user(token) is None


def test_a_new_password_ends_every_session(world: World) -> None:
    session = sessions.sign_in(email_of("amber"), PASSWORD, "10.0.0.1", "", 10)
    with pytest.raises(Forbidden):
        actions.set_password(public_id(world, "amber"), FINE, world.viewer("staff"))
    actions.set_password(public_id(world, "amber"), FINE, world.viewer("admin"))
    assert sessions.session_user_id(session) is None
    assert sessions.sign_in(email_of("amber"), FINE, "10.0.0.1", "", 10)
    with pytest.raises(SignInRefused):
        sessions.sign_in(email_of("amber"), PASSWORD, "10.0.0.1", "", 10)
    _spoil()


@pytest.mark.parametrize(
    "password", ["short", "x" * 300, "aaaaaaaaaaaaaa", "amber is my name", "password123"]
)
def test_a_bad_password_is_refused(world: World, password: str) -> None:
    with pytest.raises(Invalid) as error:
        actions.set_password(public_id(world, "amber"), password, world.viewer("admin"))
    assert faults_of(error) == {"password"}
    assert sessions.sign_in(email_of("amber"), PASSWORD, "10.0.0.1", "", 10)


@pytest.mark.parametrize("known_as", ["", "0" * 16, "\x00", "\ud800", "x" * 1000])
def test_nobody_is_nobody(world: World, known_as: str) -> None:
    with pytest.raises(NotFound):
        actions.find_person(known_as)


def test_people_come_by_page_and_by_words(world: World) -> None:
    seen: list[str] = []
    after = ""
    while page := queries.people(after=after, limit=5)[:5]:
        seen += [user.name for user, _ in page]
        after = page[-1][0].public_id
    assert len(seen) == len(set(seen)) == len(world.users)
    assert [user.name for user, _ in queries.people("okaf")] == ["Anna Okafor"]
    assert [user.name for user, _ in queries.people("AMBER@")] == ["Anna Okafor"]
    assert queries.people("%") == []
    assert queries.people("\x00\ud800") != []
    assert {user.role for user, _ in queries.people(role="industry")} == {"industry"}


# --- organisations ---------------------------------------------------------------------------------


def test_an_organisation_is_added_with_an_alias(world: World) -> None:
    actions.add_organisation(COMPANY, world.viewer("staff"))
    assert actions.find_organisation("QRS").alias == "Partner Dusk"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"alias": ""}, "alias"),
        ({"alias": "Quarry Sciences of London"}, "alias"),
        ({"alias": "Partner Amber"}, "alias"),
        ({"alias": "a\x00"}, "alias"),
        ({"code": "two words"}, "code"),
        ({"code": ""}, "code"),
        ({"code": "NWT"}, "code"),
        ({"name": ""}, "name"),
        ({"kind": "kingdom"}, "kind"),
        ({"coordinators": ("nobody@partner.example",)}, "coordinators"),
        ({"coordinators": ("\x00",)}, "coordinators"),
    ],
)
def test_what_is_wrong_with_an_organisation(world: World, changes: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as error:
        actions.add_organisation(replace(COMPANY, **changes), world.viewer("admin"))  # type: ignore[arg-type]
    assert faults_of(error) == {field}


def test_only_admins_add_to_the_host_and_change(world: World) -> None:
    with pytest.raises(Forbidden):
        actions.add_organisation(replace(COMPANY, kind="host"), world.viewer("staff"))
    with pytest.raises(Forbidden):
        actions.change_organisation("NWT", replace(COMPANY, code="NWT"), world.viewer("staff"))


def test_a_coordinator_looks_after_an_organisation_from_now_on(world: World) -> None:
    nwt = actions.find_organisation("NWT")
    assert world.viewer("amber2").coordinates == frozenset()
    details = OrganisationDetails(
        "NWT",
        nwt.name,
        nwt.alias,
        nwt.kind,
        coordinators=("AMBER2@partner.example", "coordinator@partner.example"),
    )
    actions.change_organisation("NWT", details, world.viewer("admin"))
    assert world.viewer("amber2").coordinates == {nwt.id}
    entry = audit.history("organisation", nwt.id)[0]
    assert entry.before == {"coordinators": ["coordinator@partner.example"]}


# --- projects --------------------------------------------------------------------------------------


def test_a_project_has_members_and_leads(world: World) -> None:
    people = {
        "leads": ("amber@partner.example",),
        "members": ("amber2@partner.example", "amber@partner.example"),
    }
    project = actions.add_project(replace(PROJECT, **people), world.viewer("staff"))  # type: ignore[arg-type]
    assert project.id in world.viewer("amber").leads
    assert project.id in world.viewer("amber2").projects
    assert project.id not in world.viewer("amber2").leads
    actions.change_project("P-NEW", replace(PROJECT, confidential=True), world.viewer("admin"))
    assert project.id not in world.viewer("amber").projects
    assert audit.history("project", project.id)[0].after == {"confidential": True, "leads": [], "members": []}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "P-OPEN"}, "code"),
        ({"code": "P/1"}, "code"),
        ({"name": ""}, "name"),
        ({"organisation": "NONE"}, "organisation"),
        ({"leads": ("who@is.example",)}, "leads"),
        ({"members": tuple(f"u{n}@x.example" for n in range(600))}, "members"),
        ({"cost_code": "1" * 41}, "cost_code"),
    ],
)
def test_what_is_wrong_with_a_project(world: World, changes: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as error:
        actions.add_project(replace(PROJECT, **changes), world.viewer("admin"))  # type: ignore[arg-type]
    assert faults_of(error) == {field}


def test_technicians_change_no_project(world: World) -> None:
    with pytest.raises(Forbidden):
        actions.change_project("P-OPEN", replace(PROJECT, code="P-OPEN"), world.viewer("technician"))


# --- tokens ----------------------------------------------------------------------------------------


def test_a_token_ends_on_its_day(world: World) -> None:
    token = actions.make_token("script", "write", 2, world.viewer("amber"))
    with clock.travel(MONDAY + timedelta(days=1, hours=23)):
        assert sessions.token_user(token) == (world.users["amber"], "write")
    with clock.travel(MONDAY + timedelta(days=2)):
        assert sessions.token_user(token) is None


@pytest.mark.parametrize(
    ("name", "scope", "days", "field"),
    [
        ("", "read", 1, "name"),
        ("a\x00", "read", 1, "name"),
        ("x" * 101, "read", 1, "name"),
        ("x", "all", 1, "scope"),
        ("x", "read", 0, "days"),
        ("x", "read", 10**12, "days"),
        ("x", "read", None, "days"),
    ],
)
def test_what_is_wrong_with_a_token(
    world: World, name: str, scope: str, days: int | None, field: str
) -> None:
    with pytest.raises(Invalid) as error:
        actions.make_token(name, scope, days, world.viewer("amber"))
    assert faults_of(error) == {field}
    assert sessions.tokens_of(world.users["amber"]) == []


def test_a_token_that_reads_makes_no_tokens_and_twenty_are_enough(world: World) -> None:
    with pytest.raises(Forbidden):
        actions.make_token("x", "write", 1, world.viewer("amber", scope="read"))
    for number in range(actions.MAX_TOKENS):
        actions.make_token(f"script {number}", "read", 1, world.viewer("amber"))
    with pytest.raises(Invalid):
        actions.make_token("one more", "read", 1, world.viewer("amber"))


# --- signing in ------------------------------------------------------------------------------------


def _fail(email: str, address: str, rate: int = 3) -> str:
    with pytest.raises((SignInRefused, TooManyFailures)) as error:
        sessions.sign_in(email, "not the password", address, "", rate)
    return str(error.value)


def test_known_and_unknown_accounts_get_the_same_answer(world: World) -> None:
    assert _fail(email_of("amber"), "10.0.0.1") == _fail("nobody@partner.example", "10.0.0.2")


def test_an_account_is_throttled_from_everywhere_for_a_while(world: World) -> None:
    for n in range(3):
        _fail(email_of("amber"), f"10.0.0.{n}")
    with pytest.raises(TooManyFailures):
        sessions.sign_in(email_of("amber"), PASSWORD, "10.0.0.99", "", 3)
    assert sessions.sign_in(email_of("birch"), PASSWORD, "10.0.0.1", "", 3)
    with clock.travel(MONDAY + timedelta(minutes=6)):
        assert sessions.sign_in(email_of("amber"), PASSWORD, "10.0.0.99", "", 3)


def test_unknown_accounts_are_throttled_alike(world: World) -> None:
    for n in range(3):
        _fail("nobody@partner.example", f"10.0.0.{n}")
    with pytest.raises(TooManyFailures):
        sessions.sign_in("Nobody@Partner.Example", PASSWORD, "10.0.0.9", "", 3)


def test_an_address_is_throttled_for_all_accounts(world: World) -> None:
    for n in range(3 * sessions.ADDRESS_FACTOR):
        _fail(f"guess{n}@partner.example", "10.6.6.6")
    with pytest.raises(TooManyFailures):
        sessions.sign_in(email_of("amber"), PASSWORD, "10.6.6.6", "", 3)
    assert sessions.sign_in(email_of("amber"), PASSWORD, "10.0.0.1", "", 3)


def test_a_session_ends_when_it_is_ended_or_not_used(world: World) -> None:
    first = sessions.sign_in(email_of("amber"), PASSWORD, "10.0.0.1", "one", 3)
    second = sessions.sign_in(email_of("amber"), PASSWORD, "10.0.0.1", "two", 3)
    newest, oldest = sessions.open_sessions(world.users["amber"])
    assert (newest.device, oldest.device) == ("two", "one")
    sessions.revoke_session(oldest.public_id, world.viewer("birch"))
    assert sessions.session_user_id(first) == world.users["amber"]
    sessions.revoke_session(oldest.public_id, world.viewer("amber"))
    assert sessions.session_user_id(first) is None
    with clock.travel(MONDAY + timedelta(days=13)):
        assert sessions.session_user_id(second) == world.users["amber"]
    with clock.travel(MONDAY + timedelta(days=26)):
        assert sessions.session_user_id(second) == world.users["amber"]
    with clock.travel(MONDAY + timedelta(days=41)):
        assert sessions.session_user_id(second) is None


def test_an_inactive_organisation_is_not_offered(world: World) -> None:
    with transaction():
        db.session.get_one(Organisation, world.organisations["birch"]).active = False
        directory_changed()
    assert "ALD" not in queries.organisation_choices()
    with pytest.raises(Invalid):
        actions.add_person(replace(ANNA, organisation="ALD"), world.viewer("admin"))
    changed = details_of(world, "birch", name="Boris L.")
    assert actions.change_person(public_id(world, "birch"), changed, world.viewer("admin")).name == "Boris L."


def _spoil() -> None:
    """Mark the database as changed: what only touches passwords cannot be seen from outside."""
    with transaction():
        directory_changed()


def test_two_admins_who_demote_each_other_at_once_leave_one(world: World, world_app: Flask) -> None:
    admin = world.viewer("admin")
    actions.change_person(public_id(world, "staff"), details_of(world, "staff", role="admin"), admin)
    pairs = [("admin", "staff"), ("staff", "admin")]
    jobs = [
        (world.viewer(by), public_id(world, who), details_of(world, who, role="staff")) for by, who in pairs
    ]
    start, outcomes = threading.Barrier(2), []

    def demote(by: Viewer, who: str, details: PersonDetails) -> None:
        with world_app.app_context():
            start.wait()
            try:
                actions.change_person(who, details, by)
                outcomes.append("done")
            except (Invalid, Forbidden):
                outcomes.append("refused")
            db.session.remove()

    db.session.rollback()
    threads = [threading.Thread(target=demote, args=job) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["done", "refused"]
    db.session.rollback()
    assert len(db.session.scalars(select(User.id).where(User.role == "admin", User.active)).all()) == 1
