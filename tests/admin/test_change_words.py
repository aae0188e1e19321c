"""Changes of lists in words, in the audit log and in a product's history."""

from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask

from storefront.admin.audit_words import changed_fields
from storefront.admin.change_words import list_change, text_changes
from storefront.staff.permissions import Role
from tests.admin.test_options import fields, save
from tests.catalog.variants import open_wear
from tests.staff.factories import signed_in

PAGE = "/admin/products/tee/options"


def test_changed_options_are_told_in_words(app: Flask) -> None:
    owner = signed_in(app, open_wear(app).shop, Role.OWNER)
    save(owner, fields(owner.get(PAGE).text), value_1_1="Crimson", option_1_de="Farbton")
    for page in (owner.get("/admin/audit").text, owner.get("/admin/products/tee").text):
        assert "Colour: Red → Crimson" in page
        assert "&#34;values&#34;" not in page
    save(owner, fields(owner.get(PAGE).text), remove_value_2_1="true", more_2="XL")
    for page in (owner.get("/admin/audit").text, owner.get("/admin/products/tee").text):
        assert "Size: + XL, − S" in page
        assert "S → XL" not in page, "one that was removed was not renamed"
    log = owner.get("/admin/audit").text
    assert "Variant removed: Crimson / S" in log
    assert "{" not in log.partition("<tbody>")[2].partition("</tbody>")[0]
    event = log.partition('id="event_')[2].partition('"')[0]
    assert "Size: + XL, − S" in owner.get(f"/admin/audit/{event}").text


def test_values_that_were_exchanged_are_told() -> None:
    exchanged = text_changes(["Red", "Blue"], ["Blue", "Red"], {"Red": "Blue", "Blue": "Red"})
    assert list(exchanged) == ["Red → Blue", "Blue → Red"]


COLOUR, SIZE = {"name": "Colour", "values": ["Red", "Blue"]}, {"name": "Size", "values": ["S"]}


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("options", [COLOUR], [COLOUR, SIZE], "+ Size: S"),
        ("options", [COLOUR, SIZE], [COLOUR], "− Size: S"),
        ("options", None, [SIZE], "+ Size: S"),
        ("options", [SIZE], [{**SIZE, "name": "Width"}], "Size → Width"),
        ("options", [COLOUR], [{**COLOUR, "values": ["Blue", "Red"]}], "Colour: in another order"),
        ("options", [COLOUR], [{**COLOUR, "values": ["Blue", "Pink"]}], "Colour: + Pink, − Red"),
        ("options_translations", None, [{"name": {"de": "Farbe"}, "values": [{}]}], "Deutsch: + Farbe"),
        (
            "options_translations",
            [{"name": {"de": "Farbe"}, "values": [{"de": "Rot"}]}],
            [{"name": {"de": "Farbe"}, "values": [{}]}],
            "Deutsch: Rot → –",
        ),
        ("name_translations", {"de": "Tasse"}, {"de": "Becher"}, "Deutsch: Tasse → Becher"),
        ("goes_with", [{"id": "cup", "why": ""}], [{"id": "tea", "why": "Warm."}], "+ tea (“Warm.”), − cup"),
        ("pins", [], [{"with": "tee", "suggest": "cap"}], "+ cap"),
        ("name", "a", "b", ""),
    ],
)
def test_each_list_has_words(app: Flask, name: str, before: Any, after: Any, said: str) -> None:
    with app.app_context():
        row = SimpleNamespace(before={name: before}, after={name: after}, data={})
        assert list_change(name, row) == said


def test_fields_of_a_variant_have_names(app: Flask) -> None:
    row = SimpleNamespace(
        type="product.changed", before={"sku": "", "gtin": None}, after={"sku": "A", "gtin": "1"}, data={}
    )
    with app.app_context():
        assert [field.name for field in changed_fields(row)] == ["SKU", "GTIN"]
