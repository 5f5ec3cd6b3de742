"""Each safeguard is taken away once: whoever should notice must notice, and says nothing while it stands."""

import pytest
from sqlalchemy.exc import IntegrityError

from booking.base.errors import BookingError
from tests.factories import World
from tests.faults.crowd import Crowd
from tests.faults.defects import BOTH, DEFECTS, seeded
from tests.faults.detectors import RACES
from tests.faults.safeguards import SAFEGUARDS

pytestmark = pytest.mark.faults
NOTICED = (AssertionError, pytest.fail.Exception, BookingError, IntegrityError)
EACH = [(name, kind, defect.noticed_by) for name, defect in DEFECTS.items() for kind in defect.kinds]
BY_SAFEGUARDS = [(name, kind) for name, kind, by in EACH if not by.startswith("race:")]
BY_RACES = [(name, kind) for name, kind, by in EACH if by.startswith("race:")]
ATTEMPTS = 12  # a race that nobody loses proves nothing yet


@pytest.mark.parametrize("engine_kind", BOTH)
@pytest.mark.parametrize("safeguard", SAFEGUARDS)
def test_it_holds(world: World, safeguard: str) -> None:
    SAFEGUARDS[safeguard](world)


@pytest.mark.parametrize(("name", "engine_kind"), BY_SAFEGUARDS)
def test_a_defect_is_noticed(world: World, name: str) -> None:
    with seeded(name), pytest.raises(NOTICED):
        SAFEGUARDS[DEFECTS[name].noticed_by](world)


@pytest.mark.parametrize(("name", "engine_kind"), BY_RACES)
def test_a_defect_loses_a_race(crowd: Crowd, world: World, world_url: str, name: str) -> None:
    race = RACES[DEFECTS[name].noticed_by.removeprefix("race:")]

    def run() -> None:
        for n in range(ATTEMPTS):
            race(crowd, world, world_url, n, name)

    with pytest.raises(AssertionError):
        run()


def test_every_safeguard_is_missed_once() -> None:
    noticed = {defect.noticed_by for defect in DEFECTS.values()}
    assert set(SAFEGUARDS) - noticed == set()
