"""The back office's pages of products, as forms without JavaScript."""

from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from PIL import Image
from werkzeug.test import TestResponse

from storefront.staff.permissions import Role
from tests.catalog.variants import open_wear
from tests.conftest import Person
from tests.factories import import_tenants, tenant
from tests.factories import product as entry
from tests.staff.factories import Staff, signed_in

NUMBERS, TWENTY = ",".join(map(str, range(51))), ",".join(map(str, range(20)))
DETAILS = ("name", "description", "category", "tags", "price", "status")


@pytest.fixture
def manager(app: Flask) -> Staff:
    return signed_in(app, "north", Role.MANAGER)


def picture(size: int = 400, kind: str = "PNG") -> tuple[BytesIO, str]:
    content = BytesIO()
    Image.new("RGB", (size, size), "red").save(content, kind)
    content.seek(0)
    return content, f"red.{kind.lower()}"


def opened(manager: Staff, product_id: str) -> dict[str, str]:
    """The values with which the form of a product's details was opened."""
    page = manager.get(f"/admin/products/{product_id}").text
    found = {}
    for part in page.split('<input type="hidden" name="was_')[1:]:
        name, _, rest = part.partition('" value="')
        found[name] = rest.partition('">')[0].replace("&#39;", "'").replace("&amp;", "&")
    return found


def save(manager: Staff, product_id: str, was: dict[str, str], **typed: str) -> TestResponse:
    """Send the form of a product's details, opened with `was`."""
    known = {
        name: value for name, value in was.items() if name in DETAILS or name.startswith(("name_", "description_"))
    }
    sent = known | typed | {f"was_{name}": value for name, value in known.items()}
    return manager.post(f"/admin/products/{product_id}", sent)


def product(person: Person, product_id: str, **headers: str) -> dict[str, Any]:
    answer = person.api("GET", f"/products/{product_id}", headers=headers)
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json
    return found


def test_the_list_is_searched_filtered_and_paged(app: Flask, manager: Staff) -> None:
    page = manager.get("/admin/products").text
    assert "Dawn Beans" in page
    assert "Stone Cup" in page
    found = manager.get("/admin/products?q=espresso").text
    assert "Dawn Beans" in found
    assert "Honey" not in found
    assert "Dawn Beans" in manager.get("/admin/products?q=beans").text, "by its id"
    assert "Dawn Beans" not in manager.get("/admin/products?status=draft").text
    assert "Dawn Beans" in manager.get("/admin/products?category=Coffee").text
    assert "No product matches" in manager.get("/admin/products?q=nothinglikethis").text
    save(manager, "beans", opened(manager, "beans"), status="draft")
    assert "Dawn Beans" in manager.get("/admin/products?status=draft").text
    assert "Dawn Beans" not in manager.get("/admin/products?status=active").text
    manager.post("/admin/products/cup/stock", {"how": "set", "amount": "2"})
    low = manager.get("/admin/products?status=low").text
    assert "Stone Cup" in low
    assert "Dawn Beans" not in low


def test_pages_of_the_list_lead_forth_and_back(app: Flask) -> None:
    import_tenants(app, tenant("big", *(entry(f"p{number:03}") for number in range(120))))
    owner = signed_in(app, "big", Role.OWNER)

    def ids(url: str) -> list[str]:
        return [part.split('"')[0] for part in owner.get(url).text.split('href="/t/big/admin/products/p')[1:]]

    def link(url: str, name: str) -> str:
        page = owner.get(url).text
        return (
            page.split(f'id="page_{name}"')[1]
            .split('href="')[1]
            .split('"')[0]
            .removeprefix("/t/big")
            .replace("&amp;", "&")
        )

    first = ids("/admin/products")
    second = ids(link("/admin/products", "older"))
    third = ids(link(link("/admin/products", "older"), "older"))
    assert [*first, *second, *third] == [f"{number:03}" for number in reversed(range(120))]
    assert ids(link(link("/admin/products", "older"), "newer")) == first
    assert "page_newer" not in owner.get("/admin/products").text


def test_a_product_is_created_with_a_picture(manager: Staff, shopper: Person) -> None:
    assert manager.get("/admin/products/new").status_code == 200
    values = {
        "name": "Table Lamp",
        "price": "25,50",
        "stock": "3",
        "category": "Light",
        "tags": "new, warm",
        "status": "active",
    }
    answer = manager.post("/admin/products/new", {**values, "name_de": "Lampe", "picture": picture()})
    assert answer.headers["Location"] == "/t/north/admin/products/table-lamp"
    assert "Table Lamp has been created." in manager.get("/admin/products/table-lamp").text
    found = product(shopper, "table-lamp")
    assert (found["price"]["amount"], found["stock"], found["tags"]) == (2550, 3, ["new", "warm"])
    assert product(shopper, "table-lamp", **{"Accept-Language": "de"})["name"] == "Lampe"
    assert shopper.client.get(found["image_url"]).mimetype == "image/webp"
    assert "srcset" in shopper.get("/products/table-lamp").text


