"""No page is wider than its viewport, and all controls stay inside it, with long words in every language."""

import json
import sqlite3
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from storefront.i18n.negotiation import LANGUAGES
from tests.browser.conftest import serve
from tests.browser.page_session import Shop, Visit
from tests.factories import product, tenant, written

WORD = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft" * 4
LONG = WORD[:300]
URL = "https://example.com/" + "W" * 280
CODE = "W" * 40
WIDTHS = (320, 390, 1280)
FIND_LAYOUT_PROBLEMS = """() => {
    const width = document.documentElement.clientWidth
    const name = element => `${element.outerHTML.slice(0, 90)} ${JSON.stringify(element.getBoundingClientRect())}`
    const shown = element => element.checkVisibility({ visibilityProperty: true })
        && !element.closest(".visually-hidden, .table-scroll, .chips") && getComputedStyle(element).clipPath === "none"
    const outside = ({ left, right }) => left < -1 || right > width + 1
    const overflows = (element, { right, width }) => width && element.getBoundingClientRect().right > right + 1
    const container = element => element.parentElement.closest("form, li, section, aside, main, body")
    const problems = []
    if (document.documentElement.scrollWidth > width) problems.push(`${document.documentElement.scrollWidth} px wide`)
    for (const element of document.querySelectorAll("body *")) {
        if (shown(element) && outside(element.getBoundingClientRect())) problems.push(`outside: ${name(element)}`)
    }
    const controls = "button, summary, .primary-button, .quiet-button, .text-button, main input"
    const shownControls = [...document.querySelectorAll(controls)]
        .filter(element => shown(element) && element.type !== "hidden" && element.type !== "checkbox")
    const narrow = shownControls.filter(element => element.getBoundingClientRect().width < 43.9)
    const overflowing = shownControls.filter(element => overflows(element, container(element).getBoundingClientRect()))
    return [
        ...problems.slice(0, 5),
        ...narrow.map(element => `too narrow: ${name(element)}`),
        ...overflowing.map(element => `outside its container: ${name(element)}`),
    ]
}"""
"""Returns the page's layout problems: too wide, elements outside the viewport, controls too narrow to tap."""


