"""The outbox: mails that wait, failed, were given up or sent, each to be read; and the timed acts behind."""

from typing import Any

from flask import Blueprint, current_app, render_template, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response

from booking.base.work import Work
from booking.facilities.queries import viewer_of
from booking.notifications import actions, queries
from booking.notifications.mails import Mail, mail_of
from booking.notifications.models import OutboxMessage
from booking.notifications.notices import NotWanted
from booking.web import words
from booking.web.admin.parts import PAGE, Filter, history_of, link, list_page, page_of
from booking.web.editing import done
from booking.web.session import the_viewer

bp = Blueprint("outbox", __name__, url_prefix="/outbox")
STATES = {state: label for state, label in queries.STATES.items() if state != "waiting"}
AWAY = "No mail server is set (BOOKING_MAIL_URL): mails stay here."


def count_to_look_at() -> int:
    """Count the mails that wait or were given up."""
    return queries.count_to_look_at(the_viewer())


def _before() -> int | None:
    text = request.args.get("after", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None


@bp.get("")
def index() -> str:
    choice = Filter("state", "State", STATES, queries.STATES["waiting"])
    rows = queries.messages(the_viewer(), choice.value or "waiting", _before(), PAGE + 1)
    page, last = page_of(rows, lambda row: row[0].id)
    cells = [
        (
            link(kind_words(message.kind), url_for(".show", message_id=message.public_id)),
            link(name, url_for("admin.people.show", public_id=public_id)),
            words.moment(message.due_at),
            *_tried(message),
        )
        for message, name, public_id in page
    ]
    away = "" if current_app.config["SETTINGS"].mail_url else AWAY
    given_up = " (some were given up)" if queries.dead_acts(1) else ""
    lead = Markup('{} <a href="{}">Timed acts</a>{}').format(away, url_for(".acts"), given_up)
    head = ("Mail", "For", "Due", "Tries", "Last answer")
    return list_page("Outbox", head, cells, (choice,), after=last, lead=lead, numeric=(3,))


def kind_words(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


def _tried(row: Work) -> tuple[str, str]:
    return str(row.tries), row.last_error or "–"


@bp.get("/<message_id>")
def show(message_id: str) -> str:
    message = queries.find_message(message_id, the_viewer())
    state = queries.state_of(message)
    return render_template(
        "admin/outbox/show.html",
        message=message,
        kind=kind_words(message.kind),
        state=queries.STATES[state],
        moments=_moments(message),
        mail=_as_it_reads_now(message),
        may_retry=actions.may_retry(message),
        may_give_up=state in ("waiting", "failed", "planned", "digest"),
        history=history_of("outbox", message.id),
    )


def _moments(message: OutboxMessage) -> list[tuple[str, str]]:
    found: list[tuple[str, Any]] = [
        ("Written", message.created_at),
        ("Due", message.due_at),
        ("Next try", message.next_try_at),
        ("Sent", message.sent_at),
        ("Given up", message.dead_at),
    ]
    return [(label, words.moment(moment)) for label, moment in found if moment is not None]


def _as_it_reads_now(message: OutboxMessage) -> Mail | None:
    recipient = viewer_of(message.recipient_id)
    if recipient is None:
        return None
    base_url = current_app.config["SETTINGS"].base_url or request.url_root
    try:
        return mail_of(message, recipient, base_url)
    except NotWanted:
        return None


@bp.post("/<message_id>/retry")
def retry(message_id: str) -> Response:
    actions.retry(message_id, the_viewer())
    return done("It is tried again within seconds.", url_for(".show", message_id=message_id))


@bp.post("/<message_id>/give-up")
def give_up(message_id: str) -> Response:
    actions.give_up(message_id, the_viewer())
    return done("It is not sent any more.", url_for(".show", message_id=message_id))


# --- timed acts ------------------------------------------------------------------------------------


@bp.get("/acts")
def acts() -> str:
    before = _before()
    page, last = page_of(queries.planned_acts(before, PAGE + 1), lambda act: act.id)
    dead = queries.dead_acts(PAGE) if before is None else []
    rows = [
        {
            "id": act.id,
            "kind": kind_words(act.kind),
            "due": words.moment(act.due_at),
            "state": queries.STATES[queries.state_of(act)],
            "error": act.last_error,
            "may_retry": act.dead_at is not None,
        }
        for act in (*dead, *page)
    ]
    next_page = url_for(".acts", after=last) if last is not None else None
    return render_template("admin/outbox/acts.html", rows=rows, next_page=next_page)


@bp.post("/acts/<int:act_id>/retry")
def retry_act(act_id: int) -> Response:
    actions.retry_act(act_id, the_viewer())
    return done("It is tried again within seconds.", url_for(".acts"))
