"""`booking load`: a catalogue from a file."""

import os
from importlib.resources import files
from pathlib import Path

import click
from flask.cli import with_appcontext

from booking.base import clock
from booking.catalogue.actions import load as load_catalogue
from booking.catalogue.faults import BadCatalogue
from booking.catalogue.reading import read
from booking.cli.shell import data_option
from booking.demo.fill import set_passwords


def demo_catalogue() -> bytes:
    """Return the demo's catalogue file."""
    return files("booking.demo").joinpath("catalogue.json").read_bytes()


@click.command()
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--demo", "is_demo", is_flag=True, help="Load the demo's catalogue.")
@data_option
@with_appcontext
def load(file: Path | None, is_demo: bool) -> None:
    """Load a catalogue: facilities, rooms, resources, rules, training and people.

    The same file twice changes nothing. A bad file loads nothing and names every fault with its place.
    """
    if is_demo == (file is not None):
        raise click.UsageError("Give either a file or --demo.")
    try:
        summary = load_catalogue(read(file.read_bytes() if file else demo_catalogue()), clock.now().date())
    except BadCatalogue as bad:
        for fault in bad.faults:
            click.echo(f"{file or 'demo'}: {fault}", err=True)
        raise click.exceptions.Exit(1) from None
    click.echo(f"Loaded: {summary}.")
    password = os.environ.get("BOOKING_DEMO_PASSWORD", "")
    if is_demo and password:
        set_passwords(password)
        click.echo("The demo's people sign in with the password in BOOKING_DEMO_PASSWORD.")
