"""Hub Booking: the booking system of a biomanufacturing facility. `create_app` puts the house together."""

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from booking import logs
from booking.base import db as database
from booking.base.kept import Kept
from booking.limits import Limits
from booking.settings import Settings

__version__ = "0.1.0"
MOST_KEPT = 64 * 1024 * 1024  # bytes of lists, boards and calendars in memory


def create_app(settings: Settings) -> Flask:
    """Build the application: settings, database, listeners, then the doors."""
    app = without_doors(settings)
    _open_doors(app)
    return app


def without_doors(settings: Settings) -> Flask:
    """Build what stands behind the doors: all that can be done, and no way in."""
    from booking import paths

    app = Flask(__name__, template_folder=str(paths.TEMPLATES), static_folder=str(paths.STATIC))
    app.config.update(
        SETTINGS=settings,
        KEPT=Kept(MOST_KEPT),
        LIMITS=Limits(settings),
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=database.engine_options(settings.database_url),
        MAX_CONTENT_LENGTH=1024 * 1024,
        MAX_FORM_MEMORY_SIZE=1024 * 1024,
        PROPAGATE_EXCEPTIONS=False,
    )
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]
    logs.init_app(app)
    database.init_app(app)
    _listen()
    return app


def _listen() -> None:
    import booking.bookings.listeners
    import booking.calendars.listeners
    import booking.notifications.listeners
    import booking.notifications.training  # noqa: F401


def _open_doors(app: Flask) -> None:
    from booking import api, cli, web

    web.init_app(app)
    api.init_app(app)
    cli.init_app(app)
