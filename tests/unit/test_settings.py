"""Settings: each is understood or named, and the documentation lists them all."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from booking.settings import BadSettings, Settings, sqlite_url

DOCS = Path(__file__).parents[2] / "docs" / "settings.md"
FIT = {"BOOKING_DATABASE_URL": "sqlite:///x.db", "BOOKING_SECRET_KEY": "0123456789abcdef"}


def test_nothing_set_gives_the_defaults() -> None:
    assert Settings.from_environment({"PATH": "/bin"}) == Settings()


def test_numbers_and_texts_are_read() -> None:
    settings = Settings.from_environment(
        {"BOOKING_FEED_RATE": "0", "BOOKING_BASE_URL": "https://book.example"}
    )
    assert (settings.feed_rate, settings.base_url) == (0, "https://book.example")


@pytest.mark.parametrize("text", ["", "many", "-1", "1.5", "٣", "1e3"])
def test_what_is_no_number_is_named(text: str) -> None:
    with pytest.raises(BadSettings) as caught:
        Settings.from_environment({"BOOKING_FEED_RATE": text})
    assert len(caught.value.lines) == 1
    assert caught.value.lines[0].startswith("BOOKING_FEED_RATE: ")


def test_every_unknown_setting_is_named() -> None:
    with pytest.raises(BadSettings) as caught:
        Settings.from_environment({"BOOKING_SECRETKEY": "x", "BOOKING_PORT": "1", **FIT})
    assert {line.split(":")[0] for line in caught.value.lines} == {"BOOKING_SECRETKEY", "BOOKING_PORT"}


def test_fit_settings_have_no_faults() -> None:
    assert Settings.from_environment(FIT).faults() == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BOOKING_SECRET_KEY", ""),
        ("BOOKING_SECRET_KEY", "short"),
        ("BOOKING_DATABASE_URL", "mysql://host/name"),
        ("BOOKING_DATABASE_URL", "postgresql://host/name"),
        ("BOOKING_DATABASE_URL", "no address"),
        ("BOOKING_BASE_URL", "ftp://book.example"),
        ("BOOKING_BASE_URL", "book.example"),
        ("BOOKING_REDIS_URL", "localhost:6379"),
        ("BOOKING_REDIS_URL", "http://localhost"),
        ("BOOKING_REDIS_URL", "redis://localhost:port/0"),
        ("BOOKING_REDIS_URL", "redis://:hidden@[::1/0"),
        ("BOOKING_REDIS_URL", "redis://localhost?db=first"),
        ("BOOKING_LOG_FORMAT", "xml"),
        ("BOOKING_LOG_LEVEL", "LOUD"),
    ],
)
def test_a_setting_with_which_nothing_can_be_served_is_named(name: str, value: str) -> None:
    faults = Settings.from_environment({**FIT, name: value}).faults()
    assert [fault.split(":")[0] for fault in faults] == [name]
    assert "hidden" not in faults[0]


@pytest.mark.parametrize(
    "url", ["redis://localhost", "rediss://:password@redis.example:6380/1", "unix:///run/redis.sock?db=2"]
)
def test_addresses_of_redis(url: str) -> None:
    assert Settings.from_environment({**FIT, "BOOKING_REDIS_URL": url}).faults() == []


def test_the_embedded_database_is_a_file_in_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(database_url=sqlite_url(tmp_path))
    assert settings.sqlite_file() == tmp_path.resolve() / "booking.db"
    assert Settings(database_url="postgresql+psycopg://host/name").sqlite_file() is None


def test_the_documentation_lists_every_setting_and_no_other() -> None:
    documented = set(re.findall(r"^\| `(BOOKING_[A-Z_]+)`", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert documented == {f"BOOKING_{field.name.upper()}" for field in fields(Settings)}
