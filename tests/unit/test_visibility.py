"""Who sees what of a booking: the whole table, row by row."""

import itertools
from dataclasses import replace
from typing import Any

import pytest

from booking.bookings.visibility import Level, Relation, acts_as_staff, level, may_change, must_give_a_reason
from booking.people.viewer import Viewer, client_of

HOST, AMBER, BIRCH, OTHER_UNIVERSITY = 1, 2, 3, 4
KINDS = {HOST: "host", AMBER: "member", BIRCH: "industry", OTHER_UNIVERSITY: "academic"}
HUB, SUS = 1, 2
BUSY, ALIAS, PARTIAL, FULL = Level.BUSY, Level.ALIAS, Level.PARTIAL, Level.FULL


def somebody(role: str = "student", organisation: int = HOST, **more: Any) -> Viewer:
    """A person who has nothing to do with the booking."""
    standard = Viewer(
        50, "p50", "Somebody", "s@x.example", role, organisation, "ORG", "Org", KINDS[organisation]
    )
    return replace(standard, **more)


def a_booking(organisation: int = HOST, confidential: bool = False) -> Relation:
    return Relation(
        organiser_id=10,
        organisation_id=organisation,
        organisation_is_host=organisation == HOST,
        project_id=7,
        confidential=confidential,
        supervisor_id=11,
        takes_part=False,
        facilities=frozenset({HUB}),
    )


# who: the viewer, what they see of the host's, of Amber's and of Birch's booking, and of confidential ones
STRANGERS: dict[str, tuple[Viewer | None, Level, Level, Level, Level]] = {
    "student of the host": (somebody("student"), PARTIAL, ALIAS, ALIAS, BUSY),
    "researcher of the host": (somebody("researcher"), PARTIAL, ALIAS, ALIAS, BUSY),
    "staff role without a duty here": (somebody("staff"), PARTIAL, ALIAS, ALIAS, BUSY),
    "staff of another facility": (
        somebody("staff", duties=(("facility_manager", SUS),)),
        PARTIAL,
        ALIAS,
        ALIAS,
        BUSY,
    ),
    "observer": (somebody("researcher", duties=(("observer", HUB),)), PARTIAL, ALIAS, ALIAS, BUSY),
    "industry user of Amber": (somebody("industry", AMBER), BUSY, FULL, BUSY, BUSY),
    "industry user of Birch": (somebody("industry", BIRCH), BUSY, BUSY, FULL, BUSY),
    "another university": (somebody("industry", OTHER_UNIVERSITY), BUSY, BUSY, BUSY, BUSY),
    "another university's researcher": (somebody("researcher", OTHER_UNIVERSITY), BUSY, BUSY, BUSY, BUSY),
    "industry role at the host": (somebody("industry", HOST), BUSY, BUSY, BUSY, BUSY),
    "nobody": (None, BUSY, BUSY, BUSY, BUSY),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_what_a_stranger_sees(who: str) -> None:
    viewer, of_host, of_amber, of_birch, of_confidential = STRANGERS[who]
    seen = [level(viewer, a_booking(organisation)) for organisation in (HOST, AMBER, BIRCH)]
    assert seen == [of_host, of_amber, of_birch]
    hidden = {
        level(viewer, a_booking(organisation, confidential=True)) for organisation in (HOST, AMBER, BIRCH)
    }
    assert hidden == {of_confidential}


INVOLVED: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "organiser": ({"id": 10}, {}),
    "supervisor": ({"id": 11}, {}),
    "participant": ({}, {"takes_part": True}),
    "project member": ({"projects": frozenset({7})}, {}),
    "group lead of the organiser": ({"led_people": frozenset({10})}, {}),
    **{
        duty: ({"duties": ((duty, HUB),)}, {})
        for duty in ("facility_manager", "technician", "trainer", "quality_officer")
    },
}


@pytest.mark.parametrize("who", INVOLVED)
@pytest.mark.parametrize("confidential", [False, True])
@pytest.mark.parametrize(("viewers", "owner"), list(itertools.product((HOST, AMBER), (HOST, AMBER, BIRCH))))
def test_whoever_is_involved_sees_all(who: str, confidential: bool, viewers: int, owner: int) -> None:
    viewer_has, booking_has = INVOLVED[who]
    viewer = somebody("industry" if viewers == AMBER else "student", viewers, **viewer_has)
    assert level(viewer, replace(a_booking(owner, confidential), **booking_has)) is FULL


@pytest.mark.parametrize("owner", [HOST, AMBER, BIRCH])
@pytest.mark.parametrize("confidential", [False, True])
def test_an_admin_sees_all(owner: int, confidential: bool) -> None:
    assert level(somebody("admin"), a_booking(owner, confidential)) is FULL


