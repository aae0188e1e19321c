"""Errors are shown where the shopper looks: beside the field, in the form, or in the messages."""

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Locator, Route, expect

from tests.browser.page_session import COOKIES, ESPRESSO, Shop, Visit

UNREACHABLE = "We couldn't reach the shop. Please try again."
OFFLINE = "You're offline. Your cart is saved, but prices and stock may be out of date."


def expect_field_error(visit: Visit, field: str) -> Locator:
    """Expect that the field is marked invalid, refers to its error and is focused, with the error directly below it."""
    input, error = visit.see(f"#{field}"), visit.see(f"#{field}_error")
    expect(error).to_be_visible()
    expect(error).to_be_in_viewport()
    expect(input).to_have_attribute("aria-invalid", "true")
    expect(input).to_have_attribute("aria-describedby", f"{field}_error")
    expect(input).to_be_focused()
    box, below = input.bounding_box(), error.bounding_box()
    assert box and below
    assert 0 <= below["y"] - (box["y"] + box["height"]) < 24
    return error


def test_browser_validation_requires_an_email_address(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora, width=390)
    ada.put_into_cart(ESPRESSO)
    ada.go("/checkout")
    ada.see(".place-bar button").click()
    expect(ada.see("#email")).to_be_focused()
    ada.expect_at("/checkout")


def test_missing_email_address_is_an_error_beside_its_field(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop, width=390)
    ada.put_into_cart(ESPRESSO)
    ada.go("/checkout")
    ada.see("#checkout_form").evaluate("form => form.noValidate = true")
    ada.see("#name").fill("Ada")
    ada.see(".place-bar button").click()
    expect_field_error(ada, "email")
    expect(ada.see("#name")).to_have_value("Ada")
    ada.expect_whole_page()
    ada.expect_fault("status of 422")

    ada.see("#email").fill("ada@example.com")
    ada.see(".place-bar button").click()
    ada.expect_at(r"/orders/[\w-]+")


def test_invalid_email_address_is_an_error_without_javascript_too(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop, javascript=False)
    ada.put_into_cart(ESPRESSO)
    ada.go("/checkout")
    ada.see("#email").fill("ada@nowhere")  # valid for the browser
    ada.see("#name").fill("Ada")
    ada.see(".place-bar button").click()
    expect_field_error(ada, "email")
    expect(ada.see("#email")).to_have_value("ada@nowhere")
    ada.expect_fault("status of 422")


def test_unknown_promo_code_is_an_error_beside_its_field(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop, width=390)
    ada.put_into_cart(ESPRESSO)
    ada.go("/cart")
    ada.see("#code").fill("NOPE")
    ada.see("#apply_code").click()
    expect_field_error(ada, "code")
    expect(ada.see("#code")).to_have_value("NOPE")
    ada.expect_fault("status of 422")
    ada.see("#code").fill("summer10")
    ada.see("#apply_code").click()
    expect(ada.see(".promo-applied")).to_contain_text("SUMMER10")
    expect(ada.see("#code_error")).to_have_count(0)


def test_checkout_names_a_product_that_sold_out_meanwhile(
    visit: Callable[..., Visit], shop: Shop, call_api: Callable[..., Any]
) -> None:
    """No other test buys this product."""
    ada = visit(shop)
    scarce = call_api("GET", "/products/enamel-coffee-pot")
    ada.put_into_cart(COOKIES)
    ada.put_into_cart(scarce["id"])
    ada.go("/checkout")
    ada.fill_buyer()
    rest = call_api("POST", "/carts", {"items": [{"product_id": scarce["id"], "quantity": scarce["stock"]}]})
    call_api("POST", f"/carts/{rest['id']}/checkout", {"email": "bob@example.com", "name": "Bob"})

    ada.see(".place-bar button").click()
    expect(ada.see(".refusal")).to_contain_text(f"{scarce['name']}: 1 requested, none available")
    expect(ada.see(".refusal")).to_be_in_viewport()
    expect(ada.see("#email")).to_have_value("ada@example.com")
    ada.expect_fault("status of 409")

    ada.see(".refusal button").click()
    expect(ada.see(f"#left_{scarce['id']}")).to_have_text("Sold out")
    ada.see(f"#remove_{scarce['id']}").click()
    expect(ada.see(".cart-line")).to_have_count(1)
    ada.see("#to_checkout").click()
    ada.fill_buyer()
    ada.see(".place-bar button").click()
    ada.expect_at(r"/orders/[\w-]+")


