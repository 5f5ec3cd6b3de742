"""The colours keep enough contrast in both appearances, and no rule brings in a colour of its own."""

import re
from pathlib import Path

import pytest

STATIC = Path(__file__).parents[2] / "booking" / "static"
STYLE = (STATIC / "style.css").read_text(encoding="utf-8")
TOKENS = {
    name: (light, dark)
    for name, light, dark in re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", STYLE)
}
STATES = ["confirmed", "requested", "in-use", "busy", "bad"]
TEXT = [
    *(
        (ink, surface)
        for ink in ("ink", "ink-2", "ink-3", "accent", "accent-deep", "on-bad")
        for surface in ("canvas", "paper")
    ),
    *((ink, "hover") for ink in ("ink", "ink-2", "ink-3", "accent-deep")),
    *((ink, "closed") for ink in ("ink", "ink-2")),
    ("on-accent", "accent"),
    ("on-accent", "accent-deep"),
    ("on-accent-soft", "accent-soft"),
    ("on-requested", "requested-hatch"),
    ("on-bad", "bad-stripe"),
    *((f"on-{state}", state) for state in STATES),
]
EDGES = [
    *((edge, surface) for edge in ("line-strong", "accent", "bad-edge") for surface in ("canvas", "paper")),
    *((f"{state}-edge", "paper") for state in STATES),
    *(("accent", fill) for fill in ("confirmed", "requested", "in-use", "busy", "bad", "accent-soft")),
]


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("appearance", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "surface"), TEXT)
def test_text_can_be_read(text: str, surface: str, appearance: int) -> None:
    assert contrast(TOKENS[text][appearance], TOKENS[surface][appearance]) >= 4.5


@pytest.mark.parametrize("appearance", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize(("edge", "surface"), EDGES)
def test_edges_and_focus_can_be_seen(edge: str, surface: str, appearance: int) -> None:
    assert contrast(TOKENS[edge][appearance], TOKENS[surface][appearance]) >= 3


def test_the_measure_knows_black_from_white() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("path", sorted(STATIC.rglob("*.css")), ids=lambda path: path.name)
def test_colours_are_tokens(path: Path) -> None:
    rules = re.sub(r"--[\w-]+:[^;]*;|/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|\brgba?\(|\bhsla?\(", rules)


@pytest.mark.parametrize("path", sorted(STATIC.rglob("*.css")), ids=lambda path: path.name)
def test_every_token_that_is_used_exists(path: Path) -> None:
    css = path.read_text(encoding="utf-8")
    known = set(re.findall(r"(--[\w-]+)\s*:", STYLE + css))
    assert set(re.findall(r"var\((--[\w-]+)", css)) <= known


@pytest.mark.parametrize("path", sorted(STATIC.rglob("*.css")), ids=lambda path: path.name)
def test_nothing_is_fetched_from_elsewhere(path: Path) -> None:
    assert not re.search(r"@import|url\(|@font-face", path.read_text(encoding="utf-8"))
