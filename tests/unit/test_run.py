"""run.py: what it refuses, when it sets up again, and that a failed set-up fools nobody."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

import run

CHECKOUT = Path(run.__file__).parent
LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==(\S+)", re.MULTILINE)
NO_NETWORK = {
    "unreachable index": {"PIP_INDEX_URL": "http://127.0.0.1:9/simple"},
    "no index at all": {"PIP_NO_INDEX": "1"},
}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A checkout of its own with an environment that looks complete."""
    for name in ("run.py", "pyproject.toml", *run.LOCKS.values()):
        shutil.copy(CHECKOUT / name, tmp_path)
    monkeypatch.setattr(run, "ROOT", tmp_path)
    monkeypatch.setattr(run, "VENV", tmp_path / ".venv")
    pretend_environment()
    return tmp_path


def pretend_environment():
    programs = run.VENV / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    for name in ("python", "booking"):
        (programs / name).touch()
    for kind in run.LOCKS:
        run.stamp(kind).write_text(run.fingerprint(kind))


def edit(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))


def test_it_accepts_the_oldest_python_and_newer_ones():
    run.check_python((3, 11, 0), has_ensurepip=True)
    run.check_python((3, 14, 1), has_ensurepip=True)


def test_it_names_the_python_that_is_too_old():
    with pytest.raises(run.CannotStart, match=r"3\.11 or newer is needed, this is 3\.10\.9"):
        run.check_python((3, 10, 9), has_ensurepip=True)


def test_it_names_the_package_that_brings_ensurepip():
    with pytest.raises(run.CannotStart, match="apt install python3-venv"):
        run.check_python((3, 11, 2), has_ensurepip=False)


@pytest.mark.parametrize("arguments", [[], ["dance"]])
def test_it_shows_how_to_use_it(arguments, capsys):
    assert run.main(arguments) == 2
    assert "python3 run.py demo" in capsys.readouterr().err


def test_a_finished_environment_is_used_as_it_is(checkout, monkeypatch):
    monkeypatch.setattr(run, "install", lambda *what: pytest.fail("nothing was to be installed"))
    run.make_environment("run")
    run.make_environment("test")


@pytest.mark.parametrize(
    ("file", "old", "new", "ready"),
    [
        ("requirements.lock", "flask==", "flask==0", False),
        ("requirements-dev.lock", "pytest==", "pytest==0", True),
        ("pyproject.toml", '"flask>=', '"flask>=0', False),
        ("pyproject.toml", "booking.cli:main", "booking.cli:other", False),
        ("pyproject.toml", "line-length = 110", "line-length = 111", True),
    ],
)
def test_it_sets_up_again_only_for_what_matters(checkout, file, old, new, ready):
    assert run.is_ready("run")
    edit(checkout / file, old, new)
    assert run.is_ready("run") is ready


@pytest.mark.parametrize("lost", ["bin/python", "bin/booking", ".ready-to-run"])
def test_an_incomplete_environment_is_not_used(checkout, lost):
    (run.VENV / lost).unlink()
    assert not run.is_ready("run")


def test_an_interrupted_environment_is_made_anew(checkout, monkeypatch):
    run.stamp("run").unlink()
    (run.VENV / "debris").touch()
    monkeypatch.setattr(run, "make_empty", lambda: shutil.rmtree(run.VENV))
    monkeypatch.setattr(run, "install", lambda *what: run.VENV.mkdir(exist_ok=True))
    run.make_environment("run")
    assert not (run.VENV / "debris").exists()
    assert run.stamp("run").read_text() == run.fingerprint("run")
    assert not run.stamp("test").exists()


def test_an_interrupted_set_up_leaves_no_environment(checkout, monkeypatch):
    def interrupted(*what):
        raise KeyboardInterrupt

    for kind in run.LOCKS:
        run.stamp(kind).unlink()
    monkeypatch.setattr(run, "make_empty", lambda: None)
    monkeypatch.setattr(run, "install", interrupted)
    assert run.main(["setup"]) == 130
    assert not run.VENV.exists()


