"""What all commands share: which database, which settings, and errors as one clear line each."""

import logging
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from alembic.util import CommandError
from flask import Flask
from flask.cli import ScriptInfo
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from booking import create_app
from booking.base.errors import BookingError
from booking.settings import BadSettings, Settings, sqlite_url

INSTANCE = Path("instance")
SECRET_FILE = "secret"  # noqa: S105 (a name, not a secret)
NO_SCHEMA = "the database has no schema, or an older one: run `booking db upgrade`"


class Shell(ScriptInfo):
    """Makes the application that a command runs in."""

    def __init__(self) -> None:
        super().__init__(create_app=self._create, set_debug_flag=False)
        self.folder: Path | None = None

    def settings(self) -> Settings:
        """Return the settings of the environment, with the database of `--data` if that is given."""
        settings = Settings.from_environment(os.environ)
        changes = {}
        if self.folder is not None or not settings.database_url:
            folder = self.folder or INSTANCE
            changes["database_url"] = sqlite_url(folder)
            if not settings.secret_key and (folder / SECRET_FILE).is_file():
                changes["secret_key"] = (folder / SECRET_FILE).read_text(encoding="ascii").strip()
        return Settings.from_environment(os.environ, **changes)

    def _create(self) -> Flask:
        settings = self.settings()
        file = settings.sqlite_file()
        if file is not None and _is_for_migrations():
            file.parent.mkdir(parents=True, exist_ok=True)
        return create_app(settings)


def _is_for_migrations() -> bool:
    """Tell whether the command may make the database: all others need one that is there."""
    context = click.get_current_context(silent=True)
    return context is not None and context.find_root().invoked_subcommand == "db"


def _remember(context: click.Context, _: click.Parameter, folder: Path | None) -> None:
    if folder is not None:
        context.ensure_object(Shell).folder = folder


data_option: Any = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    expose_value=False,
    is_eager=True,
    callback=_remember,
    help="Use the database DIR/booking.db instead of BOOKING_DATABASE_URL.",
)


class Commands(click.Group):
    """A group whose commands fail with clear lines and never with a trace."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except BrokenPipeError:
            raise
        except Exception as error:
            logging.getLogger("booking").debug("failed", exc_info=True)
            for line in explained(error):
                click.echo(f"booking: {line}", err=True)
            ctx.exit(1)


def explained(error: Exception) -> Iterator[str]:
    """Say in lines for a person what went wrong."""
    if isinstance(error, BadSettings):
        yield from error.lines
    elif isinstance(error, BookingError | CommandError):
        yield from str(error).splitlines()
    elif isinstance(error, DBAPIError):
        yield _database_failure(error)
    elif isinstance(error, SQLAlchemyError):
        yield f"the database cannot be used: {_first_line(error)}"
    elif isinstance(error, OSError) and error.strerror:
        yield f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        yield f"{type(error).__name__}: {_first_line(error)}"


def _database_failure(error: DBAPIError) -> str:
    reason = _first_line(error.orig or error)
    if "no such table" in reason or "no such column" in reason or "does not exist" in reason:
        return NO_SCHEMA
    return f"the database cannot be used: {reason}"


def _first_line(error: BaseException) -> str:
    lines = str(error).splitlines()
    return lines[0] if lines else "no reason given"
