"""Addresses by the rules of their country, and VAT ids."""

import pytest
from flask import Flask

from storefront.shipping.address import check_address
from storefront.shipping.address_formats import address_format, known_countries
from storefront.shipping.address_lines import address_lines
from storefront.shipping.vat import is_reverse_charged, normalize_vat_id

BERLIN = {"line1": "Hauptstr. 1", "postal_code": "10115", "city": "Berlin", "country": "DE"}


@pytest.fixture(autouse=True)
def context(app: Flask):
    with app.test_request_context("/t/north/"):
        yield


def errors(**fields: str) -> dict[str, str]:
    _, faults = check_address({**BERLIN, **fields})
    return {fault.field: fault.message for fault in faults}


def test_address_is_normalised():
    address, faults = check_address(
        {**BERLIN, "line1": "  Hauptstr.\u200b   1", "country": "de", "postal_code": " １０１１５ "}
    )
    assert not faults
    assert address.stored() == BERLIN


@pytest.mark.parametrize(
    ("fields", "invalid"),
    [
        ({"line1": " "}, "line1"),
        ({"city": ""}, "city"),
        ({"city": "\u200b"}, "city"),
        ({"postal_code": ""}, "postal_code"),
        ({"postal_code": "1011"}, "postal_code"),
        ({"postal_code": "10115\n"}, None),
        ({"line2": "x" * 101}, "line2"),
        ({"line1": "a\0b"}, "line1"),
        ({"country": "XX"}, "country"),
        ({"country": ""}, "country"),
        ({"country": "GB"}, "postal_code"),
        ({"country": "GB", "postal_code": "sw1a1aa"}, None),
        ({"country": "IE", "postal_code": ""}, None),
        ({"country": "US", "postal_code": "95014"}, "region"),
        ({"country": "US", "postal_code": "95014", "region": "Nowhere"}, "region"),
        ({"country": "US", "postal_code": "95014", "region": "california"}, None),
        ({"country": "JP", "postal_code": "154-0023", "region": "東京都", "city": ""}, None),
    ],
)
def test_error_is_of_the_field(fields: dict[str, str], invalid: str | None):
    assert set(errors(**fields)) == ({invalid} if invalid else set())


def test_error_of_a_postal_code_has_an_example():
    assert "26133" in errors(postal_code="1")["postal_code"]


def test_error_of_a_region_lists_those_of_the_country():
    faults = errors(country="US", postal_code="95014", region="Nowhere")
    assert "AL, AK, " in faults["region"]


def test_fields_are_those_of_the_country_in_its_order():
    assert address_format("DE").fields == ("line1", "line2", "postal_code", "city")
    assert address_format("US").fields == ("line1", "line2", "city", "region", "postal_code")
    assert ("CA", "California") in address_format("US").regions
    assert {"IE", "DE", "US", "JP"} <= known_countries()
    for country in known_countries():
        assert "line1" in address_format(country).fields, country


def test_lines_are_those_of_the_country():
    assert address_lines(BERLIN | {"line2": "Hof 2"}) == ["Hauptstr. 1", "Hof 2", "10115 Berlin", "Germany"]
    cupertino = {"line1": "1 Loop", "city": "Cupertino", "region": "CA", "postal_code": "95014", "country": "US"}
    assert address_lines(cupertino) == ["1 Loop", "Cupertino, CA 95014", "United States"]


STORED = {
    "line1": "1 Long Street",
    "line2": "Flat 7",
    "postal_code": "P0 123",
    "city": "Oldtown",
    "region": "Westshire",
}
LOCAL = {"line1": "寺町1", "line2": "七階", "postal_code": "604-0091", "city": "京都市中京区", "region": "京都府"}


@pytest.mark.parametrize("stored", [STORED, LOCAL, {**LOCAL, "line1": "Teramachi 1"}])
def test_all_that_is_stored_is_printed_in_every_country(stored: dict[str, str]):
    for country in known_countries():
        for left_out in (None, *stored):
            address = {name: value for name, value in stored.items() if name != left_out}
            lines = address_lines({**address, "country": country})
            for name, value in address.items():
                assert sum(line.count(value) for line in lines) == 1, (country, name, lines)


@pytest.mark.parametrize(
    ("country", "fields", "lines"),
    [
        ("JP", LOCAL, ["〒604-0091", "京都府", "京都市中京区", "寺町1", "七階"]),
        ("JP", STORED, ["1 Long Street", "Flat 7", "Oldtown, Westshire", "P0 123"]),
        ("CN", STORED, ["1 Long Street", "Flat 7", "Oldtown", "Westshire, P0 123"]),
        ("AE", STORED, ["1 Long Street", "Flat 7", "Oldtown", "Westshire", "P0 123"]),
        ("GB", STORED, ["1 Long Street", "Flat 7", "Oldtown", "Westshire", "P0 123"]),
        ("DE", STORED, ["1 Long Street", "Flat 7", "P0 123 Oldtown", "Westshire"]),
        ("MZ", STORED, ["1 Long Street", "Flat 7", "P0 123 Oldtown Westshire"]),
        ("MO", STORED, ["1 Long Street", "Flat 7", "Oldtown", "Westshire", "P0 123"]),
        ("SG", {"line1": "1 Bay", "city": "Singapore", "postal_code": "018956"}, ["1 Bay", "SINGAPORE 018956"]),
        ("AE", {"line1": "1 Bay", "city": "Dubai", "region": "dubai"}, ["1 Bay", "dubai"]),
        ("DE", {"line1": "1 Weg", "city": "Berlin", "region": "Berlin"}, ["1 Weg", "Berlin"]),
        ("MO", {"line1": "1 Rua", "city": "Macau", "region": "Macau"}, ["1 Rua", "Macau"]),
        (
            "SE",
            {"line1": "1 Gata", "postal_code": "11455", "city": "Stockholm", "region": "S"},
            ["1 Gata", "SE-11455 Stockholm", "S"],
        ),
        ("SG", STORED, ["1 Long Street", "Flat 7", "Oldtown", "Westshire", "SINGAPORE P0 123"]),
    ],
)
def test_field_without_a_place_in_its_country_has_a_sensible_line(
    country: str, fields: dict[str, str], lines: list[str]
):
    assert address_lines({**fields, "country": country})[:-1] == lines


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("DE136695976", "DE136695976"),
        (" de 136.695 976 ", "DE136695976"),
        ("EL094259216", "EL094259216"),
        ("DE136695975", None),
        ("XX136695976", None),
        ("136695976", None),
        ("D", None),
        ("", None),
        ("ＤＥ136695976", None),
        ("DE" + "1" * 40, None),
    ],
)
def test_vat_id_is_normalised(typed: str, expected: str | None):
    assert normalize_vat_id(typed) == expected


@pytest.mark.parametrize(
    ("vat_id", "destination", "shop", "expected"),
    [
        ("DE136695976", "DE", "IE", True),
        ("DE136695976", "FR", "IE", True),
        ("EL094259216", "GR", "IE", True),
        ("EL094259216", "DE", "GR", False),
        ("DE136695976", "DE", "DE", False),
        ("DE136695976", "FR", "DE", False),
        ("DE136695976", "IE", "IE", False),
        ("DE136695976", "US", "IE", False),
        ("DE136695976", None, "IE", False),
        ("DE136695976", "DE", "US", False),
        ("DE136695976", "DE", None, False),
        (None, "DE", "IE", False),
    ],
)
def test_reverse_charge_is_between_countries_of_the_eu(
    vat_id: str | None, destination: str | None, shop: str | None, expected: bool
):
    assert is_reverse_charged(vat_id, destination, shop) == expected
