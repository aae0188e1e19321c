"""What the credit note of a refund says, in the language of the context. It names the credit, so amounts are
positive; all are those that the order and the refund have stored."""

from collections.abc import Iterator

from storefront.documents.contents import (
    Facts,
    options_of,
    order_facts,
    recipient_lines,
    seller_lines,
    tax_facts,
    zone_of,
)
from storefront.documents.credited_price import credited_price, goods_of, shipping_among_lines
from storefront.documents.document import Document, DocumentLine
from storefront.documents.models import Invoice
from storefront.documents.price_section import price_section, rate_text
from storefront.i18n.formatting import format_day, format_integer, format_money
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_language
from storefront.i18n.price_steps import other_step, shipping_label
from storefront.orders.queries import OrderView
from storefront.orders.refund_queries import RefundView
from storefront.pricing.price import Price
from storefront.tenants.settings import TenantSettings


def credit_note_document(
    tenant: TenantSettings, order: OrderView, refund: RefundView, invoice: Invoice | None
) -> Document:
    """The credit note of a refund that has succeeded, for the order's invoice as far as there was one by then."""
    price = credited_price(order, refund)
    seller = refund.seller or {"name": tenant.seller_name}
    return Document(
        title=_("Credit note"),
        number=refund.number or "",
        language=shopper_language(),
        shop=seller.get("shop", tenant.name),
        seller=seller_lines(seller),
        recipient_label=_("Bill to"),
        recipient=recipient_lines(order),
        facts=tuple(credit_note_facts(order, refund, invoice)),
        lines=tuple(credited_lines(order, refund, price)),
        prices=price_section(price, order.shipping_name if price.shipping else None),
    )


def credit_note_facts(order: OrderView, refund: RefundView, invoice: Invoice | None) -> Facts:
    yield _("Credit note number"), refund.number or ""
    issued_at = refund.finished_at or refund.created_at
    zone = zone_of(refund.seller)
    yield _("Date"), format_day(issued_at, zone)
    if invoice and invoice.issued_at <= issued_at:
        yield _("For invoice"), invoice.number
        yield _("Invoice date"), format_day(invoice.issued_at, zone_of(invoice.seller))
    yield from order_facts(order, zone)
    yield from tax_facts(order)
    if refund.reason:
        yield _("Reason"), refund.reason


def credited_lines(order: OrderView, refund: RefundView, price: Price) -> Iterator[DocumentLine]:
    """Yield the refunded items at the price that was paid, and what belongs to none of them."""
    refunded = {line.variant_id: line for line in refund.lines}
    for line in order.lines:
        if part := refunded.get(line.variant_id):
            yield DocumentLine(
                line.name,
                options_of(line),
                format_integer(part.quantity),
                format_money(line.unit_price),
                rate_text(line.tax_rate),
                format_money(line.unit_price * part.quantity),
            )
    shipping = shipping_among_lines(order, refund, price)
    if shipping:
        yield DocumentLine(shipping_label(order.shipping_name), "", "", amount=format_money(shipping))
    if other := price.subtotal - goods_of(order, refund) - shipping:
        name, amount = other_step(other)
        yield DocumentLine(name, "", "", amount=amount)
