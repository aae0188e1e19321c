"""On a phone the important controls are visible without scrolling."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.page_session import COOKIES, ESPRESSO, Shop, Visit

OVERHANG = """() => {
    const paper = document.querySelector(".receipt").getBoundingClientRect()
    return [...document.querySelectorAll(".receipt-head *")]
        .filter(part => part.getBoundingClientRect().right > paper.right - 16)
        .map(part => part.outerHTML.slice(0, 90))
}"""


def test_the_category_that_one_looks_at_is_in_sight(visit: Callable[..., Visit], aurora: Shop) -> None:
    """However far along its row it stands, as the page opens and after a press."""
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


def test_a_receipt_of_many_lines_keeps_to_its_paper(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora, width=360)
    for product in (ESPRESSO, COOKIES, "stoneware-cup", "heather-honey"):
        ada.put_into_cart(product)
    ada.go("/checkout")
    ada.write_name()
    ada.see(".place-bar button").click()
    ada.expect_at(r"/orders/[\w-]+")
    expect(ada.see(".receipt-parade img")).to_have_count(4)
    assert not ada.page.evaluate(OVERHANG)


def test_a_press_on_the_suggestions_own_page_leads_to_the_order(visit: Callable[..., Visit], aurora: Shop) -> None:
    """The page is for who has no JavaScript, but its address may be opened by anybody."""
    ada = visit(aurora, width=390)
    ada.put_into_cart(ESPRESSO)
    ada.go("/checkout/upsell?page=1")
    suggested = ada.see(".suggestion h3").first.inner_text()
    ada.see(".suggestion .add-button").first.click()
    ada.expect_at(r"/checkout\?added=[\w-]+")
    expect(ada.see(".order-lines")).to_be_visible()
    expect(ada.see(".order-lines")).to_contain_text(suggested)


def test_with_the_keyboard_nothing_lies_hidden_under_the_button_that_orders(
    visit: Callable[..., Visit], aurora: Shop
) -> None:
    """It stays at the bottom of the screen while the page moves behind it."""
    ada = visit(aurora, width=390)
    ada.put_into_cart(ESPRESSO)
    ada.go("/checkout")
    expect(ada.see(".suggestion")).to_have_count(3)
    assert ada.tab_through() > 15
