"""Choosing a variant on the product's page: by mouse and keyboard, without layout shift, and while others buy."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.page_session import Shop, Visit

COAT, DECAF = "/products/waxed-cotton-coat", "/products/dusk-decaf-250g"
SAND, MOSS, NAVY = "#option_1_1", "#option_1_2", "#option_1_3"
S, M, L, XL = "#option_2_1", "#option_2_2", "#option_2_3", "#option_2_4"
STOCK, PRICE, PICTURE, ADD = ".stock-state", ".product-price", ".product > .tile img", "#product .primary-button"
SHIFTS = """window.shifts = []
new PerformanceObserver(list => list.getEntries().forEach(entry =>
    shifts.push(`${entry.value}: ${entry.sources.map(source => source.node?.outerHTML?.slice(0, 90)).join(" and ")}`)
)).observe({ type: "layout-shift", buffered: true })"""
"""Also those within half a second of an input, which browsers don't count."""


@pytest.fixture
def fjell(port: int) -> Shop:
    return Shop("fjell", port)


def press(visit: Visit, radio: str) -> None:
    """Press a value, and wait for what it leads to."""
    with visit.page.expect_response(f"**{COAT}?*"):
        visit.see(f"label:has({radio})").click()


def shows(visit: Visit, price: str, stock: str, picture: str) -> None:
    expect(visit.see(PRICE)).to_have_text(price)
    expect(visit.see(STOCK)).to_contain_text(stock)
    expect(visit.see(PICTURE)).to_have_attribute("src", re.compile(rf"/{picture}\.[0-9a-f]+\.webp$"))


@pytest.mark.parametrize("width", [390, 1280])
def test_a_press_shows_the_choice_and_nothing_jumps(visit: Callable[..., Visit], fjell: Shop, width: int) -> None:
    ada = visit(fjell, width=width, reduced_motion="no-preference")
    ada.page.add_init_script(SHIFTS)
    ada.go(COAT)
    ada.page.wait_for_load_state("networkidle")
    entries = ada.page.evaluate("history.length")
    expect(ada.see(STOCK)).to_have_text("Please choose: Color, Size")
    press(ada, NAVY)
    ada.expect_at(rf"{COAT}\?option1=Navy")
    shows(ada, "$255.00", "Please choose: Size", "coat-navy")
    expect(ada.see(NAVY)).to_be_focused()
    press(ada, M)
    ada.expect_at(rf"{COAT}\?variant=waxed-coat-navy-m")
    shows(ada, "$255.00", "Only", "coat-navy")
    expect(ada.see(M)).to_be_focused()
    expect(ada.see("#announcer")).to_contain_text("Navy / M, $255.00: Only")
    press(ada, SAND)
    press(ada, XL)
    shows(ada, "$245.00", "Sold out", "coat")
    assert ada.page.evaluate("history.length") == entries
    assert ada.page.evaluate("shifts") == []
    ada.see("main").evaluate("main => main.before(document.createElement('hr'))")
    ada.wait_until("shifts.length === 1")  # it would be seen


def test_the_keyboard_goes_through_the_values_of_an_option(visit: Callable[..., Visit], fjell: Shop) -> None:
    ada = visit(fjell)
    ada.go(COAT)
    ada.tab_to(SAND)
    ada.page.keyboard.press("ArrowRight")
    expect(ada.see(MOSS)).to_be_focused()
    ada.expect_at(rf"{COAT}\?option1=Moss")
    ada.page.keyboard.press("Tab")
    expect(ada.see(S)).to_be_focused()
    ada.page.keyboard.press("Space")
    ada.expect_at(rf"{COAT}\?variant=waxed-coat-moss-s")
    ada.page.keyboard.press("ArrowRight")
    ada.expect_at(rf"{COAT}\?variant=waxed-coat-moss-m")
    expect(ada.see(M)).to_be_focused()
    ada.expect_focus_visible()
    ada.page.keyboard.press("ArrowLeft")
    ada.page.keyboard.press("ArrowLeft")
    expect(ada.see(XL)).to_be_focused()
    ada.expect_at(rf"{COAT}\?variant=waxed-coat-moss-xl")
    ada.tab_to(ADD)
    ada.page.keyboard.press("Enter")
    line = ada.see("#cart_panel .cart-line")
    expect(line).to_contain_text("Moss / XL")
    expect(line.locator("a").first).to_have_attribute("href", re.compile(r"\?variant=waxed-coat-moss-xl$"))