def test_a_product_of_variants_is_created_and_its_grid_filled(manager: Staff, shopper: Person) -> None:
    values = {"name": "Cap", "price": "15", "stock": "0", "status": "active"}
    options = {"option_1": "Size", "values_1": "S, M", "option_2": "Colour", "values_2": "Red, Blue"}
    assert manager.post("/admin/products/new", values | options).status_code == 303
    variants = product(shopper, "cap")["variants"]
    assert [one["options"] for one in variants] == [["S", "Red"], ["S", "Blue"], ["M", "Red"], ["M", "Blue"]]
    was = {name: value for name, value in opened(manager, "cap").items() if "cap-" in name}
    sent = was | {f"was_{name}": value for name, value in was.items()}
    sent |= {"price_cap-2": "17.00", "stock_cap-2": "8", "status_cap-4": "archived", "sku_cap-1": "C-1"}
    assert manager.post("/admin/products/cap/variants", sent).status_code == 303
    found = product(shopper, "cap")
    assert [(one["id"], one["price"]["amount"], one["stock"]) for one in found["variants"]] == [
        ("cap-1", 1500, 0),
        ("cap-2", 1700, 8),
        ("cap-3", 1500, 0),
    ]
    assert found["stock"] == 8
    refused = manager.post("/admin/products/cap/variants", sent | {"stock_cap-2": "many"})
    assert refused.status_code == 422
    assert "Enter a whole number." in refused.text
    assert 'value="many"' in refused.text


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": ""}, "must not be empty"),
        ({"price": "much"}, "Enter a price in EUR, such as 12.50."),
        ({"price": "1.005"}, "Enter a price in EUR, such as 12.50."),
        ({"stock": "1.5"}, "Enter a whole number."),
        ({"id": "beans"}, "This shop already has a product or variant with the id beans."),
        ({"picture": b"<svg/>"}, "isn’t a complete JPEG"),
        ({"option_1": "A", "values_1": NUMBERS}, "must have at most 50 entries"),
        ({"option_1": "A", "values_1": TWENTY, "option_2": "B", "values_2": TWENTY}, "at most 250 entries"),
        ({"option_1": "Size", "values_1": " , "}, "Enter the values of this option, or remove its name."),
        ({"option_2": "", "values_2": "S, M"}, "Name this option, for example: Size."),
        ({"option_1": "Size", "values_1": "S, M,S"}, "“S” is there twice."),
    ],
)
def test_what_is_wrong_with_a_new_product_is_said_and_nothing_typed_is_lost(
    manager: Staff, shopper: Person, values: dict[str, Any], said: str
) -> None:
    typed = {"name": "Lamp", "price": "9", "description": "Warm & bright.", "id": "lamp"}
    sent = {name: (BytesIO(value), "a.svg") if isinstance(value, bytes) else value for name, value in values.items()}
    answer = manager.post("/admin/products/new", typed | sent)
    assert answer.status_code == 422
    assert said.replace("’", "&#39;") in answer.text, answer.text
    for name, value in values.items():
        assert not name.startswith(("option_", "values_")) or f'value="{value}"' in answer.text
    assert "Warm &amp; bright." in answer.text
    assert shopper.api("GET", "/products/lamp").status_code == 404


def test_a_refused_form_says_that_its_picture_must_be_chosen_again(manager: Staff) -> None:
    answer = manager.post("/admin/products/new", {"name": "", "price": "9", "picture": picture()})
    assert "Please choose the picture again." in answer.text
    without = manager.post("/admin/products/new", {"name": "", "price": "9"})
    assert "Please choose the picture again." not in without.text


def test_who_creates_a_product_without_stock_learns_that_it_is_sold_out(manager: Staff) -> None:
    values = {"name": "Cap", "price": "15", "option_1": "Size", "values_1": "S, M"}
    manager.post("/admin/products/new", values)
    assert "It is sold out until you add stock." in manager.get("/admin/products/cap").text
    manager.post("/admin/products/new", values | {"id": "hat", "stock": "2"})
    assert "It is sold out until you add stock." not in manager.get("/admin/products/hat").text


