"""What a credit note amounts to: the steps of the stored amounts, with the tax that the refund has by rate."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.clock import now
from storefront.documents.credited_price import credited_price
from storefront.orders.queries import OrderLineView, OrderView
from storefront.orders.refund_queries import RefundLineView, RefundView
from storefront.pricing.price import Price, TaxLine
from storefront.refunds.calculator import PaidLine, PaidOrder, RefundRequest, calculate_refund
from storefront.refunds.tax_shares import by_rate

NONE_OF_ORDER: dict[str, Any] = {
    **dict.fromkeys(("carrier", "tracking", "fulfilled_at", "cancelled_at", "cancel_reason", "address", "payment")),
    **dict.fromkeys(("shipping_method", "shipping_name", "vat_id", "withdrawn_at", "withdrawal_statement", "language")),
}
NONE_OF_REFUND: dict[str, Any] = dict.fromkeys(("reason", "provider_id", "failure", "seller", "finished_at"))
PRICE = Price(
    subtotal=2550,
    discount=255,
    shipping=490,
    tax=470,
    total=3255,
    shipping_tax=93,
    tax_rate=Decimal(19),
    tax_lines=(TaxLine(Decimal(19), 2290, 435), TaxLine(Decimal(7), 495, 35)),
)
"""Two mugs at 10.00 and a book at 5.50, a tenth off, shipping at 4.90; tax is added."""


def order_line(name: str, unit_price: int, quantity: int, discount: int, tax: int, rate: str) -> OrderLineView:
    return OrderLineView(name, name, name, "en", None, "", unit_price, quantity, False, discount, tax, rate)


MUGS, BOOK = order_line("mug", 1000, 2, 200, 342, "19"), order_line("book", 550, 1, 55, 35, "7")


def order(price: Price = PRICE, *lines: OrderLineView) -> OrderView:
    texts: dict[str, Any] = dict.fromkeys(
        ("id", "number", "cart_id", "shopper", "email", "name", "currency", "payment_method"), "x"
    )
    return OrderView(
        **texts,
        **NONE_OF_ORDER,
        status="placed",
        payment_status="paid",
        created_at=now(),
        position=1,
        price=price,
        lines=list(lines or (MUGS, BOOK)),
        refunds=[],
    )


def refund(of: OrderView, amount: int | None = None, shipping: int = 0, **quantities: int) -> RefundView:
    """Return a refund as the shop calculates it."""
    paid = PaidOrder(
        [
            PaidLine(x.variant_id, x.product_id, x.unit_price, x.quantity, x.discount, x.tax, x.tax_percent)
            for x in of.lines
        ],
        tax_included=of.price.tax_included,
        shipping=of.price.shipping + (0 if of.price.tax_included else of.price.shipping_tax),
        shipping_tax=of.price.shipping_tax,
        available=of.price.total,
        shipping_tax_rate=of.price.tax_rate,
        left_by_rate=by_rate(of.price.total, of.price.tax_lines),
    )
    found = calculate_refund(paid, RefundRequest(quantities, shipping, amount))
    lines = tuple(RefundLineView(refund_id="r", **vars(line)) for line in found.lines)
    texts: dict[str, Any] = dict.fromkeys(("id", "order_id", "number", "status", "currency", "fingerprint"), "x")
    return RefundView(
        **texts,
        **NONE_OF_REFUND,
        amount=found.amount,
        shipping=found.shipping,
        shipping_tax=found.shipping_tax,
        tax_lines=found.tax_lines,
        attempt=1,
        created_at=now(),
        lines=lines,
    )


def total_of(price: Price) -> int:
    return price.subtotal - price.discount + price.shipping + (0 if price.tax_included else price.tax)


def test_all_of_an_order_amounts_to_its_price() -> None:
    found = credited_price(order(), refund(order(), shipping=583, mug=2, book=1))
    assert found == PRICE


def test_an_item_has_its_part_of_discount_and_tax() -> None:
    found = credited_price(order(), refund(order(), mug=1))
    assert (found.subtotal, found.discount, found.shipping, found.tax, found.total) == (1000, 100, 0, 171, 1071)
    assert found.tax_lines == (TaxLine(Decimal(19), 900, 171),)


def test_an_amount_without_items_has_tax_of_each_rate_of_the_order() -> None:
    found = credited_price(order(), refund(order(), amount=1000))
    assert found.tax_lines == (TaxLine(Decimal(19), 703, 134), TaxLine(Decimal(7), 152, 11))
    assert (found.subtotal, found.tax, found.total) == (855, 145, 1000)


def test_less_than_what_items_cost_has_less_tax() -> None:
    found = credited_price(order(), refund(order(), amount=952, mug=1))
    assert found.tax_lines == (TaxLine(Decimal(19), 800, 152),)
    assert (found.subtotal, found.discount, found.tax, found.total) == (900, 100, 152, 952)


def test_included_tax_is_not_added() -> None:
    price = Price(2550, 0, 407, 2550, Decimal(19), tax_included=True, tax_lines=(TaxLine(Decimal(19), 2143, 407),))
    mugs = replace(MUGS, unit_price=1275, discount=0, tax=407)
    found = credited_price(order(price, mugs), refund(order(price, mugs), amount=1175, mug=1))
    assert (found.subtotal, found.tax, found.total) == (1175, 188, 1175)
    assert found.tax_lines == (TaxLine(Decimal(19), 987, 188),)


@pytest.mark.parametrize("quantities", [{}, {"mug": 1}])
def test_order_without_tax_has_none_in_its_credit_notes(quantities: dict[str, int]) -> None:
    mugs = replace(MUGS, discount=0, tax=0, tax_rate=None)
    price = Price(2000, 0, 0, 2000)
    found = credited_price(order(price, mugs), refund(order(price, mugs), amount=500, **quantities))
    assert (found.subtotal, found.tax, found.total, found.tax_lines) == (500, 0, 500, ())


@given(st.integers(1, 3255), st.integers(0, 583), st.integers(0, 2), st.integers(0, 1))
def test_steps_add_up_to_what_was_refunded(amount: int, shipping: int, mugs: int, books: int) -> None:
    found = credited_price(order(), refund(order(), amount, shipping, mug=mugs, book=books))
    assert total_of(found) == found.total == amount
    assert min(found.subtotal, found.shipping, found.tax) >= 0
    assert sum(line.base + line.amount for line in found.tax_lines) == amount
    assert sum(line.amount for line in found.tax_lines) == found.tax
