"""Health for machines, and the pages about the site itself."""

from flask import Blueprint, render_template
from sqlalchemy.exc import SQLAlchemyError

from booking.base import schema

bp = Blueprint("pages", __name__)


@bp.get("/healthz")
def healthz() -> tuple[dict[str, str], int]:
    """The process is up."""
    return {"status": "ok"}, 200


@bp.get("/readyz")
def readyz() -> tuple[dict[str, str], int]:
    """The database answers and has the schema that this code needs."""
    try:
        ready = schema.at_head()
    except SQLAlchemyError:
        return {"status": "database unreachable"}, 503
    return ({"status": "ready"}, 200) if ready else ({"status": "schema not at head"}, 503)


@bp.get("/robots.txt")
def robots() -> tuple[str, int, dict[str, str]]:
    """Calendar programs obey this file: the feeds must stay allowed."""
    return "User-agent: *\nAllow: /feeds/\nDisallow: /\n", 200, {"Content-Type": "text/plain"}


@bp.get("/accessibility")
def accessibility() -> str:
    return render_template("pages/accessibility.html")


@bp.get("/privacy")
def privacy() -> str:
    return render_template("pages/privacy.html")
