"""Commands of the console script `booking`."""

from flask import Flask
from flask_migrate import Migrate

from booking import paths
from booking.base.db import db


def init_app(app: Flask) -> None:
    """Give the application its commands."""
    Migrate(app, db, directory=str(paths.MIGRATIONS))
