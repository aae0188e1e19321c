"""The list of shops, and the faults that a visit records: of console, content security policy and network."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.page_session import Shop, Visit
from tests.browser.pages import PAGE_STATES


def test_list_of_shops_links_to_each_shop(visit: Callable[..., Visit], aurora: Shop) -> None:
    shopper = visit(aurora)
    for name in ("Aurora Coffee", "Fjell Outdoor", "Kami Stationery"):
        PAGE_STATES["list of shops"](shopper)
        shopper.page.get_by_role("link", name=name).click()
        expect(shopper.page).to_have_title(name)
        shopper.expect_whole_page()


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("console.error('broken')", "console: broken"),
        ("setTimeout(() => { throw new Error('thrown') })", "thrown"),
        ("document.body.setAttribute('style', 'color: red')", "violates style-src"),
        ("new Image().src = 'https://elsewhere.example/broken'", "request to another host"),
        ("fetch('/broken').catch(() => 0)", "request failed"),
    ],
)
def test_visit_records_each_type_of_fault(visit: Callable[..., Visit], aurora: Shop, script: str, message: str) -> None:
    shopper = visit(aurora)
    shopper.page.route("**/broken", lambda route: route.abort("connectionreset"))
    shopper.go("/cart")
    shopper.page.evaluate(f"() => {{ {script} }}")
    for _ in range(500):
        if any(message in fault for fault in shopper.faults):
            break
        shopper.page.wait_for_timeout(20)  # lets the browser deliver its events
    assert [fault for fault in shopper.faults if message in fault]
    shopper.expect_fault("")  # accept all other messages of the browser about it
