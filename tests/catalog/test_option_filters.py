"""Filters of a list by the value of an option: equal on both databases, and offered only where they can help."""

import json
import re
from html import unescape
from typing import Any

import pytest
from flask import Flask

from storefront.catalog.option_filters import OptionFilter, OptionSet, build_facets, read_option_filters
from tests.api_contract import assert_problem
from tests.catalog.test_pages import shown
from tests.catalog.variants import tee, variant
from tests.conftest import Person
from tests.factories import import_tenants, product, tenant

SIZE: dict[str, Any] = {"name": {"en": "Size", "de": "Größe"}, "values": ["S", "M", "L"]}
COLOUR: dict[str, Any] = {"name": {"en": "Colour", "de": "Farbe"}, "values": [{"en": "Green", "de": "Grün"}, "Red"]}
PATTERN: dict[str, Any] = {"name": "Pattern: front", "values": ["Red", "50 % wool"]}


def wear(id: str, options: list[dict[str, Any]], *variants: dict[str, Any], category: str = "Wear") -> dict[str, Any]:
    found = product(id, "30.00", options=options, variants=list(variants), category=category)
    del found["stock"]
    return found


SHELF = [
    tee(category="Wear"),  # red S and M (sold out) for 20.00, blue S for 22.00
    wear("skirt", [SIZE, COLOUR], variant("skirt-m", "M", "Red"), variant("skirt-l", "L", "Green", price="40.00")),
    wear("scarf", [PATTERN], variant("scarf-red", "Red"), variant("scarf-wool", "50 % wool")),
    wear("paint", [COLOUR], variant("paint-green", "Green"), category="Home"),
    product("mug", "5.00", name="Red mug", category="Kitchen"),
]
FOUND = {
    "option=Colour:Red": ["tee", "skirt"],
    "option=Colour:Green": ["skirt", "paint"],
    "option=Colour:Red&option=Size:M": ["tee", "skirt"],
    "option=Colour:Red&option=Size:M&in_stock=1": ["skirt"],
    "option=Colour:Green&option=Size:M": [],
    "option=Colour:Green&max_price=30": ["paint"],
    "option=Colour:Green&min_price=35": ["skirt"],
    "option=Colour:Blue&max_price=21": [],
    "option=Colour:Green&category=Wear": ["skirt"],
    "option=Colour:Green&sort=price": ["skirt", "paint"],
    "option=Pattern%253A front:Red": ["scarf"],
    "option=Pattern%253A front:50 %25 wool": ["scarf"],
    "option=Colour:red": [],
    "option=&option=Colour:Green&option=": ["skirt", "paint"],
    "option=Colour:Green&option=Colour:Red": ["tee", "skirt"],
    "q=skirt&option=Colour:Red": ["skirt"],
}


@pytest.fixture
def reader(app: Flask) -> Person:
    import_tenants(app, tenant("shelf", *SHELF, locale="en-IE"))
    return Person(app.test_client(), "shelf")


@pytest.mark.parametrize("query", FOUND)
def test_a_list_is_filtered_by_the_values_of_options(reader: Person, query: str):
    assert shown(reader.get(f"/?{query}").text) == FOUND[query]


def choices(page: str) -> dict[str, list[str]]:
    """What each select of an option offers, by its label."""
    fields = re.findall(r'<label for="option_\d+"[^>]*>(.*?)</label>\s*<select[^>]*>(.*?)</select>', page, re.DOTALL)
    return {name: [unescape(value) for value in re.findall(r">([^<]+)</option>", one)] for name, one in fields}


@pytest.mark.parametrize(
    ("query", "offered"),
    [
        (
            "",
            {
                "Colour": ["All", "Green", "Red", "Blue"],
                "Size": ["All", "S", "M", "L"],
                "Pattern: front": ["All", "Red", "50 % wool"],
            },
        ),
        ("category=Home", {"Colour": ["All", "Green", "Red"]}),
        ("category=Kitchen", {}),
        ("q=mug", {}),
        ("q=paint&category=Home", {"Colour": ["All", "Green", "Red"]}),
        ("category=Home&option=Size:S", {"Colour": ["All", "Green", "Red"], "Size": ["All", "S"]}),
    ],
)
def test_the_form_offers_the_values_of_the_lists_products(reader: Person, query: str, offered: dict[str, list[str]]):
    assert choices(reader.get(f"/?{query}").text) == offered


