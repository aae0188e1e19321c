"""A visit to a shop with a browser: actions, visible elements, and errors of console, network and security policy."""

import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Locator, Page, Request, expect

TIMEOUT_MILLISECONDS = 45_000
"""Milliseconds after which a wait fails."""
POLL_MILLISECONDS = 50
ESPRESSO = "dawn-espresso-1kg"
COOKIES = "oat-cookies"
LOG_CSP_VIOLATIONS = """addEventListener("securitypolicyviolation",
    event => console.error(`violates ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`))"""
FOCUS = """wanted => {
    const element = document.activeElement
    if (!element || element === document.body) return null
    const box = element.getBoundingClientRect()
    const hasOutline = part => {
        const style = getComputedStyle(element, part)
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
    }
    const covers = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2)
    return {
        name: element.outerHTML.slice(0, 120),
        outlined: element.matches(":focus-visible") && (hasOutline(null) || hasOutline("::after")),
        visible: !!covers && (element.contains(covers) || covers.contains(element)),
        isWanted: element === wanted,
    }
}"""


@dataclass(frozen=True)
class Shop:
    """A shop of the running server, by URL prefix or by subdomain."""

    id: str
    port: int
    subdomain: bool = False

    @property
    def origin(self) -> str:
        return f"http://{self.id}.localhost:{self.port}" if self.subdomain else f"http://localhost:{self.port}"

    def at(self, path: str) -> str:
        return self.origin + ("" if self.subdomain else f"/t/{self.id}") + path

    def matching(self, path: str) -> re.Pattern[str]:
        """Return a pattern for URLs of this shop in the same form (prefix or subdomain) whose path and query match."""
        return re.compile(re.escape(self.at("")) + path + "$")


@dataclass
class Visit:
    """A visit with its own cookies. `faults` collects what should never happen on a page."""

    shop: Shop
    context: BrowserContext
    faults: list[str] = field(default_factory=list)
    expected_faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.context.add_init_script(LOG_CSP_VIOLATIONS)
        self.context.on("console", self._record_console_message)
        self.context.on("weberror", lambda error: self.faults.append(f"exception: {error.error}"))
        self.context.on("request", self._record_foreign_request)
        self.context.on("requestfailed", self._record_failed_request)
        self.page: Page = self.context.new_page()

    def _record_console_message(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.faults.append(f"console: {message.text} at {message.location['url']}")

    def _record_foreign_request(self, request: Request) -> None:
        url = urlsplit(request.url)
        if url.scheme != "data" and f"{url.scheme}://{url.netloc}" != self.shop.origin:
            self.faults.append(f"request to another host: {request.url}")

    def _record_failed_request(self, request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # cancelled by the browser for a newer request or another page
            self.faults.append(f"request failed: {request.failure} {request.url}")

    def expect_fault(self, text: str) -> None:
        """Expect at least one fault that contains `text` during this visit; `close` checks it.

        The browser reports a fault some time after its cause, so a check in the middle of a test would race with it.
        """
        self.expected_faults.append(text)

    def close(self) -> list[str]:
        """Close the context and return the faults that were not expected and the expected ones that did not occur."""
        self.context.close()
        unexpected = [fault for fault in self.faults if not any(text in fault for text in self.expected_faults)]
        missing = [text for text in self.expected_faults if not any(text in fault for fault in self.faults)]
        return unexpected + [f"expected, but did not occur: {text}" for text in missing]

    def wait_until(self, expression: str) -> None:
        """Wait until this JavaScript expression is true on the page.

        Playwright's `wait_for_function` evaluates in the page when it polls, which the content security policy forbids.
        """
        for _ in range(round(TIMEOUT_MILLISECONDS / POLL_MILLISECONDS)):
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
        """Add from the product's page."""
        self.go(f"/products/{product_id}")
        self.see("#quantity").fill(str(quantity))
        self.see(f"#add_{product_id}").first.click()
        if self.page.evaluate("typeof htmx") == "undefined":
            self.expect_at("/cart")
        expect(self.see("#messages")).to_contain_text("Added")

    def fill_buyer(self) -> None:
        self.see("#email").fill("ada@example.com")
        self.see("#name").fill("Ada")

    def tab_to(self, selector: str, back: bool = False) -> Locator:
        """Press Tab until the element is focused. Fails if the focus is not visible at a stop on the way."""
        wanted = self.see(selector).first
        expect(wanted).to_be_visible()
        for _ in range(150):
            self.page.keyboard.press("Shift+Tab" if back else "Tab")
            if expect_visible(wanted.evaluate(FOCUS)):
                return wanted
        raise AssertionError(f"Tab does not lead to {selector}")

    def tab_through(self) -> int:
        """Press Tab to the end of the page. Returns the number of stops. Fails if a focused element is not visible."""
        for stops in range(400):
            self.page.keyboard.press("Tab")
            focus = self.page.evaluate(FOCUS)
            if focus is None:
                return stops
            expect_visible(focus)
        raise AssertionError("Tab does not come to an end")

    def expect_focus_visible(self) -> None:
        expect_visible(self.page.evaluate(FOCUS))


def expect_visible(focus: dict[str, Any] | None) -> bool:
    """Fails if what is focused, as `FOCUS` says, is not visible. Returns whether it is the wanted element."""
    if focus is None:  # between the last stop and the first, the focus is in the browser's toolbar
        return False
    assert focus["outlined"], f"no focus outline around {focus['name']}"
    assert focus["visible"], f"something covers {focus['name']}"
    return bool(focus["isWanted"])
