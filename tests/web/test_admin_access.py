"""Every page of administration for every role, from the list of routes: one without a row here fails."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from werkzeug.routing import Rule

from booking.base.acts import TimedAct, plan
from booking.base.db import db, transaction
from booking.facilities import rule_actions
from booking.facilities.banner_actions import BannerDetails, post_banner
from booking.facilities.models import ServiceCertificate
from booking.facilities.rule_actions import ClosureDetails, PolicyDetails
from booking.notifications.models import OutboxMessage
from booking.people.actions import invite
from booking.people.models import User
from booking.training.models import PermitNeed
from tests.db.approval_world import a_rule
from tests.db.quota_world import a_quota
from tests.db.training_world import a_certificate, a_module, a_need, a_permit, competent
from tests.factories import MONDAY, World
from tests.web.conftest import Visitor

Visit = Callable[..., Visitor]
READERS = {"technician", "staff", "sus_staff", "admin"}
MANAGERS = {"staff", "sus_staff", "admin"}
HUB = {"staff", "admin"}
ADMIN = {"admin"}
OTHERS = ("student", "researcher", "amber", "coordinator")
WHO_OPENS = {  # endpoint: who gets the page of something at the Hub; other staff are told why not
    "admin.index": READERS,
    "admin.people.index": READERS,
    "admin.people.show": READERS,
    "admin.people.new": MANAGERS,
    "admin.people.edit": ADMIN,
    "admin.people.invite": MANAGERS,
    "admin.people.password": ADMIN,
    "admin.people.duties": MANAGERS,
    "admin.organisations.index": READERS,
    "admin.organisations.show": READERS,
    "admin.organisations.new": MANAGERS,
    "admin.organisations.edit": ADMIN,
    "admin.projects.index": READERS,
    "admin.projects.show": READERS,
    "admin.projects.new": MANAGERS,
    "admin.projects.edit": MANAGERS,
    "admin.facilities.index": READERS,
    "admin.facilities.show": READERS,
    "admin.facilities.new": ADMIN,
    "admin.facilities.edit": HUB,
    "admin.facilities.hours": HUB,
    "admin.facilities.lifecycle": HUB,
    "admin.rooms.index": READERS,
    "admin.rooms.show": READERS,
    "admin.rooms.new": MANAGERS,
    "admin.rooms.edit": HUB,
    "admin.resources.index": READERS,
    "admin.resources.show": READERS,
    "admin.resources.new": MANAGERS,
    "admin.resources.edit": HUB,
    "admin.resources.units": HUB,
    "admin.resources.lifecycle": HUB,
    "admin.policies.index": READERS,
    "admin.policies.show": READERS,
    "admin.policies.new": MANAGERS,
    "admin.policies.edit": HUB,
    "admin.policies.remove": HUB,
    "admin.approvals.index": READERS,
    "admin.approvals.new": MANAGERS,
    "admin.approvals.edit": HUB,
    "admin.approvals.remove": HUB,
    "admin.approvals.owners": HUB,
    "admin.quotas.index": READERS,
    "admin.quotas.show": READERS,
    "admin.quotas.new": MANAGERS,
    "admin.quotas.edit": HUB,
    "admin.quotas.remove": HUB,
    "admin.closures.index": READERS,
    "admin.closures.show": READERS,
    "admin.closures.new": MANAGERS,
    "admin.closures.edit": HUB,
    "admin.closures.remove": HUB,
    "admin.banners.index": READERS,
    "admin.banners.show": READERS,
    "admin.banners.new": READERS,
    "admin.banners.edit": {"technician", "staff", "admin"},
    "admin.banners.remove": {"technician", "staff", "admin"},
    "admin.training.index": READERS,
    "admin.training.show": READERS,
    "admin.training.new": MANAGERS,
    "admin.training.edit": MANAGERS,
    "admin.training.award": MANAGERS,
    "admin.training.withdraw": MANAGERS,
    "admin.training.resource": HUB,
    "admin.training.add_certificate": HUB,
    "admin.training.remove_certificate": HUB,
    "admin.training.expiry": READERS,
    "admin.permits.index": READERS,
    "admin.permits.show": READERS,
    "admin.permits.new": MANAGERS,
    "admin.permits.edit": MANAGERS,
    "admin.permits.withdraw": MANAGERS,
    "admin.permits.document": MANAGERS,
    "admin.permits.needs": READERS,
    "admin.permits.new_need": MANAGERS,
    "admin.permits.remove_need": HUB,
    "admin.permits.works": MANAGERS,
    "admin.overrides.index": READERS,
    "admin.overrides.as_csv": READERS,
    "admin.outbox.index": READERS,
    "admin.outbox.show": READERS,
    "admin.outbox.give_up": READERS,
    "admin.outbox.retry": READERS,
    "admin.outbox.acts": READERS,
    "admin.outbox.retry_act": READERS,
}
CODES = {
    "admin.organisations": "NWT",
    "admin.projects": "P-OPEN",
    "admin.facilities": "HUB",
    "admin.rooms": "H-01",
    "admin.resources": "H-INC1",
    "admin.training": "T-1",
    "admin.training.resource": "H-INC1",
    "admin.training.add_certificate": "H-INC1",
    "admin.permits": "P-OPEN",
    "admin.approvals.owners": "H-INC1",
}


@pytest.fixture
def ids(world: World) -> dict[str, Any]:
    """A policy, a quota, a closure, somebody invited, a mail and an act, as addresses name them."""
    by = world.viewer("admin")
    policy = rule_actions.add_policy(PolicyDetails("A rule", "Ada", "HUB", max_minutes=60), by)
    day = MONDAY.date()
    closure = rule_actions.add_closure(ClosureDetails("HUB", "Closed", day, day), by)
    banner = post_banner(BannerDetails("HUB", "The lift is out", day, day), by)
    competent(world, "amber2", a_module("T-1", world, "H-INC1"))
    a_certificate(world, "H-INC1", day)
    a_need(world)
    permit = a_permit(user_id=world.users["amber2"])
    with transaction():
        person = db.session.get_one(User, world.users["amber2"])
        person.password_hash = ""
        plan("send_digest", person.id, MONDAY)
        db.session.execute(update(TimedAct).values(dead_at=MONDAY, next_try_at=None))
    invite(person.public_id, by)
    mail, act = db.session.scalars(select(OutboxMessage)).one(), db.session.scalars(select(TimedAct)).one()
    named = {"public_id": person.public_id, "message_id": mail.public_id, "act_id": act.id}
    return {
        "policy_id": policy.id,
        "quota_id": a_quota(world).id,
        "closure_id": closure.id,
        "banner_id": banner.id,
        "permit_id": permit.id,
        "rule_id": a_rule(world).id,
        "need_id": db.session.scalar(select(PermitNeed.id)),
        "certificate_id": db.session.scalar(select(ServiceCertificate.id)),
        **named,
    }


def routes(app: Flask) -> list[Rule]:
    """List the routes of administration: invitations first, before accounts are closed; removals last."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.split(".")[0] == "admin"]
    return sorted(
        rules, key=lambda rule: ("remove" in rule.endpoint, "invite" not in rule.endpoint, rule.endpoint)
    )


