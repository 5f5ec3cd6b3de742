"""My account: who I am here, my password, sessions, API tokens, competences and permits, and my mails."""

from collections.abc import Mapping, Sequence
from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for
from flask_login import current_user
from werkzeug.wrappers import Response
from wtforms import IntegerField, PasswordField, RadioField, SelectField

from booking.base import clock
from booking.base.errors import Invalid, NotFound
from booking.facilities import pictures
from booking.facilities.queries import viewer_of
from booking.notifications.kinds import TOPICS, WAYS
from booking.notifications.preferences import preferences_of, set_preferences, topics_for
from booking.people import actions, queries, sessions
from booking.people.sessions import SignInRefused, TooManyFailures
from booking.training.queries import competences_of, permits_of
from booking.web import session, words
from booking.web.admin.parts import address
from booking.web.editing import EditForm, done, text
from booking.web.session import signed_in, the_viewer

bp = Blueprint("account", __name__, url_prefix="/account")
SCOPES = {"read": "Read only", "write": "Read and write"}


class PasswordForm(EditForm):
    """My current password, and a new one."""

    current = PasswordField("Your current password", render_kw={"autocomplete": "current-password"})
    password = PasswordField(
        "New password",
        description="At least 10 characters; a few words are easy to remember.",
        render_kw={"autocomplete": "new-password"},
    )


class TokenForm(EditForm):
    """What a new API token is for, what it may do and how long."""

    name = text("What it is for", "Such as the script or the machine that uses it.")
    scope = SelectField("It may", choices=SCOPES)
    days = IntegerField("Days until it ends", description=f"From 1 to {actions.MAX_TOKEN_DAYS}.", default=90)


@bp.get("")
@signed_in
def index() -> str:
    viewer = the_viewer()
    duties = pictures.of_duties(viewer.id)
    return render_template(
        "account/index.html",
        group=actions.find_person(viewer.public_id).group,
        duties=[(code, ", ".join(held).replace("_", " ")) for code, held in duties.items()],
        coordinates=queries.coordinated_by(viewer.id),
        projects=queries.projects_of(viewer.id),
        competences=competences_of(viewer.id),
        permits=permits_of(viewer.id, viewer.projects),
        today=clock.now().date(),
        sign_ins=_sign_ins(viewer.id),
        tokens=_tokens(viewer.id),
    )


def _sign_ins(user_id: int) -> list[dict[str, Any]]:
    here = sessions.digest(current_user.id)
    return [
        {
            "id": one.public_id,
            "device": device_words(one.device),
            "since": words.moment(one.created_at),
            "seen": words.moment(one.last_seen_at),
            "here": one.token_hash == here,
        }
        for one in sessions.open_sessions(user_id)
    ]


def device_words(agent: str) -> str:
    """Name a browser and its system from what it calls itself."""
    browsers = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari"))
    systems = (
        ("Android", "Android"),
        ("iPhone", "an iPhone"),
        ("iPad", "an iPad"),
        ("Windows", "Windows"),
        ("Mac OS", "a Mac"),
        ("Linux", "Linux"),
    )
    browser = next((name for mark, name in browsers if mark in agent), "")
    system = next((name for mark, name in systems if mark in agent), "")
    return f"{browser or 'A program'} on {system}" if system else browser or "A program"


def _tokens(user_id: int) -> list[dict[str, Any]]:
    now = clock.now()
    return [
        {
            "id": one.public_id,
            "name": one.name,
            "scope": SCOPES[one.scope],
            "made": words.day(one.created_at, "Europe/London"),
            "ends": words.day(one.expires_at, "Europe/London") if one.expires_at else "never",
            "ended": one.expires_at is not None and one.expires_at <= now,
            "used": words.moment(one.last_used_at) if one.last_used_at else "never",
        }
        for one in sessions.tokens_of(user_id)
    ]


# --- password --------------------------------------------------------------------------------------


