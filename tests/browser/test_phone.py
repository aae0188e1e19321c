"""On a phone the important controls are visible without scrolling."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.page_session import COOKIES, ESPRESSO, Shop, Visit

OVERFLOWING_PARTS = """() => {
    const paper = document.querySelector(".receipt").getBoundingClientRect()
    return [...document.querySelectorAll(".receipt-head *")]
        .filter(part => part.getBoundingClientRect().right > paper.right - 16)
        .map(part => part.outerHTML.slice(0, 90))
}"""


def test_selected_category_is_scrolled_into_view(visit: Callable[..., Visit], aurora: Shop) -> None:
    """Wherever it is in its row, both when the page opens and after a click."""
    ada = visit(aurora, width=390)
    chosen = ada.see(".chip[aria-current]")
    ada.go("/?category=Gifts")
    expect(chosen).to_have_text("Gifts 2")
    expect(chosen).to_be_in_viewport(ratio=1)
    ada.go("/")
    expect(ada.see(".chip").filter(has_text="Tea")).not_to_be_in_viewport()
    ada.see(".chip").filter(has_text="Tea").click()
    ada.expect_at(r"/\?category=Tea")
    expect(chosen).to_be_in_viewport(ratio=1)


def test_receipt_with_several_lines_does_not_overflow(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora, width=360)
    for product in (ESPRESSO, COOKIES, "stoneware-cup", "heather-honey"):
        ada.put_into_cart(product)
    ada.go("/checkout")
    ada.fill_buyer()
    ada.see(".place-bar button").click()
    ada.expect_at(r"/orders/[\w-]+")
    expect(ada.see(".receipt-parade img")).to_have_count(4)
    assert not ada.page.evaluate(OVERFLOWING_PARTS)


def test_adding_from_the_suggestions_page_leads_to_the_checkout(visit: Callable[..., Visit], aurora: Shop) -> None:
    """The page is for shoppers without JavaScript, but others may open its URL too."""
    ada = visit(aurora, width=390)
    ada.put_into_cart(ESPRESSO)
    ada.go("/checkout/upsell?page=1")
    suggested = ada.see(".suggestion h3").first.inner_text()
    ada.see(".suggestion .add-button").first.click()
    ada.expect_at(r"/checkout\?added=[\w-]+")
    expect(ada.see(".order-lines")).to_be_visible()
    expect(ada.see(".order-lines")).to_contain_text(suggested)


def test_keyboard_focus_is_not_covered_by_the_order_button(visit: Callable[..., Visit], aurora: Shop) -> None:
    """The button stays at the bottom of the screen while the page scrolls behind it."""
    ada = visit(aurora, width=390)
    ada.put_into_cart(ESPRESSO)
    ada.go("/checkout")
    expect(ada.see(".suggestion")).to_have_count(3)
    assert ada.tab_through() > 15