def address(app: Flask, rule: Rule, ids: dict[str, Any]) -> str:
    known = {**ids, "code": CODES.get(rule.endpoint) or CODES.get(rule.endpoint.rpartition(".")[0])}
    with app.test_request_context():
        return app.url_for(rule.endpoint, **{name: known[name] for name in rule.arguments})


def test_every_route_has_its_row(world_app: Flask) -> None:
    assert {rule.endpoint for rule in routes(world_app)} == set(WHO_OPENS)


def expected(name: str, endpoint: str) -> set[int]:
    if name in OTHERS:
        return {404}
    return {200, 303, 422} if name in WHO_OPENS[endpoint] else {403}


@pytest.mark.parametrize("name", [*sorted(READERS), *OTHERS])
def test_who_opens_and_who_sends_what(visit: Visit, world_app: Flask, ids: dict[str, Any], name: str) -> None:
    visitor = visit(name)
    for rule in routes(world_app):
        path = address(world_app, rule, ids)
        for method in sorted((rule.methods or set()) & {"GET", "POST"}):
            answer = visitor.client.get(path) if method == "GET" else visitor.post(path, form_at="/account")
            allowed = expected(name, rule.endpoint) - ({303, 422} if method == "GET" else set())
            assert answer.status_code in allowed, f"{name}: {method} {path}: {answer.status_code}"
            page = visitor.look(answer)
            if answer.status_code == 403:
                assert "You may not" in page.get_text()


def test_nobody_in_particular_is_sent_to_sign_in(visit: Visit, world_app: Flask, ids: dict[str, Any]) -> None:
    visitor = visit()
    for rule in routes(world_app):
        path = address(world_app, rule, ids)
        if "GET" in (rule.methods or ()):
            answer = visitor.client.get(path)
            assert answer.status_code == 302, path
            assert answer.location.startswith("/login?next=%2Fadmin"), path
        if "POST" in (rule.methods or ()):
            assert visitor.client.post(path).status_code == 400, f"{path} takes a form without its token"
            sent = visitor.post(path, form_at="/login")
            assert (sent.status_code, sent.location) == (302, "/login?next=%2F"), path


@pytest.mark.parametrize("name", sorted(READERS))
def test_only_buttons_that_work_are_shown(
    visit: Visit, world_app: Flask, ids: dict[str, Any], name: str
) -> None:
    visitor = visit(name)
    for rule in routes(world_app):
        if not rule.endpoint.endswith((".index", ".show")):
            continue
        page = visitor.get(address(world_app, rule, ids))
        for button in page.select("main a.button[href^='/admin'], main a[href*='/new?']"):
            assert visitor.client.get(button["href"]).status_code == 200, f"{name}: {button['href']}"
