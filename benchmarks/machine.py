"""The machine and the programs, in words: no names, no paths."""

import os
import platform
import tempfile
import time
from pathlib import Path

from benchmarks.stores import Store

MEASURED = 1.0
PAGE = b"x" * 4096


def in_words(stores: list[Store]) -> str:
    """Return one paragraph."""
    cores = len(os.sched_getaffinity(0))
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    engines = ", ".join(store.version() for store in stores)
    return (
        f"{cores} cores shared by servers, database and clients, {memory:.0f} GiB of memory,"
        f" a disk that takes {_syncs():,.0f} fdatasync of 4 KiB a second;"
        f" {platform.system()}, Python {platform.python_version()}, {engines};"
        f" load of the machine before the run {os.getloadavg()[0]:.1f}."
    )


def _syncs() -> float:
    with tempfile.NamedTemporaryFile() as file:
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < MEASURED:
            os.pwrite(file.fileno(), PAGE, count % 256 * len(PAGE))
            os.fdatasync(file.fileno())
            count += 1
        return count / (time.perf_counter() - began)


def results_file() -> Path:
    """Return where the last result is kept."""
    return Path(__file__).parent / "RESULTS.md"
