"""How the links asked for last show each booking: after a change, only what changed is decided anew."""

import threading
from collections import OrderedDict
from datetime import datetime

from booking.calendars.site import Site
from booking.calendars.stored import Wanted

Base = tuple[str, int, datetime, Site]  # link, directory, day, site
Known = dict[int, tuple[int, Wanted | None]]  # booking → its version, and its event unless it is hidden

MANY = 200  # more new ones are read with all others: a statement names so many at most
MOST = 20_000


class Remembered:
    """What was decided for the links asked for last, up to a number of bookings in all."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._known: OrderedDict[Base, Known] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, base: Base) -> Known:
        with self._lock:
            return self._known.get(base, {})

    def keep(self, base: Base, known: Known) -> None:
        """Keep what was decided, and let go of links that nobody asked for lately."""
        with self._lock:
            self._count += len(known) - len(self._known.pop(base, ()))
            self._known[base] = known
            while self._count > self._most:
                self._count -= len(self._known.popitem(last=False)[1])


remembered = Remembered(MOST)