@pytest.fixture(scope="module")
def long_words(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Serve a shop in which every text is one word of 300 letters; return its port. Where the catalogue's file allows
    fewer letters, the database is changed afterwards."""
    folder = tmp_path_factory.mktemp("long-words")
    catalog = folder / "catalog.json"
    catalog.write_bytes(written(shop_of_long_words()))
    with serve(folder, CATALOG=str(catalog)) as port:
        lengthen(next(folder.glob("data/*.db")))
        yield port


def shop_of_long_words() -> dict[str, Any]:
    long_fields: dict[str, Any] = {"category": WORD[:80], "tags": [WORD[:60]], "description": f"{LONG} {URL} {LONG}"}
    products = [product(f"p{i}", price="1234567.89", name=LONG[:200], **long_fields) for i in range(6)]
    products.append(product_with_options(**long_fields))
    products += [
        product("few", stock=2, name=LONG[:200], **long_fields),
        product("none", stock=0, name=LONG[:200], **long_fields),
    ]
    return tenant(
        "long",
        *products,
        currency="EUR",
        locale="de-DE",
        theme={"face": "bricolage", "hero": {"title": WORD[:120], "text": WORD[:300]}},
        tax={"rate": "8.8755"},
        promotions=[{"code": CODE, "percent": "10"}],
        upsell={
            "one_per_category": False,
            "pins": [{"with": "p0", "suggest": f"p{i}", "why": WORD[:160]} for i in (1, 2, 3)],
        },
    ) | {"name": LONG[:200]}


def product_with_options(**more: Any) -> dict[str, Any]:
    values = [WORD[i : i + 80] for i in range(3)]
    options = [{"name": WORD[:80], "values": values}, {"name": WORD[1:81], "values": values}]
    variants = [{"id": f"v{i}", "options": [values[i], values[0]], "stock": 0 if i else 9} for i in range(3)]
    found = product("options", price="1234567.89", name=LONG[:200], options=options, variants=variants, **more)
    del found["stock"]
    return found


def lengthen(database: Path) -> None:
    connection = sqlite3.connect(database)
    with connection:
        values = {"name": LONG, "category": LONG, "tags": json.dumps([LONG])}
        connection.execute("UPDATE product SET name = :name, category = :category, tags = :tags", values)
        connection.execute("UPDATE tenant SET name = :name", values)
    connection.close()


def paths() -> list[str]:
    """Return the paths of pages that need no preparation."""
    return [
        "/",
        f"/?category={LONG}",
        f"/?category={LONG[:80]}",
        f"/?q={LONG[:200]}",
        f"/?q={URL[:200]}&category={LONG}",
        f"/?q=donau&category={LONG}&min_price={'9' * 17}&max_price=1",
        f"/?min_price=9999999&q={LONG}",
        "/?page=99",
        "/categories",
        f"/categories?q={LONG[:80]}X",
        "/products/p0",
        "/products/none",
        "/products/options",
        "/products/options?variant=v1",
        "/cart",
        f"/products/{LONG[:64]}",
        f"/{LONG}",
        "/api/v1/docs",
    ]


def put_into_cart(visit: Visit, *product_ids: str) -> None:
    """Create a new cart with these products."""
    visit.context.clear_cookies(name="shop")
    visit.go("/cart")
    visit.page.evaluate(
        """async ([url, ids]) => {
            for (const product_id of ids) {
                const body = new URLSearchParams({ product_id, quantity: 98 })
                await fetch(url, { method: "POST", body })
            }
        }""",
        [visit.shop.at("/cart/items"), list(product_ids)],
    )


def typed_search(visit: Visit) -> None:
    visit.go("/products/p0")
    visit.see("#search").press_sequentially("donau")
    expect(visit.see("#suggest_list a").first).to_be_visible()


def panel(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 1280, "height": 844})
    visit.context.clear_cookies(name="shop")
    visit.go("/products/p0")
    visit.see("#add_p0").first.click()
    expect(visit.see("#cart_panel .cart-line")).to_have_count(1)


def added_message(visit: Visit) -> None:
    visit.page.set_viewport_size({"width": 390, "height": 844})
    visit.go("/products/p0")
    visit.see("#add_p0").first.click()
    expect(visit.see(".message")).to_be_visible()


def cart_with_code(visit: Visit) -> None:
    put_into_cart(visit, "p0", "few", "none")
    visit.go("/cart")
    visit.see("#code").fill(CODE)
    visit.see("#apply_code").click()
    expect(visit.see(".promo-applied")).to_be_visible()


def cart_with_invalid_code(visit: Visit) -> None:
    put_into_cart(visit, "p0", "few")
    visit.go("/cart")
    visit.see("#code").fill("X" * 40)
    visit.see("#apply_code").click()
    expect(visit.see("#code_error")).to_be_visible()
    visit.expect_fault("status of 422")


def checkout(visit: Visit) -> None:
    put_into_cart(visit, "p0", "few")
    visit.go("/checkout")
    expect(visit.see(".suggestion")).to_have_count(3)
    visit.see(".order-fold").evaluate("fold => fold.open = true")
    visit.see(".suggestion .add-button").first.click()
    expect(visit.see(".in-cart")).to_be_visible()


def suggestions(visit: Visit) -> None:
    put_into_cart(visit, "p0")
    visit.go("/checkout/upsell?page=1")
    expect(visit.see(".suggestion")).to_have_count(3)


def refused_checkout(visit: Visit) -> None:
    """A checkout with a larger quantity than the stock."""
    put_into_cart(visit, "p0", "few")
    visit.go("/checkout")
    visit.see("#email").fill("ada@example.com")
    visit.see("#name").fill(LONG[:200])
    visit.see(".place-bar button").click()
    expect(visit.see(".refusal li")).to_be_visible()
    visit.expect_fault("status of 409")


def invalid_fields(visit: Visit) -> None:
    put_into_cart(visit, "p0")
    visit.go("/checkout")
    visit.see("#email").fill(LONG[:254])
    visit.see("#checkout_form").evaluate("form => form.noValidate = true")
    visit.see(".place-bar button").click()
    expect(visit.see("#email_error")).to_be_visible()
    visit.expect_fault("status of 422")


def confirmation(visit: Visit) -> None:
    """Place an order with the longest valid email address and name."""
    put_into_cart(visit, "p1", "p2")
    visit.go("/checkout")
    visit.see("#email").fill("w" * 64 + "@" + ".".join(["w" * 59] * 3) + ".com")
    visit.see("#name").fill("W" * 200)
    visit.see(".place-bar button").click()
    visit.expect_at(r"/orders/[\w-]+")


STATES = (
    typed_search,
    panel,
    added_message,
    cart_with_code,
    cart_with_invalid_code,
    checkout,
    suggestions,
    refused_checkout,
    invalid_fields,
    confirmation,
)


def test_long_words_do_not_widen_a_page(visit: Callable[..., Visit], long_words: int) -> None:
    """In German, whose words are the longest of the languages."""
    ada = visit(Shop("long", long_words), width=390)
    ada.context.add_cookies(
        [{"name": "lang", "value": "de", "domain": "localhost", "path": path} for path in ("/", "/t/long/")]
    )
    found: dict[str, list[str]] = {}
    for url in (f"http://localhost:{long_words}/", f"http://localhost:{long_words}/t/{LONG[:60]}/"):
        ada.page.goto(url)
        found |= layout_problems(ada.page, url)
    for path in paths():
        ada.go(path)
        ada.page.evaluate("document.querySelectorAll('details').forEach(fold => fold.open = true)")
        found |= layout_problems(ada.page, path)
    ada.expect_fault("status of 404")
    for state in STATES:
        state(ada)
        assert ada.see("html").get_attribute("lang") == "de"
        found |= layout_problems(ada.page, state.__name__)
    assert not found, problem_list(found)


@pytest.mark.parametrize(("shop", "language"), list(zip(cycle(["aurora", "fjell", "kami"]), LANGUAGES, strict=False)))
def test_demo_shops_fit_the_smallest_phone(visit: Callable[..., Visit], port: int, shop: str, language: str) -> None:
    """The demo shops have words of usual length; each language at 320 px, and each shop with its
    font."""
    ada = visit(Shop(shop, port), width=320)
    ada.context.add_cookies([{"name": "lang", "value": language, "domain": "localhost", "path": f"/t/{shop}/"}])
    found: dict[str, list[str]] = {}
    ada.go("/?in_stock=1")
    product = str(ada.see(".card").first.get_attribute("data-product"))
    for path in ("/", "/?in_stock=1&q=a", f"/products/{product}", "/cart", "/checkout", "/nothing"):
        if path == "/cart":
            ada.see(f"#add_{product}").first.click()
            expect(ada.see(".message")).to_be_visible()
            found |= layout_problems(ada.page, "added")
        ada.go(path)
        found |= layout_problems(ada.page, path)
    ada.expect_fault("status of 404")
    assert not found, problem_list(found)


def problem_list(found: dict[str, list[str]]) -> str:
    return "\n" + "\n".join(f"{name}: {problem}" for name, problems in found.items() for problem in problems)


NEXT_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def layout_problems(page: Page, name: str) -> dict[str, list[str]]:
    """Return the layout problems of the open page by width."""
    problems = {}
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        page.evaluate(
            NEXT_FRAMES
        )  # elements that appear at this width slide in, for one frame even with reduced motion
        if found := page.evaluate(FIND_LAYOUT_PROBLEMS):
            problems[f"{name[:60]} at {width} px"] = found
    return problems
