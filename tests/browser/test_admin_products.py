"""Products in the back office, in a browser: a new product in the shop, changes on open pages, search."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Dialog, Route, expect

from tests.browser.page_session import ESPRESSO, Visit

PHONE = 390


@pytest.fixture
def owner(staff: Callable[..., Visit]) -> Visit:
    return staff()


def picture(folder: Path) -> Path:
    content = BytesIO()
    Image.new("RGB", (900, 900), "teal").save(content, "JPEG")
    path = folder / "teapot.jpg"
    path.write_bytes(content.getvalue())
    return path


@pytest.mark.parametrize("javascript", [True, False], ids=["script", "no-script"])
def test_a_new_product_with_a_picture_is_in_the_shop(
    staff: Callable[..., Visit], tmp_path: Path, javascript: bool
) -> None:
    person = staff(width=PHONE, javascript=javascript)
    name = "Glass Teapot" if javascript else "Clay Teapot"
    person.go("/admin/products")
    person.page.get_by_role("link", name="New product").click()
    person.see("#name").fill(name)
    person.see("#price").fill("39.50")
    person.see("#stock").fill("6")
    person.see("#picture").set_input_files(picture(tmp_path))
    person.see("main .primary-button").click()
    expect(person.see("h1")).to_have_text(name)
    person.page.get_by_role("link", name="See it in the shop").click()
    expect(person.see("h1")).to_have_text(name)
    expect(person.see(".price").first).to_contain_text("39.50")
    loaded = person.see("#product img").evaluate("image => image.decode().then(() => image.currentSrc)")
    assert loaded.endswith("-640.webp")
    edges = "one => (({left, top, right, bottom}) => [left, top, right, bottom])(one.getBoundingClientRect())"
    assert person.see("#chosen_product img").evaluate(edges) == person.see("#chosen_product > .tile").evaluate(edges)


def test_a_change_shows_on_an_open_page_of_the_shop(owner: Visit, visit: Callable[..., Visit]) -> None:
    shopper = visit(owner.shop)
    with shopper.page.expect_request("**/events?*"):
        shopper.go(f"/products/{ESPRESSO}")
    owner.go(f"/admin/products/{ESPRESSO}")
    owner.see("#price").fill("21.75")
    owner.see("#name").fill("Dawn Espresso, one kilo")
    owner.see("#details_title ~ form .primary-button").click()
    expect(owner.see("#messages")).to_contain_text("Saved.")
    expect(shopper.see("#product .product-price")).to_contain_text("21.75")
    expect(shopper.see("h1")).to_have_text("Dawn Espresso, one kilo")
    owner.see("#status").select_option("draft")
    owner.see("#details_title ~ form .primary-button").click()
    expect(shopper.see("h1")).not_to_have_text("Dawn Espresso, one kilo")
    shopper.expect_fault("404")
    owner.see("#status").select_option("active")
    owner.see("#details_title ~ form .primary-button").click()
    expect(owner.see("#messages")).to_contain_text("Saved.")


def test_the_list_is_searched_as_one_types_and_walked_by_keys(owner: Visit) -> None:
    owner.go("/admin/products")
    owner.page.keyboard.press("/")
    owner.page.keyboard.type("waffles")
    expect(owner.see("#list tbody tr")).to_have_count(1)
    owner.expect_at(r"/admin/products\?q=waffles")
    owner.page.go_back()
    expect(owner.see("#list tbody tr")).not_to_have_count(1)  # the list before the search has been loaded
    owner.see("#status_low").click()
    owner.expect_at(r"/admin/products\?status=low")
    owner.page.keyboard.press("j")
    expect(owner.see("#list tbody tr a").first).to_be_focused()


def test_what_is_typed_before_htmx_is_there_is_searched(owner: Visit) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    owner.page.route("**/htmx.min.*.js", hold)
    with owner.page.expect_request("**/htmx.min.*.js"):
        owner.page.goto(owner.shop.at("/admin/products"), wait_until="commit")
    owner.see("#list_search").fill("waffles")
    for route in held:
        route.continue_()
    expect(owner.see("#list tbody tr")).to_have_count(1)


def test_products_are_offered_while_one_types_what_goes_with_another(owner: Visit) -> None:
    owner.go("/admin/products/tea-cup-and-coaster")
    owner.see("#goes_with summary").click()
    last = owner.see("input[id^=goes_with_id_]").last
    with owner.page.expect_response("**/admin/product-choices*"):
        last.press_sequentially("waffles")
    expect(owner.see("#goes_with_choices option")).to_have_count(1)


def test_options_that_change_show_on_an_open_page_of_the_shop(owner: Visit, visit: Callable[..., Visit]) -> None:
    shopper = visit(owner.shop)
    owner.go("/admin/products/new")
    owner.see("#name").fill("Scarf")
    owner.see("#price").fill("20")
    owner.see("#stock").fill("9")
    owner.page.get_by_text("several variants").click()
    owner.see("#option_1").fill("Colour")
    owner.see("#values_1").fill("Red, Blue")
    owner.see("main .primary-button").click()
    with shopper.page.expect_request("**/events?*"):
        shopper.go("/products/scarf")
    expect(shopper.see("#product")).to_contain_text("Red")
    owner.page.get_by_role("link", name="Change options and variants").click()
    owner.see("#value_1_1").fill("Crimson")
    owner.see("#more_1").fill("Green")
    owner.page.get_by_role("button", name="Save options").click()
    expect(owner.see("#messages")).to_contain_text("Saved.")
    expect(shopper.see("#product")).to_contain_text("Crimson")
    owner.see("#choice_1").select_option("Green")
    owner.see("#stock").fill("3")
    owner.page.get_by_role("button", name="Add variant").click()
    expect(owner.see("#messages")).to_contain_text("1 variant added.")
    expect(shopper.see("#product")).to_contain_text("Green")


def test_changes_of_another_form_are_not_lost_without_a_question(owner: Visit) -> None:
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    owner.page.on("dialog", stay)
    owner.go("/admin/products/tea-cup-and-coaster")
    owner.see("#price").fill("19.75")
    owner.see("#amount").fill("1")
    with owner.page.expect_event("dialog"):
        owner.see("#stock button").click(no_wait_after=True)
    assert asked == ["beforeunload"]
    assert owner.see("#price").input_value() == "19.75"
    owner.see("#amount").fill("")
    owner.see("#details_title ~ form .primary-button").click()
    expect(owner.see("#messages")).to_contain_text("Saved.")
    assert asked == ["beforeunload"], "who saves the only change isn't asked"
