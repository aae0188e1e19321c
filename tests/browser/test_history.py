"""Back, forward and reload show whole pages after htmx swaps."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.page_session import COOKIES, ESPRESSO, Shop, Visit

HEADING = ".result-head h2"


def test_typing_a_search_changes_the_url_and_the_product_list(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.go("/")
    everything = ada.see(".card").count()
    ada.see("#search").press_sequentially("honey")
    ada.expect_at(r"/\?q=honey")
    expect(ada.see(HEADING)).to_have_text("Results for “honey”")
    assert 0 < ada.see(".card").count() < everything
    expect(ada.see("#search")).to_be_focused()
    expect(ada.see("#search")).to_have_value("honey")
    ada.expect_whole_page()


def test_back_and_forward_after_a_search_show_whole_pages(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.go("/")
    hero = ada.see(".hero h1").inner_text()
    ada.see("#search").press_sequentially("honey")
    expect(ada.see(HEADING)).to_have_text("Results for “honey”")
    ada.page.go_back()
    ada.expect_at("/")
    expect(ada.see(HEADING)).to_have_text("All products")
    expect(ada.see("h1")).to_have_text(hero)
    expect(ada.see("#search")).to_have_value("")
    ada.expect_whole_page()
    ada.page.go_forward()
    ada.expect_at(r"/\?q=honey")
    expect(ada.see(HEADING)).to_have_text("Results for “honey”")
    expect(ada.see("#search")).to_have_value("honey")
    ada.expect_whole_page()


def test_reload_after_a_search_shows_the_whole_page(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.go("/")
    ada.see("#search").press_sequentially("honey")
    expect(ada.see(HEADING)).to_have_text("Results for “honey”")
    ada.page.reload()
    expect(ada.see(HEADING)).to_have_text("Results for “honey”")
    expect(ada.see("#search")).to_have_value("honey")
    ada.expect_whole_page()


def test_back_from_a_product_shows_the_whole_category(visit: Callable[..., Visit], shop: Shop) -> None:
    """The browser has cached the partial under the same URL and must not show it as the page."""
    ada = visit(shop)
    ada.go("/")
    ada.see(".chip").filter(has_text="Pantry").click()
    ada.expect_at(r"/\?category=Pantry")
    expect(ada.see(HEADING)).to_have_text("Pantry")
    ada.see(f"[data-product={COOKIES}] .cover-link").click()
    ada.expect_at(f"/products/{COOKIES}")
    ada.expect_whole_page()
    ada.page.go_back()
    ada.expect_at(r"/\?category=Pantry")
    expect(ada.see(HEADING)).to_have_text("Pantry")
    expect(ada.see(".chip[aria-current]")).to_contain_text("Pantry")
    ada.expect_whole_page()


def test_a_category_and_the_next_page_change_the_list_in_place(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.go("/")
    ada.page.evaluate("window.notReloaded = true")
    ada.see("#page_next").click()
    ada.expect_at(r"/\?page=2")
    ada.see(".chip").filter(has_text="Pantry").click()
    expect(ada.see(HEADING)).to_have_text("Pantry")
    assert ada.page.evaluate("window.notReloaded"), "the page was reloaded"
    with ada.context.expect_page() as tab:
        ada.see("#chip_all").click(modifiers=["Control"])
    expect(tab.value.locator(".hero")).to_be_visible()
    expect(ada.see(HEADING)).to_have_text("Pantry")


def test_back_from_the_next_page_shows_the_first(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.go("/")
    first = ada.see(".card").first.get_attribute("data-product")
    ada.see("#page_next").click()
    ada.expect_at(r"/\?page=2")
    expect(ada.see(".card").first).not_to_have_attribute("data-product", str(first))
    expect(ada.see("#products")).to_be_in_viewport()
    ada.page.go_back()
    expect(ada.see(".card").first).to_have_attribute("data-product", str(first))
    ada.expect_whole_page()


def test_back_to_a_changed_cart_shows_its_current_state(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.put_into_cart(ESPRESSO)
    ada.put_into_cart(COOKIES)
    ada.go("/cart")
    ada.see(f"#remove_{COOKIES}").click()
    expect(ada.see(".cart-line")).to_have_count(1)
    ada.see(f"#line_{ESPRESSO}").click()
    ada.expect_at(f"/products/{ESPRESSO}")
    ada.page.go_back()
    ada.expect_at("/cart")
    expect(ada.see(".cart-line")).to_have_count(1)
    expect(ada.see("#cart_badge")).to_contain_text("1 item")
    ada.expect_whole_page()
    ada.page.reload()
    expect(ada.see(".cart-line")).to_have_count(1)
    ada.expect_whole_page()


def test_back_from_the_confirmation_places_no_second_order(visit: Callable[..., Visit], shop: Shop) -> None:
    ada = visit(shop)
    ada.put_into_cart(COOKIES)
    ada.go("/checkout")
    ada.fill_buyer()
    ada.see(".place-bar button").click()
    ada.expect_at(r"/orders/[\w-]+")
    order = ada.page.url
    ada.page.go_back()
    ada.expect_whole_page()
    ada.page.go_forward()
    expect(ada.page).to_have_url(order)
    ada.page.reload()
    expect(ada.see("h1")).to_have_text("Thank you, Ada.")
    ada.expect_whole_page()
