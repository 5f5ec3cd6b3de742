"""The wheel: complete, installable beside nothing of the checkout, and good for a demo with a calendar."""

import os
import signal
import subprocess
import sys
import sysconfig
import threading
import venv
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests
from bs4 import BeautifulSoup

CHECKOUT = Path(__file__).parent.parent
READY = "Ready: "

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel as a release would ship it."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    subprocess.run([*build, str(CHECKOUT)], check=True, capture_output=True)
    (file,) = folder.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def programs(wheel, tmp_path_factory):
    """The programs of a new environment with the wheel and, read from ours, its dependencies."""
    folder = tmp_path_factory.mktemp("installed") / "venv"
    venv.create(folder, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder), "platbase": str(folder)}))
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib"))
    pip = [sys.executable, "-m", "pip", "--python", str(folder / "bin" / "python"), "install"]
    options = ["--no-deps", "--no-index", "--ignore-installed", "--quiet"]
    subprocess.run([*pip, *options, str(wheel)], check=True)
    return folder / "bin"


@pytest.fixture
def environment():
    """Our environment variables without settings of the booking system or of Python."""
    return {name: text for name, text in os.environ.items() if not name.startswith(("BOOKING_", "PYTHON"))}


def test_the_wheel_holds_what_the_program_reads(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder, ending in [
        ("templates", ".html"),
        ("templates", ".txt"),
        ("migrations", ".py"),
        ("static", ".css"),
        ("demo", ".json"),
    ]:
        ours = CHECKOUT / folder if (CHECKOUT / folder).is_dir() else CHECKOUT / "booking" / folder
        files = {f"booking/{folder}/{path.relative_to(ours)}" for path in ours.rglob(f"*{ending}")}
        assert files, folder
        assert files <= names
    assert {name.split("/")[0] for name in names} == {"booking", "hub_booking-0.1.0.dist-info"}
    assert "hub_booking-0.1.0.dist-info/licenses/LICENSE" in names


def test_the_wheel_does_not_need_the_checkout(programs, environment, tmp_path):
    code = "import booking; print(booking.__file__)"
    where = output_of([programs / "python", "-c", code], environment, tmp_path)
    assert Path(where.strip()).is_relative_to(programs.parent)


def test_the_command_explains_itself(programs, environment, tmp_path):
    text = output_of([programs / "booking", "--help"], environment, tmp_path)
    assert text.startswith("Usage: booking")
    for command in ("demo", "serve", "worker", "load", "check"):
        assert f"\n  {command} " in text


def test_the_demo_shows_a_calendar(programs, environment, tmp_path):
    with demo(programs, environment, tmp_path) as address, requests.Session() as visitor:
        page = sign_in(visitor, address, "staff@demo.example", "/calendar")
        assert page.status_code == 200
        assert page.url == f"{address}/calendar"
        assert BeautifulSoup(page.text, "html.parser").select_one("a[href^='/resources/']")


def output_of(command, environment, folder):
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@contextmanager
def demo(programs, environment, folder):
    """Run the demo on a free port, yield its address, and see it stop when told to."""
    command = [programs / "booking", "demo", "--port", "0", "--data", folder / "data"]
    errors = folder / "errors"
    with (
        errors.open("w") as output,
        subprocess.Popen(
            command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=output, text=True
        ) as server,
    ):
        too_late = threading.Timer(90, server.kill)
        too_late.start()
        try:
            ready = next((line for line in server.stdout if line.startswith(READY)), None)
            assert ready, errors.read_text()
            yield ready.removeprefix(READY).strip().rstrip("/")
        finally:
            server.send_signal(signal.SIGTERM)
            code = server.wait(timeout=20)
            too_late.cancel()
    assert code == 0


def sign_in(visitor, address, email, then):
    """Sign in as a person would and return the page that follows."""
    form = BeautifulSoup(visitor.get(f"{address}/login", params={"next": then}).text, "html.parser").form
    fields = {field["name"]: field.get("value", "") for field in form.select("input[name]")}
    fields |= {"email": email, "password": "demo"}
    return visitor.post(f"{address}/login", params={"next": then}, data=fields)
