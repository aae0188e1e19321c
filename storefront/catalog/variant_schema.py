"""Options and variants in `catalog.json`, and the checks that span several of their fields."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from storefront import money
from storefront.catalog.field_types import (
    Image,
    Label,
    OneLine,
    ProductId,
    StrictModel,
    Translated,
    matching,
    split_by_language,
)

if TYPE_CHECKING:
    from storefront.catalog.import_schema import ProductEntry, TenantEntry

MAX_OPTIONS = 3
MAX_VALUES_PER_OPTION = 50
MAX_OPTION_TEXT_LENGTH = 80
"""Of an option's name, and of its values."""
MAX_VARIANTS = 250
MAX_STOCK = 1_000_000_000
"""Of a variant, and of all variants of a product together: PostgreSQL's integers end at twice as much."""


OptionText = Annotated[OneLine, Field(min_length=1, max_length=MAX_OPTION_TEXT_LENGTH)]
OptionTexts = Annotated[dict[str, OptionText], *Translated]
Sku = Annotated[Label, Field(max_length=64)]
Stock = Annotated[int, Field(ge=0, le=MAX_STOCK)]
Gtin = Annotated[
    str, matching(r"[0-9]{8}|[0-9]{12,14}", "is not a GTIN: 8, 12, 13 or 14 digits, such as 4006381333931")
]


class OptionEntry(StrictModel):
    """An option, such as the colour, with its values in the order in which they are shown."""

    name: OptionTexts
    values: Annotated[list[OptionTexts], Field(min_length=1, max_length=MAX_VALUES_PER_OPTION)]


class VariantEntry(StrictModel):
    """`options` has one value of each of the product's options, in the shop's default language. `price` and `image` are
    the product's if they are left out. An archived variant is no longer sold: it may have values that the options no
    longer have, or that another variant has."""

    id: ProductId
    options: list[OptionText]
    stock: Stock
    price: str | None = None
    image: Image = ""
    sku: Sku = ""
    gtin: Gtin | None = None
    status: Literal["active", "archived"] = "active"


def sold_variants(product: "ProductEntry") -> list[VariantEntry]:
    """Return the variants that aren't archived."""
    return [variant for variant in product.variants if variant.status == "active"]


def variant_errors(tenant: "TenantEntry") -> Iterator[str]:
    """Yield errors of options and variants, each with the product's id, the variant's and the field."""
    for product in tenant.products:
        where = f"product {product.id!r}"
        sold = sold_variants(product)
        if not product.options and not sold:
            if product.stock is None:
                yield f"{where}, stock is required."
            continue
        if not sold:
            yield f"{where}, variants: a product with options needs at least one"
        if not product.options:
            yield f"{where}, options: a product with variants needs at least one"
        if product.stock is not None:
            yield f"{where}, stock: is given by variant for a product with variants"
        if len(sold) > MAX_VARIANTS:
            yield f"{where}, variants must have at most {MAX_VARIANTS} entries"
        if (total := sum(variant.stock for variant in sold)) > MAX_STOCK:
            yield f"{where}, variants: have a stock of {total} together, which is more than {MAX_STOCK}"
        yield from (f"{where}, {fault}" for fault in option_errors(tenant, product))
        yield from (f"{where}, {fault}" for fault in combination_errors(tenant, product))
        yield from (f"{where}, {fault}" for fault in price_errors(tenant, product))
    yield from id_errors(tenant)


def option_errors(tenant: "TenantEntry", product: "ProductEntry") -> Iterator[str]:
    """Yield errors for names that are given twice, and for values that are given twice in an option."""
    names = [split_by_language(option.name, tenant.language)[0] for option in product.options]
    yield from (f"options: {name!r} is given {times} times" for name, times in Counter(names).items() if times > 1)
    for name, values in source_options(tenant, product):
        repeated = [(value, times) for value, times in Counter(values).items() if times > 1]
        yield from (f"options, {name!r}, values: {value!r} is given {times} times" for value, times in repeated)


def source_options(tenant: "TenantEntry", product: "ProductEntry") -> list[tuple[str, list[str]]]:
    """Return each option's name and values in the shop's default language."""

    def own(texts: dict[str, str]) -> str:
        return split_by_language(texts, tenant.language)[0]

    return [(own(option.name), [own(value) for value in option.values]) for option in product.options]


def combination_errors(tenant: "TenantEntry", product: "ProductEntry") -> Iterator[str]:
    """Yield errors for variants that don't fit the options, and for combinations that are given twice."""
    options = source_options(tenant, product)
    seen: dict[tuple[str, ...], str] = {}
    for variant in sold_variants(product):
        where, chosen = f"variant {variant.id!r}, options", tuple(variant.options)
        if len(chosen) != len(options):
            yield f"{where}: has {len(chosen)} values, but the product has {len(options)} options"
            continue
        for (name, values), value in zip(options, chosen, strict=True):
            if value not in values:
                yield f"{where}: {value!r} is not a value of {name!r}: {', '.join(values)}"
        if chosen in seen:
            yield f"{where}: {', '.join(chosen)} is the combination of variant {seen[chosen]!r} already"
        seen.setdefault(chosen, variant.id)


def price_errors(tenant: "TenantEntry", product: "ProductEntry") -> Iterator[str]:
    for variant in product.variants:
        try:
            money.parse(product.price if variant.price is None else variant.price, tenant.currency)
        except ValueError as fault:
            if variant.price is not None:
                yield f"variant {variant.id!r}, price: {fault}"


def id_errors(tenant: "TenantEntry") -> Iterator[str]:
    """Yield errors for variants' ids that the shop has twice, also as a product's id."""
    products = {product.id for product in tenant.products}
    owner: dict[str, str] = {}
    for product in tenant.products:
        for variant in product.variants:
            where = f"product {product.id!r}, variant {variant.id!r}, id"
            was_without_options = variant.status == "archived" and variant.id == product.id and product.options
            if variant.id in products and not was_without_options:
                yield f"{where}: is the id of a product"
            if variant.id in owner:
                yield f"{where}: is the id of another variant of product {owner[variant.id]!r}"
            owner[variant.id] = product.id


def option_texts(tenant: "TenantEntry") -> Iterator[tuple[str, dict[str, str]]]:
    """Yield each translatable text of options with its location."""
    for product in tenant.products:
        for number, option in enumerate(product.options, 1):
            where = f"product {product.id!r}, options, entry number {number}"
            yield f"{where}, name", option.name
            yield from ((f"{where}, values, entry number {i}", value) for i, value in enumerate(option.values, 1))