def test_details_are_edited_in_place(manager: Staff, shopper: Person) -> None:
    was = opened(manager, "cup")
    answer = save(
        manager,
        "cup",
        was,
        name="Mug",
        price="13.00",
        category="Mugs",
        tags="a, b",
        name_de="Becher",
        description="One\r\ntwo",
    )
    assert answer.status_code == 303
    found = product(shopper, "cup")
    assert (found["name"], found["price"]["amount"], found["category"]) == ("Mug", 1300, "Mugs")
    assert (found["tags"], found["description"]) == (["a", "b"], "One\ntwo")
    assert product(shopper, "cup", **{"Accept-Language": "de"})["name"] == "Becher"


def test_prices_are_shown_as_the_reader_writes_them_and_read_both_ways(
    app: Flask, manager: Staff, shopper: Person
) -> None:
    german = {"Accept-Language": "de-DE"}
    page = manager.client.get("/t/north/admin/products/cup", headers=german).text
    assert 'name="price" type="text" value="14,00"' in page
    for typed, price in (("14,20", 1420), ("14.30", 1430)):
        assert save(manager, "cup", opened(manager, "cup"), price=typed).status_code == 303
        assert product(shopper, "cup")["price"]["amount"] == price
    stale = opened(manager, "cup") | {"price": "14,30"}
    assert save(manager, "cup", stale, name="Mug").status_code == 303, "the price that a German form was opened with"
    refused = manager.client.post("/t/north/admin/products/cup", data={"name": "Cup", "price": "x"}, headers=german)
    assert "12,50" in refused.text
    open_wear(app)
    grid = signed_in(app, "wear", Role.MANAGER).client.get("/t/wear/admin/products/tee", headers=german).text
    assert 'value="20,00"' in grid


def test_two_people_edit_at_once_and_nothing_is_lost(app: Flask, manager: Staff, shopper: Person) -> None:
    other = signed_in(app, "north", Role.OWNER)
    was = opened(manager, "cup")
    assert save(other, "cup", was, name="Owner's mug", category="Mugs").status_code == 303
    assert save(manager, "cup", was, price="13.00").status_code == 303, "other fields don't collide"
    assert product(shopper, "cup")["name"] == "Owner's mug"
    second = save(manager, "cup", was, name="My mug", description="Mine.")
    assert second.status_code == 409
    assert "Meanwhile somebody else changed this to “Owner&#39;s mug”." in second.text
    assert 'value="My mug"' in second.text
    assert "Mine." in second.text
    found = product(shopper, "cup")
    assert (found["name"], found["description"]) == ("Owner's mug", was["description"])
    assert save(manager, "cup", opened(manager, "cup"), name="My mug", description="Mine.").status_code == 303
    assert product(shopper, "cup")["name"] == "My mug"


def test_stock_is_set_and_adjusted(manager: Staff, shopper: Person) -> None:
    before = shopper.stock("cup")
    change = {"how": "adjust", "amount": "+4", "reason": "Delivery"}
    assert manager.post("/admin/products/cup/stock", change).status_code == 303
    assert shopper.stock("cup") == before + 4
    assert shopper.checkout(shopper.cart(cup=1)).status_code == 201
    stale = {"how": "set", "amount": "9", "was_stock": str(before + 4)}
    refused = manager.post("/admin/products/cup/stock", stale)
    assert refused.status_code == 409
    assert "The stock changed meanwhile." in refused.text
    assert f"Meanwhile the stock changed to {before + 3}." in refused.text
    assert "omebody else" not in refused.text, "it was an order"
    assert manager.post("/admin/products/cup/stock", stale | {"was_stock": str(before + 3)}).status_code == 303
    assert shopper.stock("cup") == 9
    refused = manager.post("/admin/products/cup/stock", {"how": "adjust", "amount": "-10"})
    assert refused.status_code == 422
    assert "Only 9 are in stock" in refused.text


def test_the_page_tells_what_was_changed_by_whom(manager: Staff, shopper: Person) -> None:
    save(manager, "cup", opened(manager, "cup"), name="Mug", price="13.00", status="draft")
    manager.post("/admin/products/cup/stock", {"how": "adjust", "amount": "-2", "reason": "Damaged <b>"})
    page = manager.get("/admin/products/cup").text
    history = page[page.index('id="history_title"') :]
    for said in ("Price: €14.00 → €13.00", "Stone Cup → Mug", "On sale → Draft", "Damaged &lt;b&gt;", "Manager ·"):
        assert said in history, said


