"""Thirty-two clients at the same moment, on both databases: nothing is booked twice, lost or half made."""

import pytest

from tests.factories import World
from tests.faults.crowd import Crowd
from tests.faults.detectors import RACES

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("race", RACES)
def test_race(crowd: Crowd, world: World, world_url: str, rounds: int, race: str) -> None:
    for n in range(rounds):
        RACES[race](crowd, world, world_url, n, "")
