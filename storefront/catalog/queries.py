"""Reads of products for HTML views and the JSON API."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, func, literal_column, select

from storefront.catalog.models import Product, StockState, current_prior_price
from storefront.catalog.variants import (
    ProductOption,
    VariantRow,
    VariantView,
    get_variant_rows,
    localize_options,
    variant_view,
)
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.errors import NotFound
from storefront.i18n.content import localize
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_languages
from storefront.ids import is_id
from storefront.tenants.context import current_tenant


@dataclass(frozen=True)
class ProductView(StockState):
    """A product as displayed, in the shopper's language. Reading columns costs a fifth of reading entities, and lists
    are the most visited pages."""

    id: str
    name: str
    description: str
    category: str
    price: int
    stock: int
    tags: list[str]
    image: str
    position: int
    options: tuple[ProductOption, ...] = ()
    source_text: "ProductView | None" = None
    """The product in the shop's default language, if that isn't the page's language."""
    updated_at: datetime | None = None
    """Of a single product; lists don't read it."""
    loaded_variants: tuple[VariantView, ...] | None = None
    """Of a product with options, by `with_variants`."""
    prior_price: int | None = None
    """Of a single product without options, as of a `VariantView`."""

    @property
    def variants(self) -> tuple[VariantView, ...]:
        """The variants that are sold. A product without options is its own, so that nothing more is read for it."""
        if not self.options:
            return (VariantView(self.id, (), self.price, self.stock, self.image, prior_price=self.prior_price),)
        if self.loaded_variants is None:  # never the silent absence of all choices
            raise LookupError(f"the variants of product {self.id!r} weren't loaded")
        return self.loaded_variants

    @property
    def in_default_language(self) -> "ProductView":
        return self.source_text or self


class ProductRow(NamedTuple):
    """What is read of a product to show it."""

    id: str
    name: str
    description: str
    category: str
    price: int
    stock: int
    tags: list[str]
    image: str
    position: int
    name_translations: dict[str, str] | None
    description_translations: dict[str, str] | None
    options: list[dict[str, Any]] | None = None
    options_translations: list[dict[str, Any]] | None = None


class ProductCardColumns(NamedTuple):
    id: str
    name: str
    price: int
    stock: int
    image: str
    has_options: bool = False
    """Then the price is the lowest, and a variant has to be chosen."""
    prior_price: int | None = None
    """The lowest price of the 30 days before it was reduced; None if it isn't, and with options."""


class ProductCard(StockState, ProductCardColumns):
    """The part of a product that is displayed in a list."""

    __slots__ = ()


products = table_of(Product)
product_columns = products.c
PRODUCT_VIEW_COLUMNS = [product_columns[name] for name in ProductRow._fields]
PRODUCT_CARD_COLUMNS = [
    *(product_columns[name] for name in ("id", "name", "price", "stock", "image", "name_translations")),
    product_columns.options.is_not(None).label("has_options"),
    current_prior_price(product_columns),
]
IS_ON_SALE = product_columns.status == literal_column("'active'")
IS_OFF_SALE = product_columns.status != literal_column("'active'")
"""Without a bound parameter: its value would decide whether the partial indexes of products can be used."""
SELECT_CATEGORIES = tenant_scoped(
    select(product_columns.category, func.count())
    .where(product_columns.category != "", IS_ON_SALE)
    .group_by(product_columns.category)
    .order_by(func.min(product_columns.position))
)
SELECT_PRODUCT = tenant_scoped(
    select(*PRODUCT_VIEW_COLUMNS, product_columns.updated_at, current_prior_price(product_columns)).where(
        product_columns.id == bindparam("id"), IS_ON_SALE
    )
)
in_stock_by_ids = product_columns.id.in_(bindparam("ids", expanding=True)) & (product_columns.stock > 0)
SELECT_PRODUCTS_IN_STOCK = tenant_scoped(select(*PRODUCT_VIEW_COLUMNS).where(in_stock_by_ids))
SEARCH_TEXTS_BATCH_SIZE = 1000
"""Products whose words are in memory at a time."""
SELECT_SEARCH_TEXTS = tenant_scoped(
    select(product_columns.position, product_columns.search_text)
    .where(product_columns.position > bindparam("position"), IS_ON_SALE)
    .order_by(product_columns.position)
    .limit(bindparam("limit"))
)


