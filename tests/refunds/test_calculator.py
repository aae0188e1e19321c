"""What a refund amounts to: in whatever steps an order is refunded, the parts are exactly what was paid."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storefront.errors import Invalid
from storefront.pricing.calculator import calculate_price
from storefront.pricing.price import Destination, PriceLine
from storefront.refunds.calculator import PaidLine, PaidOrder, RefundRequest, calculate_refund, rest_of
from storefront.tenants.shipping_methods import ShippingMethod
from tests.pricing.test_calculator import NOW, added, offer, shop
from tests.pricing.test_calculator import included as included_tax

LINES = st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 12)), min_size=1, max_size=6)


def order_of(
    lines: list[tuple[int, int]], discount: int, tax: list[int], included: bool, shipping: int, on: int
) -> PaidOrder:
    """An order of lines (price, quantity) whose discount is given to the first lines; `tax` of each line, `on` the
    shipping."""
    found = []
    for number, (price, quantity) in enumerate(lines):
        given_here = min(discount, price * quantity)
        discount -= given_here
        found.append(PaidLine(f"v{number}", f"p{number}", price, quantity, given_here, tax[number]))
    left = sum(line.unit_price * line.quantity - line.discount for line in found)
    total = left + shipping + (0 if included else sum(line.tax for line in found) + on)
    return PaidOrder(found, included, shipping + (0 if included else on), on, total)


@st.composite
def orders(draw: st.DrawFn) -> PaidOrder:
    lines = draw(LINES)
    taxes = [draw(st.integers(0, price * quantity)) for price, quantity in lines]
    discount = draw(st.integers(0, sum(price * quantity for price, quantity in lines)))
    shipping = draw(st.integers(0, 900))
    return order_of(lines, discount, taxes, draw(st.booleans()), shipping, draw(st.integers(0, shipping)))


def after(order: PaidOrder, quantities: dict[str, int], shipping: int, amount: int, back: dict[str, int]) -> PaidOrder:
    refunded = {**order.refunded}
    restocked = {**order.restocked}
    for id, quantity in quantities.items():
        refunded[id] = refunded.get(id, 0) + quantity
        restocked[id] = restocked.get(id, 0) + back.get(id, 0)
    return replace(
        order,
        available=order.available - amount,
        shipping_refunded=order.shipping_refunded + shipping,
        refunded=refunded,
        restocked=restocked,
    )


@given(order=orders(), data=st.data())
def test_parts_of_all_steps_are_exactly_what_was_paid(order: PaidOrder, data: st.DataObject) -> None:
    paid, amounts, taxes, discounts, shipping_tax = order.available, 0, 0, 0, 0
    while order.available:
        wanted = {
            line.variant_id: quantity
            for line in order.lines
            if (quantity := data.draw(st.integers(0, order.left(line))))
        }
        shipping = data.draw(st.integers(0, order.shipping_left))
        if not wanted and not shipping:
            wanted, shipping = dict(rest_of(order).quantities), order.shipping_left
        try:
            refund = calculate_refund(order, RefundRequest(wanted, shipping))
        except Invalid:  # free items only: they come back with the next step
            wanted, shipping = dict(rest_of(order).quantities), order.shipping_left
            refund = calculate_refund(order, RefundRequest(wanted, shipping))
        assert all(line.amount >= 0 and line.discount >= 0 and line.tax >= 0 for line in refund.lines)
        assert refund.amount == sum(line.amount for line in refund.lines) + refund.shipping
        amounts += refund.amount
        taxes += sum(line.tax for line in refund.lines)
        discounts += sum(line.discount for line in refund.lines)
        shipping_tax += refund.shipping_tax
        order = after(order, wanted, shipping, refund.amount, {})
    assert amounts == paid
    if all(order.left(line) == 0 for line in order.lines):
        assert taxes == sum(line.tax for line in order.lines)
        assert discounts == sum(line.discount for line in order.lines)
        assert shipping_tax == (order.shipping_tax if order.shipping_left == 0 else shipping_tax)


@given(order=orders(), free=st.integers(1, 10**6))
def test_nothing_more_than_was_paid_is_refunded(order: PaidOrder, free: int) -> None:
    if free > order.available:
        with pytest.raises(Invalid):
            calculate_refund(order, RefundRequest(amount=free))
        return
    rest = after(order, {}, 0, calculate_refund(order, RefundRequest(amount=free)).amount, {})
    if rest.available:
        assert calculate_refund(rest, rest_of(rest)).amount == order.available - free


@given(order=orders(), steps=st.lists(st.booleans(), min_size=1, max_size=12))
def test_units_come_back_into_stock_once(order: PaidOrder, steps: list[bool]) -> None:
    line = order.lines[0]
    order, back = replace(order, available=10**9), 0
    for succeeds in steps:
        if not order.left(line):
            break
        refund = calculate_refund(order, RefundRequest({line.variant_id: 1}, amount=1, restock=True))
        back += refund.lines[0].restocked
        counted = {line.variant_id: 1} if succeeds else {}
        order = after(order, counted, 0, 0, {})
        restocked = {line.variant_id: order.restocked.get(line.variant_id, 0) + refund.lines[0].restocked}
        order = replace(order, restocked=restocked)
    assert back <= line.quantity


@given(
    lines=st.lists(st.tuples(st.integers(1, 9999), st.integers(1, 9)), min_size=1, max_size=5),
    percent=st.integers(0, 100),
    rate=st.sampled_from(["0", "7", "19", "20", "21"]),
    included=st.booleans(),
)
def test_refund_of_everything_is_the_total_of_a_priced_order(
    lines: list[tuple[int, int]], percent: int, rate: str, included: bool
) -> None:
    tenant = shop(included_tax(rate) if included else added(rate), *([offer(str(percent))] if percent else []))
    method = ShippingMethod("post", "Post", (), 490)
    given_lines = [PriceLine(price, quantity) for price, quantity in lines]
    price = calculate_price(tenant, given_lines, "SUMMER" if percent else None, NOW, Destination(None, method))
    order = PaidOrder(
        [
            PaidLine(f"v{i}", f"p{i}", one.unit_price, one.quantity, one.discount, one.tax)
            for i, one in enumerate(price.lines)
        ],
        price.tax_included,
        price.shipping + (0 if price.tax_included else price.shipping_tax),
        price.shipping_tax,
        price.total,
    )
    everything = RefundRequest({line.variant_id: line.quantity for line in order.lines}, order.shipping)
    assert calculate_refund(order, everything).amount == price.total


def test_last_unit_takes_the_remainder() -> None:
    order = order_of([(334, 3)], 2, [0], True, 0, 0)
    steps = []
    for _ in range(3):
        refund = calculate_refund(order, RefundRequest({"v0": 1}))
        steps.append(refund.amount)
        order = after(order, {"v0": 1}, 0, refund.amount, {})
    assert steps == [334, 333, 333]


REFUSED = [
    (RefundRequest(), "amount"),
    (RefundRequest({"v0": 4}), "items"),
    (RefundRequest({"v9": 1}), "items"),
    (RefundRequest({"v0": -1}), "items"),
    (RefundRequest(shipping=501), "shipping"),
    (RefundRequest(shipping=-1), "shipping"),
    (RefundRequest(amount=0), "amount"),
    (RefundRequest({"v0": 1}, amount=9999), "amount"),
]


@pytest.mark.parametrize(("wanted", "field"), REFUSED)
def test_what_cannot_be_refunded_is_refused(wanted: RefundRequest, field: str) -> None:
    with pytest.raises(Invalid) as refusal:
        calculate_refund(order_of([(100, 3)], 0, [0], True, 500, 0), wanted)
    assert [fault.field for fault in refusal.value.field_errors] == [field]
