"""Delivery notes and credit notes, as pages and as PDF."""

from datetime import UTC, datetime
from decimal import Decimal

from flask import Flask, g

from storefront.db.tenant_context import tenant_context
from storefront.documents.contents import CreditedLine, CreditNote, credit_note_document
from storefront.documents.pdf import render_pdf
from storefront.orders.queries import load_order
from storefront.pricing.price import Price, TaxLine
from storefront.staff.permissions import Role
from storefront.tenants.registry import registry
from tests.documents.shops import buy, open_shop, pdf_text
from tests.factories import product
from tests.staff.factories import signed_in


def test_delivery_note_lists_what_is_in_the_parcel_without_prices(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    order_id = buy(shop)
    clerk.post(f"/admin/orders/{order_id}/fulfil", {"carrier": "DHL", "tracking": "JD1"})
    page = clerk.get(f"/admin/orders/{order_id}/print").text
    text = pdf_text(clerk.get(f"/admin/orders/{order_id}/print.pdf").data)
    for words in ("Delivery note", "Ada Okafor", "10115 Berlin", "Mug", "DHL", "JD1", "Standard"):
        assert words in page, words
        assert words in text, words
    assert "€" not in page
    assert "€" not in text


def test_delivery_note_names_nobody_to_who_sees_no_buyers(app: Flask) -> None:
    shop, viewer = open_shop(app), signed_in(app, "west", Role.VIEWER)
    order_id = buy(shop)
    for path in ("print", "print.pdf"):
        answer = viewer.get(f"/admin/orders/{order_id}/{path}")
        text = pdf_text(answer.data) if path == "print.pdf" else answer.text
        assert "Mug" in text
        assert "Okafor" not in text
        assert "Hauptstr" not in text


def test_long_document_goes_on_on_the_next_page(app: Flask) -> None:
    many = [product(f"mug-{number}", "1.00") for number in range(60)]
    shop, clerk = open_shop(app, *many), signed_in(app, "west", Role.CLERK)
    cart = shop.cart(**{one["id"]: 1 for one in many})
    placed = shop.checkout(cart, shipping="standard", address={"line1": "1 Quay St", "city": "Cork", "country": "IE"})
    clerk.post(f"/admin/orders/{placed.json['id']}/invoice")
    text = pdf_text(clerk.get(f"/admin/orders/{placed.json['id']}/invoice.pdf").data)
    assert "3 / 3" in text
    assert text.count("Unit price") == 3, "the headings are repeated"
    assert "Mug-59" in text


def test_credit_note_is_made_of_plain_values(app: Flask) -> None:
    shop = open_shop(app)
    order_id = buy(shop)
    note = CreditNote(
        number="CN-2026-0001",
        issued_at=datetime(2026, 12, 1, tzinfo=UTC),
        seller={"name": "West Trading Ltd", "address": "1 Quay Street"},
        lines=[
            CreditedLine("Mug", 1000, unit_price=1000, tax_rate=Decimal(19)),
            CreditedLine("Goodwill", 100),
        ],
        price=Price(1100, 0, 190, 1290, tax_lines=(TaxLine(Decimal(19), 1000, 190),)),
        invoice_number="INV-2026-0007",
        reason="Broken",
    )
    with app.test_request_context(), tenant_context("west"):
        g.tenant = tenant = registry().all()["west"]
        document = credit_note_document(tenant, load_order(order_id), note)
        text = pdf_text(render_pdf(document, tenant.theme))
    for words in ("Credit note CN-2026-0001", "INV-2026-0007", "Mug", "Goodwill", "Broken", "€12.90", "19% €10.00"):
        assert words in text, words
