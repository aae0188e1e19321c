"""What of a product's options is chosen, and what can still be chosen."""

import pytest

from storefront.catalog.choices import Availability, VariantChoice, read_choice
from storefront.catalog.queries import ProductView
from storefront.catalog.variants import ProductOption, VariantView

COLOURS, SIZES = ("Red", "Blue"), ("S", "M")
IN_STOCK, SOLD_OUT, NOT_SOLD = Availability.IN_STOCK, Availability.SOLD_OUT, Availability.NOT_SOLD


def view(id: str, *values: str, price: int = 2000, stock: int = 5, image: str = "tee.webp") -> VariantView:
    return VariantView(id, values, price, stock, image, source_options=values)


TEE = ProductView(
    id="tee",
    name="Tee",
    description="",
    category="",
    price=2000,
    stock=8,
    tags=[],
    image="tee.webp",
    position=1,
    options=(ProductOption("Colour", ("Rot", "Blau"), COLOURS), ProductOption("Size", SIZES, SIZES)),
    loaded_variants=(
        view("red-s", "Red", "S", stock=3),
        view("red-m", "Red", "M", stock=0),
        view("blue-s", "Blue", "S", price=2200, image="blue.webp"),
    ),
)


def availability(choice: VariantChoice) -> dict[str, Availability]:
    return {value.source_value: value.availability for option in choice.options for value in option.values}


def test_nothing_is_chosen_at_first():
    choice = read_choice(TEE, {})
    assert choice.variant is None
    assert choice.missing_options == ["Colour", "Size"]
    assert (choice.image, choice.price, choice.has_one_price) == ("tee.webp", 2000, False)
    assert choice.shown is TEE
    assert availability(choice) == {"Red": IN_STOCK, "Blue": IN_STOCK, "S": IN_STOCK, "M": SOLD_OUT}
    assert choice.query == {}


@pytest.mark.parametrize("parameters", [{"variant": "blue-s"}, {"option1": "Blue", "option2": "S"}])
def test_a_variant_is_chosen_by_its_id_or_by_its_values(parameters: dict[str, str]):
    choice = read_choice(TEE, parameters)
    assert choice.variant is choice.shown is TEE.variants[2]
    assert (choice.image, choice.price, choice.has_one_price) == ("blue.webp", 2200, True)
    assert choice.label == "Blau / S"
    assert choice.query == {"variant": "blue-s"}


def test_values_count_for_more_than_a_variants_id():
    """They are what the form shows when both are sent."""
    assert read_choice(TEE, {"variant": "blue-s", "option1": "Red", "option2": "S"}).query == {"variant": "red-s"}


def test_a_part_of_a_choice_narrows_price_and_picture():
    choice = read_choice(TEE, {"option1": "Blue"})
    assert choice.missing_options == ["Size"]
    assert (choice.image, choice.price, choice.has_one_price) == ("blue.webp", 2200, True)
    assert choice.query == {"option1": "Blue"}
    assert availability(choice) == {"Red": IN_STOCK, "Blue": IN_STOCK, "S": IN_STOCK, "M": NOT_SOLD}


def test_each_value_says_what_it_leads_to_with_the_others():
    assert availability(read_choice(TEE, {"variant": "red-s"})) == {
        "Red": IN_STOCK,
        "Blue": IN_STOCK,
        "S": IN_STOCK,
        "M": SOLD_OUT,
    }


def test_a_combination_that_is_not_sold_keeps_the_choice_and_its_picture():
    choice = read_choice(TEE, {"option1": "Blue", "option2": "M"})
    assert choice.is_not_sold
    assert choice.variant is None
    assert choice.image == "blue.webp"
    assert availability(choice) == {"Red": SOLD_OUT, "Blue": NOT_SOLD, "S": IN_STOCK, "M": NOT_SOLD}
    assert choice.query == {"option1": "Blue", "option2": "M"}


@pytest.mark.parametrize("parameters", [{"variant": "gone"}, {"option1": "Green"}, {"option3": "Red"}])
def test_what_is_unknown_is_not_chosen(parameters: dict[str, str]):
    assert read_choice(TEE, parameters).query == {}


def test_pictures_stand_beside_the_values_that_they_depend_on():
    colours, sizes = read_choice(TEE, {}).options
    assert [value.image for value in colours.values] == ["tee.webp", "blue.webp"]
    assert [value.image for value in sizes.values] == ["", ""], "M has one picture, S two"


def test_an_open_page_knows_the_low_stocks_only():
    assert read_choice(TEE, {}).low_stocks == {"red-s": 3, "red-m": 0, "blue-s": 5}


def test_a_product_without_options_is_its_own_choice():
    sock = ProductView("sock", "Sock", "", "", 500, 9, [], "sock.webp", 2)
    choice = read_choice(sock, {"variant": "sock", "option1": "Red"})
    assert (choice.shown.stock, choice.price, choice.image) == (9, 500, "sock.webp")
    assert (choice.options, choice.missing_options, choice.is_not_sold, choice.query) == ((), [], False, {})
