"""Invoices of orders that are cancelled: before the payment, they say so; afterwards a credit note does."""

from flask import Flask

from storefront.staff.permissions import Role
from tests.documents.shops import buy, open_shop, pdf_text, visible_text
from tests.documents.test_credit_notes import PAID, buy_and_pay
from tests.documents.test_invoices import issue
from tests.staff.factories import signed_in

WORDS = ("Cancelled on", "This invoice is cancelled, because its order was cancelled before it was paid.")


def test_invoice_of_an_unpaid_order_says_that_it_is_cancelled(app: Flask) -> None:
    shop, clerk = open_shop(app, **PAID), signed_in(app, "west", Role.CLERK)
    order_id = buy(shop, payment="bank_transfer")
    issue(clerk, order_id)
    path = f"/orders/{order_id}/invoice"
    assert not any(words in visible_text(shop.get(path).text) for words in WORDS)
    clerk.post(f"/admin/orders/{order_id}/cancel", {})
    page, pdf = visible_text(shop.get(path).text), " ".join(pdf_text(shop.get(f"{path}.pdf").data).split())
    for words in WORDS:
        assert words in page
        assert words in pdf
    assert WORDS[1] in visible_text(clerk.get(f"/admin{path}").text)


def test_invoice_of_a_paid_order_has_a_credit_note_instead(app: Flask) -> None:
    shop, clerk = open_shop(app, **PAID), signed_in(app, "west", Role.CLERK)
    order_id = buy_and_pay(shop, clerk)
    issue(clerk, order_id)
    clerk.post(f"/admin/orders/{order_id}/cancel", {})
    assert not any(words in visible_text(shop.get(f"/orders/{order_id}/invoice").text) for words in WORDS)
    assert "Credit note CN-" in shop.get(f"/orders/{order_id}").text
