"""The shares of refunds by tax rate: all refunds of an order together have exactly the tax of the order."""

from dataclasses import replace
from decimal import Decimal

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from storefront.db.tenant_context import tenant_context
from storefront.errors import Invalid
from storefront.orders.payment_queries import find_payment
from storefront.orders.queries import load_order
from storefront.payments.by_hand import mark_paid
from storefront.pricing.calculator import calculate_price
from storefront.pricing.price import Destination, Price, PriceLine, TaxLine
from storefront.refunds.actions import refund_order
from storefront.refunds.calculator import (
    CalculatedRefund,
    PaidLine,
    PaidOrder,
    RefundRequest,
    calculate_refund,
    rest_of,
)
from storefront.refunds.tax_shares import NOTHING, Taxed, by_rate, tax_shares
from storefront.tenants.shipping_methods import ShippingMethod
from storefront.tenants.tax import Tax
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant
from tests.pricing.test_calculator import NOW, offer, shop

REDUCED, MAIN = Decimal(7), Decimal(19)


def priced(lines: list[tuple[int, int, str | None]], percent: int, included: bool) -> Price:
    classes = {"reduced": REDUCED, "zero": Decimal(0)}
    tax = Tax(MAIN, included, classes)
    method = ShippingMethod("post", "Post", (), 490)
    found = [PriceLine(price, quantity, tax_class) for price, quantity, tax_class in lines]
    promotions = [offer(str(percent))] if percent else []
    code = "SUMMER" if percent else None
    return calculate_price(shop(tax, *promotions), found, code, NOW, Destination(None, method))


def paid(price: Price) -> PaidOrder:
    lines = [
        PaidLine(f"v{i}", f"p{i}", one.unit_price, one.quantity, one.discount, one.tax, one.tax_rate)
        for i, one in enumerate(price.lines)
    ]
    shipping = price.shipping + (0 if price.tax_included else price.shipping_tax)
    return PaidOrder(
        *(lines, price.tax_included, shipping, price.shipping_tax, price.total),
        shipping_tax_rate=price.tax_rate,
        left_by_rate=by_rate(price.total, price.tax_lines),
    )


def after(order: PaidOrder, wanted: RefundRequest, refund: CalculatedRefund) -> PaidOrder:
    refunded = {**order.refunded}
    for id, quantity in wanted.quantities.items():
        refunded[id] = refunded.get(id, 0) + quantity
    gone = by_rate(refund.amount, refund.tax_lines)
    left = {rate: part - gone.get(rate, NOTHING) for rate, part in order.left_by_rate.items()}
    assert all(0 <= part.tax <= part.amount for part in left.values()), left
    assert set(gone) <= set(left)
    return replace(
        order,
        available=order.available - refund.amount,
        shipping_refunded=order.shipping_refunded + wanted.shipping,
        refunded=refunded,
        left_by_rate=left,
    )


LINE = st.tuples(st.integers(1, 5000), st.integers(1, 9), st.sampled_from([None, "reduced", "zero"]))


@given(lines=st.lists(LINE, min_size=1, max_size=5), percent=st.integers(0, 99), included=st.booleans(), data=st.data())
def test_refunds_in_any_steps_have_the_tax_of_the_order(
    lines: list[tuple[int, int, str | None]], percent: int, included: bool, data: st.DataObject
) -> None:
    order = paid(priced(lines, percent, included))
    for _ in range(data.draw(st.integers(0, 5))):
        if not order.available:
            break
        quantities = {line.variant_id: data.draw(st.integers(0, order.left(line))) for line in order.lines}
        amount = data.draw(st.none() | st.integers(1, order.available))
        wanted = RefundRequest(quantities, data.draw(st.integers(0, order.shipping_left)), amount)
        if amount is None and not 0 < computed(order, wanted) <= order.available:
            wanted = replace(wanted, amount=order.available)
        order = after(order, wanted, calculate_refund(order, wanted))
    if order.available:
        order = after(order, rest_of(order), calculate_refund(order, rest_of(order)))
    assert all(part == NOTHING for part in order.left_by_rate.values())


