"""A complete purchase with the keyboard only, and without JavaScript."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import URL_FORMS
from tests.browser.page_session import ESPRESSO, Shop, Visit

pytestmark = pytest.mark.parametrize("shop", URL_FORMS, indirect=True)
SMALL = "dawn-espresso-250g"


def test_purchase_by_keyboard_only(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.go("/")
    ada.tab_to("#search")
    ada.page.keyboard.type("espresso")
    ada.expect_at(r"/\?q=espresso")
    expect(ada.see(".result-head h2")).to_have_text("Results for “espresso”")

    add_by_keyboard(ada, ESPRESSO, "Dawn Espresso, 1 kg", quantity=1)
    add_by_keyboard(ada, SMALL, "Dawn Espresso, 250 g", quantity=2)
    ada.tab_to("#cart_badge", back=True).press("Enter")
    expect(ada.see("#cart_panel")).to_be_focused()

    change_quantity(ada, ESPRESSO, "3")
    ada.page.keyboard.press("Tab")
    expect(ada.see(f"[data-product={ESPRESSO}] .line-total")).to_have_text("€55.50")
    expect(ada.see("#cart_badge")).to_contain_text("4 items")
    apply_promo(ada)
    remove(ada, SMALL, back=False)
    expect(ada.see("#cart_lines")).to_be_focused()

    ada.tab_to("#to_checkout").press("Enter")
    ada.expect_at("/checkout")
    expect(ada.see(".suggestion")).to_have_count(3)
    before = ada.see(".order-summary .price-total dd").inner_text()
    suggested = ada.see(".suggestion h3").first.inner_text()
    ada.tab_to(".suggestion .add-button").press("Enter")
    expect(ada.see(".suggestion .in-cart")).to_be_focused()
    expect(ada.see(".order-summary .price-total dd")).not_to_have_text(before)
    expect(ada.see("#order_summary .order-lines")).to_contain_text(suggested)

    fill_buyer_by_keyboard(ada, back=True)
    ada.tab_to(".place-bar button").press("Enter")
    expect_confirmation(ada, suggested)


def test_purchase_without_javascript(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop, javascript=False)
    ada.go("/")
    ada.tab_to("#search")
    ada.page.keyboard.type("espresso")
    ada.page.keyboard.press("Enter")
    ada.expect_at(r"/\?q=espresso")

    for product, name in ((ESPRESSO, "Dawn Espresso, 1 kg"), (SMALL, "Dawn Espresso, 250 g")):
        ada.go("/?q=espresso")
        ada.tab_to(f"#add_{product}").press("Enter")
        ada.expect_at("/cart")
        expect(ada.see("#messages")).to_contain_text(f"Added {name} to your cart.")

    change_quantity(ada, ESPRESSO, "3")
    ada.tab_to(f"#update_{ESPRESSO}").press("Enter")
    expect(ada.see(f"[data-product={ESPRESSO}] .line-total")).to_have_text("€55.50")
    apply_promo(ada)
    remove(ada, SMALL)
    ada.tab_to("#to_checkout").press("Enter")
    ada.expect_at("/checkout")

    before = ada.see(".order-summary .price-total dd").inner_text()
    ada.tab_to("noscript button").press("Enter")
    ada.expect_at(r"/checkout/upsell\?page=1")
    suggested = ada.see(".suggestion h3").first.inner_text()
    ada.tab_to(".suggestion .add-button").press("Enter")
    ada.expect_at(r"/checkout\?added=[\w-]+")
    expect(ada.see(".order-summary .price-total dd")).not_to_have_text(before)

    fill_buyer_by_keyboard(ada)
    ada.tab_to(".place-bar button").press("Enter")
    expect_confirmation(ada, suggested)


def add_by_keyboard(ada: Visit, product_id: str, name: str, quantity: int) -> None:
    """Add from the list: the badge shows it, the existing live region announces it, the focus stays."""
    ada.see("#announcer").evaluate("region => region.known = true")
    button = ada.tab_to(f"#add_{product_id}")
    button.press("Enter")
    expect(ada.see("#cart_badge b")).to_have_text(str(quantity))
    expect(ada.see("#cart_badge")).to_have_accessible_name(re.compile(rf"^Cart, {quantity} items?$"))
    announcer = ada.see("#announcer")
    expect(announcer).to_contain_text(f"Added {name} to your cart.")
    assert announcer.evaluate("region => region.known"), "a live region that is replaced is not read out"
    expect(button).to_be_focused()


def change_quantity(ada: Visit, product_id: str, quantity: str) -> None:
    ada.tab_to(f"#quantity_{product_id}").press("ControlOrMeta+A")
    ada.page.keyboard.type(quantity)


def apply_promo(ada: Visit) -> None:
    ada.tab_to("#code")
    ada.page.keyboard.type("summer10")
    ada.page.keyboard.press("Enter")
    expect(ada.see(".promo-applied")).to_contain_text("SUMMER10 applied")
    expect(ada.see(".price-discount")).to_be_visible()


def remove(ada: Visit, product_id: str, back: bool = True) -> None:
    ada.tab_to(f"#remove_{product_id}", back=back).press("Enter")
    expect(ada.see(f".cart-line[data-product={product_id}]")).to_have_count(0)
    expect(ada.see(".cart-line")).to_have_count(1)


def fill_buyer_by_keyboard(ada: Visit, back: bool = False) -> None:
    ada.tab_to("#email", back=back)
    ada.page.keyboard.type("ada@example.com")
    ada.tab_to("#name")
    ada.page.keyboard.type("Ada")


def expect_confirmation(ada: Visit, suggested: str) -> None:
    ada.expect_at(r"/orders/[\w-]+")
    expect(ada.see("h1")).to_have_text("Thank you, Ada.")
    number = ada.see(".receipt-facts dd").first.inner_text().strip()
    assert number
    expect(ada.page).to_have_title(f"Order {number} · Aurora Coffee")
    expect(ada.see(".order-lines li")).to_have_count(2)
    expect(ada.see(".order-lines li").filter(has_text=suggested)).to_contain_text("recommended for you")
    expect(ada.see("#order_status")).to_have_text("Placed")
    expect(ada.see("#cart_badge b")).to_have_count(0)
