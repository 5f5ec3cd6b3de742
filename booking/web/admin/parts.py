"""What the pages of administration are built from: lists with search and paging, forms, histories."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import render_template, request, url_for
from markupsafe import Markup
from sqlalchemy import select

from booking.base.audit import AuditEntry
from booking.base.db import db
from booking.bookings.affected import Affected
from booking.bookings.queries import details
from booking.bookings.visibility import Level
from booking.facilities.models import HOURS
from booking.facilities.places import FacilityPlace
from booking.facilities.queries import places
from booking.people.permissions import Permission, able_to
from booking.people.queries import names_of
from booking.web import words
from booking.web.editing import EditForm
from booking.web.session import the_viewer
from booking.web.views import row_of

PAGE = 50
Row = TypeVar("Row")


# --- lists -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Filter:
    """One control above a list: a search box, or a choice where there are some."""

    name: str
    label: str
    choices: Mapping[str, str] | None = None
    everything: str = "All"

    @property
    def value(self) -> str:
        given = request.args.get(self.name, "")[:100]
        return given if self.choices is None or given in self.choices else ""


def list_page(
    heading: str,
    head: Sequence[str],
    rows: Iterable[Sequence[Any]],
    filters: Sequence[Filter],
    *,
    after: Any = None,
    add: tuple[str, str] | None = None,
    lead: str = "",
    numeric: Sequence[int] = (),
) -> str:
    """Show a page of a list; `after` is the key of its last row if there are more."""
    kept: dict[str, Any] = {one.name: one.value for one in filters if one.value}
    return render_template(
        "admin/list.html",
        heading=heading,
        lead=lead,
        head=head,
        rows=list(rows),
        numeric=numeric,
        filters=filters,
        filtered=bool(kept),
        add=add,
        first_page=url_for(request.endpoint or "", **kept) if request.args.get("after") else None,
        next_page=url_for(request.endpoint or "", **kept, after=after) if after is not None else None,
    )


def page_of(rows: Sequence[Row], key: Callable[[Row], Any], size: int = PAGE) -> tuple[Sequence[Row], Any]:
    """Cut one page off rows that were read with one too many; return it with the key to go on from."""
    return rows[:size], key(rows[size - 1]) if len(rows) > size else None


def page_after(rows: Sequence[Row], key: Callable[[Row], Any], size: int = PAGE) -> tuple[Sequence[Row], Any]:
    """Cut a page out of rows held in memory, beginning after the key in the address."""
    keys = [str(key(row)) for row in rows]
    after = request.args.get("after", "")
    start = keys.index(after) + 1 if after in keys else 0
    return page_of(rows[start : start + size + 1], key, size)


def link(label: str, href: str) -> Markup:
    return Markup('<a href="{}">{}</a>').format(href, label)


def with_code(label: str, code: str, href: str) -> Markup:
    """Return a linked name with its code beside it."""
    return Markup('<div><a href="{}">{}</a> <span class="quiet">{}</span></div>').format(href, label, code)


def address(email: str) -> Markup:
    """Return an e-mail address that may break at its sign, for narrow screens."""
    name, _, place = email.partition("@")
    return Markup("<div>{}@<wbr>{}</div>").format(name, place)


def yes(value: bool) -> str:
    return "yes" if value else "no"


# --- forms -----------------------------------------------------------------------------------------


def form_page(
    heading: str, form: EditForm, back: str, *, crumb: tuple[str, str] | None = None, **more: Any
) -> tuple[str, int]:
    """Show a form, with the answer's status that fits it."""
    template = more.pop("template", "admin/form.html")
    context = {"lead": "", "submit": "Store", "groups": {}, "hints": (), "history": []} | more
    page = render_template(template, heading=heading, form=form, back=back, crumb=crumb, **context)
    return page, form.status


def facility_choices(viewer_only: bool = True) -> dict[str, str]:
    """Return the facilities that I may change, for a list to choose from."""
    viewer = the_viewer()
    return {
        one.code: one.name
        for one in places().facilities.values()
        if not viewer_only or able_to(viewer, Permission.CHANGE_FACILITY, one.id)
    }


def may_change(facility_id: int) -> bool:
    return able_to(the_viewer(), Permission.CHANGE_FACILITY, facility_id)


def may_change_any() -> bool:
    return bool(facility_choices())


def the_facility() -> FacilityPlace | None:
    """Return the facility that a new thing is for: the one in the address, else the only one that is mine."""
    mine = facility_choices()
    asked = request.values.get("facility", "")
    code = asked if asked in mine else next(iter(mine)) if len(mine) == 1 else ""
    return places().facility(code)


# --- histories -------------------------------------------------------------------------------------

ACTIONS = {
    "added": "Added",
    "changed": "Changed",
    "removed": "Removed",
    "password_set": "New password",
    "invited": "Invited",
    "mail_chosen": "Mail preferences changed",
    "token_made": "API token made",
    "token_revoked": "API token ended",
    "duties_changed": "Duties changed",
    "hours_changed": "Opening hours changed",
    "lifecycle_changed": "Lifecycle changed",
    "units_changed": "Units changed",
    "policy_removed": "Policy removed",
    "quota_removed": "Quota removed",
    "closure_removed": "Closure removed",
    "banner_removed": "Notice taken down",
}
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def history_of(kind: str, row_id: int, limit: int = 50) -> list[dict[str, Any]]:
    """Return an object's history in words, newest first; when somebody signed in is nobody's business."""
    query = select(AuditEntry).where(AuditEntry.object_kind == kind, AuditEntry.object_id == row_id)
    query = query.where(AuditEntry.action != "signed_in").order_by(AuditEntry.id.desc())
    entries = db.session.scalars(query.limit(limit)).all()
    names = names_of({entry.actor_id for entry in entries if entry.actor_id})
    return [
        {
            "what": ACTIONS.get(entry.action, entry.action.replace("_", " ").capitalize()),
            "who": names.get(entry.actor_id or 0, "The system"),
            "when": words.moment(entry.at),
            "changes": [
                (field_words(name), value_words(entry.before.get(name)), value_words(entry.after.get(name)))
                for name in sorted({*entry.before, *entry.after})
                if entry.action != "added"
            ],
            "reason": entry.reason,
        }
        for entry in entries
    ]


def field_words(name: str) -> str:
    """Return a field's name for people: `staffed_0` is Monday's staffed hours."""
    kind, _, day = name.rpartition("_")
    if kind in HOURS and day in "0123456":
        return f"{WEEKDAYS[int(day)]}, {kind}"
    return name.replace("_", " ").capitalize() if name.islower() else name


def value_words(value: Any) -> str:
    """Return a stored value for people; nothing stays empty."""
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return yes(value)
    if isinstance(value, list):
        return ", ".join(str(one).replace("_", " ") for one in value)
    return str(value)


# --- bookings that a change touches ----------------------------------------------------------------


def affected_rows(affected: Affected) -> dict[str, Any]:
    """Return the bookings that something touches as rows; others' facilities' are only counted."""
    seen = [one for one in details(affected.first, the_viewer()) if one.level is Level.FULL]
    return {"count": affected.count, "rows": [row_of(one) for one in seen]}
