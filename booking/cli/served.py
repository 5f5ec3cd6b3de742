"""The application as the server's processes import it, once they are set apart from the terminal."""

from booking.cli.processes import set_apart

set_apart()

from booking.wsgi import app  # noqa: E402 (signals first)

__all__ = ["app"]
