"""The options and variants of products, as displayed in the shopper's language."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select

from storefront.catalog.models import StockState, Variant, VariantStatus, current_prior_price
from storefront.db.base import table_of
from storefront.db.tenancy import execute, fetch_json, tenant_scoped
from storefront.i18n.content import localize

OptionsJson = Sequence[Mapping[str, Any]] | None


@dataclass(frozen=True)
class ProductOption:
    """An option of a product, such as its colour. `source_values` are in the shop's default language."""

    name: str
    values: tuple[str, ...]
    source_values: tuple[str, ...]

    def value(self, source_value: str) -> str:
        """Return the displayed value; an archived variant may have one that the option no longer has."""
        if source_value in self.source_values:
            return self.values[self.source_values.index(source_value)]
        return source_value


@dataclass(frozen=True)
class VariantView(StockState):
    """A variant as displayed; `price` in minor units. An archived one has no stock for sale."""

    id: str
    options: tuple[str, ...]
    price: int
    stock: int
    image: str
    source_options: tuple[str, ...] = ()
    """The options in the shop's default language."""
    is_archived: bool = False
    sku: str = ""
    gtin: str | None = None
    prior_price: int | None = None
    """The lowest price of the 30 days before it was reduced; None if it isn't, and in carts."""

    @property
    def available(self) -> bool:
        return self.stock > 0

    @property
    def label(self) -> str:
        """The chosen values, such as "Red / S"; empty without options."""
        return " / ".join(self.options)


class VariantRow(NamedTuple):
    """What is read of a variant to show it."""

    product_id: str
    id: str
    options: list[str]
    price: int
    stock: int
    image: str
    sku: str
    gtin: str | None
    prior_price: int | None = None


variants = table_of(Variant)
VARIANT_COLUMNS = [variants.c[name] for name in VariantRow._fields if name != "prior_price"]
SELECT_VARIANTS = tenant_scoped(
    select(*VARIANT_COLUMNS, current_prior_price(variants.c))
    .where(variants.c.product_id.in_(bindparam("products", expanding=True)), variants.c.status == VariantStatus.ACTIVE)
    .order_by(variants.c.product_id, variants.c.position)
)


def get_variant_rows(product_ids: Collection[str]) -> list[VariantRow]:
    """Return the active variants of these products, in their order."""
    return [VariantRow._make(row) for row in execute(SELECT_VARIANTS, {"products": list(product_ids)})]


def fetch_variant_rows(product_ids: Collection[str]) -> str:
    """Return `get_variant_rows` as JSON text, which can also be part of a cache key; for `variant_rows_from_json`."""
    return fetch_json(SELECT_VARIANTS, {"products": list(product_ids)})


def variant_rows_from_json(rows: str) -> list[VariantRow]:
    return [VariantRow._make(row) for row in json.loads(rows)]


def localize_options(
    options: OptionsJson, translations: OptionsJson, languages: tuple[str, ...]
) -> tuple[ProductOption, ...]:
    """Return a product's options in the shopper's languages; without languages in the shop's default language."""
    if not options:
        return ()
    found = []
    for i, option in enumerate(options):
        others: Mapping[str, Any] = translations[i] if translations else {}
        by_value = others.get("values") or [None] * len(option["values"])
        values = (localize(value, own, languages) for value, own in zip(option["values"], by_value, strict=True))
        name = localize(option["name"], others.get("name"), languages)
        found.append(ProductOption(name, tuple(values), tuple(option["values"])))
    return tuple(found)


def variant_view(
    options: Sequence[ProductOption], product_image: str, row: Any, is_archived: bool = False
) -> VariantView:
    """Return the variant of a row with the fields of `VariantRow`, for a product with these options."""
    return VariantView(
        id=row.id,
        options=tuple(displayed_values(options, row.options)),
        price=row.price,
        stock=row.stock,
        image=row.image or product_image,
        source_options=tuple(row.options),
        is_archived=is_archived,
        sku=row.sku,
        gtin=row.gtin,
        prior_price=row.prior_price,
    )


def displayed_values(options: Sequence[ProductOption], values: Sequence[str]) -> Iterator[str]:
    """Yield a variant's values as displayed. An archived one may have more values than its product has options now."""
    for option, value in zip_longest(options, values):
        if value is not None:
            yield option.value(value) if option else value


def chosen_options(
    options: OptionsJson, translations: OptionsJson, values: Sequence[str], languages: tuple[str, ...]
) -> list[dict[str, str]] | None:
    """Return what an order line keeps of a variant with these values: `[{"name", "value"}]` in the shopper's languages;
    None without options."""
    named = localize_options(options, translations, languages)
    chosen = zip(named, values, strict=False)
    return [{"name": str(option.name), "value": str(option.value(value))} for option, value in chosen] or None


def iter_option_values(options: OptionsJson, options_translations: OptionsJson) -> Iterator[str]:
    """Yield the values of all options in all languages, for search."""
    for option in options or ():
        yield from option["values"]
    for option in options_translations or ():
        for others in option["values"]:
            yield from others.values()
