"""Administration: a part for each kind of thing. Staff read it all; the actions say who may change what."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from werkzeug.wrappers import Response

from booking.base.errors import NotFound
from booking.facilities.queries import places
from booking.people import queries
from booking.people.permissions import Permission, able_to
from booking.web import session
from booking.web.admin import (
    approvals,
    banners,
    closures,
    facilities,
    organisations,
    outbox,
    overrides,
    people,
    permits,
    policies,
    projects,
    quotas,
    resources,
    rooms,
    training,
)

bp = Blueprint("admin", __name__, url_prefix="/admin")
SECTIONS = {
    "people": ("People", "Accounts, roles, duties, passwords"),
    "organisations": ("Organisations", "Companies and universities, their aliases and coordinators"),
    "projects": ("Projects", "Who works together, and what is confidential"),
    "facilities": ("Facilities", "Hours, bank holidays, the day on which each opens"),
    "rooms": ("Rooms", "Classes and the most persons"),
    "resources": ("Resources", "What can be booked, its units, twins and lifecycle"),
    "policies": ("Policies", "Who may book what, how long, how far ahead"),
    "approvals": ("Approvals", "When bookings need approval, by whom, and who owns what"),
    "quotas": ("Quotas", "How much each person or group may book in a day, week or month"),
    "closures": ("Closures", "Days on which something is closed"),
    "banners": ("Notice board", "What everybody at a facility or in a room is to know"),
    "training": ("Training", "Modules, what resources ask for, what ends soon"),
    "permits": ("Permits", "Who is permitted what until when, and what asks for a permit"),
    "overrides": ("Overrides", "Which rules were overruled, by whom and why"),
    "outbox": ("Outbox", "Mails that wait, failed or were sent, and timed acts"),
}
for module in (
    people,
    organisations,
    projects,
    facilities,
    rooms,
    resources,
    policies,
    approvals,
    quotas,
    closures,
    banners,
    training,
    permits,
    overrides,
    outbox,
):
    bp.register_blueprint(module.bp)


@bp.before_request
def let_in() -> Response | None:
    """Let only staff and administrators in; for all others there is nothing here."""
    viewer = session.current_viewer()
    if viewer is None:
        return session.to_sign_in()
    if not able_to(viewer, Permission.READ_ADMINISTRATION):
        raise NotFound
    return None


@bp.context_processor
def frame() -> dict[str, Any]:
    """Return the tabs of every page of administration."""
    here = (request.endpoint or "").split(".")
    tabs = [
        {"label": label, "href": url_for(f"admin.{name}.index"), "current": name in here}
        for name, (label, _) in SECTIONS.items()
    ]
    return {"sections": tabs}


@bp.get("")
def index() -> str:
    catalogue = places()
    counts = queries.counts() | {
        "facilities": len(catalogue.facilities),
        "rooms": len(catalogue.rooms),
        "resources": len(catalogue.resources),
        "outbox": outbox.count_to_look_at(),
    }
    cards = [
        {"label": label, "note": note, "href": url_for(f"admin.{name}.index"), "count": counts.get(name)}
        for name, (label, note) in SECTIONS.items()
    ]
    return render_template("admin/index.html", cards=cards)
