"""The settings of tax, as a form without JavaScript."""

from decimal import Decimal

import pytest
from flask import Flask

from storefront.staff.permissions import Role
from storefront.tenants.registry import registry
from storefront.tenants.tax import Tax, TaxRates
from tests.admin.settings_forms import events_of, opened, texts
from tests.staff.factories import Staff, signed_in

PAGE = "/admin/settings/tax"
REDUCED = {"kind": "included", "rate": "19", "class_name_0": "Reduced", "class_rate_0": "7 %"}


@pytest.fixture
def manager(app: Flask) -> Staff:
    return signed_in(app, "north", Role.MANAGER)


def tax(app: Flask) -> Tax | None:
    with app.app_context():
        found = registry().find("north")
    assert found is not None
    return found.tax


def test_rate_classes_and_countries_are_stored(app: Flask, manager: Staff) -> None:
    france = {"country_0": "FR", "country_rate_0": "20", "country_classes_0": "reduced 5.5"}
    ireland = {"country_1": "IE", "country_rate_1": "23", "country_classes_1": "reduced: 13.5"}
    sent = opened(manager, PAGE, "tax") | REDUCED | france | ireland
    assert manager.post(PAGE, sent).status_code == 303
    found = tax(app)
    assert found is not None
    assert (found.rate, found.included, found.classes) == (Decimal(19), True, {"reduced": Decimal(7)})
    assert found.countries == {
        "FR": TaxRates(Decimal(20), {"reduced": Decimal("5.5")}),
        "IE": TaxRates(Decimal(23), {"reduced": Decimal("13.5")}),
    }
    form = opened(manager, PAGE, "tax")
    assert (form["class_name_0"], form["country_0"], form["country_classes_1"]) == ("reduced", "FR", "reduced 13.5")
    before = len(events_of(app))
    manager.post(PAGE, form)
    assert len(events_of(app)) == before, "nothing has changed"


def test_a_shop_can_have_no_tax(app: Flask, manager: Staff) -> None:
    manager.post(PAGE, opened(manager, PAGE, "tax") | {"kind": "added", "rate": "20"})
    assert tax(app) is not None
    manager.post(PAGE, opened(manager, PAGE, "tax") | {"kind": "none"})
    assert tax(app) is None


def test_a_class_that_products_have_is_not_removed(app: Flask, manager: Staff) -> None:
    manager.post(PAGE, opened(manager, PAGE, "tax") | REDUCED)
    beans = {"name": "Dawn Beans", "price": "10", "status": "active", "tax_class": "reduced"}
    answer = manager.post("/admin/products/beans", beans)
    assert answer.status_code == 303
    for change in ({"class_name_0": "", "class_rate_0": ""}, {"kind": "none"}):
        refused = manager.post(PAGE, opened(manager, PAGE, "tax") | change)
        assert refused.status_code == 422
        assert "1 product is in the class “reduced”." in refused.text
    assert tax(app) is not None


@pytest.mark.parametrize(
    ("sent", "field", "sentence"),
    [
        ({"rate": "much"}, "rate", "Enter a percentage from 0 to 100, such as 20 or 8.875."),
        (
            {"class_name_0": "Réduit"},
            "class_name_0",
            "Name it with 1 to 40 letters from a to z, digits, hyphens and underscores.",
        ),
        ({"class_rate_0": "101"}, "class_rate_0", "Enter a percentage from 0 to 100, such as 20 or 8.875."),
        ({"class_name_1": "reduced", "class_rate_1": "1"}, "class_name_1", "“reduced” is there twice."),
        ({"country_0": "FR"}, "country_rate_0", "Enter a percentage from 0 to 100, such as 20 or 8.875."),
        ({"country_rate_0": "5"}, "country_0", "Choose each country once."),
        ({"country_0": "XX", "country_rate_0": "5"}, "country_0", "Choose a country from the list."),
        ({"kind": "none at all"}, "kind", "Choose whether prices include tax."),
        (
            {"country_0": "FR", "country_rate_0": "5", "country_classes_0": "books 1"},
            "country_classes_0",
            "Use the classes above, as in: reduced 7.",
        ),
    ],
)
def test_what_is_wrong_is_said_at_the_field(
    app: Flask, manager: Staff, sent: dict[str, str], field: str, sentence: str
) -> None:
    before = tax(app)
    answer = manager.post(PAGE, opened(manager, PAGE, "tax") | REDUCED | sent)
    assert answer.status_code == 422
    assert texts(answer.text, f"{field}_error") == [sentence]
    assert tax(app) == before


def test_a_rate_that_somebody_else_changed_is_compared(app: Flask, manager: Staff) -> None:
    mine = opened(manager, PAGE, "tax") | {"kind": "added", "rate": "20"}
    manager.post(PAGE, mine | {"rate": "21"})
    answer = manager.post(PAGE, mine | {"rate": "22"})
    assert answer.status_code == 409
    assert "Meanwhile somebody else changed this to “21”." in answer.text
