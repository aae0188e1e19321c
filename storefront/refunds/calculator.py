"""What a refund amounts to, from what the order stored. Plain values; amounts are in minor units.

Nothing is computed anew from prices or rates: each part is a part of an amount that the order stored. Of `n` of the `Q`
units of a line whose stored amount is `A`, the parts so far are `A * n // Q`. So all parts together are exactly `A`, in
whatever steps they are refunded, the last unit takes the remainder, and none is as much as 1 away from its share."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.pricing.price import TaxLine
from storefront.refunds.tax_shares import NOTHING, ByRate, Taxed, tax_shares


@dataclass(frozen=True)
class RefundRequest:
    """What is asked for: quantities by variant, an amount of the shipping with its tax, and the whole amount, if it is
    to be another one than what these give."""

    quantities: Mapping[str, int] = field(default_factory=dict)
    shipping: int = 0
    amount: int | None = None
    reason: str = ""
    restock: bool = False


@dataclass(frozen=True)
class PaidLine:
    """A line as it was paid: the discount is a part of the price, the tax of what is left, or on top of it."""

    variant_id: str
    product_id: str
    unit_price: int
    quantity: int
    discount: int
    tax: int
    tax_rate: Decimal | None = None


@dataclass(frozen=True)
class PaidOrder:
    """What can be refunded of an order. `shipping` is with its tax; `available` is what was paid and hasn't been
    refunded; `refunded` and `restocked` are quantities by variant, and `back_of_failed` those of `restocked` that
    failed refunds have put back and that haven't been refunded since; `left_by_rate` is what hasn't been refunded of
    the order's total."""

    lines: Sequence[PaidLine]
    tax_included: bool
    shipping: int
    shipping_tax: int
    available: int
    shipping_refunded: int = 0
    refunded: Mapping[str, int] = field(default_factory=Counter)
    restocked: Mapping[str, int] = field(default_factory=Counter)
    back_of_failed: Mapping[str, int] = field(default_factory=Counter)
    shipping_tax_rate: Decimal | None = None
    left_by_rate: ByRate = field(default_factory=dict)

    @property
    def shipping_left(self) -> int:
        return self.shipping - self.shipping_refunded

    def left(self, line: PaidLine) -> int:
        """Return how many of the line haven't been refunded."""
        return line.quantity - self.refunded.get(line.variant_id, 0)


@dataclass(frozen=True)
class LineRefund:
    variant_id: str
    product_id: str
    quantity: int
    amount: int
    discount: int
    tax: int
    restocked: int


@dataclass(frozen=True)
class CalculatedRefund:
    amount: int
    lines: tuple[LineRefund, ...] = ()
    shipping: int = 0
    shipping_tax: int = 0
    tax_lines: tuple[TaxLine, ...] = ()


def calculate_refund(order: PaidOrder, wanted: RefundRequest) -> CalculatedRefund:
    """Raises `Invalid` with a message for what can't be refunded."""
    if order.available <= 0:
        raise Invalid(FieldError("amount", _("There is nothing left to refund for this order.")))
    faults = [*quantity_faults(order, wanted.quantities), *shipping_faults(order, wanted.shipping)]
    if faults:
        raise Invalid(*faults)
    lines = tuple(
        line_refund(order, line, wanted.quantities[line.variant_id], wanted.restock)
        for line in order.lines
        if wanted.quantities.get(line.variant_id)
    )
    computed = sum(line.amount for line in lines) + wanted.shipping
    amount = computed if wanted.amount is None else wanted.amount
    if fault := amount_fault(order, wanted, amount):
        raise Invalid(fault)
    before = part(order.shipping_tax, order.shipping_refunded, order.shipping)
    after = part(order.shipping_tax, order.shipping_refunded + wanted.shipping, order.shipping)
    shipping = Taxed(wanted.shipping, after - before)
    taxes = tax_shares(amount, parts_by_rate(order, lines, shipping), order.left_by_rate)
    return CalculatedRefund(amount, lines, wanted.shipping, shipping.tax, taxes)


def parts_by_rate(order: PaidOrder, lines: Sequence[LineRefund], shipping: Taxed) -> ByRate:
    rates = {line.variant_id: line.tax_rate for line in order.lines}
    found = {order.shipping_tax_rate: shipping}
    for line in lines:
        rate = rates[line.variant_id]
        found[rate] = found.get(rate, NOTHING) + Taxed(line.amount, line.tax)
    return found


def rest_of(order: PaidOrder) -> RefundRequest:
    """Return the request for all that is left of an order."""
    quantities = {line.variant_id: order.left(line) for line in order.lines if order.left(line) > 0}
    return RefundRequest(quantities, order.shipping_left, order.available)


def line_refund(order: PaidOrder, line: PaidLine, quantity: int, restock: bool) -> LineRefund:
    first = order.refunded.get(line.variant_id, 0)
    last = first + quantity
    discount, tax = (
        part(whole, last, line.quantity) - part(whole, first, line.quantity) for whole in (line.discount, line.tax)
    )
    amount = line.unit_price * quantity - discount + (0 if order.tax_included else tax)
    not_yet_back = line.quantity - order.restocked.get(line.variant_id, 0)
    of_these = quantity - order.back_of_failed.get(line.variant_id, 0)
    restocked = max(min(of_these, not_yet_back), 0) if restock else 0
    return LineRefund(line.variant_id, line.product_id, quantity, amount, discount, tax, restocked)


def part(whole: int, taken: int, of: int) -> int:
    """Return what `taken` of `of` equal parts of `whole` are, rounded down."""
    return whole * taken // of if of else 0


def quantity_faults(order: PaidOrder, quantities: Mapping[str, int]) -> Iterable[FieldError]:
    known = {line.variant_id: line for line in order.lines}
    for variant_id, quantity in quantities.items():
        line = known.get(variant_id)
        if line is None:
            yield FieldError("items", _("This order has no item %(id)s.", id=variant_id[:80]))
        elif quantity < 0 or quantity > order.left(line):
            message = _("At most %(most)s of %(id)s can be refunded.", most=order.left(line), id=variant_id)
            yield FieldError("items", message)


def shipping_faults(order: PaidOrder, shipping: int) -> Iterable[FieldError]:
    if not 0 <= shipping <= order.shipping_left:
        yield FieldError("shipping", _("This is more than what is left of the shipping."))


def amount_fault(order: PaidOrder, wanted: RefundRequest, amount: int) -> FieldError | None:
    if amount > order.available:
        return FieldError("amount", _("This is more than what was paid and hasn't been refunded yet."))
    if amount <= 0 and wanted.amount is None and not any(wanted.quantities.values()):
        return FieldError("amount", _("Please choose what to refund."))
    return FieldError("amount", _("A refund must be more than 0.")) if amount <= 0 else None
