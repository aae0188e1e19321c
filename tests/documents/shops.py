"""A shop that issues invoices, and orders of it."""

import re
from html import unescape
from io import BytesIO
from typing import Any

from flask import Flask
from pypdf import PdfReader
from sqlalchemy import select

from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenancy import insert_rows
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.documents.models import Invoice, InvoiceCounter
from storefront.documents.numbering import next_number
from storefront.orders.models import Order
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant

BERLIN = {"line1": "Hauptstr. 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}
CONTACT = {
    **{"company": "West Trading Ltd", "address": "1 Quay Street\nGalway\nIreland", "vat_id": "IE6388047V"},
    "email": "hello@west.example",
}
SETTINGS: dict[str, Any] = {
    "locale": "en-IE",
    "country": "IE",
    "timezone": "Europe/Dublin",
    "contact": CONTACT,
    "tax": {
        "rate": "20",
        "classes": {"reduced": "10"},
        "countries": {"DE": {"rate": "19", "classes": {"reduced": "7"}}},
    },
    "shipping": [{"id": "standard", "name": "Standard", "price": "4.90"}],
    "promotions": [{"code": "TEN", "percent": "10"}],
}
PRODUCTS = (product("mug", "10.00"), product("book", "5.50", tax_class="reduced"))


def open_shop(app: Flask, *products: dict[str, Any], **settings: Any) -> Person:
    import_tenants(app, tenant("west", *(products or PRODUCTS), **SETTINGS | settings))
    return Person(app.test_client(), "west")


def buy(shop: Person, language: str = "en", **fields: Any) -> str:
    """Place an order of two mugs and a book to Berlin. Returns its id."""
    body = {"email": "ada@example.com", "name": "Ada Okafor", "shipping": "standard", "address": BERLIN, **fields}
    headers = {"Accept-Language": language}
    placed = shop.api("POST", f"/carts/{shop.cart(mug=2, book=1)}/checkout", body, headers=headers)
    assert placed.status_code == 201, placed.text
    return str(placed.json["id"])


def pdf_text(content: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)


def visible_text(html: str) -> str:
    """Return the text of the sheet."""
    sheet = html.partition("<main")[2].partition("</main>")[0]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", sheet)).split())


def furnish_documents(app: Flask, shop: str) -> None:
    """Give a shop that has an order an invoice."""
    with app.app_context(), tenant_context(shop), write():
        order_id = db.session.scalars(select(Order.id)).first()
        number = next_number(InvoiceCounter, "INV", 2026)
        row = {"order_id": order_id, "number": number, "issued_at": now(), "language": "en", "seller": {"name": shop}}
        insert_rows(Invoice, [row])
