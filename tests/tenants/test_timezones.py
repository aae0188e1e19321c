"""The time zone of a shop: by name, or the default of its locale's territory."""

import re
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from storefront.catalog.json_file import CatalogError
from storefront.tenants.registry import registry
from storefront.tenants.timezones import check_timezone, default_timezone
from tests.conftest import Person
from tests.factories import product, put_up, tenant

ONE_SECOND = timedelta(seconds=1)
LAST_DAY = {"code": "TODAY", "percent": "50", "until": "2026-07-01"}


@pytest.mark.parametrize(
    ("locale", "zone"),
    [
        ("en-IE", "Europe/Dublin"),
        ("ja-JP", "Asia/Tokyo"),
        ("fr-CH", "Europe/Zurich"),
        ("en-KW", "Asia/Kuwait"),
        ("en-US", "UTC"),
        ("de-DE", "UTC"),
        ("en", "UTC"),
        ("en-nowhere-at-all", "UTC"),
    ],
)
def test_the_locales_territory_says_the_zone_where_it_has_one_only(locale: str, zone: str):
    assert default_timezone(locale) == zone


@pytest.fixture
def bare_system() -> Iterator[None]:
    """As in a slim container: the system has no time zones of its own."""
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.usefixtures("bare_system")
def test_no_zones_of_the_system_are_needed():
    assert check_timezone("Europe/Kyiv") == "Europe/Kyiv"
    assert zoneinfo.ZoneInfo("Asia/Tokyo").utcoffset(datetime(2026, 1, 1)) is not None  # noqa: DTZ001


@pytest.mark.parametrize("name", ["Europe/Dubln", "CET+1", "../../etc/passwd", "", "Europe", "Dublin\0"])
def test_what_is_no_zone_is_refused_by_its_name(app: Flask, name: str):
    with pytest.raises(CatalogError) as refused:
        put_up(app, tenant("west", product("tea"), timezone=name))
    assert "tenant 'west', timezone" in str(refused.value)
    assert f"{name!r} is not a time zone" in str(refused.value)
    if name == "Europe/Dubln":
        assert "did you mean 'Europe/Dublin'?" in str(refused.value)


def test_an_update_takes_the_zone_from_the_file(app: Flask):
    zones = []
    for more in ({"timezone": "America/Denver"}, {"timezone": "Asia/Tokyo"}, {}):
        put_up(app, tenant("west", product("tea"), locale="fr-FR", **more), refresh=True)
        with app.app_context():
            found = registry().find("west")
            assert found
            zones.append(found.timezone.key)
    assert zones == ["America/Denver", "Asia/Tokyo", "Europe/Paris"]


@pytest.mark.parametrize(
    ("zone", "last_second"),
    [
        ("Pacific/Kiritimati", datetime(2026, 7, 1, 9, 59, 59, tzinfo=UTC)),
        ("Asia/Tokyo", datetime(2026, 7, 1, 14, 59, 59, tzinfo=UTC)),
        ("Europe/Dublin", datetime(2026, 7, 1, 22, 59, 59, tzinfo=UTC)),
        ("UTC", datetime(2026, 7, 1, 23, 59, 59, tzinfo=UTC)),
        ("America/Los_Angeles", datetime(2026, 7, 2, 6, 59, 59, tzinfo=UTC)),
    ],
)
def test_a_promotion_ends_with_the_day_where_the_shop_is(app: Flask, zone: str, last_second: datetime):
    put_up(app, tenant("west", product("tea"), timezone=zone, promotions=[LAST_DAY]))
    with app.app_context():
        shop = registry().find("west")
        assert shop
        offer = shop.promotion("today")
        assert offer
        assert not offer.expired(last_second, shop.timezone)
        assert offer.expired(last_second.replace(microsecond=0) + ONE_SECOND, shop.timezone)


def test_the_orders_page_tells_the_time_of_the_shop_and_the_api_utc(app: Flask):
    put_up(app, tenant("west", product("tea"), timezone="America/St_Johns"))
    buyer = Person(app.test_client(), "west")
    order = buyer.checkout(buyer.cart(tea=1)).json
    assert order
    assert order["created_at"].endswith("Z")
    page = buyer.get(f"/orders/{order['id']}").text
    assert 'datetime="' in page
    assert re.search(r"UTC−0[23]:30", page)
