"""Every template compiles, has nothing inline, imports only what it uses; components say what they must."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jinja2 import Environment, FileSystemLoader, StrictUndefined, nodes
from wtforms import (
    BooleanField,
    Form,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.validators import InputRequired, NumberRange, Optional

TEMPLATES = Path(__file__).parents[2] / "templates"
NAMES = sorted(str(path.relative_to(TEMPLATES)) for path in TEMPLATES.rglob("*") if path.is_file())
PAGES = [name for name in NAMES if name.endswith(".html") and not name.startswith("mail/")]
INLINE = {
    "a style attribute": re.compile(r"<[^>]*\sstyle\s*=", re.IGNORECASE),
    "a style element": re.compile(r"<style\b", re.IGNORECASE),
    "an event attribute": re.compile(r"<[a-z][^>]*\son[a-z]+\s*=", re.IGNORECASE),
    "an inline script": re.compile(r"<script\b(?![^>]*\bsrc\s*=)(?![^>]*application/json)", re.IGNORECASE),
    "a javascript: address": re.compile(r"javascript:", re.IGNORECASE),
    "something from another server": re.compile(
        r"<(?:script|link|img|iframe)\b[^>]*(?:src|href)\s*=\s*[\"'](?:https?:)?//", re.IGNORECASE
    ),
}


class Tolerant(dict[str, Any]):
    """Filters and tests by any name; which ones exist is for the pages' own tests."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> Any:
        return lambda value, *args, **kwargs: value

    def get(self, name: str, default: Any = None) -> Any:
        return self[name]


@pytest.fixture(scope="module")
def env() -> Environment:
    """The templates under the same strictness as in the application."""
    env = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=True)
    env.globals["csrf_token"] = lambda: "a-token"
    return env


def source(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


def without_comments(text: str) -> str:
    return re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)


@pytest.mark.parametrize("name", NAMES)
def test_every_template_compiles(name: str) -> None:
    env = Environment(loader=FileSystemLoader(TEMPLATES), undefined=StrictUndefined, autoescape=True)
    env.filters, env.tests = Tolerant(env.filters), Tolerant(env.tests)
    env.get_template(name)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("what", INLINE)
def test_nothing_is_inline(name: str, what: str) -> None:
    found = INLINE[what].search(without_comments(source(name)))
    assert not found, f"{name} has {what}: {found.group()}"


@pytest.mark.parametrize(
    "html",
    [
        '<p style="color: red">',
        "<style>p {}</style>",
        "<button onclick='go()'>",
        "<script>go()</script>",
        '<a href="javascript:go()">',
        '<link rel="stylesheet" href="https://cdn.example/x.css">',
    ],
)
def test_the_search_for_inline_code_finds_it(html: str) -> None:
    assert any(pattern.search(html) for pattern in INLINE.values())


@pytest.mark.parametrize("name", NAMES)
def test_every_import_is_used(name: str) -> None:
    tree = Environment(autoescape=True).parse(source(name))
    imported = {
        one[1] if isinstance(one, tuple) else one
        for node in tree.find_all(nodes.FromImport)
        for one in node.names
    } | {node.target for node in tree.find_all(nodes.Import)}
    used = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "load"}
    assert imported <= used, f"{name} imports {imported - used} and does not use it"


@pytest.mark.parametrize("name", [name for name in PAGES if "components/" not in name])
def test_a_page_has_one_frame(name: str) -> None:
    text = without_comments(source(name))
    assert name == "base.html" or name.rpartition("/")[2].startswith("_") or "{% extends" in text, (
        f"{name} extends no frame; a part of a page has a name that begins with _"
    )
    assert name == "base.html" or "<h1" not in text, f"{name}: the h1 is the block heading"


class Example(Form):
    title = StringField("Title", [InputRequired("Say what it is for.")], description="Others see it.")
    people = IntegerField("People", [NumberRange(0, 6, "Up to 6.")])
    kind = RadioField("Kind", choices=[SelectChoice("a", "A"), SelectChoice("b", "B")])
    kits = SelectMultipleField(
        "Kits", [Optional()], choices=[SelectChoice("x", "X & Y"), SelectChoice("z", "Z")]
    )
    room = SelectField("Room", choices=[SelectChoice("1", "One")])
    remind = BooleanField("Remind me")


@pytest.fixture
def form() -> Example:
    """A form that came back with errors in three fields of three kinds."""
    form = Example(data={"people": 9, "kits": ["z"], "room": "1"})
    form.title.errors, form.people.errors, form.kind.errors = (
        ["Say what it is for."],
        ["Up to 6."],
        ["Choose."],
    )
    return form


def forms(env: Environment) -> Any:
    return env.get_template("components/forms.html").module


def ui(env: Environment) -> Any:
    return env.get_template("components/ui.html").module


