"""The settings of promotions: the list with their uses, and the form of one, without JavaScript."""

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask

from storefront.staff.permissions import Role
from storefront.tenants.promotions import Promotion
from storefront.tenants.registry import registry
from tests.admin.settings_forms import events_of, opened, texts
from tests.conftest import Person
from tests.staff.factories import Staff, signed_in

PAGE = "/admin/settings/promotions"
SPRING = {"code": "spring", "kind": "percent", "percent": "12,5"}
ABOVE_ZERO = "Enter a percentage above 0, and at most 100, such as 20 or 8.875."


@pytest.fixture
def manager(app: Flask) -> Staff:
    return signed_in(app, "north", Role.MANAGER)


def promotion(app: Flask, code: str) -> Promotion | None:
    with app.app_context():
        shop = registry().find("north")
    assert shop is not None
    return shop.promotion(code)


def test_a_promotion_is_added_with_all_its_conditions(app: Flask, manager: Staff) -> None:
    conditions = {
        "min_subtotal": "20",
        "from": "2026-01-01",
        "until": "2099-12-31",
        "limit": "100",
        "per_customer": "1",
    }
    assert manager.post(f"{PAGE}/new", SPRING | conditions).status_code == 303
    found = promotion(app, "SPRING")
    assert found is not None
    assert (found.percent, found.min_subtotal, found.limit, found.per_customer) == (Decimal("12.5"), 2000, 100, 1)
    assert (found.starts, found.until, found.automatic) == (date(2026, 1, 1), date(2099, 12, 31), False)
    assert "Used 0 of 100 times" in manager.get(PAGE).text
    assert events_of(app)[-1].after["spring"]["percent"] == "12.5"


def test_another_kind_of_promotion_replaces_the_first(app: Flask, manager: Staff) -> None:
    manager.post(f"{PAGE}/new", SPRING)
    form = opened(manager, f"{PAGE}/SPRING", "promotion")
    assert form["percent"] == "12.5"
    assert manager.post(f"{PAGE}/SPRING", form | {"kind": "amount", "amount": "5"}).status_code == 303
    found = promotion(app, "spring")
    assert found is not None
    assert (found.percent, found.amount) == (None, 500)
    form = opened(manager, f"{PAGE}/SPRING", "promotion")
    manager.post(f"{PAGE}/SPRING", form | {"kind": "free_shipping", "automatic": "true"})
    found = promotion(app, "spring")
    assert found is not None
    assert (found.amount, found.free_shipping, found.automatic) == (None, True, True)


def test_the_list_says_how_often_each_was_used(manager: Staff, shopper: Person) -> None:
    manager.post(f"{PAGE}/new", SPRING)
    cart = shopper.cart(beans=1)
    assert shopper.api("PUT", f"/carts/{cart}/promo", {"code": "Spring"}).status_code == 200
    assert shopper.checkout(cart).status_code == 201
    page = manager.get(PAGE).text
    assert "Used 1 time<" in page
    assert "Used up" not in page


def test_a_promotion_without_uses_left_is_used_up(manager: Staff, shopper: Person) -> None:
    manager.post(f"{PAGE}/new", SPRING | {"limit": "1"})
    assert "Used up" not in manager.get(PAGE).text
    cart = shopper.cart(beans=1)
    assert shopper.api("PUT", f"/carts/{cart}/promo", {"code": "Spring"}).status_code == 200
    assert shopper.checkout(cart).status_code == 201
    assert "Used up" in manager.get(PAGE).text


def test_a_promotion_is_removed(app: Flask, manager: Staff) -> None:
    manager.post(f"{PAGE}/new", SPRING)
    assert manager.post(f"{PAGE}/SPRING/remove").status_code == 303
    assert promotion(app, "spring") is None
    assert manager.get(f"{PAGE}/SPRING").status_code == 404


@pytest.mark.parametrize(
    ("sent", "field", "sentence"),
    [
        ({"code": "Späte"}, "code", "Use 1 to 40 letters from A to Z, digits, hyphens and underscores."),
        ({"code": "SPRING"}, "code", "There is a promotion with this code already."),
        ({"percent": ""}, "percent", ABOVE_ZERO),
        ({"percent": "101"}, "percent", ABOVE_ZERO),
        ({"percent": "0"}, "percent", ABOVE_ZERO),
        ({"kind": "amount", "amount": "0"}, "amount", "Enter an amount above 0."),
        ({"kind": "amount"}, "amount", "Enter an amount."),
        ({"min_subtotal": "much"}, "min_subtotal", "Enter a price in EUR, such as 12.50."),
        ({"from": "tomorrow"}, "from", "Enter a day of the calendar."),
        ({"from": "2026-02-02", "until": "2026-02-01"}, "until", "Enter a day that is not before the first."),
        ({"limit": "0"}, "limit", "Uses in all must be at least 1."),
        ({"per_customer": "x"}, "per_customer", "Enter a whole number."),
    ],
)
def test_what_is_wrong_is_said_at_the_field(manager: Staff, sent: dict[str, str], field: str, sentence: str) -> None:
    manager.post(f"{PAGE}/new", SPRING)
    answer = manager.post(f"{PAGE}/new", SPRING | {"code": "other"} | sent)
    assert answer.status_code == 422
    assert texts(answer.text, f"{field}_error") == [sentence]


def test_a_promotion_that_somebody_else_changed_is_compared(app: Flask, manager: Staff) -> None:
    manager.post(f"{PAGE}/new", SPRING)
    mine = opened(manager, f"{PAGE}/SPRING", "promotion")
    manager.post(f"{PAGE}/SPRING", mine | {"percent": "20"})
    answer = manager.post(f"{PAGE}/SPRING", mine | {"percent": "30"})
    assert answer.status_code == 409
    assert "Meanwhile somebody else changed this to “20”." in answer.text
    found = promotion(app, "spring")
    assert found is not None
    assert found.percent == 20
