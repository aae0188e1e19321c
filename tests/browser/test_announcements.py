"""Messages are announced, and no visit causes errors in console, content security policy or network."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.page_session import Shop, Visit
from tests.browser.pages import PLACES

OUTSIDE = ("list of shops", "no such shop")


@pytest.mark.parametrize("place", [place for place in PLACES if place not in OUTSIDE])
def test_no_page_of_a_subdomain_complains_or_asks_another_host(
    visit: Callable[..., Visit], port: int, place: str
) -> None:
    """The prefix form is watched while test_places.py looks at it."""
    shopper = visit(Shop("aurora", port, subdomain=True))
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
        ("setTimeout(() => { throw new Error('thrown') })", "thrown"),
        ("document.body.setAttribute('style', 'color: red')", "violates style-src"),
        ("new Image().src = 'https://elsewhere.example/broken'", "request to another host"),
        ("fetch('/broken').catch(() => 0)", "request failed"),
    ],
)
def test_the_watch_sees_what_it_is_there_for(visit: Callable[..., Visit], aurora: Shop, wrong: str, sign: str) -> None:
    shopper = visit(aurora)
    shopper.page.route("**/broken", lambda route: route.abort("connectionreset"))
    shopper.go("/cart")
    shopper.page.evaluate(f"() => {{ {wrong} }}")
    for _ in range(500):
        if any(sign in fault for fault in shopper.faults):
            break
        shopper.page.wait_for_timeout(20)  # lets the browser's news come in
    assert [fault for fault in shopper.faults if sign in fault]
    shopper.expect_fault("")  # whatever else the browser says of it
