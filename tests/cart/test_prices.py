"""The price of a cart: subtotal, minus discount, plus tax, is the total; each step rounds half up."""

from datetime import UTC, datetime

import time_machine
from flask import Flask

from tests.api_contract import assert_problem, steps
from tests.conftest import Person
from tests.factories import change_product, product, put_up, tenant

HALF = [{"code": "HALF", "percent": "50"}]
ODD = [{"code": "ODD", "percent": "12.5"}]
ALL = [{"code": "ALL", "percent": "100"}]

# fmt: off
PRICES = [
    # currency, price, tax rate, included, promotions, quantity, (subtotal, discount, tax, total)
    ("EUR", "18.50", "20", False, [], 1, (1850, 0, 370, 2220)),
    ("EUR", "0.01", "20", False, [], 2, (2, 0, 0, 2)),           # 0.4 rounds down
    ("EUR", "0.01", "50", False, [], 1, (1, 0, 1, 2)),           # 0.5 rounds up
    ("EUR", "0.05", "10", False, [], 1, (5, 0, 1, 6)),           # 0.5 rounds up, to an odd number
    ("EUR", "0.15", "10", False, [], 1, (15, 0, 2, 17)),         # 1.5 rounds up
    ("EUR", "0.25", "10", False, [], 1, (25, 0, 3, 28)),         # 2.5 rounds up, not to the even 2
    ("EUR", "0.05", None, False, HALF, 1, (5, 3, 0, 2)),         # 2.5 rounds up, not to the even 2
    ("EUR", "0.04", None, False, ODD, 1, (4, 1, 0, 3)),          # 0.5 rounds up
    ("EUR", "1.00", "20", False, ALL, 3, (300, 300, 0, 0)),
    ("EUR", "0.33", "20", False, ODD, 3, (99, 12, 17, 104)),     # 12.375 and 17.4
    ("EUR", "120.00", "20", True, [], 1, (12000, 0, 2000, 12000)),
    ("EUR", "1.00", "20", True, [], 1, (100, 0, 17, 100)),       # 16.67
    ("EUR", "0.03", "20", True, [], 1, (3, 0, 1, 3)),            # 0.5 rounds up
    ("EUR", "1.00", "20", True, HALF, 1, (100, 50, 8, 50)),      # 8.33
    ("EUR", "1.00", "0", False, [], 1, (100, 0, 0, 100)),
    ("EUR", "10.00", "8.875", False, [], 1, (1000, 0, 89, 1089)),  # 88.75
    ("JPY", "1450", "10", True, [], 1, (1450, 0, 132, 1450)),    # 131.8
    ("JPY", "99", "8", False, HALF, 1, (99, 50, 4, 53)),         # 49.5 and 3.92
    ("JPY", "5", "10", False, [], 1, (5, 0, 1, 6)),
    ("KWD", "1.250", "5", False, [], 1, (1250, 0, 63, 1313)),    # 62.5
    ("KWD", "0.001", "50", False, HALF, 1, (1, 1, 0, 0)),        # the discount's half rounds up
    ("KWD", "12.345", "15", True, ODD, 3, (37035, 4629, 4227, 32406)),  # 4629.375 and 4226.86
    ("ISK", "999", "24", False, [], 999, (998001, 0, 239520, 1237521)),  # 239520.24
    ("EUR", "9999999.99", "20", False, [], 999, (998999999001, 0, 199799999800, 1198799998801)),
]
# fmt: on


def test_each_step_rounds_half_up_to_the_minor_unit(app: Flask):
    shops = []
    for i, (currency, price, rate, included, promotions, *_) in enumerate(PRICES):
        tax = {"tax": {"rate": rate, "included": included}} if rate else {}
        shops.append(tenant(f"s{i}", product("thing", price), currency=currency, promotions=promotions, **tax))
    put_up(app, *shops)
    for i, (currency, price, rate, included, promotions, quantity, expected) in enumerate(PRICES):
        shopper = Person(app.test_client(), f"s{i}")
        cart = shopper.cart(thing=quantity)
        if promotions:
            shopper.api("PUT", f"/carts/{cart}/promo", {"code": promotions[0]["code"]})
        shown = shopper.api("GET", f"/carts/{cart}").json
        what = f"{quantity} × {price} {currency}, tax {rate} {'in' if included else 'on top'}, {promotions}"
        assert steps(shown) == expected, what
        assert {shown[step]["currency"] for step in ("subtotal", "discount", "tax", "total")} == {currency}
        if i % 4 == 0:
            order = shopper.checkout(cart)
            assert (order.status_code, steps(order.json)) == (201, expected), what


