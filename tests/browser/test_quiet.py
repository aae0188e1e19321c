"""Nothing goes wrong behind the shopper's back: each visit's own watch over console, policy and network is the test."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.places import PLACES
from tests.browser.visit import Shop, Visit


@pytest.mark.parametrize("place", PLACES.keys() - {"list of shops"})
def test_no_page_complains_or_asks_another_host(visit: Callable[..., Visit], shop: Shop, place: str) -> None:
    shopper = visit(shop)
    PLACES[place](shopper)
    shopper.page.wait_for_load_state("networkidle")
    shopper.expect_whole_page()


def test_the_list_of_shops_leads_to_each_shop(visit: Callable[..., Visit], aurora: Shop) -> None:
    shopper = visit(aurora)
    for name in ("Aurora Coffee", "Fjell Outdoor", "Kami Stationery"):
        PLACES["list of shops"](shopper)
        shopper.page.get_by_role("link", name=name).click()
        expect(shopper.page).to_have_title(name)
        shopper.expect_whole_page()


@pytest.mark.parametrize(
    ("wrong", "sign"),
    [
        ("console.error('broken')", "console: broken"),
        ("setTimeout(() => { throw new Error('thrown') })", "exception: Error: thrown"),
        ("document.body.setAttribute('style', 'color: red')", "violates style-src"),
        ("fetch('http://127.0.0.1:9/').catch(() => 0)", "request to another host"),
        ("fetch('/broken').catch(() => 0)", "request failed"),
    ],
)
def test_the_watch_sees_what_it_is_there_for(visit: Callable[..., Visit], aurora: Shop, wrong: str, sign: str) -> None:
    shopper = visit(aurora)
    shopper.page.route("**/broken", lambda route: route.abort("connectionreset"))
    shopper.go("/cart")
    shopper.page.evaluate(f"() => {{ {wrong} }}")
    wait_for(shopper.page, lambda: any(sign in fault for fault in shopper.faults))
    shopper.forgive(sign)
    shopper.faults.clear()


def wait_for(page: Page, condition: Callable[[], bool]) -> None:
    """Let the browser's news come in until there is what we wait for; the test's own time limit ends it."""
    while not condition():
        page.wait_for_timeout(20)
