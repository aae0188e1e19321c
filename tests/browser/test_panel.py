"""The cart panel beside the product list on wide screens: opening, closing, focus."""

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.page_session import COOKIES, ESPRESSO, Shop, Visit

HEIGHT = 844
PANEL, LINE = "#cart_panel", "#cart_panel .cart-line"
FIRST_COLUMN, COLUMNS = 1, 4
FAILED_REQUEST = """document.getElementById("main").dispatchEvent(
    new CustomEvent("htmx:error", { bubbles: true, detail: { ctx: {} } }))"""


def add_from_the_list(ada: Visit, column: int = FIRST_COLUMN) -> str:
    """Add the first product of a column of the list that is in stock, and expect it in the panel. Return its id."""
    card = ada.see(f".card:nth-child({COLUMNS}n + {column}):not(.sold-out)").first
    product = str(card.get_attribute("data-product"))
    card.locator(".add-button").click()
    expect(ada.see(f"{LINE}[data-product={product}]")).to_be_visible()
    return product


def test_added_product_appears_in_the_panel_beside_the_list(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.go("/")
    product = add_from_the_list(ada)
    ada.expect_at("/")
    expect(ada.see(f"#add_{product}")).to_be_focused()
    expect(ada.see("#announcer")).to_contain_text("to your cart. Total")
    expect(ada.see("#cart_badge")).to_contain_text("1 item")
    expect(ada.see("#cart_badge")).to_have_attribute("aria-expanded", "true")
    add_from_the_list(ada, 2)
    expect(ada.see(LINE)).to_have_count(2)
    ada.page.mouse.wheel(0, 600)
    ada.wait_until("scrollY > 300")
    expect(ada.see(PANEL)).to_be_in_viewport()


def test_panel_opens_on_a_product_page_too(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.put_into_cart(ESPRESSO, 2)
    ada.expect_at(f"/products/{ESPRESSO}")
    expect(ada.see(f"{PANEL} #quantity_{ESPRESSO}")).to_have_value("2")


def test_cart_link_opens_and_closes_the_panel(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.put_into_cart(COOKIES)
    ada.go("/")
    expect(ada.see(PANEL)).to_be_hidden()
    ada.see("#cart_badge").click()
    expect(ada.see(LINE)).to_have_count(1)
    expect(ada.see(PANEL)).to_be_focused()
    ada.expect_at("/")
    ada.see("#cart_badge").click()
    expect(ada.see(PANEL)).to_be_hidden()
    expect(ada.see("#cart_badge")).to_have_attribute("aria-expanded", "false")
    expect(ada.see("#cart_badge")).to_be_focused()


@pytest.mark.parametrize("way", ["Escape", "button", "click outside", "link"])
def test_closing_the_panel_returns_to_the_page(visit: Callable[..., Visit], aurora: Shop, way: str) -> None:
    ada = visit(aurora)
    ada.go("/")
    product = add_from_the_list(ada)
    ada.see(f"{PANEL} #fewer_{product}").focus()
    if way == "Escape":
        ada.page.keyboard.press("Escape")
    elif way == "button":
        ada.see("[data-close]").press("Enter")
    elif way == "click outside":
        ada.see(".site-footer p").first.click()
    else:
        ada.see("#cart_badge").click()
    expect(ada.see(PANEL)).to_be_hidden()
    if way in ("Escape", "button"):
        expect(ada.see(f"#add_{product}")).to_be_focused()
    ada.expect_at("/")
    ada.expect_whole_page()


def test_dismissing_a_message_leaves_the_panel_open(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.go("/")
    add_from_the_list(ada)
    expect(
        ada.see(".message-notice [data-dismiss]")
    ).to_be_hidden()  # like the notice, which is only for screen readers
    ada.page.evaluate(FAILED_REQUEST)
    ada.see(".message-error [data-dismiss]").click()
    expect(ada.see(".message-error")).to_have_count(0)
    expect(ada.see(PANEL)).to_be_visible()


def test_product_in_the_panel_and_on_its_page_has_unique_ids(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.put_into_cart(ESPRESSO)
    expect(ada.see(LINE)).to_have_count(1)
    ids = ada.page.evaluate("[...document.querySelectorAll('[id]')].map(({ id }) => id)")
    assert len(ids) == len(set(ids))


def test_keyboard_focus_is_visible_while_the_panel_is_open(visit: Callable[..., Visit], aurora: Shop) -> None:
    """Tab goes from the panel through the whole page, and the panel stays open, at the smallest width that has one."""
    ada = visit(aurora, width=1100)
    overfill_panel(ada)
    for path in (f"/products/{ESPRESSO}", "/?category=Pantry", "/api/v1/docs"):
        ada.go(path)
        ada.see("#cart_badge").press("Enter")
        expect(ada.see(PANEL)).to_be_focused()
        assert ada.tab_through() > 30
        expect(ada.see(PANEL)).to_be_visible()


def overfill_panel(ada: Visit) -> None:
    """Add more lines than fit in the panel without scrolling."""
    ada.go("/cart")
    ada.page.evaluate(
        """async ids => {
            const body = product_id => new URLSearchParams({ product_id })
            for (const id of ids) await fetch("cart/items", { method: "POST", body: body(id) })
        }""",
        [ESPRESSO, COOKIES, "stoneware-cup", "heather-honey", "roasted-nuts", "salted-butter"],
    )


@pytest.mark.parametrize("width", [1100, 1440])
def test_page_makes_room_for_the_panel(visit: Callable[..., Visit], aurora: Shop, width: int) -> None:
    """The clicked button stays in place on the screen, and no control of the product page is under the panel."""
    ada = visit(aurora, width=width)
    ada.go("/")
    card = ada.see(".card:not(.sold-out)").nth(9)
    card.scroll_into_view_if_needed()
    before = card.bounding_box()
    card.locator(".add-button").click()
    expect(ada.see(LINE)).to_have_count(1)
    expect(card.locator(".add-button")).to_be_focused()
    after, panel = card.locator(".add-button").bounding_box(), ada.see(PANEL).bounding_box()
    assert before and after and panel
    assert after["x"] + after["width"] < panel["x"]
    assert 0 < after["y"] < HEIGHT
    ada.see(f"{PANEL} .cart-line a").click()
    ada.expect_at(r"/products/[\w-]+")
    ada.see("#cart_badge").click()
    expect(ada.see(PANEL)).to_be_focused()
    for button in (".buy-form .primary-button", ".step >> nth=-1", ".related .add-button >> nth=-1"):
        box = ada.see(f"#product {button}").last.bounding_box()
        assert box
        assert box["x"] + box["width"] < panel["x"], button


def test_cart_is_edited_in_the_panel(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.go("/?q=oat+cookies")
    ada.see(f"#add_{COOKIES}").click()
    total = ada.see(f"{PANEL} .price-total dd")
    expect(total).to_be_visible()
    before = total.inner_text()
    ada.see(PANEL).focus()
    more = ada.tab_to(f"{PANEL} #more_{COOKIES}")
    for _ in range(3):
        more.press("Enter")
    expect(ada.see("#cart_badge")).to_contain_text("4 items")
    expect(ada.see(f"#quantity_{COOKIES}")).to_have_value("4")
    expect(total).not_to_have_text(before)
    expect(ada.see(f"#more_{COOKIES}")).to_be_focused()
    expect(ada.see("#announcer")).to_have_text(f"Total {total.inner_text()}")
    ada.see(f"#remove_{COOKIES}").press("Enter")
    expect(ada.see(f"{PANEL} .empty")).to_be_visible()
    expect(ada.see("#cart_badge b")).to_have_count(0)
    ada.expect_at(r"/\?q=oat\+cookies")


def test_click_during_a_pending_request_is_not_lost(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.put_into_cart(COOKIES)
    ada.go("/cart")
    with ada.page.expect_response("**/cart/items/*"):
        ada.see(f"#more_{COOKIES}").click()
        ada.see("h1").click()
    ada.see("#to_checkout").click()
    expect(ada.see(".order-lines")).to_contain_text("2 ×")


def test_open_panel_shows_purchases_by_others(
    visit: Callable[..., Visit], aurora: Shop, call_api: Callable[..., Any]
) -> None:
    ada = visit(aurora)
    scarce = min(
        call_api("GET", "/products?in_stock=true&limit=100&category=Tea")["items"], key=lambda product: product["stock"]
    )
    ada.put_into_cart(scarce["id"], scarce["stock"])
    ada.go("/?q=zzzz")
    ada.see("#cart_badge").click()
    expect(ada.see(LINE)).to_have_count(1)
    rest = call_api("POST", "/carts", {"items": [{"product_id": scarce["id"], "quantity": 1}]})
    call_api("POST", f"/carts/{rest['id']}/checkout", {"email": "bob@example.com", "name": "Bob"})
    expect(ada.see(f"{PANEL} #left_{scarce['id']}")).to_be_visible()
    expect(ada.see("#announcer")).to_contain_text(scarce["name"])


@pytest.mark.parametrize(("width", "javascript"), [(390, True), (768, True), (1280, False)])
def test_cart_link_leads_to_the_cart_page_without_a_panel(
    visit: Callable[..., Visit], shop: Shop, width: int, javascript: bool
) -> None:
    ada = visit(shop, width=width, javascript=javascript)
    ada.put_into_cart(COOKIES)
    expect(ada.see(".message-notice")).to_be_in_viewport()
    ada.go("/")
    expect(ada.see(PANEL)).to_be_hidden()
    ada.see("#cart_badge").click()
    ada.expect_at("/cart")


def test_cart_and_checkout_pages_have_no_panel(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.put_into_cart(COOKIES)
    for path in ("/cart", "/checkout", "/checkout/upsell?page=1"):
        ada.go(path)
        expect(ada.see(PANEL)).to_have_count(0)
    ada.see("#cart_badge").click()
    ada.expect_at("/cart")


def test_panel_closes_when_the_window_becomes_narrow(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.put_into_cart(COOKIES)
    expect(ada.see(PANEL)).to_be_visible()
    ada.page.set_viewport_size({"width": 800, "height": 844})
    expect(ada.see(PANEL)).to_be_hidden()
