"""Reads of products for pages and the API."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select

from storefront.catalog.models import Product, StockState
from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.errors import NotFound
from storefront.i18n.content import localize
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_languages
from storefront.ids import is_id


@dataclass(frozen=True)
class ProductView(StockState):
    """A product as it is shown, in the shopper's language. Plain columns cost a fifth of whole entities, and lists are
    the most visited pages."""

    id: str
    name: str
    description: str
    category: str
    price: int
    stock: int
    tags: list[str]
    image: str
    place: int
    source_text: "ProductView | None" = None
    """The same in the shop's own language, when that isn't the page's."""

    @property
    def in_default_language(self) -> "ProductView":
        return self.source_text or self


class ProductCardColumns(NamedTuple):
    id: str
    name: str
    price: int
    stock: int
    image: str


class ProductCard(StockState, ProductCardColumns):
    """What a card on a shelf shows of a product."""

    __slots__ = ()


products = table_of(Product)
product_columns = products.c
PRODUCT_VIEW_FIELDS = ("id", "name", "description", "category", "price", "stock", "tags", "image", "place")
PRODUCT_VIEW_COLUMNS = [product_columns[name] for name in (*PRODUCT_VIEW_FIELDS, "names", "descriptions")]
"""What `listed` reads."""
PRODUCT_CARD_COLUMNS = [product_columns[name] for name in (*ProductCard._fields, "names")]
SELECT_CATEGORIES = tenant_scoped(
    select(product_columns.category, func.count())
    .where(product_columns.category != "")
    .group_by(product_columns.category)
    .order_by(func.min(product_columns.place))
)
SELECT_PRODUCT = tenant_scoped(select(*PRODUCT_VIEW_COLUMNS).where(product_columns.id == bindparam("id")))
in_stock_by_ids = product_columns.id.in_(bindparam("ids", expanding=True)) & (product_columns.stock > 0)
SELECT_PRODUCTS_IN_STOCK = tenant_scoped(select(*PRODUCT_VIEW_COLUMNS).where(in_stock_by_ids))


def product_view_from_row(row: Sequence[Any], languages: tuple[str, ...] | None = None) -> ProductView:
    """The product in a row of `PRODUCT_VIEW_COLUMNS`. Who has many rows hands in `shopper_languages()`."""
    *shown, names, descriptions = row
    own, languages = ProductView(*shown), shopper_languages() if languages is None else languages
    name, description = localize(own.name, names, languages), localize(own.description, descriptions, languages)
    if name is own.name and description is own.description:
        return own
    return replace(own, name=name, description=description, source_text=own)


def get_categories() -> list[tuple[str, int]]:
    """The categories in the order in which the catalogue first names them, and how many products each has."""
    return [(name, many) for name, many in execute(SELECT_CATEGORIES)]


def get_product_view(product_id: str) -> ProductView:
    """The product as it is shown; raises `NotFound`."""
    row = execute(SELECT_PRODUCT, {"id": product_id}).one_or_none() if is_id(product_id) else None
    if row is None:
        raise NotFound(_("There is no such product in this shop."))
    return product_view_from_row(row)


def get_products_in_stock(product_ids: Collection[str]) -> dict[str, ProductView]:
    """Those of the products that can be sold at this moment, by id."""
    return {row.id: product_view_from_row(row) for row in execute(SELECT_PRODUCTS_IN_STOCK, {"ids": list(product_ids)})}
