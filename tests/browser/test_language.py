"""The language switch, with and without JavaScript."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.page_session import COOKIES, Shop, Visit


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_the_switch_changes_the_page_that_one_is_on(visit: Callable[..., Visit], aurora: Shop, scripts: bool) -> None:
    ada = visit(aurora, javascript=scripts, locale="en-GB")
    ada.go("/?category=Coffee")
    expect(ada.see("h2").filter(has_text="Coffee")).to_have_count(1)
    ada.page.get_by_role("button", name="Deutsch").click()
    expect(ada.see("html")).to_have_attribute("lang", "de")
    ada.expect_at(r"/\?category=Coffee")
    expect(ada.see("h2").filter(has_text="Kaffee")).to_have_count(1)
    ada.go("/cart")
    expect(ada.see("h1")).to_have_text("Ihr Warenkorb")
    ada.page.goto(Shop("fjell", aurora.port).at("/cart"))
    expect(ada.see("html")).to_have_attribute("lang", "en")  # the choice is this shop's


def test_a_page_behind_the_switch_comes_in_one_language(visit: Callable[..., Visit], aurora: Shop) -> None:
    """Who goes back to a page that the browser kept, or has another tab, reads no page in two languages."""
    ada = visit(aurora, locale="en-GB")
    ada.go("/?category=Coffee")
    other = ada.context.new_page()
    other.goto(aurora.at("/cart"))
    other.get_by_role("button", name="Deutsch").click()
    expect(other.locator("h1")).to_have_text("Ihr Warenkorb")
    ada.page.bring_to_front()
    ada.page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(ada.see("html")).to_have_attribute("lang", "de")
    expect(ada.see("#cart_badge")).to_contain_text("Warenkorb")
    ada.expect_whole_page()


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_a_language_chosen_at_checkout_keeps_what_was_typed(
    visit: Callable[..., Visit], aurora: Shop, scripts: bool
) -> None:
    """So do the other buttons of the page; no address says it, and Enter still orders."""
    ada = visit(aurora, javascript=scripts, locale="en-GB")
    ada.put_into_cart(COOKIES)
    ada.go("/checkout")
    ada.write_name()
    ada.see(".site-footer button[lang=de]").click()
    ada.expect_at("/checkout")
    expect(ada.see("html")).to_have_attribute("lang", "de")
    expect(ada.see("#email")).to_have_value("ada@example.com")
    expect(ada.see("#name")).to_have_value("Ada")
    ada.see(".order-box [value=cart]").click()
    ada.expect_at("/cart")
    ada.go("/checkout")
    if not scripts:
        ada.see("noscript [value=suggestions]").click()
        ada.expect_at(r"/checkout/upsell\?page=1")
        ada.see(".suggestion .add-button").first.click()
        ada.expect_at(r"/checkout\?added=[\w-]+")
    expect(ada.see("#name")).to_have_value("Ada")
    ada.see("#name").press("Enter")
    ada.expect_at(r"/orders/[\w-]+")


def test_another_language_keeps_what_was_typed_on_any_page(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora, locale="en-GB")
    ada.go(f"/products/{COOKIES}")
    ada.see("#quantity").fill("7")
    ada.see(".site-footer button[lang=de]").click()
    expect(ada.see("html")).to_have_attribute("lang", "de")
    expect(ada.see("#quantity")).to_have_value("7")
    ada.page.reload()
    expect(ada.see("#quantity")).to_have_value("1")


def test_a_code_that_is_being_typed_stays_while_the_cart_changes(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.put_into_cart(COOKIES)
    ada.go("/cart")
    ada.see("#code").fill("SUMMER10")
    ada.see(f"#more_{COOKIES}").click()
    expect(ada.see("#cart_badge")).to_contain_text("2 items")
    expect(ada.see(f"#quantity_{COOKIES}")).to_have_value("2")
    expect(ada.see("#code")).to_have_value("SUMMER10")
    ada.see("#apply_code").click()
    expect(ada.see(".promo-applied")).to_be_visible()
    ada.see("#remove_code").click()
    expect(ada.see("#code")).to_have_value("")
