"""Calendar subscriptions: the page of my links, and the addresses of the calendars behind them."""

from typing import Any
from urllib.parse import quote

import segno
from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState
from flask_wtf import FlaskForm
from markupsafe import Markup
from werkzeug.wrappers import Response
from wtforms import RadioField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from booking.base.errors import Invalid, NotFound
from booking.calendars.actions import MAX_LABEL, create_feed, replace_feed, revoke_feed
from booking.calendars.models import Feed
from booking.calendars.queries import Link, choices_of, feeds_of, link_by_id, links_to, subjects
from booking.people.viewer import Viewer
from booking.settings import Settings
from booking.web import feeds_served, words
from booking.web.forms import plain_text, put_errors
from booking.web.session import signed_in, the_viewer

bp = Blueprint("feeds", __name__, url_prefix="/feeds")
OUTLOOK = "https://outlook.office.com/calendar/0/addfromweb?url="
GOOGLE = "https://calendar.google.com/calendar/r?cid="


@bp.route("/<path:token>.ics", methods=["GET"], provide_automatic_options=False)
def calendar(token: str) -> Response:
    return feeds_served.answer(token)


@bp.before_app_request
def answer_plainly() -> Response | None:
    """Catch what only resembles a calendar's address: no redirect, no page."""
    if request.path.startswith("/feeds/") and request.routing_exception is not None:
        return feeds_served.not_a_calendar(request.routing_exception)
    return None


@bp.record_once
def keep_sessions_out(setup: BlueprintSetupState) -> None:
    """See to it that fetching a calendar neither reads nor sends a cookie."""
    app: Any = setup.app
    app.session_interface = feeds_served.SessionForBrowsers()


DETAIL_WORDS = {
    "full": "Everything that I may see",
    "busy": "Busy times only",
}


class LinkForm(FlaskForm):
    """What a new link shows, and what its owner calls it."""

    scope = SelectField("What it shows", [InputRequired("Choose what the calendar shows.")])
    detail = RadioField(
        "How much",
        [InputRequired("Choose how much it shows.")],
        choices=[SelectChoice(value, label) for value, label in DETAIL_WORDS.items()],
        default="full",
        description="If what you may see changes, the calendar follows when it is next fetched.",
    )
    label = StringField(
        "Name of the link",
        [Optional(), Length(max=MAX_LABEL), plain_text],
        description="For you to know it by, such as “Phone” or “Outlook at work”.",
    )


@bp.get("")
@signed_in
def index() -> str:
    """Show my links, and for staff those of a project or an organisation."""
    form = _form(the_viewer())
    asked = request.args.get("scope", "")
    form.scope.data = asked if asked in _values(form) else "me"
    form.detail.data = "busy" if request.args.get("detail") == "busy" else "full"
    return _page(form)


@bp.post("")
@signed_in
def create() -> tuple[str, int] | Response:
    form = _form(the_viewer())
    if not form.validate():
        return _page(form), 422
    try:
        made = create_feed(
            the_viewer(), form.scope.data or "", form.detail.data or "", (form.label.data or "").strip()
        )
    except Invalid as error:
        return _page(form, extra=put_errors(form, error, {})), 422
    return _shown_once(*made)


@bp.route("/<public_id>/replace", methods=["GET", "POST"])
@signed_in
def replace(public_id: str) -> str | Response:
    """Ask first: whoever has the old address loses the calendar."""
    if request.method == "GET":
        return _ask("replace", public_id)
    return _shown_once(*replace_feed(public_id, the_viewer()))


@bp.route("/<public_id>/revoke", methods=["GET", "POST"])
@signed_in
def revoke(public_id: str) -> str | Response:
    if request.method == "GET":
        return _ask("revoke", public_id)
    revoke_feed(public_id, the_viewer())
    flash("The link is withdrawn. Calendars that subscribed to it are emptied when they next ask.", "success")
    return redirect(url_for("feeds.index"), 303)


def _ask(what: str, public_id: str) -> str:
    link = link_by_id(public_id, the_viewer())
    mine = link.owner_id == the_viewer().id
    if link.withdrawn_at is not None or (what == "replace" and not mine):
        raise NotFound
    return render_template("feeds/ask.html", what=what, row=_row(link), mine=mine)


def _form(viewer: Viewer) -> LinkForm:
    form = LinkForm()
    form.scope.choices = _choices(viewer)
    return form


def _choices(viewer: Viewer) -> dict[str, list[SelectChoice]]:
    return {
        group: [SelectChoice(value, label) for value, label in rows]
        for group, rows in choices_of(viewer).items()
    }


def _values(form: LinkForm) -> set[str]:
    return {choice.value for group in form.scope.choices.values() for choice in group}


def _others(subject: str) -> dict[str, Any]:
    """Return the links to a project or organisation that staff ask about, and what they may ask about."""
    try:
        rows = [_row(link) for link in links_to(subject, the_viewer())] if subject else []
    except NotFound:
        rows = []
    return {"of": subject, "rows": rows, "choices": subjects()}


def _page(form: LinkForm, extra: list[tuple[str, None]] | None = None) -> str:
    viewer = the_viewer()
    of = request.args.get("of", "").strip()[:MAX_LABEL]
    return render_template(
        "feeds/index.html",
        form=form,
        rows=[_row(link) for link in feeds_of(viewer)],
        extra=extra or [],
        others=_others(of) if viewer.staffs_anything else None,
    )


def _row(link: Link) -> dict[str, Any]:
    """Put a link into words."""
    fetched = "Not yet"
    if link.fetched_at is not None:
        fetched = f"{words.moment(link.fetched_at, link.timezone)} by {link.fetched_by}"
    return {
        "id": link.public_id,
        "label": link.label or "No name",
        "shows": "My bookings" if link.scope == "me" else f"{link.name} ({link.code})",
        "detail": DETAIL_WORDS[link.detail],
        "made": words.day(link.created_at, link.timezone),
        "fetched": fetched,
        "owner": link.owner,
    }


def _shown_once(feed: Feed, token: str) -> Response:
    """Show a new link's address: it cannot be shown again, as only its hash is stored."""
    link = link_by_id(feed.public_id, the_viewer())
    page = render_template("feeds/made.html", row=_row(link), **addresses(token))
    response = current_app.make_response(page)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def addresses(token: str) -> dict[str, Any]:
    """Return a calendar's address in the forms that programs ask for."""
    settings: Settings = current_app.config["SETTINGS"]
    url = f"{(settings.base_url or request.url_root).rstrip('/')}/feeds/{token}.ics"
    code = segno.make(url)
    webcal = "webcal" + url[url.index(":") :]
    return {
        "url": url,
        "webcal": webcal,
        "google": GOOGLE + quote(webcal, safe=""),
        "outlook": OUTLOOK + quote(url, safe=""),
        "qr": Markup(code.svg_inline(scale=4, light="#fff", title="QR code of this address")),  # noqa: S704
    }
