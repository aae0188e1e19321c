"""What invoices, delivery notes and credit notes say. They are made in the language of the context (`override_locale`).

An invoice has what article 226 of Directive 2006/112/EC asks for. All amounts are those that the order has stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from storefront.documents.document import Document, DocumentLine
from storefront.documents.models import Invoice
from storefront.documents.price_section import price_section, rate_text
from storefront.i18n.formatting import format_day, format_integer, format_money
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_language
from storefront.orders.queries import OrderLineView, OrderView
from storefront.pricing.price import Price
from storefront.shipping.address_formats import address_lines
from storefront.tenants.settings import TenantSettings

Facts = Iterator[tuple[str, str]]


@dataclass(frozen=True)
class CreditedLine:
    """A quantity of an item that is given back, or a free amount, which has a name only. Amounts are in minor units."""

    name: str
    amount: int
    """What the line adds to the credit note's subtotal."""
    options: str = ""
    quantity: int = 1
    unit_price: int | None = None
    tax_rate: Decimal | None = None


@dataclass(frozen=True)
class CreditNote:
    """A credit note as it was issued. `price` has the positive amounts of what is given back, with their tax lines;
    `seller` is as in `Invoice`."""

    number: str
    issued_at: datetime
    seller: Mapping[str, str]
    lines: Sequence[CreditedLine]
    price: Price
    invoice_number: str | None = None
    invoice_issued_at: datetime | None = None
    reason: str = ""


def invoice_document(tenant: TenantSettings, order: OrderView, invoice: Invoice) -> Document:
    return Document(
        title=_("Invoice"),
        number=invoice.number,
        language=shopper_language(),
        shop=tenant.name,
        seller=seller_lines(invoice.seller),
        recipient_label=_("Bill to"),
        recipient=recipient_lines(order),
        facts=tuple(invoice_facts(order, invoice)),
        lines=tuple(priced_line(line) for line in order.lines),
        prices=price_section(order.price, order.shipping_name),
    )


def invoice_facts(order: OrderView, invoice: Invoice) -> Facts:
    yield _("Invoice number"), invoice.number
    yield _("Invoice date"), format_day(invoice.issued_at)
    yield from order_facts(order)
    if invoice.supplied_at:
        yield _("Delivery date"), format_day(invoice.supplied_at)
    yield from tax_facts(order)


def delivery_note(tenant: TenantSettings, order: OrderView, shows_buyer: bool) -> Document:
    """A packing slip: what is in the parcel, without prices. Without `shows_buyer` it names nobody."""
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


def credit_note_document(tenant: TenantSettings, order: OrderView, note: CreditNote) -> Document:
    """A credit note for a part or all of an order. It says "credit", so its amounts are positive."""
    return Document(
        title=_("Credit note"),
        number=note.number,
        language=shopper_language(),
        shop=tenant.name,
        seller=seller_lines(note.seller),
        recipient_label=_("Bill to"),
        recipient=recipient_lines(order),
        facts=tuple(credit_note_facts(order, note)),
        lines=tuple(credited_line(line) for line in note.lines),
        prices=price_section(note.price, order.shipping_name if note.price.shipping else None),
    )


def credit_note_facts(order: OrderView, note: CreditNote) -> Facts:
    yield _("Credit note number"), note.number
    yield _("Date"), format_day(note.issued_at)
    if note.invoice_number:
        yield _("For invoice"), note.invoice_number
    if note.invoice_issued_at:
        yield _("Invoice date"), format_day(note.invoice_issued_at)
    yield from order_facts(order)
    yield from tax_facts(order)
    if note.reason:
        yield _("Reason"), note.reason


def order_facts(order: OrderView) -> Facts:
    yield _("Order number"), order.number
    yield _("Order date"), format_day(order.created_at)


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


def credited_line(line: CreditedLine) -> DocumentLine:
    unit_price = "" if line.unit_price is None else format_money(line.unit_price)
    quantity = "" if line.unit_price is None else format_integer(line.quantity)
    return DocumentLine(
        line.name, line.options, quantity, unit_price, rate_text(line.tax_rate), format_money(line.amount)
    )
