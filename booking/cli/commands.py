"""All commands under one roof."""

from pathlib import Path

import click
from flask_migrate.cli import db

from booking import __version__
from booking.cli.catalogue import load
from booking.cli.check import check
from booking.cli.copies import backup, restore
from booking.cli.demo import demo
from booking.cli.people import token, user
from booking.cli.serve import serve
from booking.cli.shell import Commands, Shell, data_option
from booking.cli.worker import worker


class Migrations(click.Group):
    """Flask-Migrate's commands; they make the application before a verb's own options are read."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        for word, value in zip(args, [*args[1:], ""], strict=True):
            name, _, given = word.partition("=")
            if name == "--data" and (given or value):
                ctx.ensure_object(Shell).folder = Path(given or value)
        return super().parse_args(ctx, args)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="booking")
@data_option
def booking() -> None:
    """Hub Booking: bookings of rooms, machines and people's time."""


for command in (demo, serve, worker, load, user, token, check, backup, restore):
    booking.add_command(command)
for verb in db.commands.values():
    data_option(verb)
booking.add_command(
    Migrations("db", db.commands, callback=db.callback, params=db.params, help="Schema migrations.")
)
