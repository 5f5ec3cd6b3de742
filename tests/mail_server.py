"""A real mail server on loopback that keeps what it takes, and refuses or hangs as it is told."""

import email
import email.policy
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

Answer = Callable[["MailBox", str], str]


def accept(_: "MailBox", __: str) -> str:
    return "250 OK"


class MailBox:
    """What arrived; `at_recipient` and `at_data` say how the server answers an address."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.connections = 0
        self.port = 0
        self.at_recipient: Answer = accept
        self.at_data: Answer = accept

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.mails]

    def subjects(self) -> list[str]:
        return [str(mail["Subject"]) for mail in self.mails]

    # --- what aiosmtpd calls

    async def handle_EHLO(
        self, _: Any, session: Any, __: Any, hostname: str, answers: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return answers

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, options: Any) -> str:
        answer = self.at_recipient(self, address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, _: Any, __: Any, envelope: Any) -> str:
        answer = self.at_data(self, envelope.rcpt_tos[0])
        if answer.startswith("250"):
            mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
            self.mails.append(mail)  # type: ignore[arg-type]
            self.recipients += envelope.rcpt_tos
        return answer


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def mail_server(port: int = 0, **options: Any) -> Iterator[MailBox]:
    """Run a mail server for the length of a block; options are aiosmtpd's."""
    box = MailBox()
    box.port = port or free_port()
    controller = Controller(box, hostname="127.0.0.1", port=box.port, **options)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def hang(seconds: float) -> Answer:
    """Answer only after a while."""

    def wait(_: MailBox, __: str) -> str:
        time.sleep(seconds)
        return "250 OK"

    return wait
