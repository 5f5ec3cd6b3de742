"""Who is signed in: the browser's cookie names a session that the server holds and can revoke."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import quote

from flask import Flask, g, redirect, request, session, url_for
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from werkzeug.wrappers import Response

from booking.base.errors import NotFound
from booking.facilities.queries import viewer_of
from booking.people import sessions
from booking.people.viewer import Viewer

View = TypeVar("View", bound=Callable[..., Any])
manager = LoginManager()


class SignedIn(UserMixin):
    """What Flask-Login keeps of a person: the session's token and who it belongs to."""

    def __init__(self, token: str, viewer: Viewer) -> None:
        self.id = token
        self.viewer = viewer


@manager.user_loader
def load(token: str) -> SignedIn | None:
    user_id = sessions.session_user_id(token)
    viewer = viewer_of(user_id) if user_id is not None else None
    return SignedIn(token, viewer) if viewer is not None else None


def init_app(app: Flask) -> None:
    """Set up sign-in by cookie."""
    manager.session_protection = None
    manager.init_app(app)


def current_viewer() -> Viewer | None:
    """Return who is signed in, or None."""
    if "viewer" not in g:
        g.viewer = current_user.viewer if current_user.is_authenticated else None
    viewer: Viewer | None = g.viewer
    return viewer


def the_viewer() -> Viewer:
    """Return who is signed in; only where `signed_in` stands guard."""
    viewer = current_viewer()
    if viewer is None:
        raise NotFound
    return viewer


def sign_in(token: str, viewer: Viewer) -> None:
    """Start a session in this browser; whatever the old one held is forgotten."""
    session.clear()
    session.permanent = True
    login_user(SignedIn(token, viewer))
    g.viewer = viewer


def sign_out() -> None:
    """End the session on the server and in the browser."""
    if current_user.is_authenticated:
        sessions.sign_out(current_user.id)
    logout_user()
    session.clear()
    g.viewer = None


def signed_in(view: View) -> View:
    """Let only signed-in people in; others are sent to sign in and come back."""

    @wraps(view)
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if current_viewer() is None:
            return to_sign_in()
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]


def to_sign_in() -> Response:
    """Send to the sign-in page, with the way back."""
    back = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return redirect(f"{url_for('login.login')}?next={quote(back, safe='')}")


def staff_only(view: View) -> View:
    """Let only facility staff and admins in; for all others there is nothing here."""

    @wraps(view)
    @signed_in
    def guarded(*args: Any, **kwargs: Any) -> Any:
        if not the_viewer().staffs_anything:
            raise NotFound
        return view(*args, **kwargs)

    return guarded  # type: ignore[return-value]
