"""The lock of SQLite's writers within a process: by the order in which they came, and not for ever."""

import threading
import time

from booking.base.db import InOrder

A_MOMENT = 0.02


def wait_until(lock: InOrder, waiting: int) -> None:
    deadline = time.monotonic() + 5
    while len(lock._waiting) < waiting and time.monotonic() < deadline:
        time.sleep(0.001)
    assert len(lock._waiting) == waiting


def test_free_it_is_had_at_once() -> None:
    lock = InOrder()
    assert lock.acquire(0)
    lock.release()
    assert lock.acquire(0)


def test_whoever_came_first_is_next() -> None:
    lock, came = InOrder(), []
    assert lock.acquire(0)

    def take(number: int) -> None:
        assert lock.acquire(5)
        came.append(number)
        lock.release()

    threads = []
    for number in range(6):
        threads.append(threading.Thread(target=take, args=(number,)))
        threads[-1].start()
        wait_until(lock, number + 1)
    lock.release()
    for thread in threads:
        thread.join(5)
    assert came == list(range(6))


def test_who_lets_go_cannot_slip_in_again_before_those_who_wait() -> None:
    lock, came = InOrder(), []
    assert lock.acquire(0)
    other = threading.Thread(target=lambda: (lock.acquire(5), came.append("other"), lock.release()))
    other.start()
    wait_until(lock, 1)
    lock.release()
    assert lock.acquire(5)
    came.append("again")
    other.join(5)
    assert came == ["other", "again"]


def test_who_waited_long_enough_goes_away_and_holds_nobody_up() -> None:
    lock = InOrder()
    assert lock.acquire(0)
    assert not lock.acquire(A_MOMENT)
    lock.release()
    assert lock.acquire(0)


def test_many_never_hold_it_together() -> None:
    lock, inside, most = InOrder(), [], [0]

    def work() -> None:
        for _ in range(200):
            if not lock.acquire(A_MOMENT / 100):
                continue
            inside.append(1)
            most[0] = max(most[0], len(inside))
            inside.pop()
            lock.release()

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert most == [1]
    assert lock.acquire(1)
