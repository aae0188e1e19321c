"""A double click submits once."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.page_session import COOKIES, Shop, Visit

PIECES = 2


def stock(ask: Callable[..., Any]) -> int:
    return int(ask("GET", f"/products/{COOKIES}")["stock"])


@pytest.mark.parametrize("javascript", [True, False], ids=["javascript", "none"])
def test_two_pages_that_place_the_order_lead_to_the_same(
    visit: Callable[..., Visit], shop: Shop, ask: Callable[..., Any], javascript: bool
) -> None:
    ada = visit(shop, javascript=javascript)
    ada.put_into_cart(COOKIES, PIECES)
    before = stock(ask)
    first, second = ada.page, ada.context.new_page()
    for page in (first, second):
        page.goto(shop.at("/checkout"))
        page.locator("#email").fill("ada@example.com")
        page.locator("#name").fill("Ada")
    for page in (first, second):
        page.locator(".place-bar button").click(no_wait_after=True)
    for page in (first, second):
        expect(page).to_have_url(shop.matching(r"/orders/[\w-]+"))
    assert first.url == second.url
    assert stock(ask) == before - PIECES


def test_a_double_click_places_one_order(visit: Callable[..., Visit], shop: Shop, ask: Callable[..., Any]) -> None:
    ada = visit(shop)
    ada.put_into_cart(COOKIES, PIECES)
    before = stock(ask)
    ada.go("/checkout")
    ada.write_name()
    ada.see(".place-bar button").dblclick()
    ada.expect_at(r"/orders/[\w-]+")
    expect(ada.see("h1")).to_have_text("Thank you, Ada.")
    assert stock(ask) == before - PIECES


@pytest.mark.parametrize("width", [390, 1280])
def test_three_products_added_at_once_are_all_in_the_cart(
    visit: Callable[..., Visit], aurora: Shop, width: int
) -> None:
    """The first opens the cart, the others wait for it; what is shown is the last word."""
    ada = visit(aurora, width=width)
    ada.go("/")
    ada.page.evaluate("[...document.querySelectorAll('.card .add-button')].slice(0, 3).forEach(b => b.click())")
    expect(ada.see("#cart_badge b")).to_contain_text("3")
    if width == 1280:
        expect(ada.see("#cart_panel .cart-line")).to_have_count(3)
    ada.go("/cart")
    expect(ada.see(".cart-line")).to_have_count(3)


def test_what_is_changed_while_another_is_added_is_shown(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.put_into_cart(COOKIES)
    expect(ada.see("#cart_panel .cart-line")).to_have_count(1)
    ada.page.evaluate(
        """id => {
        document.querySelector(".related .add-button").click()
        const field = document.getElementById(`quantity_${id}`)
        field.value = 3
        field.dispatchEvent(new Event("change", { bubbles: true }))
    }""",
        COOKIES,
    )
    expect(ada.see("#cart_badge b")).to_contain_text("4")
    expect(ada.see("#cart_panel .cart-line")).to_have_count(2)
    expect(ada.see(f"#quantity_{COOKIES}")).to_have_value("3")


def test_a_double_click_adds_one(visit: Callable[..., Visit], aurora: Shop) -> None:
    """Seen by a press after it, which comes after all that the double click has sent."""
    ada = visit(aurora)
    ada.go("/?q=oat+cookies")
    sent: list[str] = []
    ada.page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    ada.page.evaluate("id => [1, 2].forEach(() => document.getElementById(`add_${id}`).click())", COOKIES)
    expect(ada.see("#cart_badge")).to_contain_text("1 item")
    ada.see(f"#add_{COOKIES}").click()
    expect(ada.see("#cart_badge")).to_contain_text("2 items")
    assert len(sent) == 2
    ada.go("/cart")
    expect(ada.see(f"#quantity_{COOKIES}")).to_have_value("2")


def test_all_suggestions_added_at_once_are_in_the_order(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.put_into_cart(COOKIES)
    ada.go("/checkout")
    expect(ada.see(".suggestion")).to_have_count(3)
    ada.page.evaluate("document.querySelectorAll('.suggestion .add-button').forEach(button => button.click())")
    expect(ada.see(".in-cart")).to_have_count(3)
    expect(ada.see("#order_summary .order-lines li")).to_have_count(4)
    shown = ada.see(".place-bar button").inner_text()
    ada.page.reload()
    expect(ada.see(".place-bar button")).to_have_text(shown)
