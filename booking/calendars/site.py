"""Where our pages are and what a feed may hold, as the settings say: never taken from a request."""

import re
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import urlsplit

NO_HOST = "hub-booking"


@dataclass(frozen=True)
class Site:
    """The address that events link to, and how many of them a feed may hold."""

    base_url: str = ""
    max_events: int = 1_000

    @cached_property
    def host(self) -> str:
        """The part of every UID after the @."""
        host = urlsplit(self.base_url).hostname or NO_HOST
        return host if re.fullmatch(r"[A-Za-z0-9.:-]+", host) else NO_HOST

    def page(self, path: str) -> str | None:
        """Return the address of a page, if there is one that a calendar can hold."""
        url = self.base_url.rstrip("/") + path
        return url if re.fullmatch(r"https?://[!-~]+", url) else None
