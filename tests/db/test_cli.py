"""The commands that end at once: load, user, token, check, backup, restore, worker --once."""

import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select, text
from sqlalchemy.engine import make_url

from booking import create_app
from booking.base import clock
from booking.base.db import db, transaction
from booking.base.events import emit
from booking.cli.commands import booking
from booking.cli.locks import in_use
from booking.cli.shell import Shell
from booking.facilities.models import Duty, Facility
from booking.facilities.queries import places
from booking.people.events import PersonInvited
from booking.people.models import IdempotencyKey, Organisation, SignInFailure, User
from booking.people.sessions import digest, sign_in, token_user
from booking.settings import Settings
from tests import engines
from tests.mail_server import mail_server
from tests.redis_server import running

PASSWORD = "a kettle of warm media"
Run = Callable[..., Result]


@pytest.fixture
def no_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No settings but those that a test gives, in an empty folder."""
    for name in [name for name in os.environ if name.startswith("BOOKING_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run_on(no_settings: None) -> Run:
    """Run a command with the settings given, and return what came of it."""

    def run(url: str, *arguments: str, given: str = "", **settings: str) -> Result:
        shell = Shell()
        environment = {"BOOKING_DATABASE_URL": url, "BOOKING_SECRET_KEY": "0123456789abcdef", **settings}
        result = CliRunner().invoke(booking, arguments, obj=shell, input=given, env=environment)
        if shell._loaded_app:
            with shell._loaded_app.app_context():
                db.engine.dispose()
        return result

    return run


@pytest.fixture
def run(run_on: Run, database_url: str) -> Run:
    """Run a command on a fresh database with the schema at head."""
    return lambda *arguments, **more: run_on(database_url, *arguments, **more)


@pytest.fixture
def sqlite(databases: engines.Databases, tmp_path: Path) -> str:
    """The address of a fresh embedded database."""
    folder = tmp_path / "data"
    folder.mkdir()
    return databases.fresh("sqlite", folder)


@pytest.fixture
def inside(database_url: str) -> Iterator[None]:
    """The application's context on the same database, to look at what a command did."""
    app = create_app(Settings(database_url=database_url, secret_key="only for the tests"))
    with app.app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def test_every_command_has_help(no_settings: None) -> None:
    for name, command in booking.commands.items():
        result = CliRunner().invoke(booking, [name, "--help"], obj=Shell())
        assert (name, result.exit_code) == (name, 0)
        assert command.help
        assert "--data" in result.output or name in ("db", "user", "token")


# --- load ------------------------------------------------------------------------------------------


def test_the_demos_catalogue_is_loaded_once(run: Run, inside: None) -> None:
    first, second = run("load", "--demo"), run("load", "--demo")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "50 resources made" in first.stdout
    assert second.stdout == "Loaded: nothing changed: everything was there already.\n"
    assert len(places().resources) == 50
    assert not db.session.scalars(select(User).where(User.password_hash != "")).first()
    assert run("load", "--demo", BOOKING_DEMO_PASSWORD="for all of them").exit_code == 0
    assert sign_in("staff@demo.example", "for all of them", "::1", "test", 10)


def test_a_bad_catalogue_is_named_line_by_line(run: Run, inside: None, tmp_path: Path) -> None:
    file = tmp_path / "bad.json"
    file.write_text(json.dumps({"version": 1, "kits": [], "rooms": [{"code": "R", "facility": "F"}]}))
    result = run("load", str(file))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert {line.split(": ")[1] for line in lines(result.stderr)} == {
        "kits",
        "rooms[0].name",
        "rooms[0].max_persons",
        "rooms[0].facility",
    }
    assert not places().rooms


