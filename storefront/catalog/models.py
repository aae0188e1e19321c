"""Products: what is for sale, and what is shown of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, Integer, String, bindparam, func, select
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model, db, table_of
from storefront.db.tenancy import OwnedByTenant, execute, tenant_scoped
from storefront.db.tenant_context import current_tenant_id
from storefront.errors import NotFound
from storefront.ids import is_id, new_id
from storefront.languages.pages import shopper_languages
from storefront.languages.texts import in_words
from storefront.languages.words import _

LOW = 5
"""At this stock and below, the page says how many are left."""


class StockState:
    """What a stock means for the shopper."""

    __slots__ = ()
    if TYPE_CHECKING:
        stock: Any

    @property
    def sold_out(self) -> bool:
        return bool(self.stock <= 0)

    @property
    def low(self) -> bool:
        return bool(0 < self.stock <= LOW)


class Product(StockState, OwnedByTenant, Model):
    """`price` is in minor units of the tenant's currency. `place` orders the catalogue: new products come last."""

    __tablename__ = "product"
    __table_args__ = (
        CheckConstraint("stock >= 0", name="stock_not_negative"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        Index(None, "tenant_id", "place", unique=True),
        Index(None, "tenant_id", "category", "place"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str]
    names: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """In other languages than the shop's own."""
    description: Mapped[str] = mapped_column(default="")
    descriptions: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    category: Mapped[str] = mapped_column(default="")
    price: Mapped[int] = mapped_column(BigInteger)
    stock: Mapped[int] = mapped_column(Integer)
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    image: Mapped[str] = mapped_column(default="")
    place: Mapped[int] = mapped_column(BigInteger, default=new_id)
    name_words: Mapped[str]
    """The folded words of the name, in every language; what the search ranks by."""
    words: Mapped[str]
    """The folded words of everything that is searched; both databases index it."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)


@dataclass(frozen=True)
class Listed(StockState):
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
    untranslated: "Listed | None" = None
    """The same in the shop's own language, when that isn't the page's."""

    @property
    def in_own_language(self) -> "Listed":
        return self.untranslated or self


class CardColumns(NamedTuple):
    id: str
    name: str
    price: int
    stock: int
    image: str


class Card(StockState, CardColumns):
    """What a card on a shelf shows of a product."""

    __slots__ = ()


products = table_of(Product)
columns = products.c
SHOWN = ("id", "name", "description", "category", "price", "stock", "tags", "image", "place")
LISTED = [columns[name] for name in (*SHOWN, "names", "descriptions")]
"""What `listed` reads."""
CARD = [columns[name] for name in (*Card._fields, "names")]

CATEGORIES = tenant_scoped(
    select(columns.category, func.count())
    .where(columns.category != "")
    .group_by(columns.category)
    .order_by(func.min(columns.place))
)
ONE = tenant_scoped(select(*LISTED).where(columns.id == bindparam("id")))
these_in_stock = columns.id.in_(bindparam("ids", expanding=True)) & (columns.stock > 0)
IN_STOCK = tenant_scoped(select(*LISTED).where(these_in_stock))


def listed(row: Sequence[Any], languages: tuple[str, ...] | None = None) -> Listed:
    """The product in a row of `LISTED`. Who has many rows hands in `shopper_languages()`."""
    *shown, names, descriptions = row
    own, languages = Listed(*shown), shopper_languages() if languages is None else languages
    name, description = in_words(own.name, names, languages), in_words(own.description, descriptions, languages)
    if name is own.name and description is own.description:
        return own
    return replace(own, name=name, description=description, untranslated=own)


def categories() -> list[tuple[str, int]]:
    """The categories in the order in which the catalogue first names them, and how many products each has."""
    return [(name, many) for name, many in execute(CATEGORIES)]


def read_product(product_id: str) -> Listed:
    """The product as it is shown; raises `NotFound`."""
    row = execute(ONE, {"id": product_id}).one_or_none() if is_id(product_id) else None
    if row is None:
        raise NotFound(_("There is no such product in this shop."))
    return listed(row)


def in_stock(product_ids: Collection[str]) -> dict[str, Listed]:
    """Those of the products that can be sold at this moment, by id."""
    return {row.id: listed(row) for row in execute(IN_STOCK, {"ids": list(product_ids)})}


def find_product(product_id: str) -> Product:
    """The product's own row, to be changed; raises `NotFound`."""
    product = db.session.get(Product, (current_tenant_id(), product_id)) if is_id(product_id) else None
    if product is None:
        raise NotFound(_("There is no such product in this shop."))
    return product
