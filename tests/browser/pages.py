"""All pages that a shopper can reach, in the states that tests look at, and the steps that lead there."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.page_session import COOKIES, ESPRESSO, Visit

SCARCE = "brass-scale"
"""A product with low stock."""


def open_path(path: str) -> Callable[[Visit], None]:
    return lambda visit: visit.go(path)


def list_of_shops(visit: Visit) -> None:
    visit.page.goto(f"http://localhost:{visit.shop.port}/")


def cart(visit: Visit) -> None:
    """A cart with a promo code and a line with a larger quantity than the stock."""
    visit.put_into_cart(ESPRESSO, 2)
    visit.put_into_cart(SCARCE, 999)
    visit.go("/cart")
    visit.see("#code").fill("SUMMER10")
    visit.see("#apply_code").click()
    expect(visit.see(".promo-applied")).to_be_visible()
    expect(visit.see(f"#left_{SCARCE}")).to_be_visible()


def cart_with_invalid_code(visit: Visit) -> None:
    visit.put_into_cart(COOKIES)
    visit.go("/cart")
    visit.see("#code").fill("WRONG")
    visit.see("#apply_code").click()
    expect(visit.see("#code_error")).to_be_visible()
    visit.expect_fault("status of 422")


def cart_with_variants(visit: Visit) -> None:
    """Two variants of one product."""
    for variant in ("noon-250g-bean", "noon-1kg-filter"):
        visit.go(f"/products/noon-filter-250g?variant={variant}")
        visit.see("#product .primary-button").click()
        expect(visit.see("#messages")).to_contain_text("Added")
    visit.go("/cart")
    expect(visit.see("#line_noon-1kg-filter")).to_be_visible()


def list_with_message(visit: Visit) -> None:
    """A product list with a message above it."""
    visit.go("/?q=cookies")
    visit.see(f"#add_{COOKIES}").click()
    expect(visit.see(".message")).to_be_visible()


def checkout(visit: Visit) -> None:
    visit.put_into_cart(ESPRESSO)
    visit.go("/checkout")
    expect(visit.see(".suggestion")).to_have_count(3)
    visit.see(".suggestion .add-button").first.click()
    expect(visit.see(".in-cart")).to_be_visible()


def checkout_while_suggestions_load(visit: Visit) -> None:
    """The suggestions are not ready yet."""
    visit.page.route("**/checkout/upsell", lambda route: route.fulfill(status=204))
    visit.put_into_cart(ESPRESSO)
    visit.go("/checkout")
    expect(visit.see(".waiting-rows")).to_be_visible()


def checkout_with_suggestions(visit: Visit) -> None:
    visit.put_into_cart(ESPRESSO)
    visit.go("/checkout")
    expect(visit.see(".suggestion")).to_have_count(3)
    visit.see(".order-fold").evaluate("fold => fold.open = true")


def checkout_with_errors(visit: Visit) -> None:
    """Submitted without the browser's own validation."""
    visit.put_into_cart(ESPRESSO)
    visit.go("/checkout")
    visit.see("#checkout_form").evaluate("form => form.noValidate = true")
    visit.see(".place-bar button").click()
    expect(visit.see("#email_error")).to_be_visible()
    expect(visit.see(".suggestion")).to_have_count(3)
    visit.expect_fault("status of 422")


def checkout_sold_out(visit: Visit) -> None:
    visit.put_into_cart(SCARCE, 999)
    visit.go("/checkout")
    visit.fill_buyer()
    visit.see(".place-bar button").click()
    expect(visit.see(".refusal")).to_be_visible()
    expect(visit.see("#upsell_panel")).not_to_have_attribute("aria-busy", "true")
    visit.expect_fault("status of 409")


def suggestions(visit: Visit) -> None:
    visit.put_into_cart(ESPRESSO)
    visit.go("/checkout/upsell?page=1")
    expect(visit.see(".suggestion")).to_have_count(3)


def confirmation(visit: Visit) -> None:
    visit.put_into_cart(COOKIES)
    visit.go("/checkout")
    visit.fill_buyer()
    visit.see(".place-bar button").click()
    visit.expect_at(r"/orders/[\w-]+")


def withdrawal(visit: Visit) -> None:
    confirmation(visit)
    visit.page.goto(f"{visit.page.url}/withdraw")


def not_found(visit: Visit) -> None:
    visit.go("/products/nothing")
    visit.expect_fault("status of 404")


def unknown_shop(visit: Visit) -> None:
    visit.page.goto(f"http://localhost:{visit.shop.port}/t/nowhere/")
    visit.expect_fault("status of 404")


def gateway_error(visit: Visit) -> None:
    """A gateway error, with a message."""
    visit.go("/?q=cookies")
    visit.page.route("**/cart/items", lambda route: route.fulfill(status=502, body="Bad gateway"))
    visit.see(f"#add_{COOKIES}").click()
    expect(visit.see(".message-error")).to_be_visible()
    visit.expect_fault("status of 502")


def api_docs(visit: Visit) -> None:
    visit.go("/api/v1/docs")
    visit.page.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")


PAGE_STATES: dict[str, Callable[[Visit], None]] = {
    "list of shops": list_of_shops,
    "list": open_path("/"),
    "second page": open_path("/?page=2"),
    "category": open_path("/?category=Coffee"),
    "search": open_path("/?q=espresso"),
    "corrected search": open_path("/?q=espreso"),
    "filtered": open_path("/?category=Coffee&min_price=5&in_stock=1&sort=price"),
    "invalid filter": open_path("/?min_price=x"),
    "no product matches the filter": open_path("/?min_price=9999"),
    "page beyond the end": open_path("/?page=99"),
    "categories": open_path("/categories"),
    "no category matches": open_path("/categories?q=zzzz"),
    "empty search": open_path("/?q=zzzz"),
    "added": list_with_message,
    "product": open_path(f"/products/{ESPRESSO}"),
    "sold-out product": open_path("/products/barista-milk"),
    "product with options": open_path("/products/noon-filter-250g?option1=1%20kg"),
    "sold-out variant": open_path("/products/dusk-decaf-250g?variant=dusk-1kg-espresso"),
    "empty cart": open_path("/cart"),
    "cart": cart,
    "cart with invalid code": cart_with_invalid_code,
    "cart with variants": cart_with_variants,
    "checkout": checkout,
    "checkout while suggestions load": checkout_while_suggestions_load,
    "checkout with suggestions": checkout_with_suggestions,
    "checkout with errors": checkout_with_errors,
    "checkout sold out": checkout_sold_out,
    "suggestions": suggestions,
    "confirmation": confirmation,
    "legal text": open_path("/legal/privacy"),
    "finding an order to withdraw": open_path("/withdraw"),
    "withdrawal": withdrawal,
    "withdrawal received": open_path("/withdraw/received"),
    "not found": not_found,
    "unknown shop": unknown_shop,
    "gateway error": gateway_error,
    "API docs": api_docs,
}

PAGES = {
    "list": "/",
    "categories": "/categories",
    "product": r"/products/[\w-]+",
    "cart": "/cart",
    "checkout": "/checkout",
    "suggestions": r"/checkout/upsell\?page=1",
    "confirmation": r"/orders/[\w-]+",
    "legal text": r"/legal/[\w-]+",
    "finding an order to withdraw": "/withdraw",
    "withdrawal": r"/orders/[\w-]+/withdraw",
    "withdrawal received": "/withdraw/received",
    "API docs": "/api/v1/docs",
}
"""The shop's pages by the name of a state of each; patterns of URLs. A test compares them with the URL map."""
