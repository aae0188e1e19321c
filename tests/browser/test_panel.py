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


def add_from_the_shelf(ada: Visit, column: int = FIRST_COLUMN) -> str:
    """Add the first of a column of the shelf that another test hasn't sold out, and see it come into the panel;
    returns the product's id."""
    card = ada.see(f".card:nth-child({COLUMNS}n + {column}):not(.sold-out)").first
    product = str(card.get_attribute("data-product"))
    card.locator(".add-button").click()
    expect(ada.see(f"{LINE}[data-product={product}]")).to_be_visible()
    return product


def test_what_is_added_is_seen_at_once_beside_the_shelf(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.go("/")
    product = add_from_the_shelf(ada)
    ada.expect_at("/")
    expect(ada.see(f"#add_{product}")).to_be_focused()
    expect(ada.see("#announcer")).to_contain_text("to your cart. Total")
    expect(ada.see("#cart_badge")).to_contain_text("1 item")
    expect(ada.see("#cart_badge")).to_have_attribute("aria-expanded", "true")
    add_from_the_shelf(ada, 2)
    expect(ada.see(LINE)).to_have_count(2)
    ada.page.mouse.wheel(0, 600)
    ada.wait_until("scrollY > 300")
    expect(ada.see(PANEL)).to_be_in_viewport()


def test_the_panel_comes_on_a_products_page_too(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.put_into_cart(ESPRESSO, 2)
    ada.expect_at(f"/products/{ESPRESSO}")
    expect(ada.see(f"{PANEL} #quantity_{ESPRESSO}")).to_have_value("2")


def test_the_carts_link_opens_and_closes_the_panel(visit: Callable[..., Visit], shop: Shop) -> None:
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


@pytest.mark.parametrize("way", ["Escape", "button", "beside", "link"])
def test_every_way_out_of_the_panel_leads_back(visit: Callable[..., Visit], aurora: Shop, way: str) -> None:
    ada = visit(aurora)
    ada.go("/")
    product = add_from_the_shelf(ada)
    ada.see(f"{PANEL} #fewer_{product}").focus()
    if way == "Escape":
        ada.page.keyboard.press("Escape")
    elif way == "button":
        ada.see("[data-close]").press("Enter")
    elif way == "beside":
        ada.see(".site-footer p").first.click()
    else:
        ada.see("#cart_badge").click()
    expect(ada.see(PANEL)).to_be_hidden()
    if way in ("Escape", "button"):
        expect(ada.see(f"#add_{product}")).to_be_focused()
    ada.expect_at("/")
    ada.expect_whole_page()


def test_a_message_beside_the_panel_is_dismissed_alone(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.go("/")
    add_from_the_shelf(ada)
    expect(ada.see(".message-notice [data-dismiss]")).to_be_hidden()  # as the notice is, which is only heard
    ada.page.evaluate(FAILED_REQUEST)
    ada.see(".message-error [data-dismiss]").click()
    expect(ada.see(".message-error")).to_have_count(0)
    expect(ada.see(PANEL)).to_be_visible()


def test_a_product_in_the_panel_and_on_its_page_has_its_own_buttons(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.put_into_cart(ESPRESSO)
    expect(ada.see(LINE)).to_have_count(1)
    ids = ada.page.evaluate("[...document.querySelectorAll('[id]')].map(({ id }) => id)")
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("width", [1100, 1280, 1440])
def test_with_the_keyboard_nothing_lies_hidden_while_the_panel_is_open(
    visit: Callable[..., Visit], aurora: Shop, width: int
) -> None:
    """From the panel through all of the page: each stop can be seen, and the panel stays as it is."""
    ada = visit(aurora, width=width)
    put_many_into_cart(ada)
    for path in (f"/products/{ESPRESSO}", "/?category=Pantry", "/api/v1/docs"):
        ada.go(path)
        ada.see("#cart_badge").press("Enter")
        expect(ada.see(PANEL)).to_be_focused()
        assert ada.tab_through() > 30
        expect(ada.see(PANEL)).to_be_visible()


def put_many_into_cart(ada: Visit) -> None:
    """More lines than the panel has room for."""
    ada.go("/cart")
    ada.page.evaluate(
        """async ids => {
            const body = product_id => new URLSearchParams({ product_id })
            for (const id of ids) await fetch("cart/items", { method: "POST", body: body(id) })
        }""",
        [ESPRESSO, COOKIES, "stoneware-cup", "heather-honey", "roasted-nuts", "salted-butter"],
    )


@pytest.mark.parametrize("width", [1100, 1280, 1440])
def test_the_page_gives_way_to_the_panel(visit: Callable[..., Visit], aurora: Shop, width: int) -> None:
    """What was pressed stays where it is on the screen, and the whole product's page stays beside the panel."""
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


def test_the_panel_is_edited_in_place(visit: Callable[..., Visit], shop: Shop) -> None:
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


def test_who_goes_on_at_once_loses_no_press(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.put_into_cart(COOKIES)
    ada.go("/cart")
    with ada.page.expect_response("**/cart/items/*"):
        ada.see(f"#more_{COOKIES}").click()
        ada.see("h1").click()
    ada.see("#to_checkout").click()
    expect(ada.see(".order-lines")).to_contain_text("2 ×")


def test_an_open_panel_shows_what_others_buy(
    visit: Callable[..., Visit], aurora: Shop, ask: Callable[..., Any]
) -> None:
    ada = visit(aurora)
    scarce = min(
        ask("GET", "/products?in_stock=true&limit=100&category=Tea")["items"], key=lambda product: product["stock"]
    )
    ada.put_into_cart(scarce["id"], scarce["stock"])
    ada.go("/?q=zzzz")
    ada.see("#cart_badge").click()
    expect(ada.see(LINE)).to_have_count(1)
    rest = ask("POST", "/carts", {"items": [{"product_id": scarce["id"], "quantity": 1}]})
    ask("POST", f"/carts/{rest['id']}/checkout", {"email": "bob@example.com", "name": "Bob"})
    expect(ada.see(f"{PANEL} #left_{scarce['id']}")).to_be_visible()
    expect(ada.see("#announcer")).to_contain_text(scarce["name"])


@pytest.mark.parametrize(("width", "javascript"), [(390, True), (768, True), (1280, False)])
def test_elsewhere_the_carts_link_leads_to_its_page(
    visit: Callable[..., Visit], shop: Shop, width: int, javascript: bool
) -> None:
    ada = visit(shop, width=width, javascript=javascript)
    ada.put_into_cart(COOKIES)
    expect(ada.see(".message-notice")).to_be_in_viewport()
    ada.go("/")
    expect(ada.see(PANEL)).to_be_hidden()
    ada.see("#cart_badge").click()
    ada.expect_at("/cart")


def test_the_pages_of_cart_and_checkout_have_no_panel(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.put_into_cart(COOKIES)
    for path in ("/cart", "/checkout", "/checkout/upsell?page=1"):
        ada.go(path)
        expect(ada.see(PANEL)).to_have_count(0)
    ada.see("#cart_badge").click()
    ada.expect_at("/cart")


def test_a_window_that_becomes_narrow_has_no_panel(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.put_into_cart(COOKIES)
    expect(ada.see(PANEL)).to_be_visible()
    ada.page.set_viewport_size({"width": 800, "height": 844})
    expect(ada.see(PANEL)).to_be_hidden()
