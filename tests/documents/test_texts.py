"""Every text of legal pages and documents is a message."""

import pytest
from flask import Flask
from sqlalchemy import select

from storefront.db.base import db
from storefront.db.tenant_context import tenant_context
from storefront.documents.models import Invoice
from storefront.orders.models import Order
from storefront.staff.permissions import Role
from tests.documents.shops import CONTACT, buy, open_shop
from tests.i18n.pseudo_locale import unmarked, use_pseudo_locale
from tests.i18n.test_gettext import NOT_MESSAGES
from tests.staff.factories import signed_in

OF_THE_SHOP = ["West", "Mug", "Book", "Standard", "Our terms", "EUR"]
OF_THE_BUYER = ["Ada Okafor", "Hauptstr. 1", "10115 Berlin", "Germany", "BERLIN"]


def test_every_text_of_documents_and_legal_pages_is_a_message(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = open_shop(app, contact=CONTACT | {"terms": "Our terms"})
    clerk = signed_in(app, "west", Role.CLERK)
    order_id = buy(shop)
    clerk.post(f"/admin/orders/{order_id}/invoice")
    with app.app_context(), tenant_context("west"):
        numbers = [*db.session.scalars(select(Order.number)), *db.session.scalars(select(Invoice.number))]
    seller = [line for text in CONTACT.values() for line in text.splitlines()]
    known = [*NOT_MESSAGES, *numbers, *seller, *OF_THE_SHOP, *OF_THE_BUYER]
    use_pseudo_locale(monkeypatch)
    for path in (f"/orders/{order_id}/invoice", "/legal/terms"):
        answer = shop.get(path)
        assert answer.status_code == 200
        assert "⟦" in answer.text
        assert unmarked(answer.text, known) == [], path
