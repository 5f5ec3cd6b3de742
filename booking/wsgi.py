"""The WSGI application for any server: `booking.wsgi:app`, with the settings of the environment."""

import os
from pathlib import Path

from dotenv import find_dotenv, load_dotenv

from booking import create_app
from booking.settings import Settings, sqlite_url

load_dotenv(find_dotenv(usecwd=True))
os.environ.setdefault("BOOKING_DATABASE_URL", sqlite_url(Path("instance")))
app = create_app(Settings.from_environment(os.environ))
