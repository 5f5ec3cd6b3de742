"""The person who looks or acts, with everything that decides what they may see and do. Plain values."""

from dataclasses import dataclass, field
from datetime import date

STAFF_DUTIES = frozenset({"facility_manager", "technician", "trainer", "quality_officer"})
MANAGING_DUTIES = frozenset({"facility_manager"})


@dataclass(frozen=True)
class Viewer:
    """Someone signed in. Ids are database keys; `staffs` and `observes` are facilities, `stands_in`
    are people with the days on which this one decides in their place."""

    id: int
    public_id: str
    name: str
    email: str
    role: str
    organisation_id: int
    organisation_code: str
    organisation_name: str
    organisation_kind: str
    projects: frozenset[int] = frozenset()
    leads: frozenset[int] = frozenset()
    led_people: frozenset[int] = frozenset()
    coordinates: frozenset[int] = frozenset()
    duties: tuple[tuple[str, int], ...] = field(default=())
    stands_in: tuple[tuple[int, date, date], ...] = ()
    scope: str = "write"

    @property
    def is_admin(self) -> bool:
        return self.role == "admin"

    @property
    def is_host(self) -> bool:
        """Tell whether this person belongs to the host university."""
        return self.organisation_kind == "host" and self.role != "industry"

    @property
    def staffs_anything(self) -> bool:
        return self.is_admin or any(duty in STAFF_DUTIES for duty, _ in self.duties)

    def staffs(self, facility_id: int) -> bool:
        """Tell whether this person is staff of a facility (managers, technicians, trainers, quality)."""
        return self.is_admin or any(
            duty in STAFF_DUTIES and place == facility_id for duty, place in self.duties
        )

    def manages(self, facility_id: int) -> bool:
        """Tell whether this person may change a facility's rooms, resources, rules and closures."""
        return self.is_admin or any(
            duty in MANAGING_DUTIES and place == facility_id for duty, place in self.duties
        )

    def stands_in_for(self, day: date) -> list[int]:
        """List in whose place this person decides on a day."""
        return sorted({user for user, first, last in self.stands_in if first <= day <= last})

    def observes(self, facility_id: int) -> bool:
        return ("observer", facility_id) in self.duties

    def staffed(self) -> frozenset[int]:
        """Return the facilities that this person staffs by duty (an admin staffs all besides)."""
        return frozenset(place for duty, place in self.duties if duty in STAFF_DUTIES)


def client_of(organisation_id: int, organisation_kind: str, confidential_project: int | None) -> str:
    """Name the client whose work a booking is: clearance is needed between different clients.

    The host university is one client, a partner's organisation is its own, and so is a confidential project.
    """
    if confidential_project is not None:
        return f"project:{confidential_project}"
    return "host" if organisation_kind == "host" else f"organisation:{organisation_id}"
