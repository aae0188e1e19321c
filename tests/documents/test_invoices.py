"""Invoices: when they are issued, their numbers, and what they say as a page and as PDF."""

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import time_machine
from flask import Flask

from storefront.clock import now
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.documents.models import InvoiceCounter
from storefront.documents.numbering import next_number
from storefront.staff.permissions import Role
from tests.conftest import Person
from tests.documents.shops import BERLIN, CONTACT, SETTINGS, buy, open_shop, pdf_text, visible_text
from tests.factories import cancel, import_tenants, place_order, product, tenant
from tests.payments.conftest import Buyer
from tests.staff.factories import Staff, signed_in

AMOUNT = re.compile(r"(−?)€([\d.]+)<")


def cents(found: tuple[str, str]) -> int:
    """Return the cents of an amount that `AMOUNT` has found."""
    sign, amount = found
    return round(float(amount) * 100) * (-1 if sign else 1)


def issue(clerk: Staff, order_id: str) -> str:
    """Issue the invoice of an order. Returns its number."""
    answer = clerk.post(f"/admin/orders/{order_id}/invoice")
    assert answer.status_code == 303
    page = clerk.get(f"/admin/orders/{order_id}/invoice")
    assert page.status_code == 200, page.text
    [number] = set(re.findall(r"INV-\d{4}-\d{4}", page.text))
    return str(number)


