"""What is kept in memory is never old: whoever changes something reads it at once, from any process."""

import http.client
import threading
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.factories import request, working_day
from tests.faults.server import Client, as_json, serving, tokens

pytestmark = pytest.mark.faults
PLACES = {"student": "H-BSC1", "researcher": "H-BSC2", "leader": "H-HALL"}


class Reader:
    """Somebody who changes bookings of one resource, and reads after each change over new connections."""

    def __init__(self, address: str, token: str, resource: str) -> None:
        self._address, self._token, self._resource = address, token, resource
        self._writer = Client(address, token)
        made = self._writer.ask("POST", "/feeds", {"scope": f"resource:{resource}", "detail": "full"})
        self._feed = urlsplit(made.body["url"]).path
        self.faults: list[str] = []

    def work(self, rounds: int) -> None:
        for n in range(rounds):
            body = as_json(request(self._resource, working_day(n, 10), title=f"First {n}"))
            made = self._writer.ask("POST", "/bookings", body)
            assert made.status == 201, made.body
            self._look({f"First {n}"}, set())
            path = f"/bookings/{made.body['id']}"
            self._writer.ask("PATCH", path, {"title": f"Second {n}"})
            self._look({f"Second {n}"}, {f"First {n}"})
            self._writer.ask("PATCH", path, {"notes": f"Note {n}"})
            self._look({f"Note {n}"}, set(), feeds=False)
            self._writer.ask("DELETE", path)
            self._look({"cancelled"}, {'"confirmed"'}, feeds=False)
        self._writer.close()

    def _look(self, there: set[str], gone: set[str], feeds: bool = True) -> None:
        lists = ("resource=" + self._resource, "facility=HUB")
        texts = [self._get(f"/api/v1/bookings?{one}&mine=true") for one in lists]
        texts += [self._get(self._feed)] if feeds else []
        for text in texts:
            self.faults += [f"{word} is missing" for word in there if word not in text]
            self.faults += [f"{word} is still there" for word in gone if word in text]

    def _get(self, path: str) -> str:
        connection = http.client.HTTPConnection(urlsplit(self._address).netloc, timeout=30)
        connection.request("GET", path, headers={"Authorization": f"Bearer {self._token}"})
        answer: Any = connection.getresponse()
        text: str = answer.read().decode()
        connection.close()
        return text if answer.status == 200 else f"status {answer.status}"


def test_nobody_reads_what_was_before(served_url: str, rounds: int) -> None:
    made = tokens(served_url, tuple(PLACES))
    with serving(served_url, BOOKING_FEED_RATE="0") as server:
        readers = [Reader(server.address, made[name], place) for name, place in PLACES.items()]
        threads = [threading.Thread(target=reader.work, args=(rounds,)) for reader in readers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert [reader.faults for reader in readers] == [[], [], []]
