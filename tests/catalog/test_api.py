"""Products in the JSON API."""

import pytest
from flask import Flask

from tests.api_contract import PRODUCT, assert_problem, assert_shape
from tests.conftest import Person
from tests.factories import change_product, product, put_up, tenant


def many(number: int) -> list[dict[str, object]]:
    return [product(f"p{i:03}", category="odd" if i % 2 else "even", stock=i % 3) for i in range(number)]


@pytest.fixture
def reader(app: Flask) -> Person:
    put_up(app, tenant("shelf", *many(45)))
    return Person(app.test_client(), "shelf")


def walk(person: Person, **query: object) -> list[list[str]]:
    """The ids of every page, one after the other."""
    pages, cursor = [], None
    while True:
        asked = {**query, **({"cursor": cursor} if cursor else {})}
        answer = person.api("GET", "/products", query_string=asked)
        assert answer.status_code == 200, answer.text
        assert set(answer.json) == {"items", "next_cursor"}
        pages.append([item["id"] for item in answer.json["items"]])
        cursor = answer.json["next_cursor"]
        if cursor is None:
            return pages
        assert type(cursor) is str
        assert len(pages) < 100


def test_a_product_has_its_shape(shopper: Person):
    answer = shopper.api("GET", "/products/pot")
    assert answer.status_code == 200
    assert_shape(answer.json, PRODUCT)
    (own,) = answer.json["variants"]
    assert own["id"] == "pot"
    assert {**answer.json, "image_url": "", "variants": []} == {
        "id": "pot",
        "name": "Café Pot",
        "description": "A pot of enamel.",
        "category": "Brewers",
        "image_url": "",
        "price": {"amount": 4600, "currency": "EUR"},
        "stock": 10,
        "tags": ["espresso", "pot"],
        "options": [],
        "variants": [],
    }
    image = shopper.client.get(answer.json["image_url"])
    assert image.status_code == 200
    image.close()


def test_what_a_catalogue_left_out_is_empty(app: Flask):
    tea = Person(app.test_client(), "far-east").api("GET", "/products/tea").json
    assert_shape(tea, PRODUCT)
    assert (tea["description"], tea["category"], tea["tags"]) == ("", "", [])


def test_there_is_no_product_where_there_is_none(shopper: Person):
    for nobodys in ("nosuch", "pen", "BEANS", "x" * 500, "%00", "%F0%9F%90%9D", "beans%20", "beans%00"):
        assert_problem(shopper.api("GET", f"/products/{nobodys}"), 404)
    assert shopper.api("GET", "/products/beans").status_code == 200


def test_the_list_has_the_shape_of_its_products(reader: Person):
    answer = reader.api("GET", "/products")
    assert len(answer.json["items"]) == 20
    for item in answer.json["items"]:
        assert_shape(item, PRODUCT)
        assert item == reader.api("GET", f"/products/{item['id']}").json


@pytest.mark.parametrize(
    "limit, sizes", [(None, [20, 20, 5]), (1, [1] * 45), (15, [15, 15, 15]), (44, [44, 1]), (45, [45]), (100, [45])]
)
def test_the_pages_are_the_whole_without_gap_or_double(reader: Person, limit: int | None, sizes: list[int]):
    pages = walk(reader, **({"limit": limit} if limit else {}))
    assert [len(page) for page in pages] == sizes
    assert [id for page in pages for id in page] == [f"p{i:03}" for i in range(45)]


def test_pages_of_a_search_are_whole_too(reader: Person):
    odd = [id for page in walk(reader, category="odd", in_stock="true", limit=4) for id in page]
    assert odd == [f"p{i:03}" for i in range(45) if i % 2 and i % 3]
    assert [id for page in walk(reader, q="p0", limit=7) for id in page] == [f"p{i:03}" for i in range(45)]


