"""Country, contact, tax, shipping, payment and promotions in a catalogue: checked, stored and exported."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from storefront.catalog.import_schema import parse_catalog
from storefront.catalog.json_file import CatalogError
from storefront.tenants.registry import registry
from tests.catalog.test_importer import command
from tests.factories import product, tenant, written
from tests.tenant_admin.test_commands import exported

STANDARD = {
    "id": "standard",
    "name": {"en": "Standard", "de": "Standardversand"},
    "price": "4.90",
    "free_from": "50.00",
    "countries": ["IE", "DE"],
    "days": [2, 4],
    "steps": [{"from_weight": 2000, "price": "6.90"}, {"from_weight": 5000, "price": "9.90"}],
    "max_weight": 30000,
}
SETTINGS: dict[str, Any] = {
    "locale": "en-IE",
    "country": "IE",
    "contact": {"email": "hello@west.example", "address": "1 Quay Street, Galway", "imprint": "West Ltd."},
    "shipping": [STANDARD, {"id": "pickup", "name": "Pick up", "price": "0", "default": True}],
    "payment": ["on_delivery", "bank_transfer", "stripe"],
    "tax": {
        "rate": "20",
        "included": False,
        "classes": {"reduced": "10"},
        "countries": {"DE": {"rate": "19", "classes": {"reduced": "7"}}},
    },
    "promotions": [
        {
            **{"code": "SUMMER10", "percent": "10", "from": "2027-06-01", "until": "2027-09-01"},
            **{"min_subtotal": "20.00", "limit": 100, "per_customer": 1},
        },
        {"code": "SHIPFREE", "free_shipping": True},
        {"code": "FIVE", "amount": "5.00"},
    ],
}
SHOE = product("shoe", "49.99", tax_class="reduced", weight=800)


def shop(**settings: Any) -> dict[str, Any]:
    return tenant("west", product("hat"), SHOE, **{**SETTINGS, **settings})


def method(**fields: Any) -> dict[str, Any]:
    return {"shipping": [{**STANDARD, **fields}]}


def offer(**fields: Any) -> dict[str, Any]:
    return {"promotions": [{"code": "TEN", **fields}]}


def tax(**fields: Any) -> dict[str, Any]:
    return {"tax": {"rate": "20", "classes": {"reduced": "10"}, **fields}}


METHOD, OFFER = "tenant 'west', shipping method 'standard', ", "tenant 'west', promotion 'TEN', "
WRONG: list[tuple[dict[str, Any], str]] = [
    ({"country": "Ireland"}, "tenant 'west', country: 'Ireland' is not a country code such as IE"),
    ({"country": "EU"}, "country: 'EU' is not a country code"),
    ({"contact": {"fax": "1"}}, "tenant 'west', contact, fax is not a known field"),
    ({"payment": ["cash"]}, "tenant 'west', payment, entry number 1 must be one of: 'on_delivery', 'bank_transfer'"),
    ({"payment": ["stripe", "stripe"]}, "tenant 'west', payment, method 'stripe': is given 2 times"),
    (tax(rate="101"), "tenant 'west', tax, rate: '101' is more than 100 %"),
    (tax(classes={"Reduced": "1"}), "tax, classes, Reduced: 'Reduced' is not a tax class"),
    (tax(countries={"XX": {"rate": "1"}}), "tax, countries, XX: 'XX' is not a country code"),
    (tax(countries={"DE": {}}), "tenant 'west', tax, countries, DE, rate is required"),
    (tax(countries={"DE": {"rate": "19", "classes": {"books": "7"}}}), "tax, countries, DE, classes: 'books' is not"),
    (tax(classes={}), "tenant 'west', product 'shoe', tax_class: 'reduced' is not one of the shop's tax classes"),
    (method(price="4.999"), METHOD + "price: '4.999' has more decimals than EUR has (2)"),
    (method(free_from="much"), METHOD + "free_from: 'much' is not a decimal number"),
    (method(countries=["IE", "IE"]), METHOD + "countries, country 'IE': is given 2 times"),
    (method(countries=["ie"]), METHOD + "countries, entry number 1: 'ie' is not a country code"),
    (method(days=[4, 2]), METHOD + "days: the first must not be greater than the second"),
    (method(days=[4]), METHOD + "days must have at least 2 entries"),
    (method(id="by mail"), "id: 'by mail' is not a shipping method's id"),
    (method(name={"de": "Standard"}), METHOD + "name: is missing in 'en', the language of the shop's locale"),
    (method(steps=[{"price": "1"}]), METHOD + "steps, entry number 1: needs either from_weight or from_subtotal"),
    (method(steps=[{"price": "x", "from_weight": 1}]), METHOD + "steps, entry number 1, price: 'x' is not"),
    (
        method(steps=[{"price": "1", "from_weight": 5}, {"price": "2", "from_weight": 5}]),
        METHOD + "steps: each must begin at more than the one before",
    ),
    (
        method(steps=[{"price": "1", "from_weight": 5}, {"price": "2", "from_subtotal": "5"}]),
        METHOD + "steps: all must be by from_weight, or all by from_subtotal",
    ),
    ({"shipping": [STANDARD, STANDARD]}, "tenant 'west', shipping, method 'standard': is given 2 times"),
    (
        {"shipping": [{**STANDARD, "default": True}, {"id": "b", "name": "B", "price": "1", "default": True}]},
        "tenant 'west', shipping: only one method can be the default",
    ),
    (offer(), OFFER + "percent: a promotion has either percent, amount or free_shipping"),
    (offer(percent="5", amount="5"), OFFER + "percent: a promotion has either percent, amount or free_shipping"),
    (offer(amount="5.001"), OFFER + "amount: '5.001' has more decimals than EUR has (2)"),
    (offer(percent="5", min_subtotal="x"), OFFER + "min_subtotal: 'x' is not a decimal number"),
    (offer(percent="5", **{"from": "2027-02-02"}, until="2027-02-01"), OFFER + "until: 2027-02-01 is before"),
    (offer(percent="5", **{"from": "soon"}), OFFER + "from: 'soon' is not a date"),
    (method(countries=[]), METHOD + "countries must not be empty"),
    ({"contact": {"company": "A\nB"}}, "tenant 'west', contact, company: contains a line break"),
    (offer(percent="0"), OFFER + "percent: must be more than 0"),
    (offer(percent="0.00"), OFFER + "percent: must be more than 0"),
    (offer(amount="0"), OFFER + "amount: must be more than 0"),
    (offer(amount="0.00"), OFFER + "amount: must be more than 0"),
    (offer(percent="5", limit=0), OFFER + "limit must be at least 1"),
]


@pytest.mark.parametrize(("settings", "message"), WRONG)
def test_error_names_shop_and_field(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(CatalogError) as error:
        parse_catalog(written(shop(**settings)))
    assert message in str(error.value)


@pytest.mark.parametrize(("field", "value"), [("weight", -1), ("weight", "800"), ("tax_class", "none")])
def test_error_names_product_and_field(field: str, value: Any) -> None:
    with pytest.raises(CatalogError) as error:
        parse_catalog(written(tenant("west", {**SHOE, field: value}, **SETTINGS)))
    assert f"tenant 'west', product 'shoe', {field}" in str(error.value)


def load(app: Flask, file: Path, *options: str, **settings: Any) -> None:
    file.write_bytes(written(shop(**settings)))
    loaded = command(app, file, *options)
    assert loaded.exit_code == 0, loaded.output


def test_settings_are_stored_and_exported_as_they_were(app: Flask, tmp_path: Path) -> None:
    load(app, tmp_path / "shop.json")
    with app.app_context():
        stored = registry().all()["west"]
    standard, pickup = stored.shipping
    assert (standard.price, standard.free_from, standard.price_of(4000, 6000), standard.price_of(5000, 1)) == (
        *(490, 5000, 990, 0),
    )
    assert (pickup.pickup, pickup.default, standard.pickup) == (True, True, False)
    found = exported(app, "west", "catalog", "export")["tenants"][0]
    for name in ("country", "contact", "payment", "tax"):
        assert found[name] == SETTINGS[name] or name == "tax", name
    assert parse_catalog(json.dumps({"tenants": [found]}).encode()) == parse_catalog(written(found))
    assert next(one for one in found["products"] if one["id"] == "shoe") | SHOE == {**SHOE, "stock": 1000}
    assert found["shipping"][0]["steps"] == STANDARD["steps"]
    assert found["promotions"][0] | SETTINGS["promotions"][0] == found["promotions"][0]


def test_update_takes_the_settings_of_the_file(app: Flask, tmp_path: Path) -> None:
    file = tmp_path / "shop.json"
    load(app, file)
    load(app, file, country="DE", shipping=[], payment=[])
    with app.app_context():
        assert registry().all()["west"].country == "IE", "without --update, an existing shop keeps its settings"
    load(app, file, "--update", country="DE", shipping=[], payment=[], contact=None)
    with app.app_context():
        found = registry().all()["west"]
    assert (found.country, found.shipping, found.payment, found.contact) == ("DE", (), (), {})
