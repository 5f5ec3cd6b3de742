"""A password that was forgotten, or is chosen for the first time: by a link that works once."""

from flask import Blueprint, current_app, render_template, request
from werkzeug.wrappers import Response
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from booking.base.errors import NotFound
from booking.people import links
from booking.people.sessions import TooManyFailures
from booking.web import session
from booking.web.editing import EditForm, done
from booking.web.forms import plain_text

bp = Blueprint("password", __name__, url_prefix="/password")


class ForgottenForm(EditForm):
    """Whose password was forgotten."""

    email = StringField(
        "E-mail address",
        [InputRequired("Give your e-mail address."), Length(max=254), plain_text],
        render_kw={"autocomplete": "username", "type": "email"},
    )


class ChooseForm(EditForm):
    """A new password."""

    password = PasswordField(
        "New password",
        description="At least 10 characters; a few words are easy to remember.",
        render_kw={"autocomplete": "new-password"},
    )


@bp.route("/forgot", methods=["GET", "POST"])
def forgot() -> str | tuple[str, int] | tuple[str, int, dict[str, str]]:
    form = ForgottenForm()
    headers = {}
    try:
        if form.sent(lambda: _forgotten(form.email.data or "")):
            mailed = bool(current_app.config["SETTINGS"].mail_url)
            return render_template(
                "password/asked.html", email=(form.email.data or "").strip(), mailed=mailed
            )
    except TooManyFailures as error:
        form.status, form.form_errors = error.status, [str(error)]
        headers = {"Retry-After": str(error.retry_after)}
    return render_template("password/forgot.html", form=form), form.status, headers


def _forgotten(email: str) -> None:
    rate = current_app.config["SETTINGS"].login_rate
    links.forgotten(email, request.remote_addr or "", rate)


@bp.route("/set/<token>", methods=["GET", "POST"])
def choose(token: str) -> Response | tuple[str, int, dict[str, str]]:
    form = ChooseForm()
    try:
        person = links.link_user(token)
        if form.sent(lambda: links.choose_password(token, form.password.data or "")):
            session.sign_out()
            return done("Your new password counts from now on. Sign in with it.", "/login")
    except NotFound as gone:
        return render_template("password/gone.html"), gone.status, _HIDDEN
    return render_template("password/choose.html", form=form, email=person.email), form.status, _HIDDEN


# The address is a secret: it goes neither to other sites nor into caches.
_HIDDEN = {"Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
