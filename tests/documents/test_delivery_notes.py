"""Delivery notes and long documents, as pages and as PDF."""

from flask import Flask

from storefront.staff.permissions import Role
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