def computed(order: PaidOrder, wanted: RefundRequest) -> int:
    """Return what the items and the shipping amount to, whatever is available."""
    if not any(wanted.quantities.values()) and not wanted.shipping:
        return 0
    try:
        return calculate_refund(replace(order, available=10**12), wanted).amount
    except Invalid:  # items that cost nothing
        return 0


def test_refund_of_items_has_their_own_tax() -> None:
    order = paid(priced([(1190, 2, None), (1070, 1, "reduced")], 0, True))
    refund = calculate_refund(order, RefundRequest({"v0": 1}, 490))
    assert refund.tax_lines == (TaxLine(MAIN, 1680 - refund.lines[0].tax - 78, refund.lines[0].tax + 78),)


def test_free_amount_is_split_like_the_order() -> None:
    left = {MAIN: Taxed(3000, 479), REDUCED: Taxed(1000, 65), None: Taxed(0)}
    assert tax_shares(400, {}, left) == (TaxLine(MAIN, 252, 48), TaxLine(REDUCED, 93, 7))


def test_kept_fee_is_split_like_the_items() -> None:
    left = {MAIN: Taxed(3000, 479), REDUCED: Taxed(1000, 65), None: Taxed(0)}
    assert tax_shares(900, {REDUCED: Taxed(1000, 65)}, left) == (TaxLine(REDUCED, 841, 59),)


def test_more_than_the_order_has_at_a_rate_is_taken_from_the_others() -> None:
    left = {MAIN: Taxed(3000, 479), REDUCED: Taxed(500, 33), None: Taxed(0)}
    found = tax_shares(1000, {REDUCED: Taxed(1000, 65)}, left)
    assert found == (TaxLine(MAIN, 420, 80), TaxLine(REDUCED, 467, 33))


def test_what_is_paid_above_the_total_has_no_tax() -> None:
    assert tax_shares(5000, {}, {MAIN: Taxed(1190, 190), None: Taxed(0)}) == (TaxLine(MAIN, 1000, 190),)


def test_order_without_tax_has_refunds_without() -> None:
    assert tax_shares(100, {None: Taxed(100)}, {None: Taxed(500)}) == ()


@pytest.fixture
def order_id(app: Flask) -> str:
    """A paid order of 23.80 at 19 % and 10.70 at 7 %."""
    goods = [product("pot", "11.90"), product("tea", "10.70", tax_class="reduced")]
    tax = {"rate": "19", "included": True, "classes": {"reduced": "7"}}
    import_tenants(app, tenant("till", *goods, tax=tax, country="DE", payment=["on_delivery"]))
    buyer = Person(app.test_client(), "till")
    found = str(buyer.checkout(buyer.cart(pot=2, tea=1), payment="on_delivery").json["id"])
    with app.app_context(), tenant_context("till"):
        mark_paid(found)
    return found


def test_shares_are_stored_with_the_refund(app: Flask, order_id: str) -> None:
    with app.test_request_context("/t/till/"), tenant_context("till"):
        first = refund_order(order_id, RefundRequest(amount=345), "a" * 22)
        assert [(line.rate, line.base + line.amount) for line in first.tax_lines] == [(MAIN, 238), (REDUCED, 107)]
        refund_order(order_id, RefundRequest({"tea": 1}), "b" * 22)
        last = refund_order(order_id, RefundRequest(amount=3450 - 345 - 1070), "c" * 22)
        order = load_order(order_id)
        total = {line.rate: (line.base, line.amount) for line in order.price.tax_lines}
        summed = {
            rate: tuple(
                sum(getattr(line, part) for one in order.refunds for line in one.tax_lines if line.rate == rate)
                for part in ("base", "amount")
            )
            for rate in total
        }
        payment = find_payment(order_id)
    assert last.number
    assert summed == total
    assert payment is not None
    assert payment.refunded == 3450
