"""The price follows the shipping method and the country, with JavaScript at once and without by a button."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.page_session import ESPRESSO, Shop, Visit

TOTAL = ".order-summary .price-total dd"


def to_checkout(ada: Visit) -> None:
    ada.go(f"/products/{ESPRESSO}")
    ada.see(f"#add_{ESPRESSO}").click()
    expect(ada.see("#cart_badge")).to_contain_text("1")
    ada.go("/checkout")
    expect(ada.see(TOTAL)).to_contain_text("€22.20")


def test_price_follows_what_is_chosen_and_what_was_typed_stays(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    to_checkout(ada)
    expect(ada.page.locator("#line1")).to_be_hidden()
    ada.see("#email").fill("ada@example.com")
    ada.see("#shipping_standard").check()
    expect(ada.see(TOTAL)).to_contain_text("€28.08")
    expect(ada.see("#shipping_standard")).to_be_focused()
    ada.see("#line1").fill("Hauptstr. 1")
    ada.see("#country").select_option("DE")
    expect(ada.see(TOTAL)).to_contain_text("€27.85")
    expect(ada.see("#line1")).to_have_value("Hauptstr. 1")
    expect(ada.see("#email")).to_have_value("ada@example.com")
    ada.see("#shipping_pickup").check()
    expect(ada.see(TOTAL)).to_contain_text("€22.20")
    expect(ada.page.locator("#line1")).to_be_hidden()


def test_price_follows_without_javascript(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora, javascript=False)
    ada.go(f"/products/{ESPRESSO}")
    ada.see(f"#add_{ESPRESSO}").click()
    ada.go("/checkout")
    ada.see("#shipping_standard").check()
    ada.see("#name").fill("Ada")
    ada.see("#country").select_option("DE")
    ada.see("#update_delivery").click()
    ada.expect_at("/checkout")
    expect(ada.see(TOTAL)).to_contain_text("€27.85")
    expect(ada.see("#name")).to_have_value("Ada")
    expect(ada.see("#postal_code")).to_be_visible()


def test_a_delivery_stays_a_delivery_in_another_country(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    to_checkout(ada)
    ada.see("#shipping_standard").check()
    expect(ada.see(TOTAL)).to_contain_text("€28.08")
    ada.see("#shipping_express").check()
    expect(ada.see(TOTAL)).to_contain_text("€34.08")
    ada.see("#country").focus()
    ada.see("#country").select_option("DE")
    expect(ada.see("#shipping_express")).to_have_count(0)
    expect(ada.see("#shipping_standard")).to_be_checked()
    expect(ada.see("#shipping_methods .stock-note")).to_be_visible()
    expect(ada.see("#country")).to_be_focused()