def test_a_cursor_is_stable_while_products_are_added(app: Flask, reader: Person):
    first = reader.api("GET", "/products?limit=20").json
    put_up(app, tenant("shelf", product("aaa"), *many(45), product("zzz")))
    rest = walk(reader, limit=20, cursor=first["next_cursor"])
    ids = [item["id"] for item in first["items"]] + [id for page in rest for id in page]
    assert ids[:45] == [f"p{i:03}" for i in range(45)]
    assert sorted(ids[45:]) == ["aaa", "zzz"]


def test_a_cursor_is_stable_while_stock_and_names_change(app: Flask, reader: Person):
    first = reader.api("GET", "/products?limit=20").json
    for id in ("p003", "p019", "p020", "p044"):
        change_product(app, "shelf", id, stock=77, name="Changed", price=5)
    rest = walk(reader, limit=20, cursor=first["next_cursor"])
    assert [id for page in rest for id in page] == [f"p{i:03}" for i in range(20, 45)]


@pytest.mark.parametrize(
    "query, field",
    [
        ("limit=0", "limit"), ("limit=101", "limit"), ("limit=-1", "limit"), ("limit=x", "limit"),
        ("limit=1.5", "limit"),
        ("limit=", "limit"), ("limit=%D9%A3", "limit"), ("limit=" + "9" * 400, "limit"), ("limit=true", "limit"),
        ("in_stock=maybe", "in_stock"), ("in_stock=2", "in_stock"),
        ("cursor=x", "cursor"), ("cursor=%00", "cursor"), ("cursor=" + "A" * 12, "cursor"), ("cursor=5", "cursor"),
        ("cursor=" + "A" * 5000, "cursor"), ("cursor=!!!!!!!!!!!", "cursor"), ("cursor=%C3%BC" * 11, "cursor"),
        ("cursor=-1", "cursor"), ("q=" + "x" * 201, "q"), ("category=" + "x" * 81, "category"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_faulty_question_is_refused_by_the_name_of_its_field(shopper: Person, query: str, field: str):
    assert_problem(shopper.api("GET", f"/products?{query}"), 422, field=field)


def test_the_bounds_themselves_are_taken(shopper: Person):
    for query in ("limit=1", "limit=100", "in_stock=true", "in_stock=false", "q=" + "x" * 200, "category=" + "x" * 80):
        assert shopper.api("GET", f"/products?{query}").status_code == 200


def test_a_forged_cursor_breaks_nothing(shopper: Person):
    for cursor in ("__________8", "gAAAAAAAAAA", "f_________8", "AAAAAAAAAAA", "-----------"):
        answer = shopper.api("GET", f"/products?cursor={cursor}")
        assert (answer.status_code, len(answer.json["items"])) == (200, 0 if cursor == "f_________8" else 6), cursor


def test_a_list_is_never_an_old_one_nor_anothers(app: Flask):
    """What is the same for everybody is remembered; these are not the same."""
    goods = [product("pot", name={"en": "Pot", "de": "Topf"}), product("cup", stock=5)]
    put_up(app, tenant("left", *goods, locale="en"), tenant("right", *goods, locale="en", currency="USD"))
    person, neighbour = Person(app.test_client(), "left"), Person(app.test_client(), "right")

    def shown(one: Person, **how: object) -> tuple[str, int, str, str]:
        pot, cup = one.api("GET", "/products", **how).json["items"]
        return pot["name"], cup["stock"], cup["price"]["currency"], cup["image_url"]

    first = shown(person)
    assert shown(person) == first == ("Pot", 5, "EUR", "/t/left/static/placeholder.svg")
    assert shown(neighbour) == ("Pot", 5, "USD", "/t/right/static/placeholder.svg")
    assert shown(person, headers={"Accept-Language": "de"})[0] == "Topf"
    own_host = app.test_client().get("/api/v1/products", base_url="http://left.localhost")
    assert own_host.json["items"][0]["image_url"] == "/static/placeholder.svg"
    assert len(person.api("GET", "/products?limit=1").json["items"]) == 1
    change_product(app, "left", "cup", stock=4)
    assert shown(person)[1] == 4
    person.checkout(person.cart(cup=3))
    assert shown(person)[1] == 1
    assert shown(neighbour)[1] == 5