def test_the_subtotal_is_the_sum_of_the_lines(shopper: Person):
    cart = shopper.api("GET", f"/carts/{shopper.cart(beans=3, cup=2, honey=7)}").json
    lines = [item["line_total"]["amount"] for item in cart["items"]]
    assert lines == [5550, 2800, 7840]
    assert cart["subtotal"]["amount"] == sum(lines)


def test_the_currencys_own_decimals_are_shown(app: Flask):
    prices = {"north": ("beans", "€18.50"), "south": ("ink", "1,450"), "far-east": ("tea", "1.250")}
    for shop, (product_id, shown) in prices.items():
        page = Person(app.test_client(), shop).get(f"/products/{product_id}").text
        assert shown in page, shop


def test_a_code_in_any_case_takes_its_share(shopper: Person):
    pasted = ["SUMMER10\u200b", "\ufeffSUMMER10", "SUM\u00adMER10", "SUMMER10\u00a0"]
    for typed in ("SUMMER10", "summer10", "Summer10", " summer10 ", "ＳＵＭＭＥＲ１０", *pasted):
        cart = shopper.cart(beans=2)
        answer = shopper.api("PUT", f"/carts/{cart}/promo", {"code": typed})
        assert answer.status_code == 200
        assert answer.json["promo_code"] == "SUMMER10"
        assert steps(answer.json) == (3700, 370, 666, 3996)
        assert shopper.api("GET", f"/carts/{cart}").json == answer.json


def test_an_unknown_or_expired_code_is_refused_and_changes_nothing(shopper: Person):
    cart = shopper.cart(beans=2)
    shopper.api("PUT", f"/carts/{cart}/promo", {"code": "SUMMER10"})
    for code in ("NOSUCH", "BYGONE", "bygone", "", " ", "SUMMER", "%", "SUMMER10\0", "SUMMER1O", "SUMMER 10", "\u200b"):
        problem = assert_problem(shopper.api("PUT", f"/carts/{cart}/promo", {"code": code}), 422, field="code")
        assert ("expired" in problem["detail"].lower()) == (code.upper() == "BYGONE")
        assert shopper.api("GET", f"/carts/{cart}").json["promo_code"] == "SUMMER10"


def test_a_code_can_be_taken_off(shopper: Person):
    cart = shopper.cart(beans=2)
    shopper.api("PUT", f"/carts/{cart}/promo", {"code": "SUMMER10"})
    for _ in range(2):
        answer = shopper.api("DELETE", f"/carts/{cart}/promo")
        assert answer.status_code == 200
        assert answer.json["promo_code"] is None
        assert steps(answer.json) == (3700, 0, 740, 4440)


def test_a_new_code_takes_the_place_of_the_old(app: Flask):
    offers = [{"code": "ten", "percent": "10"}, {"code": "HALF", "percent": "50"}]
    put_up(app, tenant("offers", product("thing", "1.00"), promotions=offers))
    shopper = Person(app.test_client(), "offers")
    cart = shopper.cart(thing=1)
    for code, discount in (("ten", 10), ("half", 50), ("TEN", 10)):
        answer = shopper.api("PUT", f"/carts/{cart}/promo", {"code": code}).json
        assert (answer["promo_code"].upper(), answer["discount"]["amount"]) == (code.upper(), discount)


def test_a_code_lasts_through_its_last_day(app: Flask):
    put_up(
        app,
        tenant("days", product("thing", "1.00"), promotions=[{"code": "D", "percent": "10", "until": "2030-05-17"}]),
    )
    shopper = Person(app.test_client(), "days")
    for moment, status in (
        (datetime(2030, 5, 17, 23, 59, 59, tzinfo=UTC), 200),
        (datetime(2030, 5, 18, tzinfo=UTC), 422),
    ):
        with time_machine.travel(moment, tick=False):
            assert shopper.api("PUT", f"/carts/{shopper.cart(thing=1)}/promo", {"code": "d"}).status_code == status


def test_a_code_applies_to_what_comes_later_too(app: Flask, shopper: Person):
    cart = shopper.cart()
    shopper.api("PUT", f"/carts/{cart}/promo", {"code": "SUMMER10"})
    shopper.api("POST", f"/carts/{cart}/items", {"product_id": "beans", "quantity": 2})
    change_product(app, "north", "beans", price=1000)
    assert steps(shopper.api("GET", f"/carts/{cart}").json) == (2000, 200, 360, 2160)
