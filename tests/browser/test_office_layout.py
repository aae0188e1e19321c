"""What the back office shows at which width: the frequent tasks first, and nothing cut off."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from storefront.i18n.negotiation import LANGUAGES
from tests.browser.page_session import ESPRESSO, Visit

PHONE = 390
WITH_OPTIONS = "noon-filter-250g"


def test_a_phone_shows_stock_price_and_status_first(staff: Callable[..., Visit]) -> None:
    owner = staff(width=PHONE)
    owner.go(f"/admin/products/{ESPRESSO}")
    fields = owner.page.locator("main :is(input, select, textarea):not([type=hidden])")
    names = fields.evaluate_all("fields => fields.map((field) => field.name)")
    assert names[:7] == ["how", "how", "amount", "reason", "name", "price", "status"]
    height = owner.page.evaluate("innerHeight")
    assert owner.see("#stock button").evaluate("button => button.getBoundingClientRect().bottom") < height


@pytest.mark.parametrize("width", [PHONE, 1024, 1280, 1440])
def test_the_grid_of_variants_fits_its_panel(staff: Callable[..., Visit], width: int) -> None:
    owner = staff(width=width)
    owner.go(f"/admin/products/{WITH_OPTIONS}")
    panel = owner.see("#variants")
    right = panel.evaluate("panel => panel.getBoundingClientRect().right")
    edges = owner.page.locator("#variants :is(input:not([type=hidden]), select)").evaluate_all(
        "fields => fields.map((field) => field.getBoundingClientRect().right)"
    )
    assert max(edges) < right
    assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth")
    is_grid = owner.page.locator("#variants thead").is_visible()
    assert is_grid == (width >= 1280)


@pytest.mark.parametrize("language", list(LANGUAGES))
def test_no_word_of_the_navigation_is_broken(staff: Callable[..., Visit], language: str) -> None:
    for width in (PHONE, 1280):
        owner = staff(width=width, locale=language)
        owner.go("/admin/")
        if width == PHONE:
            owner.see(".office-bar button").click()
        lines = owner.page.locator(".rail-link span").evaluate_all(
            """labels => labels.map((label) => {
                const text = document.createRange();
                text.selectNodeContents(label);
                return [label.textContent, text.getClientRects().length];
            })"""
        )
        assert len(lines) > 5
        assert [label for label, count in lines if count > len(label.split())] == []


def test_a_link_to_the_invitation_opens_it(staff: Callable[..., Visit]) -> None:
    owner = staff()
    owner.go("/admin/people")
    expect(owner.see("#email")).to_be_hidden()
    owner.page.evaluate("location.hash = 'invite'")  # as the link does that a list without invitations has
    expect(owner.see("#email")).to_be_visible()
