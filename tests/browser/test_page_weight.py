"""Page weight, layout shift and caching."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.page_session import Shop, Visit

MAX_PAGE_BYTES = 60_000
"""Transferred bytes without images, counted as in `make lighthouse`."""
SLOW_BYTES_PER_SECOND = 5_000
"""Download rate of the simulated slow connection."""
HEIGHT = 844
RECORD_LAYOUT_SHIFTS = """window.shifts = []
new PerformanceObserver(list => list.getEntries().filter(entry => !entry.hadRecentInput).forEach(entry =>
    shifts.push(`${entry.value}: ${entry.sources.map(source => source.node?.outerHTML?.slice(0, 90)).join(" and ")}`)
)).observe({ type: "layout-shift", buffered: true })"""
SCROLL_THROUGH_PAGE = """async () => {
    for (let y = 0; y < document.body.scrollHeight; y += 300) {
        scrollTo(0, y)
        await new Promise(requestAnimationFrame)
    }
    scrollTo(0, 0)
    await document.fonts.ready
    await Promise.all([...document.images].map(image => image.decode()))
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
}"""
DESCRIBE_IMAGES = """() => [...document.images].map(image => {
    const top = image.getBoundingClientRect().top + scrollY
    return { loading: image.loading, priority: image.fetchPriority, top, row: image.closest(".shelf") ? top : null,
        sized: image.getAttribute("width") > 0 && image.getAttribute("height") > 0 }
})"""


@dataclass
class NetworkLog:
    """The responses of a page, and the transferred bytes of each including headers."""

    responses: dict[str, dict[str, Any]] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)

    def bytes_without_images(self) -> dict[str, int]:
        return {
            entry["response"]["url"]: self.bytes[id]
            for id, entry in self.responses.items()
            if not entry["response"]["mimeType"].startswith("image/") and id in self.bytes
        }


def record_network(visit: Visit) -> NetworkLog:
    """Record the network traffic from now on, with the browser's cache disabled."""
    log, session = NetworkLog(), visit.context.new_cdp_session(visit.page)
    session.on("Network.responseReceived", lambda event: log.responses.update({event["requestId"]: event}))
    session.on(
        "Network.loadingFinished", lambda event: log.bytes.update({event["requestId"]: event["encodedDataLength"]})
    )
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    return log


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


@pytest.mark.parametrize(
    ("id", "name"),
    [("aurora", "list"), ("aurora", "product"), ("aurora", "checkout"), ("fjell", "list"), ("kami", "list")],
)
def test_page_without_images_stays_below_the_limit(visit: Callable[..., Visit], port: int, id: str, name: str) -> None:
    """Requests to other hosts are faults of the visit."""
    shopper = visit(Shop(id, port), width=390)
    open_page(shopper, name)
    log = record_network(shopper)
    shopper.page.reload()
    if name == "checkout":
        expect(shopper.see(".suggestion")).to_have_count(3)
    shopper.page.wait_for_load_state("networkidle")
    weights = log.bytes_without_images()
    extensions = [url.rpartition(".")[2] for url in weights]
    assert sorted(one for one in extensions if one in ("css", "js", "woff2")) == ["css", "js", "js", "woff2"]
    assert len(weights) == (6 if name == "checkout" else 5), f"expected one font and no other files: {weights}"
    assert 15_000 < sum(weights.values()) <= MAX_PAGE_BYTES, weights


