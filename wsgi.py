"""The WSGI application for any server: settings come from the environment."""

import os

from dotenv import load_dotenv

from booking import create_app
from booking.settings import Settings

load_dotenv()
app = create_app(Settings.from_environment(os.environ))
