"""Page weight, layout shift and caching."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.page_session import Shop, Visit

MAX_PAGE_BYTES = 60_000
"""Over the wire before pictures, as `make lighthouse` counts them."""
SLOW_LINE = 5_000
"""Bytes a second."""
HEIGHT = 844
MOVES = """window.moves = []
new PerformanceObserver(list => list.getEntries().filter(entry => !entry.hadRecentInput).forEach(entry =>
    moves.push(`${entry.value}: ${entry.sources.map(source => source.node?.outerHTML?.slice(0, 90)).join(" and ")}`)
)).observe({ type: "layout-shift", buffered: true })"""
SHOW_ALL = """async () => {
    for (let y = 0; y < document.body.scrollHeight; y += 300) {
        scrollTo(0, y)
        await new Promise(requestAnimationFrame)
    }
    scrollTo(0, 0)
    await document.fonts.ready
    await Promise.all([...document.images].map(image => image.decode()))
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
}"""
PICTURES = """() => [...document.images].map(image => {
    const top = image.getBoundingClientRect().top + scrollY
    return { loading: image.loading, priority: image.fetchPriority, top, row: image.closest(".shelf") ? top : null,
        sized: image.getAttribute("width") > 0 && image.getAttribute("height") > 0 }
})"""


@dataclass
class Wire:
    """What the network carried for a page: the answers, and how many bytes each took with its headers."""

    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)

    def before_pictures(self) -> dict[str, int]:
        return {
            answer["response"]["url"]: self.bytes[id]
            for id, answer in self.answers.items()
            if not answer["response"]["mimeType"].startswith("image/") and id in self.bytes
        }


def listen(visit: Visit) -> Wire:
    """Everything that the network carries from now on; nothing comes from the browser's cache."""
    wire, session = Wire(), visit.context.new_cdp_session(visit.page)
    session.on("Network.responseReceived", lambda event: wire.answers.update({event["requestId"]: event}))
    session.on(
        "Network.loadingFinished", lambda event: wire.bytes.update({event["requestId"]: event["encodedDataLength"]})
    )
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    return wire


def open_page(shopper: Visit, name: str) -> None:
    """A shop's list, the first product of it, or the checkout with that product."""
    if name == "list":
        shopper.go("/")
        return
    shopper.go("/")
    product = str(shopper.see(".card:not(.sold-out)").first.get_attribute("data-product"))
    if name == "product":
        shopper.go(f"/products/{product}")
        return
    shopper.put_into_cart(product)
    shopper.go("/checkout")
    expect(shopper.see(".suggestion")).to_have_count(3)


@pytest.mark.parametrize("name", ["list", "product", "checkout"])
@pytest.mark.parametrize("id", ["aurora", "fjell", "kami"])
def test_a_page_is_light_before_its_pictures(visit: Callable[..., Visit], port: int, id: str, name: str) -> None:
    """Visits notice requests to other hosts themselves."""
    shopper = visit(Shop(id, port), width=390)
    open_page(shopper, name)
    wire = listen(shopper)
    shopper.page.reload()
    if name == "checkout":
        expect(shopper.see(".suggestion")).to_have_count(3)
    shopper.page.wait_for_load_state("networkidle")
    weights = wire.before_pictures()
    kinds = [address.rpartition(".")[2] for address in weights]
    assert sorted(kind for kind in kinds if kind in ("css", "js", "woff2")) == ["css", "js", "js", "woff2"]
    assert len(weights) == (6 if name == "checkout" else 5), f"one font, and nothing besides: {weights}"
    assert 15_000 < sum(weights.values()) <= MAX_PAGE_BYTES, weights


