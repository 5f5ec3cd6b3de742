"""My account: profile, password, where I am signed in, API tokens, competences and permits."""

from flask import Blueprint, render_template

from booking.web.session import signed_in

bp = Blueprint("account", __name__, url_prefix="/account")


@bp.get("")
@signed_in
def index() -> str:
    return render_template("account/index.html")
