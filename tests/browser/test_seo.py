"""Autocomplete and filters in a real browser, by keyboard and accessible."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.page_session import Shop, Visit
from tests.browser.test_pages import AXE, SMALL, WIDER, findings

ESPRESSO = "/products/dawn-espresso-1kg"


def test_autocomplete_option_is_chosen_by_keyboard(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.go("/cart")
    search, options = ada.see("#search"), ada.see("#suggest_list [role=option]")
    search.press_sequentially("espr")
    expect(ada.see("#suggest_list")).to_be_visible()
    expect(search).to_have_attribute("aria-expanded", "true")
    assert 1 < options.count() <= 6
    search.press("ArrowUp")
    expect(search).to_have_attribute("aria-activedescendant", str(options.last.get_attribute("id")))
    search.press("ArrowDown")
    expect(ada.see("#suggest_list [aria-selected=true]")).to_have_count(0)
    search.press("Escape")
    expect(ada.see("#suggest_list")).to_be_hidden()
    expect(search).to_have_value("espr")
    expect(search).to_be_focused()
    search.press("ArrowDown")
    expect(ada.see("#suggest_list")).to_be_visible()
    expect(options.first).to_have_attribute("aria-selected", "true")
    search.press("Enter")
    ada.expect_at(ESPRESSO)


def test_autocomplete_closes_on_blur_and_enter_searches(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora)
    ada.go("/cart")
    ada.see("#search").press_sequentially("espr")
    expect(ada.see("#suggest_list")).to_be_visible()
    ada.see("h1").click()
    expect(ada.see("#suggest_list")).to_be_hidden()
    ada.see("#search").press("End")
    ada.see("#search").press_sequentially("esso")
    expect(ada.see("#suggest_list")).to_be_visible()
    ada.see("#search").press("Enter")
    ada.expect_at(r"/\?q=espresso")
    ada.see("#search").press_sequentially("zzz")
    expect(ada.see(".empty")).to_be_visible()
    expect(ada.see("#suggest_list")).to_be_hidden()


def test_click_on_an_autocomplete_option_opens_it(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora, width=390)
    ada.go("/")
    ada.see("#search").press_sequentially("coff")
    ada.see("#suggest_list [role=option]").first.click()
    ada.expect_at(r"/\?category=Coffee")
    ada.expect_whole_page()


def test_filters_change_the_product_list_and_the_url(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.go("/")
    first = ada.see(".card").first.get_attribute("data-product")
    ada.tab_to("#filters summary").press("Enter")
    ada.tab_to("#sort").select_option("-price")
    ada.expect_at(r"/\?sort=-price")
    expect(ada.see(".card").first).not_to_have_attribute("data-product", str(first))
    expect(ada.see("#sort")).to_be_focused()
    ada.see("#in_stock").check()
    ada.expect_at(r"/\?sort=-price&in_stock=1")
    ada.page.go_back()
    ada.expect_at(r"/\?sort=-price")
    expect(ada.see("#in_stock")).not_to_be_checked()
    ada.expect_whole_page()
    ada.see("#no_filters").click()
    ada.expect_at("/")
    expect(ada.see(".card").first).to_have_attribute("data-product", str(first))


def test_filters_and_search_work_without_javascript(visit: Callable[..., Visit], aurora: Shop) -> None:
    ada = visit(aurora, javascript=False)
    ada.go("/")
    ada.see("#filters summary").click()
    ada.see("#max_price").fill("5")
    ada.see("#filters button").click()
    expect(ada.see("#max_price")).to_have_value("5.00")
    expect(ada.see(".result-head h2")).to_have_text("All products")
    assert ada.see(".card").count() > 2
    ada.see("#search").fill("cookis")
    ada.see("#search").press("Enter")
    expect(ada.see("#insist")).to_be_visible()


def test_filters_and_autocomplete_are_accessible(visit: Callable[..., Visit], aurora: Shop) -> None:
    """In light and dark, on a phone and a desktop, with the filters and the autocomplete open."""
    ada = visit(aurora, width=390, script=str(AXE))
    ada.go("/?q=espreso&min_price=x&sort=price")
    expect(ada.see("#insist")).to_be_visible()
    for width in (320, 390, 1280):
        ada.page.set_viewport_size({"width": width, "height": 844})
        for opened in (False, True):
            if opened:
                ada.see("#search").focus()
                ada.see("#search").press_sequentially("o")
                expect(ada.see("#suggest_list")).to_be_visible()
                ada.see("#search").press("ArrowDown")
            assert not ada.page.evaluate(SMALL), "lower than 44 px"
            assert not ada.page.evaluate(WIDER), f"wider than {width} px"
            for scheme in ("light", "dark"):
                ada.page.emulate_media(color_scheme=scheme)
                assert not findings(ada), f"{width} px, {scheme}, suggestions {opened}"
        ada.see("h1").focus()
        ada.see("#search").blur()
        ada.see("#search").fill("espreso")
        expect(ada.see("#insist")).to_be_visible()
