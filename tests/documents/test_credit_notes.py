"""Credit notes: what they say as a page and as PDF, who sees them, and their numbers."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask

from storefront.staff.permissions import Role
from tests.conftest import Person
from tests.documents.shops import CONTACT, PRODUCTS, SETTINGS, buy, open_shop, pdf_text, visible_text
from tests.factories import import_tenants, tenant
from tests.staff.factories import Staff, api_key, bearer, signed_in

PAID: dict[str, Any] = {"payment": ["bank_transfer"]}


def buy_and_pay(shop: Person, clerk: Staff, language: str = "en", **fields: Any) -> str:
    order_id = buy(shop, language, payment="bank_transfer", **fields)
    assert clerk.post(f"/admin/orders/{order_id}/paid").status_code == 303
    return order_id


def refund(app: Flask, shop: Person, order_id: str, **body: Any) -> tuple[str, str]:
    """Refund a part of an order. Returns the path of the credit note, and its number."""
    headers = bearer(api_key(app, "west", "refunds:write"))
    answer = shop.api("POST", f"/orders/{order_id}/refunds", body, headers=headers)
    assert answer.status_code == 201, answer.text
    return f"/orders/{order_id}/refunds/{answer.json['id']}/credit-note", answer.json["number"]


def test_page_and_pdf_say_what_was_refunded(app: Flask) -> None:
    shop, clerk = open_shop(app, **PAID), signed_in(app, "west", Role.CLERK)
    order_id = buy_and_pay(shop, clerk)
    clerk.post(f"/admin/orders/{order_id}/invoice")
    [invoice] = set(re.findall(r"INV-\d{4}-\d{4}", clerk.get(f"/admin/orders/{order_id}/invoice").text))
    items = [{"product_id": "mug", "quantity": 1}, {"product_id": "book", "quantity": 1}]
    path, number = refund(app, shop, order_id, items=items, shipping=583, reason="Broken cup")
    page = visible_text(clerk.get(f"/admin{path}").text)
    pdf = clerk.get(f"/admin{path}.pdf")
    assert (pdf.mimetype, pdf.headers["Cache-Control"]) == ("application/pdf", "no-store")
    assert f'filename="{number}.pdf"' in pdf.headers["Content-Disposition"]
    for words in (
        *(f"Credit note {number}", "West Trading Ltd", "VAT ID IE6388047V", "Ada Okafor", "10115 Berlin"),
        *(f"For invoice {invoice}", "Reason Broken cup", "Mug 1 €10.00 19% €10.00", "Book 1 €5.50 7% €5.50"),
        *("Subtotal €15.50", "Shipping (Standard) €4.90", "Tax (19%) €2.83", "Tax (7%) €0.39", "Total €23.62"),
        *("19% €14.90 €2.83 €17.73", "7% €5.50 €0.39 €5.89"),
    ):
        assert words in page, words
        assert words in " ".join(pdf_text(pdf.data).split()), words


def test_amount_without_items_is_a_line_of_its_own(app: Flask) -> None:
    shop, clerk = open_shop(app, **PAID), signed_in(app, "west", Role.CLERK)
    path, _number = refund(app, shop, buy_and_pay(shop, clerk), amount=1000)
    page = visible_text(clerk.get(f"/admin{path}").text)
    assert "For invoice" not in page
    for words in ("Other amount €8.56", "Tax (19%) €1.33", "Tax (7%) €0.11", "Total €10.00"):
        assert words in page, words


@pytest.mark.parametrize("included", [True, False])
def test_amount_below_the_shipping_lists_the_shipping_as_a_line(app: Flask, included: bool) -> None:
    shop = open_shop(app, **PAID, tax=SETTINGS["tax"] | {"included": included})
    clerk = signed_in(app, "west", Role.CLERK)
    path, number = refund(app, shop, buy_and_pay(shop, clerk), shipping=490, amount=100)
    page = visible_text(clerk.get(f"/admin{path}").text)
    shipping, deduction, subtotal = ("4.90", "3.90", "1.00") if included else ("4.12", "3.28", "0.84")
    for words in (
        *(f"Shipping (Standard) €{shipping}", f"Deduction −€{deduction}", f"Subtotal €{subtotal}", "Total €1.00"),
        *(("19% €0.84 €0.16 €1.00", "Prices include tax.") if included else ("Tax (19%) €0.16",)),
    ):
        assert words in page, words
    assert page.count("Shipping") == 1
    assert "-" not in page.replace(number, "").partition("Deduction")[2]


def test_reverse_charge_is_said_again(app: Flask) -> None:
    shop, clerk = open_shop(app, **PAID), signed_in(app, "west", Role.CLERK)
    order_id = buy_and_pay(shop, clerk, vat_id="DE136695976")
    path, _number = refund(app, shop, order_id, items=[{"product_id": "mug", "quantity": 1}])
    page = visible_text(clerk.get(f"/admin{path}").text)
    for words in ("Reverse charge: the recipient owes the VAT.", "DE136695976", "0% €10.00 €0.00 €10.00"):
        assert words in page, words


@pytest.mark.parametrize(
    ("language", "title"), [("de", "Rechnungskorrektur"), ("fr", "Avoir"), ("uk", "Кредит-нота"), ("ja", "返金明細書")]
)
def test_credit_note_is_in_the_language_of_the_order(app: Flask, language: str, title: str) -> None:
    shop, clerk = open_shop(app, **PAID), signed_in(app, "west", Role.CLERK)
    path, number = refund(app, shop, buy_and_pay(shop, clerk, language), amount=100)
    assert f"{title} {number}" in pdf_text(clerk.get(f"/admin{path}.pdf").data)


def test_pages_of_an_order_link_to_its_credit_notes(app: Flask) -> None:
    shop, clerk = open_shop(app, **PAID), signed_in(app, "west", Role.CLERK)
    order_id = buy_and_pay(shop, clerk)
    path, number = refund(app, shop, order_id, amount=100)
    assert f'href="/t/west{path}">Credit note {number}</a>' in shop.get(f"/orders/{order_id}").text
    assert f'href="/t/west/admin{path}">Credit note {number}</a>' in clerk.get(f"/admin/orders/{order_id}").text
    viewer = signed_in(app, "west", Role.VIEWER)
    assert path not in viewer.get(f"/admin/orders/{order_id}").text
    for ending in ("", ".pdf"):
        assert shop.get(path + ending).status_code == 200
        assert viewer.get(f"/admin{path}{ending}").status_code == 403


def test_issued_credit_note_never_changes(app: Flask) -> None:
    shop, clerk = open_shop(app, **PAID), signed_in(app, "west", Role.CLERK)
    order_id = buy_and_pay(shop, clerk)
    path, _number = refund(app, shop, order_id, amount=100)
    before = visible_text(clerk.get(f"/admin{path}").text)
    moved = {**CONTACT, "address": "2 High Street\nCork", "company": "East Ltd"}
    import_tenants(app, tenant("west", *PRODUCTS, **SETTINGS | PAID | {"contact": moved}), refresh=True)
    clerk.post(f"/admin/orders/{order_id}/fulfil", {})
    clerk.post(f"/admin/orders/{order_id}/invoice")
    assert visible_text(clerk.get(f"/admin{path}").text) == before
    assert "Quay Street" in before


def test_credit_note_of_another_order_or_shop_is_not_found(app: Flask, stranger: Person) -> None:
    shop, clerk = open_shop(app, **PAID), signed_in(app, "west", Role.CLERK)
    order_id, other = buy_and_pay(shop, clerk), buy_and_pay(shop, clerk)
    path, _number = refund(app, shop, order_id, amount=100)
    owner = signed_in(app, "south", Role.OWNER)
    for ending in ("", ".pdf"):
        assert shop.get(path.replace(order_id, other) + ending).status_code == 404
        assert stranger.get(path + ending).status_code == 404
        assert owner.get(f"/admin{path}{ending}").status_code == 404


def test_concurrent_refunds_have_numbers_without_gaps(app: Flask) -> None:
    shop, clerk = open_shop(app, **PAID), signed_in(app, "west", Role.CLERK)
    orders = [buy_and_pay(shop, clerk) for _ in range(4)]
    headers = bearer(api_key(app, "west", "refunds:write"))

    def give_back(order_id: str) -> str:
        buyer = Person(app.test_client(), "west")
        return str(buyer.api("POST", f"/orders/{order_id}/refunds", {"amount": 100}, headers=headers).json["number"])

    with ThreadPoolExecutor(8) as pool:
        numbers = sorted(pool.map(give_back, orders * 2))
    assert [int(number[-4:]) for number in numbers] == list(range(1, 9))