def product_view_from_row(row: "ProductRow | Row[Any]", languages: tuple[str, ...] | None = None) -> ProductView:
    """Return the product of a row with `PRODUCT_VIEW_COLUMNS`. Pass `shopper_languages()` when converting many rows."""
    languages = shopper_languages() if languages is None else languages
    own = ProductView(
        id=row.id,
        name=row.name,
        description=row.description,
        category=row.category,
        price=row.price,
        stock=row.stock,
        tags=row.tags,
        image=row.image,
        position=row.position,
        options=localize_options(row.options, None, ()),
    )
    name = localize(row.name, row.name_translations, languages)
    description = localize(row.description, row.description_translations, languages)
    if name is own.name and description is own.description and not own.options:
        return own
    options = localize_options(row.options, row.options_translations, languages)
    return replace(own, name=name, description=description, options=options, source_text=own)


def with_variants(products: Sequence[ProductView]) -> list[ProductView]:
    """Return the products with their variants, which are read at once for those that have options."""
    ids = [product.id for product in products if product.options and product.loaded_variants is None]
    return add_variants(products, get_variant_rows(ids)) if ids else list(products)


def add_variants(products: Sequence[ProductView], rows: Iterable[VariantRow]) -> list[ProductView]:
    """Return the products with the variants in these rows."""
    found: dict[str, list[VariantRow]] = {product.id: [] for product in products}
    for row in rows:
        found[row.product_id].append(row)
    return [
        with_own_variants(product, found[product.id])
        if product.options and product.loaded_variants is None
        else product
        for product in products
    ]


def with_own_variants(product: ProductView, rows: Sequence[VariantRow]) -> ProductView:
    own = product.source_text
    views = tuple(variant_view(product.options, product.image, row) for row in rows)
    return replace(product, loaded_variants=views, source_text=own and with_own_variants(own, rows))


def name_with_options(product: ProductView, variant: VariantView) -> str:
    """Return the product's name with the variant's values in parentheses."""
    if not variant.options:
        return product.name
    return _("%(product)s (%(options)s)", product=product.name, options=variant.label)


def get_categories() -> list[tuple[str, int]]:
    """Return (category, number of products), in order of first appearance in the catalogue."""
    return [(name, count) for name, count in execute(SELECT_CATEGORIES)]


def get_ordered_categories() -> list[tuple[str, int]]:
    """Return `get_categories`, but first those that the current shop's staff has ordered."""
    rank = {name: number for number, name in enumerate(current_tenant().category_order)}
    return sorted(get_categories(), key=lambda one: rank.get(one[0], len(rank)))


def get_product_view(product_id: str) -> ProductView:
    """Return the product as displayed. Raises `NotFound`."""
    row = execute(SELECT_PRODUCT, {"id": product_id}).one_or_none() if is_id(product_id) else None
    if row is None:
        raise NotFound(_("We couldn't find this product."))
    found = with_variants([product_view_from_row(row)])[0]
    return replace(found, updated_at=row.updated_at, prior_price=row.prior_price)


def product_etag(updated_at: datetime) -> str:
    """Return the ETag, without quotes, of a product. Each change of it, of its variants and of its stock makes
    another."""
    return f"{updated_at.timestamp() * 1_000_000:.0f}"


def get_products_in_stock(product_ids: Collection[str]) -> dict[str, ProductView]:
    """Return those of the products that are in stock, by id."""
    rows = execute(SELECT_PRODUCTS_IN_STOCK, {"ids": list(product_ids)})
    return {product.id: product for product in with_variants([product_view_from_row(row) for row in rows])}


def iter_search_texts() -> Iterator[list[str]]:
    """The folded words of all products, a batch at a time."""
    position = -1
    while rows := execute(SELECT_SEARCH_TEXTS, {"position": position, "limit": SEARCH_TEXTS_BATCH_SIZE}).all():
        yield [row.search_text for row in rows]
        position = rows[-1].position
