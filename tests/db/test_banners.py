"""The notice board: who posts what where, and that it is seen at once."""

from datetime import date, timedelta

import pytest
from sqlalchemy import delete, update

from booking.base import audit
from booking.base.db import db, transaction
from booking.base.errors import Forbidden, Invalid, NotFound, Stale
from booking.facilities.banner_actions import (
    BannerDetails,
    change_banner,
    find_banner,
    post_banner,
    take_down_banner,
)
from booking.facilities.models import Banner
from booking.facilities.queries import places
from tests.factories import MONDAY, World

DAY = MONDAY.date()
LIFT = BannerDetails("HUB", " The lift is out. ", DAY, DAY + timedelta(days=4))
ROOM = BannerDetails("HUB", "Floor wet", DAY, DAY, room="H-01")


def texts(world: World, first: date = DAY, last: date = DAY, rooms: tuple[str, ...] = ()) -> list[str]:
    ids = [world.rooms[code] for code in rooms]
    return [one.text for one in places().facilities[world.facilities["HUB"]].banners_on(first, last, ids)]


def test_a_notice_stands_on_its_days_and_in_its_room(world: World) -> None:
    post_banner(LIFT, world.viewer("technician"))
    post_banner(ROOM, world.viewer("staff"))
    day = timedelta(days=1)
    assert texts(world) == ["The lift is out."]
    assert texts(world, rooms=("H-01",)) == ["The lift is out.", "Floor wet"]
    assert texts(world, rooms=("H-02",)) == ["The lift is out."]
    assert texts(world, DAY + 4 * day, DAY + 9 * day, ("H-01",)) == ["The lift is out."]
    assert texts(world, DAY - 3 * day, DAY - day) == texts(world, DAY + 5 * day, DAY + 9 * day) == []


def test_it_is_changed_and_taken_down(world: World) -> None:
    banner = post_banner(LIFT, world.viewer("technician"))
    change_banner(banner.id, BannerDetails("HUB", "It works", DAY, DAY, room="H-02"), world.viewer("staff"))
    assert (texts(world), texts(world, rooms=("H-02",))) == ([], ["It works"])
    newest = audit.history("banner", banner.id)[0]
    assert (newest.before["text"], newest.after["text"]) == ("The lift is out.", "It works")
    with pytest.raises(Stale):
        change_banner(banner.id, LIFT, world.viewer("staff"), as_read="0" * 16)
    take_down_banner(banner.id, world.viewer("technician"))
    assert texts(world, rooms=("H-02",)) == []
    assert audit.history("facility", world.facilities["HUB"])[0].action == "banner_removed"
    for act in (find_banner, lambda key: take_down_banner(key, world.viewer("staff"))):
        with pytest.raises(NotFound):
            act(banner.id)


@pytest.mark.parametrize("name", ["student", "researcher", "leader", "coordinator", "sus_staff"])
def test_only_the_facilitys_staff_post(world: World, name: str) -> None:
    banner = post_banner(LIFT, world.viewer("technician"))
    by = world.viewer(name)
    for act in (
        lambda: post_banner(LIFT, by),
        lambda: change_banner(banner.id, LIFT, by),
        lambda: take_down_banner(banner.id, by),
    ):
        with pytest.raises(Forbidden):
            act()


@pytest.mark.parametrize(
    ("details", "field"),
    [
        (BannerDetails("HUB", "  ", DAY, DAY), "text"),
        (BannerDetails("HUB", "x" * 301, DAY, DAY), "text"),
        (BannerDetails("HUB", "two\nlines", DAY, DAY), "text"),
        (BannerDetails("HUB", "Lift", None, DAY), "first_day"),
        (BannerDetails("HUB", "Lift", DAY, None), "last_day"),
        (BannerDetails("HUB", "Lift", DAY, DAY - timedelta(days=1)), "last_day"),
        (BannerDetails("HUB", "Lift", DAY, date(9999, 1, 1)), "last_day"),
        (BannerDetails("HUB", "Lift", DAY, DAY, room="S-01"), "room"),
    ],
)
def test_what_is_wrong_is_named(world: World, details: BannerDetails, field: str) -> None:
    with pytest.raises(Invalid) as invalid:
        post_banner(details, world.viewer("staff"))
    assert list(invalid.value.errors) == [field]


def test_whatever_changes_the_table_is_seen(world: World) -> None:
    """The snapshot is kept by the directory's version: the database itself raises it."""
    banner = post_banner(LIFT, world.viewer("staff"))
    assert texts(world) == ["The lift is out."]
    with transaction():
        db.session.execute(update(Banner).where(Banner.id == banner.id).values(text="By hand"))
    db.session.rollback()
    assert texts(world) == ["By hand"]
    with transaction():
        db.session.execute(delete(Banner))
    db.session.rollback()
    assert texts(world) == []