def test_a_failed_addition_keeps_the_environment_of_the_demo(checkout, monkeypatch, capsys):
    def fail(*what):
        raise run.CannotStart("no network")

    run.stamp("test").unlink()
    monkeypatch.setattr(run, "install", fail)
    assert run.main(["setup"]) == 1
    assert capsys.readouterr().err.splitlines()[-1] == "run.py: no network"
    assert run.is_ready("run")
    assert not run.is_ready("test")


@pytest.mark.slow
@pytest.mark.parametrize("reason", NO_NETWORK)
def test_without_a_network_it_says_so_in_one_line(checkout, reason):
    shutil.rmtree(run.VENV)
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment = {**ours, "PIP_CONFIG_FILE": os.devnull, **NO_NETWORK[reason]}
    command = [sys.executable, "run.py", "demo"]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stdout == ""
    progress, error = done.stderr.splitlines()
    assert progress.startswith("run.py: setting up .venv")
    assert error == "run.py: no package index answers: the first start needs a network, later ones do not"
    assert not run.VENV.exists()


def test_another_failure_of_pip_is_quoted(checkout, monkeypatch):
    output = "Collecting flask\nERROR: THESE PACKAGES DO NOT MATCH THE HASHES\n  flask: expected abc\n"
    failed = SimpleNamespace(returncode=1, stdout="", stderr=output)
    monkeypatch.setattr(run.subprocess, "run", lambda *args, **options: failed)
    with pytest.raises(run.CannotStart, match="pip failed: ERROR: THESE PACKAGES DO NOT MATCH"):
        run.install("flask")


def test_all_checks_run_and_those_that_failed_are_named(checkout, monkeypatch, capsys):
    ran = []

    def check(command, env, **options):
        ran.append((command[2:], env.get("BOOKING_TESTS")))
        return SimpleNamespace(returncode=int("mypy" in command))

    monkeypatch.delenv("BOOKING_TESTS", raising=False)
    monkeypatch.setattr(run.subprocess, "run", check)
    assert run.main(["test", "--all", "tests/unit"]) == 1
    assert ran[-1] == (["pytest", "-n", "2", "tests/unit"], "all")
    assert capsys.readouterr().err == "run.py: failed: mypy\n"


def test_the_checks_pass_only_together(checkout, monkeypatch):
    monkeypatch.setattr(run.subprocess, "run", lambda *args, **options: SimpleNamespace(returncode=0))
    assert run.main(["test"]) == 0


def test_the_benchmark_gets_its_arguments(checkout, monkeypatch):
    became = []
    monkeypatch.setattr(run.os, "execv", lambda program, words: became.append(words))
    monkeypatch.chdir(checkout.parent)
    run.main(["bench", "--quick", "--only", "book"])
    assert became[0][1:] == ["-m", "benchmarks", "--quick", "--only", "book"]
    assert Path.cwd() == checkout


def test_every_dependency_is_locked():
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    names = {re.match(r"[a-z0-9-]+", wanted)[0] for wanted in project["dependencies"]}
    assert names <= locked("run").keys()


def test_the_tests_run_with_the_versions_that_users_get():
    assert locked("run").items() <= locked("test").items()


def locked(kind):
    return dict(LOCKED.findall((CHECKOUT / run.LOCKS[kind]).read_text()))


@pytest.mark.parametrize(
    "file", [*run.LOCKS.values(), "tests/tools/node.lock", "tests/tools/postgresql.lock"]
)
def test_lock_files_name_hashes_and_no_places(file):
    text = (CHECKOUT / file).read_text()
    assert "://" not in text
    for requirement in re.split(r"\n(?=\S)", text.strip()):
        assert "--hash=sha256:" in requirement


@pytest.mark.parametrize("folder", ["tools", "clients"])
def test_npm_lock_files_name_hashes_and_no_places(folder):
    packages = json.loads((CHECKOUT / "tests" / folder / "package-lock.json").read_text())["packages"]
    for name, package in packages.items():
        assert "resolved" not in package
        assert not name or package["integrity"].startswith("sha512-")
