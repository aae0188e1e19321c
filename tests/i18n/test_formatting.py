"""Amounts, numbers, rates, dates and plural forms by locale."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from storefront.i18n import formatting
from storefront.i18n.gettext import _, ngettext
from storefront.i18n.locale import override_locale
from storefront.tenants.registry import registry
from tests.conftest import Person

MOMENT = datetime(2026, 11, 22, 16, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("shop", "language", "amount", "shown"),
    [
        ("north", "en", 1250, "€12.50"),
        ("north", "de", 123456, "1.234,56\xa0€"),
        ("north", "fr", 123456, "1\u202f234,56\xa0€"),
        ("north", "ja", 1250, "€12.50"),
        ("south", "ja", 12400, "¥12,400"),
        ("south", "de", 12400, "12.400\xa0¥"),
        ("far-east", "de", 1250, "1,250\xa0KWD"),
    ],
)
def test_amount_is_formatted_by_locale(app: Flask, shop: str, language: str, amount: int, shown: str):
    with app.test_request_context():
        g.tenant = registry().find(shop)
        with override_locale(language):
            assert formatting.format_money(amount) == shown


@pytest.mark.parametrize(
    ("language", "moment", "number", "rate"),
    [
        ("en", "22 November 2026, 16:09 UTC", "12,345", "8.875%"),
        ("de", "22. November 2026, 16:09 UTC", "12.345", "8,875\xa0%"),
        ("fr", "22 novembre 2026, 16:09 UTC", "12\u202f345", "8,875\xa0%"),
        ("uk", "22 листопада 2026\u202fр., 16:09 UTC", "12\xa0345", "8,875%"),
        ("ja", "2026年11月22日 16:09 UTC", "12,345", "8.875%"),
    ],
)
def test_dates_numbers_and_rates_are_formatted_by_locale(
    app: Flask, language: str, moment: str, number: str, rate: str
):
    with app.test_request_context():
        g.tenant = registry().find("north")
        with override_locale(language):
            text = formatting.format_datetime(MOMENT).replace("\u202f", " ").replace("\xa0", " ")
            assert text == moment.replace("\u202f", " ")
            assert formatting.format_integer(12345) == number
            assert formatting.format_percent(Decimal("8.875")) == rate


@pytest.mark.parametrize(
    ("shop", "language", "moment"),
    [
        ("north", "en", "2 July 2026, 00:30 UTC+01:00"),
        ("north", "fr", "2 juillet 2026, 00:30 UTC+01:00"),
        ("south", "ja", "2026年7月2日 8:30 UTC+09:00"),
        ("far-east", "en", "July 2, 2026, 2:30 AM UTC+03:00"),
    ],
)
def test_date_is_in_the_shops_time_zone(app: Flask, shop: str, language: str, moment: str):
    """By default the time zone of its locale's territory, where the day may differ."""
    with app.test_request_context():
        g.tenant = registry().find(shop)
        with override_locale(language):
            text = formatting.format_datetime(datetime(2026, 7, 1, 23, 30, tzinfo=UTC))
            assert text.replace("\u202f", " ").replace("\xa0", " ") == moment


@pytest.mark.parametrize(
    ("language", "forms"),
    [
        ("en", {1: "1 product", 2: "2 products", 5: "5 products"}),
        ("de", {1: "1 Produkt", 2: "2 Produkte"}),
        ("fr", {0: "0 produit", 1: "1 produit", 2: "2 produits"}),
        ("uk", {1: "1 товар", 3: "3 товари", 5: "5 товарів", 11: "11 товарів", 21: "21 товар", 22: "22 товари"}),
        ("ja", {1: "1点の商品", 7: "7点の商品"}),
    ],
)
def test_plural_form_depends_on_the_number(app: Flask, language: str, forms: dict[int, str]):
    with app.test_request_context(), override_locale(language):
        for number, text in forms.items():
            assert ngettext("%(count)s product", "%(count)s products", number, count=number) == text


def test_locale_override_ends_with_its_context(app: Flask):
    with app.test_request_context(headers={"Accept-Language": "fr"}):
        assert _("Cart") == "Panier"
        with override_locale("de"):
            assert _("Cart") == "Warenkorb"
            with override_locale("ja"):
                assert _("Cart") == "カート"
            assert _("Cart") == "Warenkorb"
        assert _("Cart") == "Panier"
    assert _("Cart") == "Cart"


def test_whole_purchase_in_german(shopper: Person, app: Flask):
    client: FlaskClient = app.test_client()
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    ada = Person(client, "north")
    added = ada.post("/cart/items", {"product_id": "cup", "quantity": 5}, follow_redirects=True).text
    assert "Stone Cup liegt jetzt im Warenkorb." in added
    for words in ("Nur noch 3 auf Lager", "je 14,00\xa0€", "Steuern (20\xa0%)", "84,00\xa0€"):
        assert words in added, words
    form = {"email": "nobody", "name": ""}
    refused = ada.post("/checkout", form).text
    assert "Bitte geben Sie eine gültige E-Mail-Adresse ein" in refused
    assert "Bitte geben Sie Ihren Namen ein." in refused
    short = ada.post("/checkout", {"email": "ada@example.com", "name": "Ada"}).text
    assert "5 gewünscht, 3 verfügbar" in short
    ada.post("/cart/items/cup", {"quantity": 3})
    order = ada.post("/checkout", {"email": "ada@example.com", "name": "Ada"}, follow_redirects=True).text
    for words in ("Vielen Dank, Ada.", "Eingegangen", "50,40\xa0€"):
        assert words in order, words
