"""What loading a catalogue again does to settings that staff changed in the back office."""

from typing import Any

from flask import Flask

from storefront.staff.permissions import Role
from storefront.tenants.registry import registry
from storefront.tenants.settings import TenantSettings
from tests.admin.settings_forms import events_of, opened
from tests.factories import import_tenants, product, tenant
from tests.staff.factories import signed_in

PAGE = "/admin/settings/shop"


def shop_with(**settings: Any) -> dict[str, Any]:
    return {**tenant("east", product("mug")), **settings}


def changed_by_staff(app: Flask, **typed: str) -> None:
    manager = signed_in(app, "east", Role.MANAGER)
    assert manager.post(PAGE, opened(manager, PAGE, "shop") | typed).status_code == 303


def shop(app: Flask) -> TenantSettings:
    with app.app_context():
        found = registry().find("east")
    assert found is not None
    return found


def test_a_file_that_does_not_name_a_setting_leaves_it(app: Flask) -> None:
    import_tenants(app, shop_with())
    changed_by_staff(app, country="IE", phone="+353 1")
    import_tenants(app, shop_with(name="East Mugs"), refresh=True)
    assert (shop(app).name, shop(app).country, shop(app).contact) == ("East Mugs", "IE", {"phone": "+353 1"})
    assert len(events_of(app, "east")) == 1


def test_a_file_is_not_taken_without_update(app: Flask) -> None:
    import_tenants(app, shop_with(country="DE"))
    changed_by_staff(app, country="IE")
    import_tenants(app, shop_with(country="DE"))
    assert shop(app).country == "IE"


def test_a_file_that_names_a_setting_replaces_it_and_says_so(app: Flask) -> None:
    import_tenants(app, shop_with(country="DE"))
    changed_by_staff(app, country="IE", phone="+353 1")
    loaded = import_tenants(app, shop_with(country="DE"), refresh=True)
    assert loaded.settings == ("east: country",)
    assert (shop(app).country, shop(app).contact) == ("DE", {"phone": "+353 1"})
    event = events_of(app, "east")[-1]
    assert (event.before, event.after) == ({"country": "IE"}, {"country": "DE"})
    assert import_tenants(app, shop_with(country="DE"), refresh=True).settings == ()
