"""What invoices and delivery notes say. They are made in the language of the context (`override_locale`).

An invoice has what article 226 of Directive 2006/112/EC asks for. All amounts are those that the order has stored."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from zoneinfo import ZoneInfo

from storefront.documents.document import Document, DocumentLine, PriceSection
from storefront.documents.models import Invoice
from storefront.documents.price_section import price_section, rate_text
from storefront.i18n.formatting import format_day, format_integer, format_money
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_language
from storefront.orders.models import OrderStatus
from storefront.orders.queries import OrderLineView, OrderView
from storefront.shipping.address_lines import address_lines
from storefront.tenants.settings import TenantSettings

Facts = Iterator[tuple[str, str]]


def invoice_document(tenant: TenantSettings, order: OrderView, invoice: Invoice) -> Document:
    return Document(
        title=_("Invoice"),
        number=invoice.number,
        language=shopper_language(),
        shop=invoice.seller.get("shop", tenant.name),
        seller=seller_lines(invoice.seller),
        recipient_label=_("Bill to"),
        recipient=recipient_lines(order),
        facts=tuple(invoice_facts(order, invoice)),
        lines=tuple(priced_line(line) for line in order.lines),
        prices=invoice_prices(order),
    )


def invoice_prices(order: OrderView) -> PriceSection:
    prices = price_section(order.price, order.shipping_name)
    if not is_void(order):
        return prices
    void = _("This invoice is cancelled, because its order was cancelled before it was paid.")
    return replace(prices, notes=(void, *prices.notes))


def invoice_facts(order: OrderView, invoice: Invoice) -> Facts:
    yield _("Invoice number"), invoice.number
    zone = zone_of(invoice.seller)
    yield _("Invoice date"), format_day(invoice.issued_at, zone)
    yield from order_facts(order, zone)
    if invoice.supplied_at:
        yield _("Delivery date"), format_day(invoice.supplied_at, zone)
    if order.cancelled_at and is_void(order):
        yield _("Cancelled on"), format_day(order.cancelled_at, zone)
    yield from tax_facts(order)


def is_void(order: OrderView) -> bool:
    """Whether an order was cancelled without having been paid: no credit note sets off its invoice."""
    was_paid = order.payment is not None and order.payment.paid > 0
    return order.status == OrderStatus.CANCELLED and not was_paid


def delivery_note(tenant: TenantSettings, order: OrderView, shows_buyer: bool) -> Document:
    """What is in the parcel, without prices. Without `shows_buyer` it names nobody."""
    shipment = (
        (_("Shipping"), order.shipping_name),
        (_("Carrier"), order.carrier),
        (_("Tracking number"), order.tracking),
    )
    return Document(
        title=_("Delivery note"),
        number=order.number,
        language=shopper_language(),
        shop=tenant.name,
        seller=seller_lines({"name": tenant.seller_name, "address": tenant.contact.get("address", "")}),
        recipient_label=_("Deliver to"),
        recipient=recipient_lines(order) if shows_buyer else (),
        facts=(*order_facts(order), *((label, value) for label, value in shipment if value)),
        lines=tuple(DocumentLine(line.name, options_of(line), format_integer(line.quantity)) for line in order.lines),
    )


def order_facts(order: OrderView, zone: ZoneInfo | None = None) -> Facts:
    yield _("Order number"), order.number
    yield _("Order date"), format_day(order.created_at, zone)


def zone_of(seller: Mapping[str, str] | None) -> ZoneInfo | None:
    """Return the time zone of an issued document's dates, which is the shop's of that time. None if none was stored."""
    key = (seller or {}).get("timezone")
    return ZoneInfo(key) if key else None


def tax_facts(order: OrderView) -> Facts:
    if order.vat_id:
        yield _("Your VAT ID"), order.vat_id
    yield _("Currency"), order.currency


def seller_lines(seller: Mapping[str, str]) -> tuple[str, ...]:
    lines = [seller["name"], *(line.strip() for line in seller.get("address", "").splitlines())]
    if vat_id := seller.get("vat_id"):
        lines.append(_("VAT ID %(id)s", id=vat_id))
    lines += [seller[name] for name in ("email", "phone") if name in seller]
    return tuple(line for line in lines if line)


def recipient_lines(order: OrderView) -> tuple[str, ...]:
    return (order.name, *(address_lines(order.address) if order.address else ()))


def options_of(line: OrderLineView) -> str:
    return ", ".join(line.option_values)


def priced_line(line: OrderLineView) -> DocumentLine:
    return DocumentLine(
        line.name,
        options_of(line),
        format_integer(line.quantity),
        format_money(line.unit_price),
        rate_text(line.tax_rate),
        format_money(line.line_total),
    )
