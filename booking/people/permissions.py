"""Who may do what: one table. Every action asks it before it looks at anything else.

A predicate looks at the person and, where there is one, at the facility that the action is about.
"""

from collections.abc import Callable, Mapping
from enum import Enum

from booking.base.errors import Forbidden
from booking.people.sessions import must_be_able_to_write
from booking.people.viewer import MANAGING_DUTIES, Viewer

TRAINING_DUTIES = frozenset({"trainer", "facility_manager"})
SAFETY_DUTIES = frozenset({"quality_officer", "facility_manager"})


class Permission(Enum):
    """Something that not everybody may do, in the words that follow "You may not"."""

    READ_ADMINISTRATION = "open the pages of administration"
    ADD_PEOPLE = "add people"
    CHANGE_PEOPLE = "change people, their roles, organisations and passwords"
    GIVE_DUTIES = "give duties at this facility"
    ADD_ORGANISATIONS = "add organisations"
    CHANGE_ORGANISATIONS = "change organisations and their coordinators"
    CHANGE_PROJECTS = "add and change projects"
    ADD_FACILITIES = "add facilities"
    CHANGE_FACILITY = "change this facility, its rooms, resources, rules and closures"
    POST_BANNERS = "post and change notices at this facility"
    TEACH = "plan sessions at this facility and record how they went"
    RECORD_TRAINING = "change modules and record what people have shown"
    GRANT_PERMITS = "grant, change and withdraw permits"


Predicate = Callable[[Viewer, int | None], bool]


def is_admin(viewer: Viewer, facility_id: int | None) -> bool:
    return viewer.is_admin


def is_staff(viewer: Viewer, facility_id: int | None) -> bool:
    return viewer.staffs_anything


def is_staff_there(viewer: Viewer, facility_id: int | None) -> bool:
    return facility_id is not None and viewer.staffs(facility_id)


def manages_it(viewer: Viewer, facility_id: int | None) -> bool:
    return facility_id is not None and viewer.manages(facility_id)


def manages_a_facility(viewer: Viewer, facility_id: int | None) -> bool:
    return any(duty in MANAGING_DUTIES for duty, _ in viewer.duties)


def manages_something(viewer: Viewer) -> bool:
    """Tell whether somebody manages any facility."""
    return viewer.is_admin or manages_a_facility(viewer, None)


def trains_there(viewer: Viewer, facility_id: int | None) -> bool:
    return any(duty in TRAINING_DUTIES and place == facility_id for duty, place in viewer.duties)


def trains(viewer: Viewer, facility_id: int | None) -> bool:
    return any(duty in TRAINING_DUTIES for duty, _ in viewer.duties)


def answers_for_safety(viewer: Viewer, facility_id: int | None) -> bool:
    return any(duty in SAFETY_DUTIES for duty, _ in viewer.duties)


WHO_MAY: Mapping[Permission, tuple[Predicate, ...]] = {
    Permission.READ_ADMINISTRATION: (is_admin, is_staff),
    Permission.ADD_PEOPLE: (is_admin, manages_a_facility),
    Permission.CHANGE_PEOPLE: (is_admin,),
    Permission.GIVE_DUTIES: (is_admin, manages_it),
    Permission.ADD_ORGANISATIONS: (is_admin, manages_a_facility),
    Permission.CHANGE_ORGANISATIONS: (is_admin,),
    Permission.CHANGE_PROJECTS: (is_admin, manages_a_facility),
    Permission.ADD_FACILITIES: (is_admin,),
    Permission.CHANGE_FACILITY: (is_admin, manages_it),
    Permission.POST_BANNERS: (is_admin, is_staff_there),
    Permission.TEACH: (is_admin, trains_there),
    Permission.RECORD_TRAINING: (is_admin, trains),
    Permission.GRANT_PERMITS: (is_admin, answers_for_safety),
}
_IN_WORDS: Mapping[Predicate, str] = {
    is_admin: "administrators",
    is_staff: "facility staff",
    is_staff_there: "the facility's staff",
    manages_it: "the facility's managers",
    manages_a_facility: "facility managers",
    trains_there: "the facility's trainers and managers",
    trains: "trainers and facility managers",
    answers_for_safety: "facility managers and quality officers",
}


def able_to(viewer: Viewer, permission: Permission, facility_id: int | None = None) -> bool:
    """Tell whether somebody may do something (at a facility)."""
    return any(holds(viewer, facility_id) for holds in WHO_MAY[permission])


def must_be_able_to(viewer: Viewer, permission: Permission, facility_id: int | None = None) -> None:
    """Raise `Forbidden`, with who may, unless this person may do it and came to write."""
    if not able_to(viewer, permission, facility_id):
        who = " and ".join(_IN_WORDS[predicate] for predicate in WHO_MAY[permission])
        raise Forbidden(f"You may not {permission.value}: only {who} may.")
    if permission is not Permission.READ_ADMINISTRATION:
        must_be_able_to_write(viewer)
