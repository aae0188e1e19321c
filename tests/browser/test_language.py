"""The switch of languages, pressed in a browser, with JavaScript and without."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.visit import Shop, Visit


@pytest.mark.parametrize("scripts", [True, False], ids=["with JavaScript", "without"])
def test_the_switch_changes_the_page_that_one_is_on(browser: Browser, port: int, scripts: bool):
    context = browser.new_context(java_script_enabled=scripts, locale="en-GB")
    page = context.new_page()
    page.goto(f"http://localhost:{port}/t/aurora/?category=Coffee")
    assert page.locator("h2").filter(has_text="Coffee").count() == 1
    page.get_by_role("button", name="Deutsch").click()
    page.wait_for_url("**/t/aurora/?category=Coffee")
    assert page.locator("html").get_attribute("lang") == "de"
    assert page.locator("h2").filter(has_text="Kaffee").count() == 1
    page.goto(f"http://localhost:{port}/t/aurora/cart")
    assert page.locator("h1").inner_text() == "Ihr Warenkorb"
    page.goto(f"http://localhost:{port}/t/fjell/cart")
    assert page.locator("html").get_attribute("lang") == "en", "the choice is this shop's"
    context.close()


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
