"""What the back office shows at which width: the frequent tasks first, and nothing cut off."""

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from storefront.i18n.negotiation import LANGUAGES
from tests.browser.page_session import ESPRESSO, Shop, Visit
from tests.browser.test_back_office import place_order

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


@pytest.mark.parametrize("width", [PHONE, 1280])
def test_what_is_pressed_is_large_enough(staff: Callable[..., Visit], office: Shop, width: int) -> None:
    place_order(office)
    owner = staff(width=width)

    def sizes(selector: str) -> list[float]:
        found: list[float] = owner.page.locator(selector).evaluate_all(
            "all => all.map((one) => one.getBoundingClientRect()).flatMap(({width, height}) => [width, height])"
        )
        return found

    owner.go("/admin/")
    numbers = sizes(".tile strong a")
    assert len(numbers) >= 4
    assert min(numbers) >= 24
    owner.go("/admin/orders?status=placed")
    assert min(sizes("#list input[data-select]")) >= 24


def test_the_link_of_an_invitation_is_copied(staff: Callable[..., Visit]) -> None:
    owner = staff(permissions=["clipboard-read", "clipboard-write"])
    owner.go("/admin/people#invite")
    owner.see("#email").fill("new@aurora.example")
    owner.see("#invite button").click()
    link = owner.see("#invitation_link")
    owner.see("[data-copy]").click()
    expect(owner.see("[data-copy]")).to_have_text("Copied")
    assert owner.page.evaluate("navigator.clipboard.readText()") == link.get_attribute("href")
    owner.page.reload()
    expect(owner.see("h1")).to_have_text("People")
    expect(link).to_have_count(0)


def test_a_device_without_a_keyboard_shows_no_shortcuts(staff: Callable[..., Visit]) -> None:
    for is_mobile in (False, True):
        owner = staff(is_mobile=is_mobile, has_touch=is_mobile)
        owner.go("/admin/orders")
        for selector in ("[data-dialog=shortcuts]", ".list-search kbd"):
            expect(owner.see(selector)).to_be_visible(visible=not is_mobile)
