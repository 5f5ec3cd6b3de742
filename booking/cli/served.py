"""The application as the server's processes import it: it ends with the process that started them."""

from booking.cli.processes import end_with_parent
from booking.wsgi import app

__all__ = ["app"]

end_with_parent()
