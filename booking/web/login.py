"""Signing in and out."""

from urllib.parse import urlsplit

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask_wtf import FlaskForm
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from booking.facilities.queries import viewer_of
from booking.people import sessions
from booking.people.sessions import SignInRefused, TooManyFailures
from booking.web import session
from booking.web.forms import plain_text

bp = Blueprint("login", __name__)


class SignInForm(FlaskForm):
    """E-mail address and password."""

    email = StringField(
        "E-mail address",
        [InputRequired("Give your e-mail address."), Length(max=254), plain_text],
        render_kw={"autocomplete": "username", "type": "email"},
    )
    password = PasswordField(
        "Password",
        [InputRequired("Give your password."), Length(max=200)],
        render_kw={"autocomplete": "current-password"},
    )


@bp.route("/login", methods=["GET", "POST"])
def login() -> str | Response | tuple[str, int] | tuple[str, int, dict[str, str]]:
    back = safe_path(request.values.get("next", ""))
    if session.current_viewer() is not None:
        return redirect(back)
    form = SignInForm()
    if request.method == "GET":
        return render_template("login/login.html", form=form, back=back, problem=None)
    if not form.validate():
        return render_template("login/login.html", form=form, back=back, problem=None), 422
    try:
        _start(form.email.data or "", form.password.data or "")
    except (SignInRefused, TooManyFailures) as error:
        headers = {"Retry-After": str(error.retry_after)} if isinstance(error, TooManyFailures) else {}
        answer = render_template("login/login.html", form=form, back=back, problem=str(error))
        return answer, error.status, headers
    return redirect(back, 303)


def _start(email: str, password: str) -> None:
    token = sessions.sign_in(
        email,
        password,
        request.remote_addr or "",
        request.user_agent.string,
        current_app.config["SETTINGS"].login_rate,
    )
    user_id = sessions.session_user_id(token)
    viewer = viewer_of(user_id) if user_id is not None else None
    if viewer is None:
        raise SignInRefused("E-mail address and password do not fit together.")
    session.sign_in(token, viewer)


@bp.post("/logout")
def logout() -> Response:
    session.sign_out()
    return redirect(url_for("login.login"), 303)


def safe_path(target: str) -> str:
    """Return a path of our own to go on to; anything else becomes the start page."""
    parts = urlsplit(target)
    inside = target.startswith("/") and not target.startswith(("//", "/\\"))
    clean = target.isprintable() and "\\" not in target
    return target if inside and clean and not parts.netloc and not parts.scheme else "/"
