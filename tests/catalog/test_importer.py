"""Import of a catalogue: new products are added, stock is kept, and a failed import changes nothing."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import Connection, Engine, event

from storefront.catalog.import_schema import ProductEntry
from storefront.catalog.importer import BATCH_SIZE, update_products
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant, written
from tests.tenants.factories import every_row


def command(app: Flask, file: Path | None, *options: str) -> Any:
    """Run `flask catalog load`."""
    return app.test_cli_runner().invoke(args=["catalog", "load", *([str(file)] if file else []), *options])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shops.json"


def events(app: Flask, tenant_id: str) -> list[tuple[str, str, dict[str, Any]]]:
    return [(row[2], row[3], row[4]) for row in every_row(app, tenant_id)["event"]]


def test_new_shops_and_products_are_imported(app: Flask, file: Path):
    file.write_bytes(
        written(tenant("west", product("shoe", "49.99", 7, tags=["left"])), tenant("north", product("hat")))
    )
    done = command(app, file)
    assert done.exit_code == 0, done.output
    west, north = (Person(app.test_client(), shop) for shop in ("west", "north"))
    shoe = west.api("GET", "/products/shoe").json
    assert (shoe["price"], shoe["stock"], shoe["tags"]) == ({"amount": 4999, "currency": "EUR"}, 7, ["left"])
    ids = [item["id"] for item in north.api("GET", "/products").json["items"]]
    assert ids == ["beans", "pot", "cup", "filter", "honey", "shared", "hat"]
    assert north.get("/").status_code == 200
    assert "West" in app.test_client().get("/").text


def test_second_import_changes_nothing(app: Flask, file: Path):
    file.write_bytes(written(tenant("west", product("shoe")), tenant("north", product("hat"))))
    assert command(app, file).exit_code == 0
    before = {shop: every_row(app, shop) for shop in ("west", "north", "south")}
    again = command(app, file)
    assert again.exit_code == 0
    assert {shop: every_row(app, shop) for shop in before} == before
    assert "0 added" in again.output
    assert command(app, None).exit_code == 0, "the default file is CATALOG"
    assert {shop: every_row(app, shop) for shop in before} == before


def test_existing_products_are_unchanged_without_update(app: Flask, shopper: Person):
    shopper.checkout(shopper.cart(beans=40))
    loaded = import_tenants(
        app, tenant("north", product("beans", "1.00", 100, description="New words"), currency="EUR")
    )
    assert (loaded.added, loaded.updated, loaded.unchanged) == (0, 0, 1)
    beans = shopper.api("GET", "/products/beans").json
    assert (beans["stock"], beans["price"]["amount"], beans["name"]) == (60, 1850, "Dawn Beans")


def test_update_changes_texts_and_prices_but_not_stock(app: Flask, shopper: Person, file: Path):
    shopper.checkout(shopper.cart(beans=40))
    event_count = len(events(app, "north"))
    new = product("beans", "20.00", 100, name="Noon Beans", description="New words", category="Tea", tags=["leaf"])
    same = product("honey", "11.20", 1)
    file.write_bytes(written(tenant("north", new, same, product("hat"), name="The North")))
    assert command(app, file, "--update").exit_code == 0
    beans = shopper.api("GET", "/products/beans").json
    assert (beans["name"], beans["description"], beans["category"], beans["tags"], beans["price"]["amount"]) == (
        "Noon Beans", "New words", "Tea", ["leaf"], 2000,
    )  # fmt: skip
    assert (beans["stock"], shopper.stock("honey"), shopper.stock("hat")) == (60, 50, 1000)
    assert "The North" in shopper.get("/").text
    changes = [entry for entry in events(app, "north") if entry[0] == "price.changed"]
    assert [(subject, data["price"]) for _, subject, data in changes] == [("beans", 2000)], (
        "an unchanged price has an event"
    )
    assert len(events(app, "north")) == event_count + 1
    assert shopper.api("GET", "/products/pot").status_code == 200, "a product that the file doesn't contain was removed"
    assert "0 added, 0 updated, 3 unchanged" in command(app, file, "--update").output, "unchanged products were written"


def test_update_locks_products_in_the_same_order_as_checkout(app: Flask, monkeypatch: pytest.MonkeyPatch):
    """Otherwise the two could deadlock. Unchanged products aren't locked at all."""
    many = [f"p{i}" for i in range(BATCH_SIZE)]  # more than one batch
    ids = ["b", "a", "Z", "c", *many, "B"]
    import_tenants(app, tenant("west", *(product(id) for id in ids)))
    locked: list[str] = []

    def refresh(connection: Connection, tenant_id: str, rows: list[dict[str, Any]]) -> None:
        locked.extend(row["id"] for row in rows)
        update_products(connection, tenant_id, rows)

    monkeypatch.setattr("storefront.catalog.importer.update_products", refresh)
    import_tenants(app, tenant("west", *(product(id, "5.00" if id != "a" else "1.00") for id in ids)), refresh=True)
    assert locked == ["B", "Z", "b", "c", *sorted(many)]


