"""Clients, each a process of its own: they start at the same moment and ask until time is up."""

import multiprocessing
import signal
import time
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

from benchmarks.wire import Wire

PATIENCE = 60
_processes = multiprocessing.get_context("fork")  # the plans need not be copied


@dataclass
class Log:
    """What one client saw: the seconds of each answer as expected, and how many were not."""

    seconds: "array[float]" = field(default_factory=lambda: array("d"))
    failures: Counter[str] = field(default_factory=Counter)
    ran_out: bool = False
    lasted: float = 0.0

    @property
    def asked(self) -> int:
        return len(self.seconds) + self.failures.total()


@dataclass(frozen=True)
class Crowd:
    """What all clients saw together."""

    logs: Sequence[Log]
    cpu: float = 0.0  # of the server, for one answer

    @property
    def rate(self) -> float:
        """Return answers per second of all clients together."""
        return sum(len(log.seconds) / log.lasted for log in self.logs)

    @property
    def seconds(self) -> list[float]:
        return sorted(second for log in self.logs for second in log.seconds)

    @property
    def failures(self) -> Counter[str]:
        return sum((log.failures for log in self.logs), Counter())

    @property
    def counts(self) -> list[int]:
        """Return how many good answers each client got."""
        return [len(log.seconds) for log in self.logs]

    def quantile(self, share: float) -> float:
        """Return the seconds within which this share of all answers came."""
        return quantile(self.seconds, share)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Return the value below which a share of sorted values lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else float("nan")


@dataclass(frozen=True)
class Client:
    """What one client asks, the status of a good answer, and how long it rests after each."""

    plan: Iterable[bytes]
    wanted: int = 200
    pause: float = 0.0


def together(address: str, clients: Sequence[Client], seconds: float) -> Crowd:
    """Let all clients ask one request after the other for some seconds."""
    line = _processes.Barrier(len(clients) + 1)
    pipes, children = [], []
    for client in clients:
        ours, theirs = _processes.Pipe(duplex=False)
        child = _processes.Process(target=_run, args=(address, client, seconds, line, theirs))
        child.start()
        theirs.close()
        pipes.append(ours)
        children.append(child)
    try:
        line.wait(PATIENCE)
        return Crowd([_received(pipe, seconds + PATIENCE) for pipe in pipes])
    finally:
        for child in children:
            child.join(5)
            child.kill()
            child.join()


def alone(address: str, request: bytes, seconds: float, wanted: int = 200) -> list[float]:
    """Ask the same again and again over one connection; return the sorted seconds of the answers."""
    log = _asked(Wire(address), Client(repeat(request), wanted), seconds)
    if log.failures:
        raise RuntimeError(f"unexpected answer: {next(iter(log.failures))}")
    return sorted(log.seconds)


def _received(pipe: Any, patience: float) -> Log:
    if not pipe.poll(patience):
        raise TimeoutError("a client does not come back")
    log: Log = pipe.recv()
    if log.ran_out:
        raise LookupError("a client has nothing left to ask for: make its plan longer")
    return log


def _run(address: str, client: Client, seconds: float, line: Any, pipe: Any) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the one that started us
    wire = Wire(address)
    line.wait(PATIENCE)
    pipe.send(_asked(wire, client, seconds))


def _asked(wire: Wire, client: Client, seconds: float) -> Log:
    log = Log(ran_out=True)
    before = began = time.perf_counter()
    for request in client.plan:
        reply = wire.ask(request)
        now = time.perf_counter()
        if reply.status == client.wanted:
            log.seconds.append(now - before)
        else:
            log.failures[f"{reply.status} {reply.body[:300]!r}"] += 1
        if now - began >= seconds:
            log.ran_out = False
            break
        if client.pause:
            time.sleep(client.pause)
        before = time.perf_counter()
    log.lasted = time.perf_counter() - began
    wire.close()
    return log
