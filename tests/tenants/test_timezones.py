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
from tests.factories import import_tenants, product, tenant

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
def test_default_is_the_only_time_zone_of_the_territory(locale: str, zone: str):
    assert default_timezone(locale) == zone


@pytest.fixture
def without_system_timezones() -> Iterator[None]:
    """Hide the system's time zones, like in a slim container."""
    zoneinfo.reset_tzpath(to=[])
    zoneinfo.ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    zoneinfo.ZoneInfo.clear_cache()


@pytest.mark.usefixtures("without_system_timezones")
def test_time_zones_of_the_system_are_not_needed():
    assert check_timezone("Europe/Kyiv") == "Europe/Kyiv"
    assert zoneinfo.ZoneInfo("Asia/Tokyo").utcoffset(datetime(2026, 1, 1)) is not None  # noqa: DTZ001


@pytest.mark.parametrize("name", ["Europe/Dubln", "CET+1", "../../etc/passwd", "", "Europe", "Dublin\0"])
def test_unknown_time_zone_is_refused_with_its_name(app: Flask, name: str):
    with pytest.raises(CatalogError) as error:
        import_tenants(app, tenant("west", product("tea"), timezone=name))
    assert "tenant 'west', timezone" in str(error.value)
    assert f"{name!r} is not a time zone" in str(error.value)
    if name == "Europe/Dubln":
        assert "did you mean 'Europe/Dublin'?" in str(error.value)


def test_update_sets_the_time_zone(app: Flask):
    zones = []
    for fields in ({"timezone": "America/Denver"}, {"timezone": "Asia/Tokyo"}, {}, {"timezone": None}):
        import_tenants(app, tenant("west", product("tea"), locale="fr-FR", **fields), refresh=True)
        with app.app_context():
            found = registry().find("west")
            assert found
            zones.append(found.timezone.key)
    # a file without a time zone keeps what is set
    assert zones == ["America/Denver", "Asia/Tokyo", "Asia/Tokyo", "Europe/Paris"]


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
def test_promotion_ends_at_midnight_in_the_shops_time_zone(app: Flask, zone: str, last_second: datetime):
    import_tenants(app, tenant("west", product("tea"), timezone=zone, promotions=[LAST_DAY]))
    with app.app_context():
        shop = registry().find("west")
        assert shop
        offer = shop.promotion("today")
        assert offer
        assert not offer.expired(last_second, shop.timezone)
        assert offer.expired(last_second.replace(microsecond=0) + ONE_SECOND, shop.timezone)


def test_order_page_shows_local_time_and_the_api_utc(app: Flask):
    import_tenants(app, tenant("west", product("tea"), timezone="America/St_Johns"))
    buyer = Person(app.test_client(), "west")
    order = buyer.checkout(buyer.cart(tea=1)).json
    assert order
    assert order["created_at"].endswith("Z")
    page = buyer.get(f"/orders/{order['id']}").text
    assert 'datetime="' in page
    assert re.search(r"UTC−0[23]:30", page)