@pytest.mark.parametrize("content", [b"", b"\x00\xff", b"[" * 50_000, b'{"version": 1, "version": 1}'])
def test_what_is_no_catalogue_is_refused_in_one_line(
    run_on: Run, sqlite: str, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "bad.json"
    file.write_bytes(content)
    result = run_on(sqlite, "load", str(file))
    assert result.exit_code == 1
    assert len(lines(result.stderr)) == 1


@pytest.mark.parametrize("arguments", [(), ("no-such-file.json",), ("--demo", __file__)])
def test_load_wants_one_thing(run_on: Run, sqlite: str, arguments: tuple[str, ...]) -> None:
    result = run_on(sqlite, "load", *arguments)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


# --- accounts and tokens -----------------------------------------------------------------------------


def test_an_account_is_made_from_the_shell(run: Run, inside: None) -> None:
    made = run("user", "create", "New@Example.org", "--name", "New Person", "--role", "admin", given=PASSWORD)
    assert (made.exit_code, made.stdout) == (0, "new@example.org can sign in.\n")
    assert sign_in("new@example.org", PASSWORD, "::1", "test", 10)
    assert db.session.scalars(select(Organisation.kind)).all() == ["host"]
    again = run("user", "create", "new@example.org", "--name", "Other", "--role", "admin", given=PASSWORD)
    assert again.exit_code == 1
    assert lines(again.stderr) == ["booking: email: Somebody has an account with this address."]


def test_an_account_with_a_duty_and_an_organisation(run: Run, inside: None) -> None:
    run("load", "--demo")
    common = ("--name", "New Person", "--role", "staff", "--organisation", "O-UNI")
    duties = ("--duty", "technician:SUS", "--duty", "observer")
    result = run("user", "create", "new@example.org", *common, *duties, given=PASSWORD)
    assert result.exit_code == 0, result.stderr
    person = db.session.scalars(select(User).where(User.email == "new@example.org")).one()
    given = select(Duty.duty, Facility.code).join(Facility, Facility.id == Duty.facility_id)
    found = {tuple(row) for row in db.session.execute(given.where(Duty.user_id == person.id))}
    assert found == {("technician", "SUS"), ("observer", "HUB"), ("observer", "SUS")}


@pytest.mark.parametrize(
    ("arguments", "given"),
    [
        (("--role", "student"), "short"),
        (("--role", "student"), ""),
        (("--role", "king"), PASSWORD),
        (("--role", "industry"), PASSWORD),
        (("--role", "student", "--organisation", "NO"), PASSWORD),
        (("--role", "staff", "--duty", "king"), PASSWORD),
        (("--role", "staff", "--duty", "trainer:NO"), PASSWORD),
    ],
)
def test_what_makes_no_account(run_on: Run, sqlite: str, arguments: tuple[str, ...], given: str) -> None:
    result = run_on(sqlite, "user", "create", "a@example.org", "--name", "A", *arguments, given=given)
    assert result.exit_code in (1, 2)
    assert result.stdout == ""
    assert lines(result.stderr)
    assert "Traceback" not in result.stderr


def test_a_new_password_and_a_token(run: Run, inside: None) -> None:
    run("user", "create", "a@example.org", "--name", "A", "--role", "student", given=PASSWORD)
    assert run("user", "password", "a@example.org", given="other warm media\n").exit_code == 0
    assert sign_in("a@example.org", "other warm media", "::1", "test", 10)
    token = run("token", "create", "a@example.org", "--name", "script", "--days", "3")
    assert (token.exit_code, token.stderr) == (0, "")
    assert token.stdout.count("\n") == 1
    user_id = db.session.scalar(select(User.id))
    assert token_user(token.stdout.strip()) == (user_id, "write")
    with clock.travel(clock.now() + timedelta(days=3, minutes=1)):
        assert token_user(token.stdout.strip()) is None
    stored = db.session.scalars(text("SELECT token_hash FROM api_tokens")).all()
    assert stored == [digest(token.stdout.strip())]


def test_nobody_gets_neither(run_on: Run, sqlite: str) -> None:
    for arguments in (("user", "password"), ("token", "create", "--name", "x")):
        result = run_on(sqlite, *arguments, "nobody@example.org", given=PASSWORD)
        assert (result.exit_code, lines(result.stderr)) == (
            1,
            ["Error: nobody has the address 'nobody@example.org'"],
        )


# --- check -------------------------------------------------------------------------------------------


def test_check_says_ok_line_by_line(run: Run) -> None:
    result = run("check")
    assert result.exit_code == 0, result.stdout
    assert all(line.startswith("ok ") for line in lines(result.stdout))
    assert len(lines(result.stdout)) == 10


def test_check_names_what_is_missing(run_on: Run, sqlite: str, tmp_path: Path) -> None:
    empty = f"sqlite:///{tmp_path / 'empty.db'}"
    result = run_on(empty, "check", BOOKING_SECRET_KEY="", BOOKING_MAIL_URL="mail.example")
    assert result.exit_code == 1
    failed = [line.split()[1].rstrip(":") for line in lines(result.stdout) if line.startswith("FAIL")]
    assert failed == ["settings", "mail", "mail", "schema"]
    unknown = run_on(sqlite, "check", BOOKING_WHATEVER="1")
    assert (unknown.exit_code, len(lines(unknown.stdout))) == (1, 1)
    assert "BOOKING_WHATEVER" in unknown.stdout
    nowhere = run_on("postgresql+psycopg://u:hidden@127.0.0.1:1/x", "check")
    assert nowhere.exit_code == 1
    assert "FAIL  database" in nowhere.stdout
    assert "hidden" not in nowhere.output


def test_check_asks_redis(run_on: Run, sqlite: str) -> None:
    silent = run_on(sqlite, "check", BOOKING_REDIS_URL="redis://:hidden@127.0.0.1:1")
    assert silent.exit_code == 1
    assert [line for line in lines(silent.stdout) if not line.startswith("ok ")] == [
        "FAIL  redis: each process counts by itself, as it does not answer: "
        "Error 111 connecting to 127.0.0.1:1. Connection refused."
    ]
    no_address = run_on(sqlite, "check", BOOKING_REDIS_URL="127.0.0.1:hidden")
    assert (no_address.exit_code, len(lines(no_address.stdout))) == (1, 1)
    assert no_address.stdout.startswith("FAIL  settings: BOOKING_REDIS_URL: ")
    assert "hidden" not in silent.output + no_address.output
    with running() as redis:
        found = run_on(sqlite, "check", BOOKING_REDIS_URL=redis.url)
        assert (found.exit_code, "ok    redis" in lines(found.stdout)) == (0, True)


def test_check_finds_a_missing_guard_and_an_orphan(run_on: Run, sqlite: str) -> None:
    with closing(sqlite3.connect(make_url(sqlite).database or "")) as connection:
        connection.execute("DROP TRIGGER occupancy_no_overlap_insert")
        connection.execute("INSERT INTO holds (kind) VALUES ('booking')")
        connection.commit()
    result = run_on(sqlite, "check")
    assert result.exit_code == 1
    failed = [line for line in lines(result.stdout) if line.startswith("FAIL")]
    assert [line.split(":")[0] for line in failed] == ["FAIL  guard", "FAIL  no orphans"]


@pytest.mark.parametrize(
    "command", [("load", "--demo"), ("token", "create", "a@b.org", "--name", "x"), ("serve",)]
)
def test_a_database_without_schema_is_explained(
    run_on: Run, tmp_path: Path, command: tuple[str, ...]
) -> None:
    result = run_on(f"sqlite:///{tmp_path / 'empty.db'}", *command)
    assert result.exit_code == 1
    assert len(lines(result.stderr)) == 1
    assert "booking db upgrade" in result.stderr


def test_serve_names_every_fault_in_a_line_of_its_own(run_on: Run) -> None:
    result = run_on("mysql://x", "serve", BOOKING_SECRET_KEY="short", BOOKING_LOG_FORMAT="xml")
    assert result.exit_code == 1
    names = [line.split(": ")[1] for line in lines(result.stderr)]
    assert names == ["BOOKING_SECRET_KEY", "BOOKING_DATABASE_URL", "BOOKING_LOG_FORMAT"]


# --- backup and restore ------------------------------------------------------------------------------


def test_a_backup_brings_back_what_was_there(run_on: Run, sqlite: str, tmp_path: Path) -> None:
    run_on(sqlite, "load", "--demo")
    copy = tmp_path / "copy.db"
    made = run_on(sqlite, "backup", str(copy))
    assert made.exit_code == 0, made.stderr
    assert copy.stat().st_mode & 0o777 == 0o600
    run_on(sqlite, "user", "create", "late@example.org", "--name", "Late", "--role", "staff", given=PASSWORD)
    restored = run_on(sqlite, "restore", str(copy))
    assert restored.exit_code == 0, restored.stderr
    late = run_on(sqlite, "token", "create", "late@example.org", "--name", "x")
    assert "nobody has the address" in late.stderr
    assert run_on(sqlite, "check").exit_code == 0
    kept = list((tmp_path / "data").glob("booking.db.before-restore-*"))
    assert len(kept) == 1
    assert run_on(f"sqlite:///{kept[0]}", "token", "create", "late@example.org", "--name", "x").exit_code == 0
    assert not [file for file in tmp_path.rglob("*") if file.name.endswith(".part")]


def test_a_backup_replaces_only_a_database(run_on: Run, sqlite: str, tmp_path: Path) -> None:
    letter = tmp_path / "letter.txt"
    letter.write_text("Dear all")
    assert run_on(sqlite, "backup", str(letter)).exit_code == 1
    assert letter.read_text() == "Dear all"
    itself = make_url(sqlite).database or ""
    assert "the database itself" in run_on(sqlite, "backup", itself).stderr
    for _ in range(2):
        assert run_on(sqlite, "backup", str(tmp_path / "copy.db")).exit_code == 0


def test_only_a_sound_backup_is_restored(run_on: Run, sqlite: str, tmp_path: Path) -> None:
    run_on(sqlite, "load", "--demo")
    good = tmp_path / "good.db"
    run_on(sqlite, "backup", str(good))
    damaged = tmp_path / "damaged.db"
    content = bytearray(good.read_bytes())
    content[8192:60000] = os.urandom(60000 - 8192)
    damaged.write_bytes(content)
    other = tmp_path / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE x (y)")
    newer = tmp_path / "newer.db"
    newer.write_bytes(good.read_bytes())
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
        connection.commit()
    (tmp_path / "empty.db").touch()
    for bad in (damaged, other, newer, tmp_path / "empty.db"):
        result = run_on(sqlite, "restore", str(bad))
        assert (bad.name, result.exit_code) == (bad.name, 1)
        assert len(lines(result.stderr)) == 1
    assert run_on(sqlite, "check").exit_code == 0
    assert "nothing changed" in run_on(sqlite, "load", "--demo").stdout


def test_nothing_is_restored_under_a_running_server(run_on: Run, sqlite: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    run_on(sqlite, "backup", str(copy))
    with in_use(Path(make_url(sqlite).database or "")):
        result = run_on(sqlite, "restore", str(copy))
    assert (result.exit_code, "is in use" in result.stderr) == (1, True)


def test_postgresql_has_its_own_tools(run_on: Run, tmp_path: Path) -> None:
    url = "postgresql+psycopg://u:hidden@127.0.0.1:1/x"
    (tmp_path / "copy.db").touch()
    for command, tool in (("backup", "pg_dump"), ("restore", "pg_restore")):
        result = run_on(url, command, str(tmp_path / "copy.db"))
        assert result.exit_code == 1
        assert tool in result.stderr
        assert "hidden" not in result.stderr


# --- the worker, and where the database is -----------------------------------------------------------


def test_the_worker_drops_what_is_old(run: Run, inside: None) -> None:
    run("user", "create", "a@example.org", "--name", "A", "--role", "student", given=PASSWORD)
    user_id = db.session.scalar(select(User.id)) or 0
    now = clock.now()
    with transaction():
        for age in (1, 47, 49):
            key = {"user_id": user_id, "key": str(age), "request_hash": "", "status": 201, "answer": {}}
            db.session.add(IdempotencyKey(**key, created_at=now - timedelta(hours=age)))
            db.session.add(SignInFailure(account=str(age), address="", at=now - timedelta(hours=age)))
    assert run("worker", "--once").exit_code == 0
    db.session.rollback()
    assert set(db.session.scalars(select(IdempotencyKey.key))) == {"1", "47"}
    assert set(db.session.scalars(select(SignInFailure.account))) == {"1"}


def test_the_worker_sends_what_is_due(run: Run, inside: None) -> None:
    run("load", "--demo")
    person = ("--name", "New", "--role", "admin")
    run("user", "create", "new@example.org", *person, given=PASSWORD)
    with transaction():
        emit(PersonInvited(db.session.scalars(select(User.id).where(User.email == "new@example.org")).one()))
    with mail_server() as box:
        mail = {"BOOKING_MAIL_URL": box.url, "BOOKING_MAIL_FROM": "b@example.org"}
        assert run("check", **mail).exit_code == 0
        for _ in range(2):
            assert run("worker", "--once", BOOKING_BASE_URL="https://b.example", **mail).exit_code == 0
    sent = list(zip(box.recipients, box.subjects(), strict=True))
    assert sent.count(("new@example.org", "Your account for Hub Booking")) == 1
    others = [subject for person, subject in sent if person != "new@example.org"]
    assert all(subject.startswith("Ends soon: ") for subject in others)  # of the demo's own people
    assert len(sent) == len(others) + 1 == len(set(sent))


@pytest.mark.parametrize("url", ["smtp://", "smtp://h:x", "smtp://h?starttls=perhaps", "http://h"])
def test_check_names_a_mail_server_that_is_none(run_on: Run, sqlite: str, url: str) -> None:
    result = run_on(sqlite, "check", BOOKING_MAIL_URL=url, BOOKING_MAIL_FROM="b@example.org")
    assert result.exit_code == 1
    assert [line for line in lines(result.stdout) if line.startswith("FAIL  mail: BOOKING_MAIL_URL")]


def test_data_names_the_embedded_database(run_on: Run, sqlite: str, tmp_path: Path) -> None:
    elsewhere = "postgresql+psycopg://u:p@127.0.0.1:1/x"
    assert run_on(elsewhere, "check", "--data", str(tmp_path / "data")).exit_code == 0
    assert run_on(elsewhere, "--data", str(tmp_path / "data"), "check").exit_code == 0
    assert run_on(elsewhere, "db", "current", "--data", str(tmp_path / "data")).exit_code == 0
    missing = run_on(elsewhere, "check", "--data", str(tmp_path / "nowhere"))
    assert missing.exit_code == 1
    assert not (tmp_path / "nowhere").exists()


def test_the_schema_is_made_where_nothing_was(run_on: Run, tmp_path: Path) -> None:
    folder = str(tmp_path / "new")
    for verb in ("upgrade", "upgrade", "check"):
        result = run_on("", "db", verb, "--data", folder)
        assert result.exit_code == 0, result.output
    assert run_on("", "check", "--data", folder).exit_code == 0