def test_what_is_chosen_stays_chosen_in_the_form_and_in_links(reader: Person):
    page = unescape(reader.get("/?option=Colour:Green&option=Size:L").text)
    assert re.findall(r'<option value="([^"]+:[^"]+)"[^>]* selected>', page) == ["Colour:Green", "Size:L"]
    assert "category=Home&option=Colour:Green&option=Size:L" in page
    assert 'id="no_filters"' in page
    assert '<meta name="robots" content="noindex">' in page


def test_values_are_shown_in_the_shoppers_language_and_asked_for_in_the_shops(reader: Person):
    page = reader.get("/?option=Colour:Green", headers={"Accept-Language": "de"}).text
    assert choices(page)["Farbe"] == ["Alle", "Grün", "Rot", "Blau"]
    assert '<option value="Colour:Green" selected>Grün</option>' in page


@pytest.mark.parametrize("text", ["Colour", "Colour:", ":Red", "x" * 81 + ":Red", "Colour:" + "x" * 81])
def test_what_is_no_filter_is_left_out_and_said(reader: Person, text: str):
    page = reader.get(f"/?option={text}").text
    assert "isn't an option to filter by" in unescape(page)
    assert len(shown(page)) == len(SHELF)


@pytest.mark.parametrize("text", ["a%00:b", "a:b%00c", "%2500:b", "a:%25", "%25zz:b", "a:b:c"])
def test_strange_filters_break_no_page(reader: Person, text: str):
    assert reader.get(f"/?option={text}").status_code == 200
    assert reader.api("GET", f"/products?option={text}").status_code in (200, 422)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("option=Colour", "option.0"),
        ("option=", "option.0"),
        ("option=a:b&option=:x", "option.1"),
        ("&".join(["option=a:b"] * 4), "option"),
    ],
)
def test_the_api_refuses_what_is_no_filter(reader: Person, query: str, field: str):
    assert_problem(reader.api("GET", f"/products?{query}"), 422, field=field)


def test_more_options_than_a_product_has_are_left_out():
    chosen, wrong = read_option_filters([f"{name}:1" for name in "abcd"])
    assert (chosen, wrong) == (tuple(OptionFilter(name, "1") for name in "abc"), ["d:1"])


@pytest.mark.parametrize("filter", [OptionFilter("a:b", "c:d"), OptionFilter("100 %", "%3A"), OptionFilter("%3A", "x")])
def test_a_filter_is_read_as_it_was_written(filter: OptionFilter):
    assert read_option_filters([str(filter)]) == ((filter,), [])


def test_a_value_is_put_after_those_that_it_follows():
    def row(*values: str) -> OptionSet:
        return OptionSet("", json.dumps([{"name": "Size", "values": values}]), None)

    (facet,) = build_facets([row("S", "M"), row("XS", "S", "L"), row("M", "L", "XL")]).of("")
    assert [one.filter.value for one in facet.values] == ["XS", "S", "L", "XL", "M"]


def test_escaped_characters_count_once(app: Flask):
    """A name of the longest length that the catalogue accepts, which is longer in a URL."""
    name = "%" * 80
    entry = wear("mat", [{"name": name, "values": ["Red"]}], variant("mat-red", "Red"))
    import_tenants(app, tenant("shelf", entry, locale="en-IE"))
    found = Person(app.test_client(), "shelf").api(
        "GET", "/products", query_string={"option": str(OptionFilter(name, "Red"))}
    )
    assert [one["id"] for one in found.json["items"]] == ["mat"]


def test_of_too_many_values_the_most_frequent_ones_are_offered():
    """Without a limit, 500 sets of 50 values each would take seconds."""
    options = ([{"name": "Name", "values": [f"{product}-{i}" for i in range(50)]}] for product in range(500))
    (facet,) = build_facets([OptionSet("", json.dumps(one), None) for one in options]).of("")
    assert {one.filter.value.split("-")[0] for one in facet.values} == {"0", "1"}
    assert len(facet.values) == 100


def test_an_archived_variant_is_not_found(app: Flask, reader: Person):
    import_tenants(app, tenant("shelf", tee(variant("tee-blue-s", "Blue", "S")), locale="en-IE"), refresh=True)
    assert shown(reader.get("/?option=Colour:Red").text) == ["skirt"]


def test_the_api_filters_as_the_pages_do(reader: Person):
    for query, expected in FOUND.items():
        if "price" not in query and "option=&" not in query and query.count("Colour") < 2:
            found = reader.api("GET", f"/products?{query}")
            assert [one["id"] for one in found.json["items"]] == expected, query