def test_update_does_not_change_orders(app: Flask, shopper: Person):
    order = shopper.checkout(shopper.cart(beans=1)).json
    import_tenants(app, tenant("north", product("beans", "99.00", name="Other")), refresh=True)
    after = shopper.api("GET", f"/orders/{order['id']}").json
    assert after == {name: value for name, value in order.items() if name != "upsell"}


def test_failure_at_the_last_product_rolls_everything_back(app: Flask, file: Path, monkeypatch: pytest.MonkeyPatch):
    """The file is valid, but its last product can't be stored."""
    before = {shop: every_row(app, shop) for shop in ("north", "south")}
    shops = [tenant("north", product("hat")), tenant("west", *(product(f"p{i}") for i in range(3000)))]
    shops.append(tenant("last", product("end")))
    real = __import__("storefront.catalog.importer", fromlist=["product_row"]).product_row

    def row_of(of: Any, entry: ProductEntry) -> dict[str, Any]:
        if entry.id == "end":
            raise RuntimeError("storing failed")
        return real(of, entry)

    file.write_bytes(written(*shops))
    with monkeypatch.context() as patch:
        patch.setattr("storefront.catalog.importer.product_row", row_of)
        assert command(app, file).exit_code != 0
    assert {shop: every_row(app, shop) for shop in before} == before
    assert every_row(app, "west")["product"] == []
    assert app.test_client().get("/t/west/").status_code == 404
    assert command(app, file).exit_code == 0
    assert len(every_row(app, "west")["product"]) == 3000


def test_number_of_statements_grows_with_batches(app: Flask):
    """It does not grow with the number of products."""
    counts = {}
    statements: list[str] = []

    def record(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        statements.append(statement)

    event.listen(Engine, "before_cursor_execute", record)
    try:
        for name, number, refresh in (("few", 10, False), ("many", 5000, False), ("many", 5000, True)):
            statements.clear()
            price = "2.00" if refresh else "1.00"
            loaded = import_tenants(
                app, tenant(name, *(product(f"p{i}", price) for i in range(number))), refresh=refresh
            )
            assert (loaded.added, loaded.updated) == ((0, number) if refresh else (number, 0))
            counts[name, refresh] = len(statements)
    finally:
        event.remove(Engine, "before_cursor_execute", record)
    assert counts["many", False] <= counts["few", False] + 40, counts
    assert counts["many", True] <= counts["few", False] + 60, counts
    reader = Person(app.test_client(), "many")
    assert reader.api("GET", "/products?q=p4999").json["items"][0]["price"]["amount"] == 200


def test_catalog_setting_is_the_default_file(app: Flask):
    done = command(app, None)
    assert done.exit_code == 0
    assert re.search(r"0 shops added.*0 added.*11 unchanged", done.output)


def test_missing_file_is_reported_in_one_line(app: Flask, tmp_path: Path):
    for missing in (tmp_path / "nosuch.json", tmp_path):
        done = command(app, missing)
        assert done.exit_code != 0
        assert str(missing) in done.output
        assert "Traceback" not in done.output
        assert len(done.output.strip().splitlines()) == 1


def test_demo_catalogue_can_be_imported(app: Flask):
    demo = Path(__file__).parents[2] / "catalog.json"
    done = command(app, demo)
    assert done.exit_code == 0, done.output
    for shop in json.loads(demo.read_text())["tenants"]:
        visitor = Person(app.test_client(), shop["id"])
        assert visitor.get("/").status_code == 200
        for item in shop["products"][:3]:
            assert visitor.get(f"/products/{item['id']}").status_code == 200
