"""Accessibility of every page: axe-core, viewport width, size of touch targets."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import pytest
from flask import Flask
from playwright.sync_api import expect

from storefront.staff.access import access_of
from tests.browser.page_session import Shop, Visit
from tests.browser.pages import PAGE_STATES, PAGES
from tests.conftest import Person
from tests.factories import import_tenants, tenant

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FINDINGS = """async rules => {
    const { violations, passes } = await axe.run({ runOnly: rules, resultTypes: ["violations"] })
    const why = node => node.any[0]?.message ?? node.failureSummary
    const describe = ({ id, nodes }) => nodes.map(node => `${id}: ${node.target.join(" ")}: ${why(node)}`)
    return { violations: violations.flatMap(describe), passes: passes.length }
}"""
WIDTHS = (320, 390, 768, 1280, 1920)
SCHEMES: dict[int, Literal["light", "dark"]] = {390: "dark", 1280: "light"}
"""The colour scheme with which axe-core checks a page, by width."""
WIDER = """() => document.documentElement.scrollWidth <= innerWidth ? null
    : [...document.querySelectorAll("body *")].filter(element => element.getBoundingClientRect().right > innerWidth + 1)
        .slice(0, 5).map(element => element.outerHTML.slice(0, 120))"""
SMALL = """() => {
    const inText = link => link.tagName === "A" && getComputedStyle(link).display === "inline"
    const least = element => {
        const cover = getComputedStyle(element, "::after")  // a link that covers its card
        const box = element.closest("label")?.getBoundingClientRect() ?? element.getBoundingClientRect()
        const [width, height] = cover.position === "absolute" ? [cover.width, cover.height] : [box.width, box.height]
        return Math.min(parseFloat(width), parseFloat(height))
    }
    return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, summary")]
        .filter(element => element.checkVisibility({ visibilityProperty: true }))
        .filter(element => !element.closest(".visually-hidden"))
        .filter(element => !(inText(element) && !element.classList.contains("cover-link")))
        .filter(element => least(element) < 43.9)
        .map(element => `${least(element)}: ${element.outerHTML.slice(0, 120)}`)
}"""
NOT_OF_A_SHOP = ("list of shops", "unknown shop")
LIVE = "[aria-live], [role=status], [role=alert], [role=log]"


def assert_accessible(shopper: Visit, touch_widths: Sequence[int] = WIDTHS) -> None:
    """Check its width, the size of targets at `touch_widths`, and axe-core: on a phone in dark, on a desktop in
    light."""
    for width in WIDTHS:
        shopper.page.set_viewport_size({"width": width, "height": 844})
        assert width not in touch_widths or not shopper.page.evaluate(SMALL), f"less than 44 px, at {width} px"
        assert not shopper.page.evaluate(WIDER), f"wider than {width} px"
        if width in SCHEMES:
            shopper.page.emulate_media(color_scheme=SCHEMES[width])
            assert not findings(shopper), f"{width} px, {SCHEMES[width]}"


@pytest.mark.parametrize("state", PAGE_STATES)
def test_page_is_accessible(visit: Callable[..., Visit], port: int, state: str) -> None:
    """On a phone and a desktop, and without a fault in console or network. By subdomain, because
    most other tests visit pages by prefix."""
    is_of_shop = state not in NOT_OF_A_SHOP
    shopper = visit(Shop("aurora", port, subdomain=is_of_shop), width=390, script=str(AXE))
    PAGE_STATES[state](shopper)
    if state in PAGES:
        shopper.expect_at(PAGES[state])
    if is_of_shop:
        shopper.expect_whole_page()
    expect(shopper.see(LIVE)).to_have_count(1)
    assert_accessible(shopper)
    shopper.page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("id", ["fjell", "kami"])
def test_pages_of_every_shop_are_accessible(visit: Callable[..., Visit], port: int, id: str) -> None:
    """With the shop's own colours and font."""
    shopper = visit(Shop(id, port), width=390, script=str(AXE))
    shopper.go("/")
    product = str(shopper.see(".card:not(.sold-out)").first.get_attribute("data-product"))
    for path in ("/", f"/products/{product}", "/cart", "/checkout"):
        if path == "/cart":
            shopper.put_into_cart(product)
        shopper.go(path)
        if path == "/checkout":
            expect(shopper.see(".suggestion")).to_have_count(3)
        for width, scheme in ((390, "light"), (1280, "dark")):
            shopper.page.set_viewport_size({"width": width, "height": 844})
            shopper.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # the tuple's strings are no literals
            assert not findings(shopper), f"{path}, {width} px, {scheme}"


def test_options_with_pictures_are_for_everybody(visit: Callable[..., Visit], port: int) -> None:
    """One of them sold out, one not sold in the chosen size."""
    shopper = visit(Shop("fjell", port), width=390, script=str(AXE))
    shopper.go("/products/waxed-cotton-coat?option1=Sand&option2=XL")
    assert_accessible(shopper)


NO_PAGES = (
    *("media.picture", "payments.come_back"),
    *("documents.invoice", "documents.invoice_pdf", "documents.credit_note", "documents.credit_note_pdf"),
)
"""A picture, what only redirects, and documents, of which test_admin_pages.py checks those of staff."""


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_page_of_the_url_map_is_tested(app: Flask, shopper: Person) -> None:
    """Every whole page of the URL map that is for shoppers is among the pages that axe-core checks. Those of staff are
    in test_admin_pages.py."""
    shopper.post("/cart/items", {"product_id": "beans"})
    order = shopper.post("/checkout", {"email": "ada@example.com", "name": "Ada"}).location.rpartition("/")[2]
    shopper.post("/cart/items", {"product_id": "beans"})
    import_tenants(app, tenant("north", country="IE", contact={"privacy": "No tracking."}), refresh=True)
    arguments = {"page": "privacy", "product_id": "beans", "order_id": order, "cart_id": "none"}
    urls = app.url_map.bind("localhost")
    pages = set()
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or access_of(app, rule) is not None or rule.endpoint in NO_PAGES:
            continue
        path = urls.build(rule.endpoint, {name: arguments[name] for name in rule.arguments})
        with shopper.get(path + "?page=1", buffered=False) as response:
            if response.mimetype == "text/html" and response.get_data(as_text=True).startswith("<!doctype"):
                assert response.status_code == 200, path
                pages.add(rule.endpoint)
    assert pages == {urls.match(pattern.partition(r"\?")[0])[0] for pattern in PAGES.values()}


def findings(visit: Visit) -> list[str]:
    found = visit.page.evaluate(FINDINGS, RULES)
    assert found["passes"] > 10, "axe-core checked nothing"
    return list(found["violations"])


def test_axe_reports_a_missing_label(visit: Callable[..., Visit], aurora: Shop) -> None:
    shopper = visit(aurora, script=str(AXE))
    shopper.go("/cart")
    assert not findings(shopper)
    shopper.page.evaluate("document.querySelector('label[for=search]').remove(), search.removeAttribute('placeholder')")
    assert any(fault.startswith("label: #search") for fault in findings(shopper))


def test_checks_report_a_wide_page_and_a_small_target(visit: Callable[..., Visit], aurora: Shop) -> None:
    shopper = visit(aurora, width=390)
    shopper.go("/cart")
    shopper.see(".empty .primary-button").evaluate("button => button.style.minHeight = 0")
    assert len(shopper.page.evaluate(SMALL)) == 1
    shopper.see("h1").evaluate("heading => heading.style.width = '1000px'")
    assert shopper.page.evaluate(WIDER)