@pytest.mark.parametrize("confidential", [False, True])
def test_a_coordinator_sees_all_of_the_own_organisation_and_no_others(confidential: bool) -> None:
    coordinator = somebody("industry", AMBER, coordinates=frozenset({AMBER}))
    assert level(coordinator, a_booking(AMBER, confidential)) is FULL
    assert level(coordinator, a_booking(BIRCH, confidential)) is BUSY


def test_staff_see_what_happens_at_one_of_their_facilities() -> None:
    staff = somebody("staff", duties=(("technician", SUS),))
    both = replace(a_booking(AMBER, True), facilities=frozenset({HUB, SUS}))
    assert level(staff, both) is FULL
    assert level(staff, a_booking(AMBER, True)) is BUSY


def test_a_booking_without_project_has_no_project_members() -> None:
    alone = replace(a_booking(AMBER), project_id=None)
    assert level(somebody("student", projects=frozenset({7})), alone) is ALIAS


# --- who may change

MAY_CHANGE: dict[str, tuple[dict[str, Any], bool, bool]] = {  # may change, must say why
    "organiser": ({"id": 10}, True, False),
    "supervisor": ({"id": 11}, False, True),
    "project member": ({"projects": frozenset({7})}, False, True),
    "lead of the project": ({"leads": frozenset({7}), "projects": frozenset({7})}, True, False),
    "group lead of the organiser": ({"led_people": frozenset({10})}, True, False),
    "coordinator": ({"coordinates": frozenset({AMBER})}, True, False),
    "coordinator of another": ({"coordinates": frozenset({BIRCH})}, False, True),
    "facility manager": ({"duties": (("facility_manager", HUB),)}, True, True),
    "technician": ({"duties": (("technician", HUB),)}, True, True),
    "manager elsewhere": ({"duties": (("facility_manager", SUS),)}, False, True),
    "observer": ({"duties": (("observer", HUB),)}, False, True),
    "admin": ({"role": "admin"}, True, True),
    "stranger": ({}, False, True),
}


@pytest.mark.parametrize("who", MAY_CHANGE)
def test_who_may_change_and_who_must_say_why(who: str) -> None:
    has, may, must_say_why = MAY_CHANGE[who]
    viewer = replace(somebody(), **has)
    booking = a_booking(AMBER)
    assert may_change(viewer, booking) is may
    assert must_give_a_reason(viewer, booking) is must_say_why


def test_a_participant_may_not_change() -> None:
    assert not may_change(somebody(), replace(a_booking(), takes_part=True))


def test_whoever_may_change_sees_all() -> None:
    for has, may, _ in MAY_CHANGE.values():
        viewer = replace(somebody(), **has)
        for owner, confidential in itertools.product((HOST, AMBER), (False, True)):
            if may and may_change(viewer, a_booking(owner, confidential)):
                if viewer.leads:  # a lead is a member too
                    assert viewer.projects
                assert level(viewer, a_booking(owner, confidential)) is FULL


def test_only_staff_act_as_staff() -> None:
    assert acts_as_staff(somebody(duties=(("technician", HUB),)), a_booking())
    assert acts_as_staff(somebody("admin"), a_booking())
    assert not acts_as_staff(somebody("staff"), a_booking())
    assert not acts_as_staff(somebody(id=10), a_booking())


# --- what a viewer is


def test_duties_have_a_scope() -> None:
    manager, technician = (
        somebody("staff", duties=((duty, HUB),)) for duty in ("facility_manager", "technician")
    )
    assert (manager.staffs(HUB), manager.manages(HUB), manager.staffs(SUS), manager.manages(SUS)) == (
        True,
        True,
        False,
        False,
    )
    assert (technician.staffs(HUB), technician.manages(HUB)) == (True, False)
    observer = somebody(duties=(("observer", HUB),))
    assert (observer.staffs(HUB), observer.observes(HUB), observer.observes(SUS)) == (False, True, False)
    assert not observer.staffs_anything
    assert technician.staffed() == frozenset({HUB})
    assert somebody("admin").staffs_anything


def test_a_client_is_the_host_a_partner_or_a_confidential_project() -> None:
    assert client_of(1, "host", None) == client_of(9, "host", None) == "host"
    assert client_of(2, "member", None) != client_of(3, "industry", None) != "host"
    assert client_of(4, "academic", None) != "host"
    assert client_of(1, "host", 7) == client_of(1, "host", 7) != "host"
    assert len({client_of(2, "member", project) for project in (None, 2, 3)}) == 3
