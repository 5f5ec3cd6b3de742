"""`booking demo`: everything on one machine with one command."""

import os
import secrets
from contextlib import ExitStack
from ipaddress import ip_address
from pathlib import Path

import click
import flask_migrate
from flask import Flask
from sqlalchemy import select

from booking import create_app
from booking.base import clock
from booking.base.db import db
from booking.bookings.models import Booking
from booking.catalogue.actions import load
from booking.catalogue.reading import read
from booking.cli.catalogue import demo_catalogue
from booking.cli.locks import in_use, only_one
from booking.cli.processes import Worker
from booking.cli.serve import THREADS, WORKERS, a_port, address, hand_over, let_go, run_server
from booking.cli.shell import INSTANCE, SECRET_FILE
from booking.demo.fill import fill, set_passwords
from booking.demo.wishes import DOMAIN
from booking.facilities.models import Facility
from booking.notifications.actions import leave_unsent
from booking.people.models import User
from booking.settings import Settings, sqlite_url

PASSWORD = "demo"  # noqa: S105 (it is the demo's, and the demo stays on this machine)
SIGN_INS = {
    "student": "MSc student, full-time",
    "parttime": "MSc student, part-time",
    "researcher": "researcher in vector bioprocessing",
    "amber": "industry user of Partner Amber",
    "birch": "industry user of Partner Birch",
    "cobalt": "industry user of Partner Cobalt",
    "coordinator.amber": "coordinator of Partner Amber",
    "technician": "technician at both sites",
    "trainer": "trainer at both sites",
    "staff": "facility manager of both sites",
    "admin": "administrator",
}


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="0 picks one.")
@click.option(
    "--data",
    default=INSTANCE,
    show_default=True,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Where the database is kept.",
)
@click.option("--fresh", is_flag=True, help="Start over with a new database.")
def demo(host: str, port: int, data: Path, fresh: bool) -> None:
    """Run the demo: a database with two facilities, their people and bookings around today."""
    password = os.environ.get("BOOKING_DEMO_PASSWORD", "")
    notices = []
    if not password:
        notices.append("It answers on this machine only, because BOOKING_DEMO_PASSWORD is not set.")
        if not _is_loopback(host):
            notices.append(f"--host {host} is not used for that reason.")
            host = "127.0.0.1"
    a_port(host, port)  # a fault is told at once, not after everything is made
    data.mkdir(parents=True, exist_ok=True)
    settings = demo_settings(data)
    file = data / "booking.db"
    with ExitStack() as until_the_end:
        with only_one(data / "demo.lock"):
            if fresh:
                _start_over(file)
            prepare(settings, password or PASSWORD)
            until_the_end.enter_context(in_use(file))
        port = a_port(host, port)
        hand_over(settings)
        here = address(host, port)
        os.environ.setdefault("BOOKING_BASE_URL", here.rstrip("/"))
        greet(here, file, password, notices)
        run_server(
            host, port, WORKERS, THREADS, lambda: click.echo(f"Ready: {here}"), Worker(here.rstrip("/"))
        )


def demo_settings(data: Path) -> Settings:
    """Return the settings of the environment with the demo's own database and secret."""
    environment = {name: value for name, value in os.environ.items() if name != "BOOKING_DATABASE_URL"}
    with only_one(data / "demo.lock"):
        secret = environment.get("BOOKING_SECRET_KEY") or _secret(data / SECRET_FILE)
    return Settings.from_environment(environment, database_url=sqlite_url(data), secret_key=secret)


def _secret(file: Path) -> str:
    """Return the secret that is kept in a file, made the first time."""
    if not file.is_file() or not file.read_text(encoding="ascii").strip():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="ascii") as out:
            out.write(secrets.token_urlsafe(32) + "\n")
    return file.read_text(encoding="ascii").strip()


def _start_over(file: Path) -> None:
    with in_use(file, alone=True):
        for tail in ("", "-wal", "-shm", "-journal", "-queue"):
            file.with_name(file.name + tail).unlink(missing_ok=True)


def prepare(settings: Settings, password: str) -> Flask:
    """Bring the demo's database to the newest schema, and fill it if it is empty."""
    app = create_app(settings)
    with app.app_context():
        flask_migrate.upgrade()
        if db.session.scalar(select(Facility.id).limit(1)) is None:
            click.echo("Making the demo's facilities, people and bookings …")
            load(read(demo_catalogue()), clock.now().date())
        if _has_the_demos_people():
            set_passwords(password)
            if db.session.scalar(select(Booking.id).limit(1)) is None:
                fill()
                if settings.mail_url:
                    leave_unsent("Written before the demo was started.")
        let_go()
    return app


def _has_the_demos_people() -> bool:
    query = select(User.id).where(User.email == f"staff@{DOMAIN}")
    return db.session.scalar(query) is not None


def greet(url: str, file: Path, password: str, notices: list[str]) -> None:
    """Say where the demo is and who can sign in."""
    click.echo(f"\nHub Booking, the demo\n\n  Address   {url}\n  Database  {file}\n")
    for name, what in SIGN_INS.items():
        click.echo(f"  {name + '@' + DOMAIN:<32}{what}")
    said = "the one in BOOKING_DEMO_PASSWORD" if password else PASSWORD
    click.echo(f"\n  Password of them all: {said}\n")
    for notice in notices:
        click.echo(f"  {notice}")
    click.echo("  Ctrl-C stops it.\n")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