def test_page_and_pdf_say_what_the_law_asks_for(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    order_id = buy(shop)
    clerk.post(f"/admin/orders/{order_id}/fulfil", {})
    number = issue(clerk, order_id)
    page = visible_text(clerk.get(f"/admin/orders/{order_id}/invoice").text)
    pdf = clerk.get(f"/admin/orders/{order_id}/invoice.pdf")
    assert (pdf.mimetype, pdf.headers["Cache-Control"]) == ("application/pdf", "no-store")
    assert f'filename="{number}.pdf"' in pdf.headers["Content-Disposition"]
    for words in (
        *("West Trading Ltd", "1 Quay Street", "VAT ID IE6388047V", "Ada Okafor", "10115 Berlin", "Germany"),
        *(f"Invoice {number}", "Invoice date", "Delivery date", "Order number", "EUR"),
        *("Mug 2 €10.00 19% €20.00", "Book 1 €5.50 7% €5.50", "Subtotal €25.50", "Shipping (Standard) €4.90"),
        *("Tax (19%) €4.73", "Tax (7%) €0.39", "Total €35.52", "19% €24.90 €4.73 €29.63", "7% €5.50 €0.39 €5.89"),
    ):
        assert words in page, words
        assert words in " ".join(pdf_text(pdf.data).split()), words


def test_amounts_are_those_of_the_order(app: Flask) -> None:
    shop, clerk = (
        open_shop(app, tax={"rate": "21", "included": True, "classes": {"reduced": "9"}}),
        signed_in(app, "west", Role.CLERK),
    )
    cart = shop.cart(mug=3, book=7)
    shop.api("PUT", f"/carts/{cart}/promo", {"code": "TEN"})
    body = {"email": "a@example.com", "name": "Ada", "shipping": "standard", "address": BERLIN}
    order = shop.api("POST", f"/carts/{cart}/checkout", body).json
    issue(clerk, order["id"])
    text = " ".join(pdf_text(clerk.get(f"/admin/orders/{order['id']}/invoice.pdf").data).split())
    for step in ("subtotal", "discount", "shipping", "total"):
        assert f"€{order[step]['amount'] / 100:.2f}" in text, step
    assert "Discount TEN −€" in text
    assert "Prices include tax." in text


@pytest.mark.parametrize("included", [True, False])
def test_steps_and_tax_by_rate_add_up_to_the_total(app: Flask, included: bool) -> None:
    shop, clerk = open_shop(app, tax=SETTINGS["tax"] | {"included": included}), signed_in(app, "west", Role.CLERK)
    cart = shop.cart(mug=3, book=7)
    shop.api("PUT", f"/carts/{cart}/promo", {"code": "TEN"})
    body = {"email": "a@example.com", "name": "Ada", "shipping": "standard", "address": BERLIN}
    order_id = shop.api("POST", f"/carts/{cart}/checkout", body).json["id"]
    issue(clerk, order_id)
    sums = clerk.get(f"/admin/orders/{order_id}/invoice").text.partition('<div class="sheet-sums">')[2]
    steps, rates = ([cents(text) for text in AMOUNT.findall(part)] for part in sums.split("</dl>")[:2])
    assert sum(steps[:-1]) == steps[-1]
    for net, tax, gross in zip(rates[::3], rates[1::3], rates[2::3], strict=True):
        assert net + tax == gross
    assert sum(rates[2::3]) == steps[-1]
    assert len(rates) == 6, "two rates"


def test_business_elsewhere_reads_that_it_owes_the_tax(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    order_id = buy(shop, vat_id="DE136695976")
    issue(clerk, order_id)
    text = pdf_text(clerk.get(f"/admin/orders/{order_id}/invoice.pdf").data)
    assert "Reverse charge: the recipient owes the VAT." in text
    assert "DE136695976" in text
    assert "VAT ID IE6388047V" in text
    assert "Tax rate Net Tax Total\n0% €30.40 €0.00 €30.40" in text


def test_words_in_place_of_an_amount_are_not_broken(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    order_id = buy(shop, "de", vat_id="DE136695976")
    issue(clerk, order_id)
    text = pdf_text(clerk.get(f"/admin/orders/{order_id}/invoice.pdf").data)
    assert "Steuer Steuerschuldnerschaft des\nLeistungsempfängers\nGesamt" in text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("de", ("Rechnung INV", "Einzelpreis", "19\xa0%", "35,52\xa0€", "Deutschland")),
        ("fr", ("Facture INV", "Prix unitaire", "Allemagne")),
        ("uk", ("Рахунок INV", "Ціна", "Німеччина")),
        ("ja", ("請求書 INV", "単価", "ドイツ", "1 / 1")),
    ],
)
def test_invoice_is_in_the_language_of_the_order(app: Flask, language: str, words: tuple[str, ...]) -> None:
    names = {"en": "Mug", "de": "Becher", "fr": "Tasse", "uk": "Чашка", "ja": "マグカップ"}
    mug = product("mug", "10.00") | {"name": names}
    shop = open_shop(app, mug, product("book", "5.50", tax_class="reduced"))
    clerk = signed_in(app, "west", Role.CLERK)
    order_id = buy(shop, language)
    issue(clerk, order_id)
    text = pdf_text(clerk.get(f"/admin/orders/{order_id}/invoice.pdf").data)
    for word in (*words, names[language]):
        assert word.replace("\xa0", " ") in text.replace("\xa0", " ").replace("\u202f", " "), word
    assert f'class="sheet" lang="{language}"' in clerk.get(f"/admin/orders/{order_id}/invoice").text


def test_letters_that_no_font_has_lead_to_the_page(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    order_id = buy(shop, name="सुनीता")
    issue(clerk, order_id)
    answer = clerk.get(f"/admin/orders/{order_id}/invoice.pdf")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/t/west/admin/orders/{order_id}/invoice")
    page = clerk.get(f"/admin/orders/{order_id}/invoice").text
    assert "Please print this page instead." in page
    assert "सुनीता" in page


def test_numbers_have_no_gaps_in_a_year(app: Flask) -> None:
    with time_machine.travel("2031-12-31T23:30:00+00:00", tick=False):
        shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
        first, second = issue(clerk, buy(shop)), issue(clerk, buy(shop))
    with time_machine.travel("2032-01-01T00:30:00+00:00", tick=False):
        third = issue(clerk, buy(shop))
    assert [first, second, third] == ["INV-2031-0001", "INV-2031-0002", "INV-2032-0001"]


def test_refused_invoice_takes_no_number(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    cancelled, good = buy(shop), buy(shop)
    cancel(app, cancelled, "west")
    assert clerk.post(f"/admin/orders/{cancelled}/invoice").status_code == 303
    assert "This order was cancelled" in clerk.get(f"/admin/orders/{cancelled}").text
    assert clerk.get(f"/admin/orders/{cancelled}/invoice").status_code == 404
    assert issue(clerk, good).endswith("-0001")


def test_concurrent_clicks_issue_each_invoice_once(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    orders = [buy(shop) for _ in range(4)]
    for order_id in orders:
        clerk.post(f"/admin/orders/{order_id}/fulfil", {})

    def click(order_id: str) -> int:
        return Person(app.test_client(), "west").post(f"/orders/{order_id}/invoice").status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(click, orders * 3)) == {303}
    numbers = sorted(issue(clerk, order_id) for order_id in orders)
    assert [int(number[-4:]) for number in numbers] == [1, 2, 3, 4]


def test_number_of_an_invoice_that_fails_is_taken_by_the_next(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    first, second = buy(shop), buy(shop)
    with app.app_context(), tenant_context("west"), pytest.raises(RuntimeError), write():
        assert next_number(InvoiceCounter, "INV", now().year).endswith("-0001")
        raise RuntimeError
    numbers = [issue(clerk, order_id) for order_id in (first, second)]
    assert [number[-4:] for number in numbers] == ["0001", "0002"]


def test_issued_invoice_never_changes(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    order_id = buy(shop)
    issue(clerk, order_id)
    before = visible_text(clerk.get(f"/admin/orders/{order_id}/invoice").text)
    moved = {**CONTACT, "address": "2 High Street\nCork", "company": "East Ltd"}
    settings: dict[str, Any] = {"locale": "en-IE", "country": "IE", "timezone": "Europe/Dublin", "contact": moved}
    import_tenants(app, tenant("west", product("mug", "99.00"), **settings), refresh=True)
    clerk.post(f"/admin/orders/{order_id}/fulfil", {})
    clerk.post(f"/admin/orders/{order_id}/invoice")
    assert visible_text(clerk.get(f"/admin/orders/{order_id}/invoice").text) == before
    assert "Quay Street" in before


def test_issued_invoice_stays_linked_without_the_address_of_the_shop(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    order_id = buy(shop)
    issue(clerk, order_id)
    import_tenants(app, tenant("west", product("mug", "10.00"), **SETTINGS | {"contact": {}}), refresh=True)
    assert f'href="/t/west/orders/{order_id}/invoice">View invoice</a>' in shop.get(f"/orders/{order_id}").text
    assert f'href="/t/west/admin/orders/{order_id}/invoice">' in clerk.get(f"/admin/orders/{order_id}").text
    assert shop.get(f"/orders/{order_id}/invoice").status_code == 200


def test_buyer_gets_the_invoice_of_a_shipped_order(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    order_id = buy(shop)
    path = f"/orders/{order_id}/invoice"
    assert "View invoice" not in shop.get(f"/orders/{order_id}").text
    assert shop.get(path).status_code == 404
    assert shop.post(path).status_code == 409
    clerk.post(f"/admin/orders/{order_id}/fulfil", {})
    assert "View invoice" in shop.get(f"/orders/{order_id}").text
    assert shop.post(path).headers["Location"] == f"/t/west{path}"
    assert shop.post(path).status_code == 303
    page = shop.get(path)
    assert "INV-" in page.text
    assert page.headers["Cache-Control"] == "no-store"
    assert "Total €35.52" in " ".join(pdf_text(shop.get(f"{path}.pdf").data).split())
    assert f'href="/t/west{path}"' in shop.get(f"/orders/{order_id}").text


def test_buyer_gets_the_invoice_of_a_paid_order(app: Flask) -> None:
    shop, clerk = open_shop(app, payment=["bank_transfer"]), signed_in(app, "west", Role.CLERK)
    order_id = buy(shop, payment="bank_transfer")
    assert "View invoice" not in shop.get(f"/orders/{order_id}").text
    assert shop.post(f"/orders/{order_id}/invoice").status_code == 409
    clerk.post(f"/admin/orders/{order_id}/paid")
    assert "View invoice" in shop.get(f"/orders/{order_id}").text
    assert shop.post(f"/orders/{order_id}/invoice").status_code == 303
    assert "INV-" in shop.get(f"/orders/{order_id}/invoice").text


def test_order_that_waits_for_its_online_payment_has_no_invoice(ada: Buyer) -> None:
    clerk = signed_in(ada.app, "till", Role.CLERK)
    order_id = ada.order("stripe")["id"]
    clerk.post(f"/admin/orders/{order_id}/invoice")
    assert "Its invoice can be issued as soon as it is." in clerk.get(f"/admin/orders/{order_id}").text
    assert clerk.get(f"/admin/orders/{order_id}/invoice").status_code == 404


def test_buyer_sees_an_invoice_that_the_staff_issued_earlier(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    order_id = buy(shop)
    issue(clerk, order_id)
    assert f'href="/t/west/orders/{order_id}/invoice"' in shop.get(f"/orders/{order_id}").text
    assert shop.post(f"/orders/{order_id}/invoice").status_code == 303


def test_shop_without_an_address_issues_none(app: Flask, shopper: Person) -> None:
    clerk = signed_in(app, "north", Role.CLERK)
    order_id = place_order(shopper, beans=1)
    clerk.post(f"/admin/orders/{order_id}/fulfil", {})
    for page in (clerk.get(f"/admin/orders/{order_id}").text, shopper.get(f"/orders/{order_id}").text):
        assert "nvoice" not in page
    assert shopper.post(f"/orders/{order_id}/invoice").status_code == 409
    clerk.post(f"/admin/orders/{order_id}/invoice")
    assert "address is missing" in clerk.get(f"/admin/orders/{order_id}").text


def test_invoice_is_in_the_timeline_and_the_audit_log(app: Flask) -> None:
    shop, owner = open_shop(app), signed_in(app, "west", Role.OWNER)
    order_id = buy(shop)
    number = issue(owner, order_id)
    assert f"Invoice issued: {number}" in owner.get(f"/admin/orders/{order_id}").text
    assert "Invoice issued" in owner.get("/admin/audit").text


def test_viewers_see_no_invoice(app: Flask) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    order_id = buy(shop)
    issue(clerk, order_id)
    viewer = signed_in(app, "west", Role.VIEWER)
    for path in ("invoice", "invoice.pdf"):
        assert viewer.get(f"/admin/orders/{order_id}/{path}").status_code == 403
    assert "INV-" not in viewer.get(f"/admin/orders/{order_id}").text.partition('id="timeline_title"')[0]


def test_invoice_of_another_shop_is_not_found(app: Flask, stranger: Person) -> None:
    shop, clerk = open_shop(app), signed_in(app, "west", Role.CLERK)
    other = signed_in(app, "south", Role.OWNER)
    order_id = buy(shop)
    issue(clerk, order_id)
    for path in (f"/orders/{order_id}/invoice", f"/orders/{order_id}/invoice.pdf"):
        assert stranger.get(path).status_code == 404
        assert other.get(f"/admin{path}").status_code == 404
    assert stranger.post(f"/orders/{order_id}/invoice").status_code == 404
    assert other.post(f"/admin/orders/{order_id}/invoice").status_code == 404