def test_changed_total_is_shown_before_it_is_charged(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.put_into_cart(COOKIES)
    ada.go("/checkout")
    ada.fill_buyer()
    shown = ada.see(".order-summary .price-total dd").inner_text()
    other = ada.context.new_page()
    other.goto(ada.shop.at(f"/products/{COOKIES}"))
    other.locator(f"#add_{COOKIES}").click()
    expect(other.locator("#messages")).to_contain_text("Added")

    ada.see(".place-bar button").click()
    expect(ada.see(".refusal")).to_be_visible()
    expect(ada.see(".order-summary .price-total dd")).not_to_have_text(shown)
    ada.expect_fault("status of 409")
    ada.see(".place-bar button").click()
    ada.expect_at(r"/orders/[\w-]+")


def test_message_is_shown_while_the_browser_is_offline(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.go("/?q=cookies")
    ada.context.set_offline(True)
    expect(ada.see("#messages")).to_contain_text(OFFLINE)
    ada.see(f"#add_{COOKIES}").click()
    expect(ada.see("#messages")).to_contain_text(OFFLINE)
    expect(ada.see("#announcer")).to_have_text(OFFLINE)
    expect(ada.see("#messages .message")).to_be_in_viewport()
    expect(ada.see("#cart_badge b")).to_have_count(0)

    ada.see("[data-dismiss]").click()
    expect(ada.see("#messages .message")).to_have_count(0)
    ada.context.set_offline(False)
    ada.expect_fault("ERR_INTERNET_DISCONNECTED")  # also of the event stream, which opens a moment after the page
    ada.expect_fault("htmx:error: Failed to fetch")
    ada.see(f"#add_{COOKIES}").click()
    expect(ada.see("#cart_badge b")).to_contain_text("1")
    expect(ada.see("#messages")).to_contain_text("Added")


def test_offline_clicks_do_not_leave_the_page_with_typed_input(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.put_into_cart(COOKIES)
    ada.go("/checkout")
    ada.fill_buyer()
    ada.context.set_offline(True)
    for selector in (".place-bar button", "header .brand"):
        ada.see("[data-dismiss]").click()
        expect(ada.see("[data-offline]")).to_have_count(0)
        ada.see(selector).click()
        expect(ada.see("[data-offline]")).to_be_visible()
        ada.expect_at("/checkout")
        expect(ada.see("#name")).to_have_value("Ada")
    ada.expect_fault("ERR_INTERNET_DISCONNECTED")
    ada.context.set_offline(False)
    expect(ada.see("[data-offline]")).to_have_count(0)
    ada.see(".place-bar button").click()
    ada.expect_at(r"/orders/[\w-]+")


def test_shop_on_localhost_works_while_the_browser_reports_offline(visit: Callable[..., Visit], aurora: Shop) -> None:
    """The browser reports that it is offline, but the shop responds."""
    ada = visit(aurora)
    ada.context.add_init_script("Object.defineProperty(navigator, 'onLine', { get: () => false })")
    ada.put_into_cart(COOKIES)
    ada.go("/")
    ada.see(f"[data-product={ESPRESSO}] .cover-link").click()
    ada.expect_at(f"/products/{ESPRESSO}")
    ada.go("/checkout")
    ada.fill_buyer()
    ada.see(".place-bar button").click()
    ada.expect_at(r"/orders/[\w-]+")
    expect(ada.see("[data-offline]")).to_have_count(0)
    ada.page.get_by_role("button", name="Deutsch").click()
    expect(ada.see("html")).to_have_attribute("lang", "de")


def test_gateway_error_page_is_not_inserted_into_the_page(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.go("/?q=cookies")
    ada.page.route("**/cart/items", bad_gateway)
    ada.see(f"#add_{COOKIES}").click()
    expect(ada.see("#messages")).to_contain_text(UNREACHABLE)
    expect(ada.see("#cart_badge")).to_have_text("Cart")
    ada.expect_fault("status of 502")


def test_failed_suggestions_are_hidden_without_a_message(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.put_into_cart(COOKIES)
    ada.page.route("**/checkout/upsell", bad_gateway)
    ada.go("/checkout")
    expect(ada.see("#upsell_panel")).to_be_hidden()
    expect(ada.see("#messages .message")).to_have_count(0)
    ada.expect_fault("status of 502")
    ada.fill_buyer()
    ada.see(".place-bar button").click()
    ada.expect_at(r"/orders/[\w-]+")


def bad_gateway(route: Route) -> None:
    route.fulfill(status=502, content_type="text/html", body="<html><body><h1>Bad gateway</h1></body></html>")
