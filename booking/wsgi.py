"""The WSGI application for any server: `booking.wsgi:app`, with the settings of the environment."""

import os

from dotenv import find_dotenv, load_dotenv

from booking import create_app
from booking.settings import Settings

load_dotenv(find_dotenv(usecwd=True))
app = create_app(Settings.from_environment(os.environ))