def test_a_picture_is_replaced_and_removed(manager: Staff, shopper: Person) -> None:
    assert manager.post("/admin/products/cup/picture", {"picture": picture(kind="JPEG")}).status_code == 303
    url = product(shopper, "cup")["image_url"]
    assert url.startswith("/t/north/media/")
    assert shopper.client.get(url).status_code == 200
    for wrong in ({}, {"picture": (BytesIO(b"<svg/>"), "a.svg")}):
        assert manager.post("/admin/products/cup/picture", wrong).status_code == 422
    assert product(shopper, "cup")["image_url"] == url
    assert manager.post("/admin/products/cup/picture", {"remove": "true"}).status_code == 303
    assert product(shopper, "cup")["image_url"] != url


def heavy_form() -> dict[str, Any]:
    """The body of a form with a picture of 11 MB."""
    head = b'--b\r\nContent-Disposition: form-data; name="picture"; filename="a.png"\r\n\r\n'
    return {"data": head + b"x" * (11 * 1024 * 1024) + b"\r\n--b--", "content_type": "multipart/form-data; boundary=b"}


def test_only_forms_with_a_picture_may_be_large(manager: Staff) -> None:
    for path in ("/admin/products/cup/picture", "/admin/products/new"):
        refused = manager.client.post(manager.root + path, **heavy_form())
        assert refused.status_code == 422
        assert "larger than 10 MB" in refused.text
    assert manager.client.post(manager.root + "/admin/products/cup", **heavy_form()).status_code == 413
    assert manager.post("/admin/products/cup", {"name": "x" * 300_000}).status_code == 413


def test_what_goes_with_a_product_is_chosen_by_name_or_id(manager: Staff, shopper: Person) -> None:
    rows = {"goes_with_id_0": "cup", "goes_with_why_0": "For the first sip.", "goes_with_id_2": "honey"}
    assert manager.post("/admin/products/beans/goes-with", rows).status_code == 303
    page = manager.get("/admin/products/beans").text
    assert "For the first sip." in page
    assert page.index('value="cup"') < page.index('value="honey"')
    assert page.index('id="picture_section"') < page.index('id="goes_with"')
    more = page.index("<summary>More rows</summary>")
    assert page.index('id="goes_with_id_2"') < more < page.index('id="goes_with_id_3"'), "two rows, and an empty one"
    for wrong, said in (("nothing", "There is no product “nothing”"), ("beans", "can&#39;t go with itself")):
        refused = manager.post("/admin/products/beans/goes-with", {"goes_with_id_0": wrong, "goes_with_why_0": "Kept."})
        assert refused.status_code == 422
        assert said in refused.text
        assert "Kept." in refused.text
    assert "Dawn Beans" in manager.get("/admin/product-choices?goes_with_id_0=dawn").text


def test_a_product_is_pinned_and_excluded(manager: Staff) -> None:
    pins = {"pins_id_0": "cup", "pins_why_0": "Fits."}
    assert manager.post("/admin/products/beans/rules", pins).status_code == 303
    assert 'value="Fits."' in manager.get("/admin/products/beans").text
    refused = manager.post("/admin/products/cup/rules", {"excluded": "true"})
    assert refused.status_code == 422, "it is pinned"
    assert manager.post("/admin/products/beans/rules", {}).status_code == 303
    assert manager.post("/admin/products/cup/rules", {"excluded": "true"}).status_code == 303
    assert 'name="excluded" value="true" checked' in manager.get("/admin/products/cup").text


def test_categories_are_put_in_order(manager: Staff, shopper: Person) -> None:
    def shown() -> list[str]:
        page = manager.get("/admin/categories").text
        return [part.split('"')[0] for part in page.split('name="category" value="')[1:]]

    first, second, *others = shown()
    assert manager.post("/admin/categories", {"category": second, "to": "0"}).status_code == 303
    assert shown() == [second, first, *others]
    chips = shopper.get("/").text
    assert chips.index(f"category={second}") < chips.index(f"category={first}")
    assert manager.post("/admin/categories", {"category": "None", "to": "0"}).status_code == 404


def test_products_that_nobody_has_are_not_found(app: Flask, manager: Staff) -> None:
    open_wear(app)
    for path in ("", "/picture", "/stock", "/variants", "/goes-with", "/rules"):
        assert manager.post(f"/admin/products/tee{path}", {}).status_code == 404, path
    assert manager.get("/admin/products/tee").status_code == 404


