"""`booking user` and `booking token`: accounts from the shell."""

import sys

import click
from flask.cli import with_appcontext
from sqlalchemy import select

from booking.base.db import db, transaction
from booking.base.errors import Invalid
from booking.cli.shell import data_option
from booking.facilities.actions import set_duties
from booking.facilities.models import DUTIES, Facility
from booking.people import actions, sessions
from booking.people.actions import OrganisationDetails, PersonDetails
from booking.people.models import ROLES, Organisation, User
from booking.people.viewer import Viewer

# Whoever has the shell may do what an administrator may; history calls them the system.
SHELL = Viewer(0, "", "the shell", "", "admin", 0, "", "", "host")
FIRST_ORGANISATION = OrganisationDetails("HOST", "Host organisation", "Host organisation", "host")


@click.group()
def user() -> None:
    """Accounts."""


@user.command()
@click.argument("email")
@click.option("--name", required=True, help="The person's name.")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--organisation", metavar="CODE", help="Its code; without it, the host's first one.")
@click.option(
    "--duty", "duties", multiple=True, metavar="DUTY[:FACILITY]", help=f"One of {', '.join(DUTIES)}."
)
@data_option
@with_appcontext
def create(email: str, name: str, role: str, organisation: str | None, duties: tuple[str, ...]) -> None:
    """Make an account; the password is asked for, or read from standard input."""
    wanted = _duties(duties)
    password = _password()
    with transaction():
        code = organisation or _host(role)
        person = actions.add_person(PersonDetails(email, name, role, code), SHELL, password)
        if wanted:
            set_duties(person.public_id, wanted, SHELL)
    click.echo(f"{person.email} can sign in.")


@user.command()
@click.argument("email")
@data_option
@with_appcontext
def password(email: str) -> None:
    """Set a new password; it is asked for, or read from standard input. Ends every session."""
    person = _find(email)
    actions.set_password(person.public_id, _password(), SHELL)
    click.echo(f"{person.email} has a new password.")


@click.group()
def token() -> None:
    """API tokens."""


@token.command("create")
@click.argument("email")
@click.option("--name", required=True, help="What the token is for.")
@click.option("--days", type=click.IntRange(1, actions.MAX_TOKEN_DAYS), help="It ends after so many days.")
@click.option("--scope", type=click.Choice(("read", "write")), default="write", show_default=True)
@data_option
@with_appcontext
def create_token(email: str, name: str, days: int | None, scope: str) -> None:
    """Print a new API token, once: only its hash is stored."""
    if not name.strip() or len(name) > 100 or not name.isprintable():
        raise click.BadParameter("use 1 to 100 characters that can be shown", param_hint="--name")
    click.echo(sessions.create_token(_find(email).id, name.strip(), scope, days, None))


def _find(email: str) -> User:
    person = db.session.scalar(select(User).where(User.email == email.strip().casefold()))
    if person is None:
        raise click.ClickException(f"nobody has the address {email!a}")
    return person


def _password() -> str:
    """Ask for a password, twice; or take the first line of standard input."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        raise Invalid({"password": ["none came from standard input"]})
    return given


def _duties(words: tuple[str, ...]) -> dict[str, set[str]]:
    """Return duties by facility; a duty without a facility is for all of them."""
    codes = list(db.session.scalars(select(Facility.code)))
    wanted: dict[str, set[str]] = {}
    for word in words:
        duty, _, facility = word.partition(":")
        if duty not in DUTIES:
            raise click.BadParameter(f"{duty!a} is none of {', '.join(DUTIES)}", param_hint="--duty")
        if facility and facility not in codes:
            raise click.BadParameter(f"there is no facility {facility!a}", param_hint="--duty")
        for code in [facility] if facility else codes:
            wanted.setdefault(code, set()).add(duty)
    return wanted


def _host(role: str) -> str:
    """Return the host's first organisation; a database without any gets one for its first account."""
    if role == "industry":
        raise click.UsageError("Give the --organisation of an industry user.")
    query = select(Organisation.code).where(Organisation.kind == "host", Organisation.active)
    code = db.session.scalar(query.order_by(Organisation.id).limit(1))
    return code or actions.add_organisation(FIRST_ORGANISATION, SHELL).code
