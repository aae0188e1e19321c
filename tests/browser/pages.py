"""All pages that a shopper can reach, and how to reach them."""

from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.page_session import COOKIES, ESPRESSO, Visit

LAST = "brass-scale"
"""A product of which there are few."""


def simply(path: str) -> Callable[[Visit], None]:
    return lambda visit: visit.go(path)


def list_of_shops(visit: Visit) -> None:
    visit.page.goto(f"http://localhost:{visit.shop.port}/")


def cart(visit: Visit) -> None:
    """One line has a promo code's discount, another asks for more than there is."""
    visit.put_into_cart(ESPRESSO, 2)
    visit.put_into_cart(LAST, 999)
    visit.go("/cart")
    visit.see("#code").fill("SUMMER10")
    visit.see("#apply_code").click()
    expect(visit.see(".promo-applied")).to_be_visible()
    expect(visit.see(f"#left_{LAST}")).to_be_visible()


def cart_with_wrong_code(visit: Visit) -> None:
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


def added(visit: Visit) -> None:
    """A shelf with a message over it."""
    visit.go("/?q=cookies")
    visit.see(f"#add_{COOKIES}").click()
    expect(visit.see(".message")).to_be_visible()


def checkout(visit: Visit) -> None:
    visit.put_into_cart(ESPRESSO)
    visit.go("/checkout")
    expect(visit.see(".suggestion")).to_have_count(3)
    visit.see(".suggestion .add-button").first.click()
    expect(visit.see(".in-cart")).to_be_visible()


def checkout_as_it_opens(visit: Visit) -> None:
    """The suggestions are still being thought of."""
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
    """Sent as by a browser that checks nothing itself."""
    visit.put_into_cart(ESPRESSO)
    visit.go("/checkout")
    visit.see("#checkout_form").evaluate("form => form.noValidate = true")
    visit.see(".place-bar button").click()
    expect(visit.see("#email_error")).to_be_visible()
    expect(visit.see(".suggestion")).to_have_count(3)
    visit.expect_fault("status of 422")


def checkout_sold_out(visit: Visit) -> None:
    visit.put_into_cart(LAST, 999)
    visit.go("/checkout")
    visit.write_name()
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
    visit.write_name()
    visit.see(".place-bar button").click()
    visit.expect_at(r"/orders/[\w-]+")


def not_found(visit: Visit) -> None:
    visit.go("/products/nothing")
    visit.expect_fault("status of 404")


def no_such_shop(visit: Visit) -> None:
    visit.page.goto(f"http://localhost:{visit.shop.port}/t/nowhere/")
    visit.expect_fault("status of 404")


def unreachable(visit: Visit) -> None:
    """The shop didn't answer, and a message says so."""
    visit.go("/?q=cookies")
    visit.page.route("**/cart/items", lambda route: route.fulfill(status=502, body="Bad gateway"))
    visit.see(f"#add_{COOKIES}").click()
    expect(visit.see(".message-error")).to_be_visible()
    visit.expect_fault("status of 502")


def api_docs(visit: Visit) -> None:
    visit.go("/api/v1/docs")
    visit.page.evaluate("document.querySelectorAll('details').forEach(call => call.open = true)")


PLACES: dict[str, Callable[[Visit], None]] = {
    "list of shops": list_of_shops,
    "list": simply("/"),
    "second page": simply("/?page=2"),
    "category": simply("/?category=Coffee"),
    "search": simply("/?q=espresso"),
    "forgiven search": simply("/?q=espreso"),
    "filtered": simply("/?category=Coffee&min_price=5&in_stock=1&sort=price"),
    "wrong filter": simply("/?min_price=x"),
    "nothing that fits": simply("/?min_price=9999"),
    "no such page": simply("/?page=99"),
    "categories": simply("/categories"),
    "no such category": simply("/categories?q=zzzz"),
    "empty search": simply("/?q=zzzz"),
    "added": added,
    "product": simply(f"/products/{ESPRESSO}"),
    "sold-out product": simply("/products/barista-milk"),
    "product with options": simply("/products/noon-filter-250g?option1=1%20kg"),
    "sold-out variant": simply("/products/dusk-decaf-250g?variant=dusk-1kg-espresso"),
    "empty cart": simply("/cart"),
    "cart": cart,
    "cart with wrong code": cart_with_wrong_code,
    "cart with variants": cart_with_variants,
    "checkout": checkout,
    "checkout as it opens": checkout_as_it_opens,
    "checkout with suggestions": checkout_with_suggestions,
    "checkout with errors": checkout_with_errors,
    "checkout sold out": checkout_sold_out,
    "suggestions": suggestions,
    "confirmation": confirmation,
    "not found": not_found,
    "no such shop": no_such_shop,
    "unreachable": unreachable,
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
    "API docs": "/api/v1/docs",
}
"""The shop's pages, each by a place that is on it; a pattern of addresses. A test holds them against the URL map."""
