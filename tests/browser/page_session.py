"""A visit to a shop with a browser: actions, what is visible, and errors in console, network and policy."""

import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

PATIENCE = 45_000
"""Milliseconds after which a wait fails."""
POLL_MILLISECONDS = 50
ESPRESSO = "dawn-espresso-1kg"
COOKIES = "oat-cookies"
TELL_OF_VIOLATIONS = """addEventListener("securitypolicyviolation",
    event => console.error(`violates ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`))"""
FOCUS = """() => {
    const element = document.activeElement
    if (!element || element === document.body) return null
    const box = element.getBoundingClientRect()
    const ring = part => {
        const style = getComputedStyle(element, part)
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
    }
    const covers = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
    return {
        name: element.outerHTML.slice(0, 120),
        ringed: element.matches(":focus-visible") && (ring(null) || ring("::after")),
        seen: !!covers && (element.contains(covers) || covers.contains(element)),
    }
}"""


@dataclass(frozen=True)
class Shop:
    """A shop of the running server, in one of the two forms of its address."""

    id: str
    port: int
    subdomain: bool = False

    @property
    def origin(self) -> str:
        return f"http://{self.id}.localhost:{self.port}" if self.subdomain else f"http://localhost:{self.port}"

    def at(self, path: str) -> str:
        return self.origin + ("" if self.subdomain else f"/t/{self.id}") + path

    def matching(self, path: str) -> re.Pattern[str]:
        """Addresses of this shop whose path and query match, so that a visitor who left its form is noticed."""
        return re.compile(re.escape(self.at("")) + path + "$")


@dataclass
class Visit:
    """A visit with its own cookies. `faults` collects what should never happen on a page."""

    shop: Shop
    context: BrowserContext
    faults: list[str] = field(default_factory=list)
    expected_faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.add_init_script(TELL_OF_VIOLATIONS)
        self.context.on("console", self._heard)
        self.context.on("weberror", lambda error: self.faults.append(f"exception: {error.error}"))
        self.context.on("request", self._asked)
        self.context.on("requestfailed", self._failed)
        self.page: Page = self.context.new_page()

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text} at {message.location['url']}")

    def _asked(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme != "data" and f"{address.scheme}://{address.netloc}" != self.shop.origin:
            self.faults.append(f"request to another host: {request.url}")

    def _failed(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # given up by the browser itself, for a newer one or another page
            self.faults.append(f"request failed: {request.failure} {request.url}")

    def expect_fault(self, words: str) -> None:
        """Expect at least one fault with these words during this visit; `close` checks it.

        The browser reports a fault some time after its cause, so a check in the middle of a test would race with it.
        """
        self.expected_faults.append(words)

    def close(self) -> list[str]:
        """Close the context and return the faults that were not expected and the expected ones that did not occur."""
        self.context.close()
        unexpected = [fault for fault in self.faults if not any(words in fault for words in self.expected_faults)]
        missing = [words for words in self.expected_faults if not any(words in fault for fault in self.faults)]
        return unexpected + [f"expected, but did not occur: {words}" for words in missing]

    def wait_until(self, expression: str) -> None:
        """Wait until this JavaScript expression is true on the page.

        Playwright's `wait_for_function` evaluates in the page when it polls, which the content security policy forbids.
        """
        for _ in range(round(PATIENCE / POLL_MILLISECONDS)):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(POLL_MILLISECONDS)
        raise AssertionError(f"never true: {expression}")

    def go(self, path: str) -> None:
        self.page.goto(self.shop.at(path))

    def see(self, selector: str) -> Locator:
        return self.page.locator(selector)

    def expect_at(self, path: str) -> None:
        expect(self.page).to_have_url(self.shop.matching(path))

    def expect_whole_page(self) -> None:
        for part in ("header.site-header", "main", "footer.site-footer", "link[rel=stylesheet]"):
            expect(self.see(part)).to_have_count(1)
        expect(self.see("h1")).to_have_count(1)

    def put_into_cart(self, product_id: str, quantity: int = 1) -> None:
        """By way of the product's page."""
        self.go(f"/products/{product_id}")
        self.see("#quantity").fill(str(quantity))
        self.see(f"#add_{product_id}").first.click()
        if self.page.evaluate("typeof htmx") == "undefined":
            self.expect_at("/cart")
        expect(self.see("#messages")).to_contain_text("Added")

    def write_name(self) -> None:
        self.see("#email").fill("ada@example.com")
        self.see("#name").fill("Ada")

    def tab_to(self, selector: str, back: bool = False) -> Locator:
        """Press Tab until the focus is there; it can be seen at each stop on the way."""
        wanted = self.see(selector).first
        expect(wanted).to_be_visible()
        for _ in range(150):
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            self.expect_focus_visible()
            if wanted.evaluate("element => element === document.activeElement"):
                return wanted
        raise AssertionError(f"Tab does not lead to {selector}")

    def tab_through(self) -> int:
        """Press Tab from here to the end of the page; returns how many stops there were, each of which can be seen."""
        for stops in range(400):
            self.page.keyboard.press("Tab")
            if self.page.evaluate("document.activeElement === document.body"):
                return stops
            self.expect_focus_visible()
        raise AssertionError("Tab does not come to an end")

    def expect_focus_visible(self) -> None:
        focus = self.page.evaluate(FOCUS)
        if focus is not None:  # between the last stop and the first is the browser's own bar
            assert focus["ringed"], f"no ring around {focus['name']}"
            assert focus["seen"], f"something covers {focus['name']}"
