"""What all measures share: the server under test, the reference beside it, and how often to repeat."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import repeat
from statistics import median
from typing import TypeVar

from benchmarks.clients import Client, Crowd, alone, quantile, together
from benchmarks.figures import Figure
from benchmarks.servers import Server
from benchmarks.stores import Store
from benchmarks.wire import request

Taken = TypeVar("Taken")
CLIENTS = 8
WARM_UP = 0.5
_HELLO = request("GET", "/")


@dataclass
class Reference:
    """The hello-world, measured again around everything that is compared with it."""

    server: Server
    seconds: float
    rates: list[float] = field(default_factory=list)
    cpus: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)

    def warm_up(self) -> None:
        """Let every worker answer before anything counts."""
        together(self.server.address, [Client(repeat(_HELLO))] * CLIENTS, WARM_UP)

    def rate(self) -> float:
        """Measure requests per second with eight clients."""
        used = self.server.cpu()
        crowd = together(self.server.address, [Client(repeat(_HELLO))] * CLIENTS, self.seconds)
        self.cpus.append((self.server.cpu() - used) / len(crowd.seconds))
        self.rates.append(crowd.rate)
        return crowd.rate

    def p50(self) -> float:
        """Measure the median of one client."""
        self.p50s.append(quantile(alone(self.server.address, _HELLO, self.seconds / 2), 0.5))
        return self.p50s[-1]


@dataclass
class Bench:
    """One database of one size behind a running server."""

    store: Store
    bookings: int
    url: str
    server: Server
    reference: Reference
    rounds: int
    seconds: float
    plans: list[list[bytes]] = field(default_factory=list)
    booked: int = 0

    def beside_rate(self, take: Callable[[], Taken]) -> tuple[list[Taken], float]:
        """Take something in several rounds; return it with the reference's requests per second around it."""
        return self._beside(take, self.reference.rate)

    def beside_p50(self, take: Callable[[], Taken]) -> tuple[list[Taken], float]:
        """Take something in several rounds; return it with the reference's median around it."""
        return self._beside(take, self.reference.p50)

    def _beside(self, take: Callable[[], Taken], reference: Callable[[], float]) -> tuple[list[Taken], float]:
        around, taken = [reference()], []
        for _ in range(self.rounds):
            taken.append(take())
            around.append(reference())
        return taken, median(around)

    def book(self, seconds: float, clients: int = CLIENTS, others: tuple[Client, ...] = ()) -> Crowd:
        """Let the first clients book what they have not asked for yet; `others` ask beside them."""
        plans = self.plans[:clients]
        before = self.server.cpu()
        crowd = together(self.server.address, [*(Client(plan, 201) for plan in plans), *others], seconds)
        used = self.server.cpu() - before
        logs = crowd.logs[: len(plans)]
        for plan, log in zip(plans, logs, strict=True):
            del plan[: log.asked]
        self.booked += sum(len(log.seconds) for log in logs)
        return Crowd(logs, used / max(1, sum(log.asked for log in crowd.logs)))


Measure = Callable[[Bench], Iterator[Figure]]
