"""Accessibility of every page: axe-core, viewport width, size of touch targets."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import expect

from tests.browser.page_session import Shop, Visit
from tests.browser.pages import PAGES, PLACES
from tests.conftest import Person

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FINDINGS = """async rules => {
    const { violations, passes } = await axe.run({ runOnly: rules, resultTypes: ["violations"] })
    const why = node => node.any[0]?.message ?? node.failureSummary
    const told = ({ id, nodes }) => nodes.map(node => `${id}: ${node.target.join(" ")}: ${why(node)}`)
    return { violations: violations.flatMap(told), passes: passes.length }
}"""
WIDTHS = (320, 390, 768, 1280, 1920)
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
LIVE = "[aria-live], [role=status], [role=alert], [role=log]"


@pytest.mark.parametrize("place", PLACES)
def test_the_page_is_for_everybody(visit: Callable[..., Visit], aurora: Shop, place: str) -> None:
    """Light and dark, on a phone and on a desk."""
    shopper = visit(aurora, width=390, script=str(AXE))
    PLACES[place](shopper)
    if place in PAGES:
        shopper.expect_at(PAGES[place])
    expect(shopper.see(LIVE)).to_have_count(1)
    for width in WIDTHS:
        shopper.page.set_viewport_size({"width": width, "height": 844})
        assert not shopper.page.evaluate(SMALL), f"less than 44 px, at {width} px"
        assert not shopper.page.evaluate(WIDER), f"wider than {width} px"
        for scheme in ("light", "dark") if width in (390, 1280) else ():
            shopper.page.emulate_media(color_scheme=scheme)
            assert not findings(shopper), f"{width} px, {scheme}"
    shopper.page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("id", ["fjell", "kami"])
def test_every_shop_is_for_everybody(visit: Callable[..., Visit], port: int, id: str) -> None:
    """In its own colours and face."""
    shopper = visit(Shop(id, port), width=390, script=str(AXE))
    shopper.go("/")
    product = str(shopper.see(".card:not(.sold-out)").first.get_attribute("data-product"))
    for path in ("/", f"/products/{product}", "/cart", "/checkout"):
        if path == "/cart":
            shopper.put_into_cart(product)
        shopper.go(path)
        if path == "/checkout":
            expect(shopper.see(".suggestion")).to_have_count(3)
        for width, scheme in ((390, "light"), (390, "dark"), (1280, "light"), (1280, "dark")):
            shopper.page.set_viewport_size({"width": width, "height": 844})
            shopper.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # a list's texts aren't literals
            assert not findings(shopper), f"{path}, {width} px, {scheme}"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_no_page_is_forgotten(app: Flask, shopper: Person) -> None:
    """Whatever the URL map leads to that is a whole page is among the places that axe-core looks at."""
    shopper.post("/cart/items", {"product_id": "beans"})
    order = shopper.post("/checkout", {"email": "ada@example.com", "name": "Ada"}).location.rpartition("/")[2]
    shopper.post("/cart/items", {"product_id": "beans"})
    known = {"product_id": "beans", "order_id": order, "cart_id": "none"}
    addresses = app.url_map.bind("localhost")
    pages = set()
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()):
            continue
        path = addresses.build(rule.endpoint, {name: known[name] for name in rule.arguments})
        with shopper.get(path + "?page=1", buffered=False) as answer:
            if answer.mimetype == "text/html" and answer.get_data(as_text=True).startswith("<!doctype"):
                assert answer.status_code == 200, path
                pages.add(rule.endpoint)
    assert pages == {addresses.match(pattern.partition(r"\?")[0])[0] for pattern in PAGES.values()}


def findings(visit: Visit) -> list[str]:
    found = visit.page.evaluate(FINDINGS, RULES)
    assert found["passes"] > 10, "axe did not look"
    return list(found["violations"])


def test_axe_would_find_something(visit: Callable[..., Visit], aurora: Shop) -> None:
    shopper = visit(aurora, script=str(AXE))
    shopper.go("/cart")
    assert not findings(shopper)
    shopper.page.evaluate("document.querySelector('label[for=search]').remove(), search.removeAttribute('placeholder')")
    assert any(fault.startswith("label: #search") for fault in findings(shopper))


def test_what_is_too_wide_or_too_small_would_be_seen(visit: Callable[..., Visit], aurora: Shop) -> None:
    shopper = visit(aurora, width=390)
    shopper.go("/cart")
    shopper.see(".empty .primary-button").evaluate("button => button.style.minHeight = 0")
    assert len(shopper.page.evaluate(SMALL)) == 1
    shopper.see("h1").evaluate("heading => heading.style.width = '1000px'")
    assert shopper.page.evaluate(WIDER)
