"""The switch of languages, pressed in a browser, with JavaScript and without."""

import pytest
from playwright.sync_api import Browser


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