def test_responses_are_compressed_and_static_files_immutable(visit: Callable[..., Visit], shop: Shop) -> None:
    shopper = visit(shop, width=390)
    log = record_network(shopper)
    open_page(shopper, "list")
    shopper.page.wait_for_load_state("networkidle")
    responses = {entry["response"]["url"]: entry["response"] for entry in log.responses.values()}
    texts = 0
    for url, response in responses.items():
        headers = {name.lower(): value for name, value in response["headers"].items()}
        encoding = headers.get("content-encoding")
        if "/static/" in url:
            assert re.search(r"\.[0-9a-f]{12}\.\w+$", url), f"{url} has no hash in its name"
            assert "immutable" in headers["cache-control"], url
        if response["mimeType"] in ("text/html", "text/css", "text/javascript"):
            assert encoding == "gzip", url
            texts += 1
    assert texts == 4
    assert len(responses) > 10


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", ["list", "product", "checkout"])
def test_page_has_no_layout_shift(visit: Callable[..., Visit], aurora: Shop, name: str, width: int) -> None:
    """Neither when fonts and images load, nor when the suggestions do."""
    shopper = visit(aurora, width=width, reduced_motion="no-preference")
    open_page(shopper, name)
    shopper.context.add_init_script(RECORD_LAYOUT_SHIFTS)
    shopper.page.reload()
    if name == "checkout":
        expect(shopper.see(".suggestion")).to_have_count(3)
    shopper.page.evaluate(SCROLL_THROUGH_PAGE)
    assert shopper.page.evaluate("shifts") == []
    shopper.see("main").evaluate("main => main.before(document.createElement('hr'))")
    shopper.wait_until("shifts.length === 1")  # the observer works


@pytest.mark.parametrize("name", ["list", "product", "checkout"])
def test_slowly_loading_page_has_no_layout_shift(visit: Callable[..., Visit], aurora: Shop, name: str) -> None:
    """On a slow connection the HTML arrives in many pieces; everything else is cached from the previous visit."""
    shopper = visit(aurora, width=390)
    open_page(shopper, name)
    shopper.page.wait_for_load_state("networkidle")
    shopper.context.add_init_script(RECORD_LAYOUT_SHIFTS)
    session = shopper.context.new_cdp_session(shopper.page)
    session.send("Network.enable")
    session.send(
        "Network.emulateNetworkConditions",
        {"offline": False, "latency": 0, "downloadThroughput": SLOW_BYTES_PER_SECOND, "uploadThroughput": -1},
    )
    shopper.page.reload()
    milliseconds = shopper.page.evaluate(
        "(([page]) => page.responseEnd - page.responseStart)(performance.getEntriesByType('navigation'))"
    )
    assert milliseconds > 500, "the HTML arrived at once"
    assert shopper.page.evaluate("shifts") == []


@pytest.mark.parametrize("path", ["/", "/?q=coffee"])
def test_images_of_the_first_row_have_high_priority(visit: Callable[..., Visit], aurora: Shop, path: str) -> None:
    shopper = visit(aurora)
    shopper.go(path)
    images = [image for image in shopper.page.evaluate(DESCRIBE_IMAGES) if image["row"] is not None]
    row = [image["priority"] for image in images if image["row"] == images[0]["row"]]
    assert len(row) >= 4
    assert set(row) == {"high"}


@pytest.mark.parametrize("path", ["/", "/?q=coffee", "/products/dawn-espresso-1kg"])
def test_images_have_a_size_and_load_lazily_below_the_fold(
    visit: Callable[..., Visit], aurora: Shop, path: str
) -> None:
    shopper = visit(aurora)
    shopper.go(path)
    images = shopper.page.evaluate(DESCRIBE_IMAGES)
    assert {image["sized"] for image in images} == {True}
    assert {image["loading"] for image in images if image["top"] > HEIGHT} == {"lazy"}
    assert {image["loading"] for image in images if image["top"] < HEIGHT / 2} == {"auto"}
    assert [image for image in images if image["priority"] == "high"]


@pytest.mark.parametrize("place", ["/cart", "/checkout", "/products/dawn-espresso-1kg", "/?q=coffee"])
def test_every_image_has_a_size(visit: Callable[..., Visit], aurora: Shop, place: str) -> None:
    shopper = visit(aurora)
    shopper.put_into_cart("dawn-espresso-1kg")
    shopper.go(place)
    images = shopper.page.evaluate(DESCRIBE_IMAGES)
    assert len(images) >= 2
    assert {image["sized"] for image in images} == {True}