def test_what_is_fetched_is_packed_and_kept(visit: Callable[..., Visit], shop: Shop) -> None:
    shopper = visit(shop, width=390)
    wire = listen(shopper)
    open_page(shopper, "list")
    shopper.page.wait_for_load_state("networkidle")
    answers = {answer["response"]["url"]: answer["response"] for answer in wire.answers.values()}
    texts = 0
    for address, response in answers.items():
        headers = {name.lower(): value for name, value in response["headers"].items()}
        packed = headers.get("content-encoding")
        if "/static/" in address:
            assert re.search(r"\.[0-9a-f]{12}\.\w+$", address), "named by its hash"
            assert "immutable" in headers["cache-control"], address
        if response["mimeType"] in ("text/html", "text/css", "text/javascript"):
            assert packed == "gzip", address
            texts += 1
    assert texts == 4
    assert len(answers) > 10


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["list", "product", "checkout"])
def test_nothing_jumps(visit: Callable[..., Visit], aurora: Shop, name: str, width: int) -> None:
    """Neither when fonts and pictures come, nor when the suggestions do."""
    shopper = visit(aurora, width=width, reduced_motion="no-preference")
    open_page(shopper, name)
    shopper.context.add_init_script(MOVES)
    shopper.page.reload()
    if name == "checkout":
        expect(shopper.see(".suggestion")).to_have_count(3)
    shopper.page.evaluate(SHOW_ALL)
    assert shopper.page.evaluate("moves") == []
    shopper.see("main").evaluate("main => main.before(document.createElement('hr'))")
    shopper.wait_until("moves.length === 1")  # it would be seen


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["list", "product", "checkout"])
def test_nothing_jumps_while_a_page_arrives(visit: Callable[..., Visit], aurora: Shop, name: str, width: int) -> None:
    """On a line so slow that its HTML comes in many pieces, and everything else is there from the visit before."""
    shopper = visit(aurora, width=width)
    open_page(shopper, name)
    shopper.page.wait_for_load_state("networkidle")
    shopper.context.add_init_script(MOVES)
    line = shopper.context.new_cdp_session(shopper.page)
    line.send("Network.enable")
    line.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": SLOW_LINE, "uploadThroughput": -1},
    )
    shopper.page.reload()
    took = shopper.page.evaluate(
        "(([page]) => page.responseEnd - page.responseStart)(performance.getEntriesByType('navigation'))"
    )
    assert took > 500, "it came in pieces"
    assert shopper.page.evaluate("moves") == []


@pytest.mark.parametrize("path", ["/", "/?q=coffee"])
def test_the_first_row_of_a_list_is_fetched_first(visit: Callable[..., Visit], aurora: Shop, path: str) -> None:
    shopper = visit(aurora)
    shopper.go(path)
    pictures = [picture for picture in shopper.page.evaluate(PICTURES) if picture["row"] is not None]
    row = [picture["priority"] for picture in pictures if picture["row"] == pictures[0]["row"]]
    assert len(row) >= 4
    assert set(row) == {"high"}


@pytest.mark.parametrize("path", ["/", "/?q=coffee", "/products/dawn-espresso-1kg"])
def test_pictures_have_their_place_and_their_turn(visit: Callable[..., Visit], aurora: Shop, path: str) -> None:
    shopper = visit(aurora)
    shopper.go(path)
    pictures = shopper.page.evaluate(PICTURES)
    assert {picture["sized"] for picture in pictures} == {True}
    assert {picture["loading"] for picture in pictures if picture["top"] > HEIGHT} == {"lazy"}
    assert {picture["loading"] for picture in pictures if picture["top"] < HEIGHT / 2} == {"auto"}
    assert [picture for picture in pictures if picture["priority"] == "high"]


@pytest.mark.parametrize("place", ["/cart", "/checkout", "/products/dawn-espresso-1kg", "/?q=coffee"])
def test_every_picture_has_its_size(visit: Callable[..., Visit], aurora: Shop, place: str) -> None:
    shopper = visit(aurora)
    shopper.put_into_cart("dawn-espresso-1kg")
    shopper.go(place)
    pictures = shopper.page.evaluate(PICTURES)
    assert len(pictures) >= 2
    assert {picture["sized"] for picture in pictures} == {True}
