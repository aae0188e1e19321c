"""Animations, and none with reduced motion."""

from collections.abc import Callable

import pytest

from tests.browser.page_session import ESPRESSO, Shop, Visit

RECORD_ANIMATIONS = """addEventListener("pagereveal", event => {
    sessionStorage.animated = !!event.viewTransition
    event.viewTransition?.ready.then(() => {
        sessionStorage.named = document.getAnimations().map(({ effect }) => effect.pseudoElement).join(" ")
        sessionStorage.longest = Math.max(...document.getAnimations().map(({ effect }) => effect.getTiming().duration))
    })
})"""


ATTEMPTS = 8
"""Under load the product's page may be shown before its image has loaded, which then can't be animated."""


@pytest.mark.parametrize("preference", ["no-preference", "reduce"])
def test_product_image_is_animated_unless_motion_is_reduced(
    visit: Callable[..., Visit], aurora: Shop, preference: str
) -> None:
    ada = visit(aurora, reduced_motion=preference)
    ada.context.add_init_script(RECORD_ANIMATIONS)
    for _attempt in range(ATTEMPTS if preference == "no-preference" else 1):
        ada.go("/")
        ada.page.evaluate("sessionStorage.clear()")
        ada.see(f"[data-product={ESPRESSO}] .cover-link").click()
        ada.expect_at(f"/products/{ESPRESSO}")
        ada.wait_until("sessionStorage.animated")
        if preference == "reduce":
            assert ada.page.evaluate("sessionStorage.animated") == "false"
            return
        assert ada.page.evaluate("sessionStorage.animated") == "true"
        ada.wait_until("sessionStorage.longest")
        if "::view-transition-group(product-picture)" in ada.page.evaluate("sessionStorage.named"):
            break
    else:
        pytest.fail("the image was never animated")
    assert ada.page.evaluate("+sessionStorage.longest") <= 200, "clicks are blocked during the animation"