def test_the_message_stands_above_its_control_and_is_tied_to_it(env: Environment, form: Example) -> None:
    html = str(forms(env).field(form.title))
    assert html.index('id="title-error"') < html.index("<input")
    assert 'aria-describedby="title-hint title-error"' in html
    assert 'aria-invalid="true"' in html
    assert '<label for="title">' in html


def test_a_sound_field_claims_no_error(env: Environment, form: Example) -> None:
    html = str(forms(env).field(form.room))
    assert "error" not in html
    assert "aria-" not in html


def test_choices_are_one_named_group(env: Environment, form: Example) -> None:
    html = str(forms(env).field(form.kits))
    assert html.count('type="checkbox"') == 2
    assert html.count("checked") == 1
    assert "<legend>" in html
    assert "(optional)" in html
    assert "X &amp; Y" in html
    assert 'aria-describedby="kind-error"' in str(forms(env).field(form.kind))


def test_the_summary_links_to_each_field(env: Environment, form: Example) -> None:
    html = str(forms(env).error_summary(form, [("The slot is taken.", None), ("See the rules.", "#rules")]))
    assert "5 things to put right" in html
    assert 'role="alert"' in html
    assert 'tabindex="-1"' in html
    assert all(f'href="{target}"' in html for target in ("#title", "#people", "#kind-0", "#rules"))
    assert 'id="kind-0"' in str(forms(env).field(form.kind))


def test_without_errors_there_is_no_summary(env: Environment) -> None:
    assert str(forms(env).error_summary(Example())).strip() == ""


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("requested", "Requested"),
        ("confirmed", "Confirmed"),
        ("in_use", "In use"),
        ("completed", "Completed"),
        ("cancelled", "Cancelled"),
        ("declined", "Declined"),
        ("no_show", "No-show"),
        ("busy", "Busy"),
    ],
)
def test_a_state_is_colour_sign_and_word(env: Environment, status: str, word: str) -> None:
    html = str(ui(env).status_badge(status))
    assert "badge--" in html
    assert "<svg" in html
    assert word in html


def test_an_unknown_state_shows_its_name(env: Environment) -> None:
    assert "On hold" in str(ui(env).status_badge("on_hold"))


def test_a_refusal_says_whose_rule_it_is_and_what_would_do(env: Environment) -> None:
    refusal = SimpleNamespace(
        message="Too <far> ahead.", rule="14 days", set_by="the Hub", fix="Choose a nearer day.", ok_from=9
    )
    html = str(ui(env).refusals([refusal], lambda moment: f"day {moment}"))
    assert "Too &lt;far&gt; ahead." in html
    assert "Rule: 14 days, set by the Hub" in html
    assert "Choose a nearer day. Possible from day 9." in html


def test_history_shows_before_and_after(env: Environment) -> None:
    entry = {"who": "Ann", "when": "today", "what": "Moved", "changes": [("Start", "09:00", "10:00")]}
    html = str(ui(env).history_list([entry]))
    assert html.index("<del>") < html.index("09:00") < html.index("<ins>10:00</ins>")


PAGE = """{% extends "base.html" %}
{% block heading %}Cell & <em>gene</em>{% endblock %}
{% block main %}Hello{% endblock %}"""


def page(env: Environment, viewer: object | None) -> str:
    """Render the frame around a small page as the application would."""
    nav = [
        {"label": "Calendar", "href": "/calendar", "current": True},
        {"label": "Admin", "href": "/admin", "current": False, "more": True},
    ]
    return env.from_string(PAGE).render(
        viewer=viewer,
        nav=nav if viewer else [],
        asset=lambda name: f"/static/{name}?v=1",
        request=SimpleNamespace(script_root="/hub"),
        get_flashed_messages=lambda **kwargs: [("success", "Booked.")],
    )


def test_the_title_follows_the_heading(env: Environment) -> None:
    html = page(env, None)
    assert "<title>Cell &amp; gene – Hub Booking</title>" in html
    assert html.count("<h1>") == 1


def test_the_frame_of_a_signed_in_person(env: Environment) -> None:
    html = page(env, SimpleNamespace(name="Ann <b>"))
    assert "Ann &lt;b&gt;" in html
    assert '<a href="/calendar" aria-current="page">' in html
    assert '<form class="inline-form" method="post" action="/hub/logout">' in html
    assert 'name="csrf_token" value="a-token"' in html
    assert html.index("<summary>More") < html.index('href="/admin"')


def test_the_frame_of_a_stranger(env: Environment) -> None:
    html = page(env, None)
    assert 'href="/hub/login"' in html
    assert "Sign out" not in html
    assert "<summary>" not in html


def test_the_appearance_is_set_before_the_style_is_read(env: Environment) -> None:
    html = page(env, None)
    assert html.index('<script src="/static/theme.js') < html.index('<link rel="stylesheet"')