@bp.route("/password", methods=["GET", "POST"])
@signed_in
def password() -> Response | str | tuple[str, int] | tuple[str, int, dict[str, str]]:
    form = PasswordForm()
    headers = {}
    try:
        if form.sent(lambda: _change_password(form.current.data or "", form.password.data or "")):
            return done(
                "Your new password counts from now on; all other sessions were ended.", url_for(".index")
            )
    except TooManyFailures as error:
        form.status, form.form_errors = error.status, [str(error)]
        headers = {"Retry-After": str(error.retry_after)}
    return render_template("account/password.html", form=form), form.status, headers


def _change_password(current: str, new: str) -> None:
    """Check the current password as a sign-in does, throttled alike; store the new one and sign in anew."""
    viewer = the_viewer()
    try:
        proof = _sign_in(viewer.email, current)
    except SignInRefused:
        raise Invalid({"current": ["This is not your current password."]}) from None
    try:
        actions.change_own_password(new, viewer)
    finally:
        sessions.sign_out(proof)
    token = _sign_in(viewer.email, new)
    again = viewer_of(viewer.id)
    if again is None:
        raise NotFound
    session.sign_in(token, again)


def _sign_in(email: str, password: str) -> str:
    rate = current_app.config["SETTINGS"].login_rate
    return sessions.sign_in(email, password, request.remote_addr or "", request.user_agent.string, rate)


# --- sessions and tokens ---------------------------------------------------------------------------


@bp.post("/sessions/<session_id>/end")
@signed_in
def end_session(session_id: str) -> Response:
    viewer = the_viewer()
    if session_id not in {one.public_id for one in sessions.open_sessions(viewer.id)}:
        raise NotFound
    sessions.revoke_session(session_id, viewer)
    return done("That session was ended.", url_for(".index") + "#sessions")


@bp.route("/tokens/new", methods=["GET", "POST"])
@signed_in
def new_token() -> tuple[str, int, dict[str, str]]:
    viewer = the_viewer()
    form = TokenForm(data={"scope": "read", "days": 90})

    def act() -> str:
        return actions.make_token(form.name.data or "", form.scope.data, form.days.data, viewer)

    if form.sent(act):
        name = (form.name.data or "").strip()
        page = render_template("account/token.html", token=form.stored, name=name)
        return page, 200, {"Cache-Control": "no-store"}
    return render_template("account/new_token.html", form=form), form.status, {}


@bp.post("/tokens/<token_id>/end")
@signed_in
def end_token(token_id: str) -> Response:
    viewer = the_viewer()
    if token_id not in {one.public_id for one in sessions.tokens_of(viewer.id)}:
        raise NotFound
    sessions.revoke_token(token_id, viewer)
    return done("That token no longer works.", url_for(".index") + "#tokens")


# --- what I am mailed ------------------------------------------------------------------------------


def _mail_form(topics: Sequence[str], chosen: Mapping[str, str]) -> EditForm:
    """Build a form with a choice for each topic that I may get mails of."""
    fields = {
        topic: RadioField(
            TOPICS[topic].label,
            choices={way: WAYS[way] for way in TOPICS[topic].ways},
            description=TOPICS[topic].hint,
        )
        for topic in topics
    }
    form: EditForm = type("MailForm", (EditForm,), fields)(data=chosen)
    return form


@bp.route("/mail", methods=["GET", "POST"])
@signed_in
def mail() -> Response | tuple[str, int]:
    viewer = the_viewer()
    topics = topics_for(viewer)
    form = _mail_form(topics, preferences_of(viewer.id))
    if form.sent(lambda: set_preferences({topic: form[topic].data for topic in topics}, viewer)):
        return done("Stored.", url_for(".index"))
    return render_template("account/mail.html", form=form), form.status


# --- the people whom a coordinator looks after -----------------------------------------------------


@bp.get("/people")
@signed_in
def people() -> str:
    viewer = the_viewer()
    if not viewer.coordinates:
        raise NotFound
    after = request.args.get("after", "")
    rows = queries.people(request.args.get("q", ""), None, viewer.coordinates, True, after)
    last = rows[queries.PAGE - 1][0].public_id if len(rows) > queries.PAGE else None
    q = request.args.get("q", "")[:100]
    return render_template(
        "account/people.html",
        rows=[
            (user.name, address(user.email), user.group or "–", of.name) for user, of in rows[: queries.PAGE]
        ],
        q=q,
        next_page=url_for(".people", q=q or None, after=last) if last else None,
    )
