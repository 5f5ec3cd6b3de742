"""How often one caller may ask: counted in this process, or in Redis for all processes and servers together.

A caller is known here by a keyed hash only: neither Redis nor a log learns of a token or an address.
"""

import hashlib
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

import structlog
from limits import RateLimitItem, RateLimitItemPerDay, RateLimitItemPerSecond
from limits.storage import RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter, RateLimiter

from booking.base import clock
from booking.base.errors import BookingError
from booking.settings import Settings

REDIS_TIMEOUT = 0.2  # seconds that one request loses if Redis hangs
REDIS_PAUSE = 10  # seconds for which each process then leaves it alone
MOST = 50_000
GOOD = RateLimitItemPerDay(1, namespace="good")
PROBE = RateLimitItemPerSecond(1, namespace="check")
log = structlog.get_logger("booking")


class TooManyRequests(BookingError):
    status = 429
    code = "too_many_requests"

    def __init__(self, wait: int) -> None:
        super().__init__(f"Too many requests: wait {wait} seconds, then send the same again.")
        self.retry_after = wait


class Limits:
    """Counts requests against limits; a limit of 0 is none."""

    def __init__(self, settings: Settings) -> None:
        self._secret = hashlib.sha256(settings.secret_key.encode()).digest()
        self._here = FixedWindowRateLimiter(Counts())
        self._shared = _in_redis(settings.redis_url) if settings.redis_url else None
        self._ask_redis_at = 0.0  # 0 while it answers

    def hit(self, limit: RateLimitItem, *who: str) -> int:
        """Count a request; return 0, or the seconds to wait if the limit is used up."""
        return self._wait(FixedWindowRateLimiter.hit, limit, who)

    def test(self, limit: RateLimitItem, *who: str) -> int:
        """Return what `hit` would, and count nothing."""
        return self._wait(FixedWindowRateLimiter.test, limit, who)

    def remember(self, *who: str) -> None:
        """Keep in mind in this process, for a day, that a caller was good."""
        self._here.hit(GOOD, self._name(who))

    def remembers(self, *who: str) -> bool:
        """Tell whether a caller was good within a day."""
        return not self._here.test(GOOD, self._name(who))

    def redis_faults(self) -> list[str]:
        """Say what keeps Redis from counting; nothing if it is not used."""
        if self._shared is None:
            return []
        try:
            self._shared.hit(PROBE, "check")
        except Exception as error:  # as it happens to a request
            return [f"each process counts by itself, as it does not answer: {error}"]
        return []

    def _wait(self, ask: Callable[..., bool], limit: RateLimitItem, who: tuple[str, ...]) -> int:
        if not limit.amount:
            return 0
        name = self._name(who)
        if self._shared is not None and self._is_time_for_redis():
            try:
                wait = _asked(ask, self._shared, limit, name)
            except Exception as error:  # whatever is wrong with Redis, the site goes on
                self._ask_redis_at = time.monotonic() + REDIS_PAUSE
                log.warning("redis does not answer", fault=type(error).__name__)
            else:
                self._ask_redis_at = 0.0
                return wait
        return _asked(ask, self._here, limit, name)

    def _is_time_for_redis(self) -> bool:
        """Tell whether to ask Redis; of all who wait for it to come back, only one tries."""
        now = time.monotonic()
        if now < self._ask_redis_at:
            return False
        if self._ask_redis_at:
            self._ask_redis_at = now + REDIS_PAUSE
        return True

    def _name(self, who: tuple[str, ...]) -> str:
        text = "\0".join(who).encode("utf-8", "surrogatepass")
        return hashlib.blake2b(text, key=self._secret, digest_size=16).hexdigest()


def _in_redis(url: str) -> FixedWindowRateLimiter:
    """Count in Redis; it is first spoken to when something is counted."""
    from redis import ConnectionPool  # a fifth of a second, only where Redis is used
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    pool = ConnectionPool.from_url(
        url,
        socket_timeout=REDIS_TIMEOUT,
        socket_connect_timeout=REDIS_TIMEOUT,
        retry=Retry(NoBackoff(), 0),
    )
    return FixedWindowRateLimiter(RedisStorage(url, connection_pool=pool, key_prefix="hub-booking"))


def _asked(ask: Callable[..., bool], strategy: RateLimiter, limit: RateLimitItem, name: str) -> int:
    if ask(strategy, limit, name):
        return 0
    ends_at = strategy.get_window_stats(limit, name).reset_time
    left = math.ceil(ends_at - clock.now().timestamp())
    return max(0, left) + 1  # Redis tells whole seconds, rounded


class Counts(Storage):
    """The counts of this process; the library's own starts a thread for nearly every request."""

    STORAGE_SCHEME = None

    def __init__(self) -> None:
        super().__init__()
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def base_exceptions(self) -> tuple[type[Exception], ...]:
        return ()

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count within a window that the first request begins; of too many windows the oldest goes."""
        now = clock.now().timestamp()
        with self._lock:
            ends_at, count = self._windows.get(key, (now, 0))
            if not now < ends_at <= now + expiry:
                self._windows.pop(key, None)
                ends_at, count = now + expiry, 0
            self._windows[key] = ends_at, count + amount
            if len(self._windows) > MOST:
                self._windows.popitem(last=False)
        return count + amount

    def get(self, key: str) -> int:
        ends_at, count = self._windows.get(key, (0.0, 0))
        return count if clock.now().timestamp() < ends_at else 0

    def get_expiry(self, key: str) -> float:
        ends_at, _ = self._windows.get(key, (clock.now().timestamp(), 0))
        return ends_at

    def check(self) -> bool:
        return True

    def clear(self, key: str) -> None:
        self._windows.pop(key, None)

    def reset(self) -> None:
        self._windows.clear()