def test_what_is_missing_is_asked_for_by_the_browser(visit: Callable[..., Visit], fjell: Shop) -> None:
    ada = visit(fjell)
    ada.go(COAT)
    press(ada, NAVY)
    ada.see(ADD).click()
    expect(ada.see(S)).to_be_focused()
    assert ada.see(S).evaluate("radio => radio.validity.valueMissing")


def test_sold_out_and_not_sold_are_marked_in_words_and_shape(visit: Callable[..., Visit], fjell: Shop) -> None:
    ada = visit(fjell)
    ada.go(f"{COAT}?variant=waxed-coat-sand-xl")
    expect(ada.see(f"label:has({XL}) small")).to_have_text("Sold out")
    expect(ada.see(f"label:has({NAVY}) s")).to_have_css("text-decoration-line", "line-through")
    expect(ada.page.get_by_role("radio", name="Navy Not available")).to_have_count(1)
    expect(ada.page.get_by_role("radio", name="XL Sold out")).to_be_checked()
    expect(ada.see(ADD)).to_be_disabled()
    press(ada, NAVY)
    expect(ada.see(STOCK)).to_contain_text("Not available in this combination")
    expect(ada.see(ADD)).to_be_disabled()
    press(ada, L)
    expect(ada.see(ADD)).to_be_enabled()


def test_back_and_reload_show_the_choice(visit: Callable[..., Visit], fjell: Shop) -> None:
    ada = visit(fjell)
    ada.go(COAT)
    press(ada, NAVY)
    press(ada, M)
    ada.expect_at(rf"{COAT}\?variant=waxed-coat-navy-m")
    ada.see(".brand").click()
    ada.expect_at("/")
    for again in (ada.page.go_back, ada.page.reload):
        again()
        ada.expect_at(rf"{COAT}\?variant=waxed-coat-navy-m")
        expect(ada.see(M)).to_be_checked()
        expect(ada.see(PRICE)).to_have_text("$255.00")


@pytest.mark.parametrize("directly", [True, False])
def test_a_variant_is_chosen_and_bought_without_javascript(
    visit: Callable[..., Visit], fjell: Shop, directly: bool
) -> None:
    ada = visit(fjell, width=390, javascript=False)
    ada.go(COAT)
    ada.see(MOSS).check()
    ada.see(L).check()
    if not directly:
        ada.see("#choose").click()
        ada.expect_at(rf"{COAT}\?variant=waxed-coat-moss-l")
        shows(ada, "$245.00", "Only", "coat-moss")
    ada.see(ADD).click()
    ada.expect_at("/cart")
    expect(ada.see(".cart-line")).to_contain_text("Moss / L")
    expect(ada.see(".cart-line img")).to_have_attribute("src", re.compile("/coat-moss"))
    ada.go("/checkout")
    expect(ada.see(".order-lines")).to_contain_text("Moss / L")


@pytest.fixture
def buy(call_api: Callable[..., Any]) -> Callable[[str], None]:
    """Another buyer takes one of a variant."""

    def buy(variant_id: str) -> None:
        cart = call_api("POST", "/carts", {"items": [{"variant_id": variant_id, "quantity": 1}]})
        call_api("POST", f"/carts/{cart['id']}/checkout", {"email": "bob@example.com", "name": "Bob"})

    return buy


def hold_choices(page: Page) -> None:
    """Let the next choice have no answer, as on a bad line; what comes after it has one."""
    page.route(f"**{DECAF}?*", lambda route: route.fulfill(status=204), times=1)


def test_an_open_page_shows_what_others_buy_of_the_chosen_variant(
    visit: Callable[..., Visit], aurora: Shop, buy: Callable[[str], None]
) -> None:
    """Whether or not the choice is in the URL."""
    ada = visit(aurora)
    ada.go(f"{DECAF}?variant=dusk-250g-bean")
    ada.see("#quantity").fill("2")
    hold_choices(ada.page)
    with ada.page.expect_response(f"**{DECAF}?*"):
        ada.see("label:has(#option_2_3)").click()
    ada.expect_at(rf"{DECAF}\?variant=dusk-250g-bean")
    buy("dusk-250g-espresso")
    expect(ada.see(STOCK)).to_contain_text("Only 2 left")
    expect(ada.see("#option_2_3")).to_be_checked()
    expect(ada.see("#option_2_3")).to_be_focused()
    expect(ada.see("#quantity")).to_have_value("2")
    buy("dusk-250g-espresso")
    expect(ada.see(STOCK)).to_contain_text("Only 1 left")
    buy("dusk-250g-espresso")
    expect(ada.see(STOCK)).to_contain_text("Sold out")
    expect(ada.see("label:has(#option_2_3) small")).to_have_text("Sold out")
    expect(ada.see(ADD)).to_be_disabled()
