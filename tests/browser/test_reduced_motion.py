"""Animations, and none with reduced motion."""

from collections.abc import Callable

import pytest

from tests.browser.page_session import ESPRESSO, Shop, Visit

WATCH = """addEventListener("pagereveal", event => {
    sessionStorage.moved = !!event.viewTransition
    event.viewTransition?.ready.then(() => {
        sessionStorage.named = document.getAnimations().map(({ effect }) => effect.pseudoElement).join(" ")
        sessionStorage.longest = Math.max(...document.getAnimations().map(({ effect }) => effect.getTiming().duration))
    })
})"""


ATTEMPTS = 8
"""A busy machine may show the product's page before its picture has come, which then can't be travelled to."""


@pytest.mark.parametrize("wish", ["no-preference", "reduce"])
def test_a_picture_travels_to_its_page_unless_motion_is_unwelcome(
    visit: Callable[..., Visit], aurora: Shop, wish: str
) -> None:
    ada = visit(aurora, reduced_motion=wish)
    ada.context.add_init_script(WATCH)
    for _attempt in range(ATTEMPTS if wish == "no-preference" else 1):
        ada.go("/")
        ada.page.evaluate("sessionStorage.clear()")
        ada.see(f"[data-product={ESPRESSO}] .cover-link").click()
        ada.expect_at(f"/products/{ESPRESSO}")
        ada.wait_until("sessionStorage.moved")
        if wish == "reduce":
            assert ada.page.evaluate("sessionStorage.moved") == "false"
            return
        assert ada.page.evaluate("sessionStorage.moved") == "true"
        ada.wait_until("sessionStorage.longest")
        if "::view-transition-group(product-picture)" in ada.page.evaluate("sessionStorage.named"):
            break
    else:
        pytest.fail("the picture doesn't travel")
    assert ada.page.evaluate("+sessionStorage.longest") <= 200, "nothing can be pressed meanwhile"
