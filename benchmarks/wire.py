"""HTTP/1.1 on a kept-alive socket, with so little work of its own that the server is what is measured."""

import json
import socket
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

TIMEOUT = 60
PIECE = 256 * 1024


@dataclass(frozen=True)
class Reply:
    """A whole answer."""

    status: int
    head: bytes
    body: bytes

    def header(self, name: str) -> str:
        """Return a header's value, or an empty text."""
        found = _field(self.head, name.lower().encode())
        return found.decode("latin-1")

    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One client's connection."""

    def __init__(self, address: str) -> None:
        host = urlsplit(address)
        self._socket = socket.create_connection((host.hostname, host.port), timeout=TIMEOUT)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def ask(self, request: bytes) -> Reply:
        """Send a request and read the whole answer to it."""
        self._socket.sendall(request)
        got = b""
        while (end := got.find(b"\r\n\r\n")) < 0:
            got += self._more()
        head, status = got[: end + 2], int(got[9:12])
        if status in (204, 304):
            return Reply(status, head, b"")
        return Reply(status, head, self._rest(got[end + 4 :], int(_field(head, b"content-length"))))

    def _rest(self, body: bytes, length: int) -> bytes:
        pieces, missing = [body], length - len(body)
        while missing > 0:
            pieces.append(self._more())
            missing -= len(pieces[-1])
        return b"".join(pieces)

    def _more(self) -> bytes:
        piece = self._socket.recv(PIECE)
        if not piece:
            raise ConnectionError("the server closed the connection")
        return piece


def _field(head: bytes, name: bytes) -> bytes:
    lower = head.lower()
    at = lower.find(b"\r\n" + name + b":")
    if at < 0:
        return b""
    start = at + len(name) + 3
    return head[start : head.index(b"\r\n", start)].strip()


def request(method: str, path: str, body: Any = None, **headers: str) -> bytes:
    """Build a request; an underscore in a header's name stands for a hyphen."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    content = b"" if body is None else json.dumps(body).encode()
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join((*lines, "", "")).encode("latin-1") + content


def bearer(token: str) -> dict[str, str]:
    """Return the header that signs in by API token."""
    return {"Authorization": f"Bearer {token}"}
