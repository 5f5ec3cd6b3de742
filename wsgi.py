"""The WSGI application for any server, such as `gunicorn wsgi:app`: settings come from the environment."""

from booking.wsgi import app

__all__ = ["app"]