def test_each_product_has_its_page_whatever_its_name(app: Flask, manager: Staff) -> None:
    paths = {rule.rule.removeprefix("/admin/products/") for rule in app.url_map.iter_rules() if "GET" in rule.methods}
    for name in ("New", *(path.title() for path in paths if path.isalpha())):
        answer = manager.post("/admin/products/new", {"name": name, "price": "1", "stock": "1", "status": "draft"})
        assert answer.status_code == 303, name
        assert 'name="was_price"' in manager.client.get(answer.headers["Location"]).text, name


def test_a_viewer_reads_products_but_finds_nothing_to_change_them_with(app: Flask, manager: Staff) -> None:
    open_wear(app)
    manager.post("/admin/products/beans/goes-with", {"goes_with_id_0": "cup", "goes_with_why_0": "For the first sip."})
    viewer, reader = signed_in(app, "north", Role.VIEWER), signed_in(app, "wear", Role.VIEWER)
    assert 'href="/t/north/admin/products"' in viewer.get("/admin/").text, "the navigation"
    found = viewer.get("/admin/products").text
    assert "Dawn Beans" in found
    assert "/admin/products/new" not in found
    assert "/admin/categories" not in found
    page = viewer.get("/admin/products/beans").text
    for said in ("Dawn Beans", "For the first sip.", "€18.50", "Coffee"):
        assert said in page, said
    of_variants = reader.get("/admin/products/tee").text
    assert "Red / S" in of_variants
    for text in (page, of_variants):
        main = text.partition('<main id="main"')[2].partition("</main>")[0]
        assert main
        for control in ("<form", "<input", "<button", "<select", "<textarea"):
            assert control not in main, control


def test_a_clerk_sees_no_products(app: Flask) -> None:
    clerk = signed_in(app, "north", Role.CLERK)
    assert "/admin/products" not in clerk.get("/admin/").text
    assert clerk.get("/admin/products").status_code == 403
    assert clerk.get("/admin/products/beans").status_code == 403


def wear_grid(manager: Staff, **typed: str) -> TestResponse:
    """Send the grid of the shirt's variants as it is, with what is typed."""
    was = {name: value for name, value in opened(manager, "tee").items() if "tee-" in name}
    return manager.post("/admin/products/tee/variants", was | {f"was_{name}": was[name] for name in was} | typed)


def test_a_number_with_a_sign_changes_the_stock_of_a_variant_and_one_without_sets_it(app: Flask) -> None:
    shopper, manager = open_wear(app), signed_in(app, "wear", Role.MANAGER)

    def stocks() -> dict[str, int]:
        return {one["id"]: one["stock"] for one in product(shopper, "tee")["variants"]}

    typed = {"stock_tee-red-s": "+12", "stock_tee-red-m": "7", "stock_tee-blue-s": "-2"}
    assert wear_grid(manager, **typed).status_code == 303
    assert stocks() == {"tee-red-s": 15, "tee-red-m": 7, "tee-blue-s": 3}
    refused = wear_grid(manager, **{"stock_tee-red-s": "+1", "stock_tee-blue-s": "−4"})
    assert refused.status_code == 422
    assert "Only 3 are in stock" in refused.text
    assert 'value="−4"' in refused.text
    assert stocks() == {"tee-red-s": 15, "tee-red-m": 7, "tee-blue-s": 3}, "all or nothing"
    assert "12 sets the stock, +12 or -2 changes it." in manager.get("/admin/products/tee").text


def test_a_change_of_a_variants_stock_keeps_what_was_sold_meanwhile(app: Flask) -> None:
    shopper, manager = open_wear(app), signed_in(app, "wear", Role.MANAGER)
    was = {name: value for name, value in opened(manager, "tee").items() if "tee-" in name}
    sent = was | {f"was_{name}": value for name, value in was.items()} | {"stock_tee-blue-s": "+12"}
    line = {"product_id": "tee", "variant_id": "tee-blue-s", "quantity": 2}
    cart = shopper.api("POST", "/carts", {"items": [line]}).json["id"]
    assert shopper.checkout(cart).status_code == 201
    assert manager.post("/admin/products/tee/variants", sent).status_code == 303
    assert product(shopper, "tee")["variants"][2]["stock"] == 15


def test_a_number_with_a_sign_is_refused_where_the_stock_is_set(manager: Staff, shopper: Person) -> None:
    before = shopper.stock("cup")
    for amount in ("+12", "-2"):
        refused = manager.post("/admin/products/cup/stock", {"how": "set", "amount": amount})
        assert refused.status_code == 422
        assert "without a sign, or choose “Add or take away”" in refused.text
    assert shopper.stock("cup") == before
