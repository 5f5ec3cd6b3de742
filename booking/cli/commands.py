"""All commands under one roof."""

import click
from flask_migrate.cli import db

from booking import __version__
from booking.cli.catalogue import load
from booking.cli.check import check
from booking.cli.copies import backup, restore
from booking.cli.demo import demo
from booking.cli.people import token, user
from booking.cli.serve import serve
from booking.cli.shell import Commands, data_option
from booking.cli.worker import worker


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="booking")
@data_option
def booking() -> None:
    """Hub Booking: bookings of rooms, machines and people's time."""


for command in (demo, serve, worker, load, user, token, check, backup, restore):
    booking.add_command(command)
for verb in db.commands.values():
    data_option(verb)
db.help = "Schema migrations."
booking.add_command(db, "db")
