"""Pages fit the screen, and what is pressed is large enough for a thumb."""

from collections.abc import Callable

import pytest

from tests.browser.places import PLACES
from tests.browser.visit import Shop, Visit

WIDTHS = (320, 390, 768, 1280, 1920)
WIDER = """() => document.documentElement.scrollWidth <= innerWidth ? null
    : [...document.querySelectorAll("body *")].filter(element => element.getBoundingClientRect().right > innerWidth + 1)
        .slice(0, 5).map(element => element.outerHTML.slice(0, 120))"""
SMALL = """() => {
    const inText = link => link.tagName === "A" && getComputedStyle(link).display === "inline"
    const height = element => {
        const cover = getComputedStyle(element, "::after")  // a link that covers its card
        return cover.position === "absolute" ? parseFloat(cover.height) : element.getBoundingClientRect().height
    }
    return [...document.querySelectorAll("a[href], button, input:not([type=hidden]), summary")]
        .filter(element => element.checkVisibility({ visibilityProperty: true }) && !element.closest(".visually-hidden"))
        .filter(element => !(inText(element) && !element.classList.contains("cover-link")))
        .filter(element => height(element) < 43.9)
        .map(element => `${height(element)}: ${element.outerHTML.slice(0, 120)}`)
}"""


@pytest.mark.parametrize("place", PLACES)
def test_the_page_fits_and_its_buttons_are_large_enough(visit: Callable[..., Visit], aurora: Shop, place: str) -> None:
    shopper = visit(aurora, width=390)
    PLACES[place](shopper)
    assert not shopper.page.evaluate(SMALL)
    for width in WIDTHS:
        shopper.page.set_viewport_size({"width": width, "height": 844})
        assert not shopper.page.evaluate(WIDER), f"wider than {width} px"


def test_what_is_too_wide_or_too_small_would_be_seen(visit: Callable[..., Visit], aurora: Shop) -> None:
    shopper = visit(aurora, width=390)
    shopper.go("/cart")
    shopper.see(".empty .primary-button").evaluate("button => button.style.minHeight = 0")
    assert len(shopper.page.evaluate(SMALL)) == 1
    shopper.see("h1").evaluate("heading => heading.style.width = '1000px'")
    assert shopper.page.evaluate(WIDER)
