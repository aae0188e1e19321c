"""A German order of which no tax is due has the longest words among its prices, and fits each page that shows it."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.page_session import ESPRESSO, Shop, Visit
from tests.browser.test_back_office import post

REVERSE_CHARGE = "Steuerschuldnerschaft des Leistungsempfängers"
ADDRESS = {"line1": "1 rue de Rivoli", "postal_code": "75001", "city": "Paris", "country": "FR"}
BROKEN_WORDS = r"""region => {
    const broken = [], texts = document.createTreeWalker(region, NodeFilter.SHOW_TEXT)
    for (let text; (text = texts.nextNode());) {
        for (const word of text.data.matchAll(/[^ \n-]+/g)) {
            const range = document.createRange()
            range.setStart(text, word.index)
            range.setEnd(text, word.index + word[0].length)
            if (range.getBoundingClientRect().right > region.getBoundingClientRect().right + 1) broken.push(word[0])
            if (range.getClientRects().length > 1) broken.push(word[0])
        }
    }
    return broken
}"""
"""Returns the words and amounts in more than one line or outside their region. A no-break space is part of its word."""


@pytest.fixture
def order_id(office: Shop) -> str:
    """Place the order of a French company, in German."""
    cart = post(office, "/carts", {"items": [{"product_id": ESPRESSO, "quantity": 1}]})
    buyer = {"email": "achat@firme.example", "name": "Maximilienne de Rochefort", "vat_id": "FR40303265045"}
    buyer_and_delivery = buyer | {"shipping": "standard", "address": ADDRESS}
    return str(post(office, f"/carts/{cart['id']}/checkout", buyer_and_delivery, language="de")["id"])


def broken_words(page: Page, region: str) -> list[str]:
    assert REVERSE_CHARGE in page.locator(region).inner_text()
    found: list[str] = page.locator(region).evaluate(BROKEN_WORDS)
    return found


@pytest.mark.parametrize("width", [320, 1280])
def test_no_word_of_a_price_is_broken(
    visit: Callable[..., Visit], staff: Callable[..., Visit], office: Shop, order_id: str, width: int
) -> None:
    buyer, owner = visit(office, width=width, locale="de-DE"), staff(width=width, locale="de-DE")
    buyer.go(f"/orders/{order_id}")
    assert broken_words(buyer.page, ".price-steps") == []
    owner.go(f"/admin/orders?open={order_id}" if width == 1280 else f"/admin/orders/{order_id}")
    assert broken_words(owner.page, "#order .price-steps") == []
    owner.page.get_by_role("button", name="Rechnung ausstellen").click()
    owner.expect_at(f"/admin/orders/{order_id}/invoice")
    assert broken_words(owner.page, ".sheet") == []


def test_two_states_leave_room_for_customer_and_total(
    staff: Callable[..., Visit], office_folder: Path, order_id: str
) -> None:
    connection = sqlite3.connect(next(office_folder.glob("data/*.db")))
    with connection:
        connection.execute("UPDATE orders SET payment_status = 'pending' WHERE id = ?", (order_id,))
    connection.close()
    for language in ("de", "uk"):
        owner = staff(locale=language)
        owner.go(f"/admin/orders?open={order_id}")
        assert owner.page.locator("#list tr:has([aria-current]) .state").count() == 2
        assert owner.see(".rows-panel").evaluate("panel => panel.scrollWidth <= panel.clientWidth")
        assert owner.see("#list tr:has([aria-current]) .wide-cell").evaluate(BROKEN_WORDS) == []
