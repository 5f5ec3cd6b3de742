"""Commands of the console script `booking`."""

from dotenv import find_dotenv, load_dotenv
from flask import Flask
from flask_migrate import Migrate

from booking import paths
from booking.base.db import db


def init_app(app: Flask) -> None:
    """Let the application find its migrations."""
    Migrate(app, db, directory=str(paths.MIGRATIONS))


def main() -> None:
    """Run the command that the terminal asks for."""
    from booking.cli.commands import booking
    from booking.cli.shell import Shell

    load_dotenv(find_dotenv(usecwd=True))
    booking.main(prog_name="booking", obj=Shell())
