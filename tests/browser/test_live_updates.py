"""Open pages show purchases by others, without disturbing the shopper's input."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.page_session import Shop, Visit

SCARCE, RARE = "hand-grinder", "brew-timer"
"""No other test buys these products."""
SET_HIDDEN = """hidden => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true })
    document.dispatchEvent(new Event("visibilitychange"))
}"""
OTHER = "oat-cookies"


@pytest.fixture
def buy(call_api: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Buy as another client."""

    def buy(product_id: str, quantity: int) -> dict[str, Any]:
        cart = call_api("POST", "/carts", {"items": [{"product_id": product_id, "quantity": quantity}]})
        order: dict[str, Any] = call_api(
            "POST", f"/carts/{cart['id']}/checkout", {"email": "bob@example.com", "name": "Bob"}
        )
        return order

    return buy


def low_stock(call_api: Callable[..., Any], buy: Callable[..., Any], product_id: str = SCARCE) -> int:
    """Return the stock of a product, lowered so far that pages show it."""
    stock = int(call_api("GET", f"/products/{product_id}")["stock"])
    if stock > 5:
        buy(product_id, stock - 5)
    return min(stock, 5)


def test_open_cart_and_open_list_show_stock_taken_by_another_buyer(
    visit: Callable[..., Visit], shop: Shop, call_api: Callable[..., Any], buy: Callable[..., Any]
) -> None:
    stock = low_stock(call_api, buy)
    ada, eve = visit(shop), visit(shop)
    ada.put_into_cart(OTHER)
    ada.put_into_cart(SCARCE, stock)
    ada.go("/cart")
    expect(ada.see(f"#left_{SCARCE}")).to_have_count(0)
    eve.go("/?q=grinder")
    card = eve.see(f".card[data-product={SCARCE}]")
    expect(card).to_be_visible()
    eve.see("#filters summary").click()
    typed = ada.see(f"#quantity_{OTHER}")
    typed.press("ControlOrMeta+a")
    typed.press("7")
    buy(SCARCE, 1)
    expect(ada.see(f"#left_{SCARCE}")).to_have_text(f"Only {stock - 1} left")
    expect(ada.see("#announcer")).to_contain_text(f"Only {stock - 1} of ")
    expect(typed).to_be_focused()
    expect(typed).to_have_value("7")
    expect(card.locator(".stock-note")).to_have_text(f"Only {stock - 1} left")
    expect(eve.see("#filters")).to_have_attribute("open", "")


def test_open_product_page_shows_that_low_stock_falls(
    visit: Callable[..., Visit], aurora: Shop, call_api: Callable[..., Any], buy: Callable[..., Any]
) -> None:
    stock = low_stock(call_api, buy)
    ada = visit(aurora)
    ada.go(f"/products/{SCARCE}")
    ada.see("#quantity").fill("2")
    buy(SCARCE, 1)
    expect(ada.see(".stock-state")).to_have_text(f"Only {stock - 1} left")
    expect(ada.see("#quantity")).to_have_value("2")


def test_hidden_tab_closes_its_stream_and_misses_no_event(
    visit: Callable[..., Visit], aurora: Shop, call_api: Callable[..., Any], buy: Callable[..., Any]
) -> None:
    stock = low_stock(call_api, buy, RARE)
    ada = visit(aurora)
    ada.page.clock.install()
    with ada.page.expect_request("**/events?age=*"):
        ada.go(f"/products/{RARE}")
    buy(RARE, 1)
    expect(ada.see(".stock-state")).to_have_text(f"Only {stock - 1} left")
    with ada.page.expect_event("requestfailed", lambda request: "/events?age=" in request.url):
        ada.page.evaluate(SET_HIDDEN, True)
        ada.page.clock.fast_forward(61_000)
    buy(RARE, 1)
    with ada.page.expect_request("**/events?last=*"):
        ada.page.evaluate(SET_HIDDEN, False)
    expect(ada.see(".stock-state")).to_have_text(f"Only {stock - 2} left")


def test_page_polls_when_the_stream_is_refused(
    visit: Callable[..., Visit], aurora: Shop, call_api: Callable[..., Any], buy: Callable[..., Any]
) -> None:
    stock = low_stock(call_api, buy)
    ada = visit(aurora)
    ada.page.route("**/events?*", lambda route: route.fulfill(status=503))
    ada.page.clock.install()
    ada.go(f"/products/{SCARCE}")
    with ada.page.expect_response("**/events?*"):
        ada.page.clock.run_for(1500)
    buy(SCARCE, 1)
    ada.page.clock.run_for(30_000)
    expect(ada.see(".stock-state")).to_have_text(f"Only {stock - 1} left")
    ada.expect_fault("503")


def test_order_page_shows_status_changes(visit: Callable[..., Visit], aurora: Shop, buy: Callable[..., Any]) -> None:
    """Shoppers can't change an order's status, so a modified response stands in for staff."""
    order = buy(OTHER, 1)
    ada = visit(aurora)
    ada.page.clock.install()
    ada.go(f"/orders/{order['id']}")
    expect(ada.see("#order_status")).to_have_text("Placed")

    def ended(page: str) -> str:
        return re.sub(' data-follow="[^"]*"', "", page.replace("Placed", "Sent"))

    def fulfilled(route: Any) -> None:
        response = route.fetch()
        route.fulfill(response=response, body=ended(response.text()))

    ada.page.route(f"**/orders/{order['id']}", fulfilled)
    ada.page.clock.run_for(11_000)
    expect(ada.see("#order_status")).to_have_text("Sent")
    expect(ada.see("[data-follow]")).to_have_count(0)
