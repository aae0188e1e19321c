"""Products: what is for sale, and how they are found."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import (
    JSON,
    BigInteger,
    BindParameter,
    CheckConstraint,
    ColumnElement,
    Index,
    Integer,
    Select,
    String,
    and_,
    bindparam,
    case,
    column,
    func,
    literal,
    literal_column,
    select,
    table,
)
from sqlalchemy.orm import Mapped, mapped_column

from storefront.catalog.rules import fold, fts5_query, tsquery
from storefront.clock import UtcDateTime, now
from storefront.database import Model, current_tenant_id, db, engine, is_id, new_id, table_of
from storefront.errors import NotFound
from storefront.languages.pages import in_words
from storefront.languages.words import _
from storefront.tenants.guard import OwnedByTenant, held, run

LOW = 5
"""At this stock and below, the page says how many are left."""
AT_A_GLANCE = 500
"""Matches that are looked at while somebody still types; the index gives them in the catalogue's order."""


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
    """The same in the shop's own language, when this is another."""

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


class Shape(NamedTuple):
    """What a wish asks about; each shape is a statement that is built once."""

    on_postgresql: bool
    category: bool
    in_stock: bool
    terms: int
    min_price: bool = False
    max_price: bool = False
    sort: str = ""
    glance: bool = False


@dataclass(frozen=True)
class Wish:
    """What somebody looks for: products with all of these words (the last may be the beginning of one).

    Prices are in minor units, and themselves within the range; `sort` is one of `rules.SORTS`. At a `glance` only
    the first of very many matches are looked at.
    """

    q: str = ""
    category: str = ""
    in_stock: bool = False
    min_price: int | None = None
    max_price: int | None = None
    sort: str = ""
    glance: bool = False

    @cached_property
    def terms(self) -> list[str]:
        return fold(self.q)[:16]

    @property
    def hopeless(self) -> bool:
        """Only signs were asked for, and those are nobody's words."""
        return bool(self.q.strip()) and not self.terms

    @property
    def shape(self) -> Shape:
        prices = (self.min_price is not None, self.max_price is not None)
        terms = len(self.terms)
        return Shape(on_postgresql(), bool(self.category), self.in_stock, terms, *prices, self.sort, self.glance)

    def parameters(self) -> dict[str, Any]:
        """The values for a statement of this shape."""
        values: dict[str, Any] = {"category": self.category.replace("\0", "")} if self.category else {}
        if self.min_price is not None:
            values["min_price"] = self.min_price
        if self.max_price is not None:
            values["max_price"] = self.max_price
        if self.terms:
            words = tsquery(self.terms) if on_postgresql() else fts5_query(current_tenant_id(), self.terms)
            values |= {"words": words} | {f"term_{i}": f"% {term}%" for i, term in enumerate(self.terms)}
        return values


products = table_of(Product)
columns = products.c
SHOWN = ("id", "name", "description", "category", "price", "stock", "tags", "image", "place")
LISTED = [columns[name] for name in (*SHOWN, "names", "descriptions")]
"""What `listed` reads."""
CARD = [columns[name] for name in (*Card._fields, "names")]
SEARCH = table("product_search", column("rowid"), column("product_search"), column("rank"))
"""SQLite's index; PostgreSQL's is a column of the product."""
SEARCH_COLUMN: ColumnElement[Any] = literal_column("product.search")


def on_postgresql() -> bool:
    return engine().dialect.name == "postgresql"


def conditions(shape: Shape) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if shape.category:
        found.append(columns.category == bindparam("category"))
    if shape.in_stock:
        found.append(columns.stock > 0)
    if shape.min_price:
        found.append(columns.price >= bindparam("min_price"))
    if shape.max_price:
        found.append(columns.price <= bindparam("max_price"))
    if shape.terms and shape.on_postgresql:
        found.append(matches(bindparam("words")))
    elif shape.terms:
        matched = select(SEARCH.c.rowid).where(SEARCH.c.product_search.match(bindparam("words")))
        found.append(columns.place.in_(matched.limit(AT_A_GLANCE) if shape.glance else matched))
    return found


def matches(words: BindParameter[Any]) -> ColumnElement[bool]:
    """PostgreSQL's condition that a product has the words of a query."""
    return SEARCH_COLUMN.op("@@", is_comparison=True)(tsquery_of(words))


def tsquery_of(words: BindParameter[Any]) -> ColumnElement[Any]:
    return func.to_tsquery(literal_column("'simple'"), words)


def sorted_by(shape: Shape) -> list[ColumnElement[Any]]:
    """The order that was asked for; names by their folded words, sign by sign, which is the same on both databases."""
    if shape.sort == "name":
        names: ColumnElement[Any] = columns.name_words
        return [names.collate("C") if shape.on_postgresql else names, columns.place]
    orders: dict[str, list[ColumnElement[Any]]] = {
        "price": [columns.price, columns.place],
        "-price": [columns.price.desc(), columns.place],
        "new": [columns.place.desc()],
    }
    return orders.get(shape.sort, [columns.place])


@cache
def cards_query(shape: Shape) -> Select[Any]:
    """In the order that was asked for, else products whose name has the words come before those that only mention
    them, and then the catalogue's order decides."""
    order = sorted_by(shape)
    if shape.terms and not shape.sort:
        padded = literal(" ") + columns.name_words
        named = and_(*(padded.like(bindparam(f"term_{i}")) for i in range(shape.terms)))
        order.insert(0, case((named, 0), else_=1))
    query = select(*CARD).where(*conditions(shape)).order_by(*order)
    return held(query.limit(bindparam("limit")).offset(bindparam("offset")))


@cache
def list_query(shape: Shape) -> Select[Any]:
    query = select(*LISTED).where(*conditions(shape), columns.place > bindparam("place")).order_by(columns.place)
    return held(query.limit(bindparam("limit")))


@cache
def count_query(shape: Shape) -> Select[Any]:
    return held(select(func.count()).select_from(products).where(*conditions(shape)))


CATEGORIES = held(
    select(columns.category, func.count())
    .where(columns.category != "")
    .group_by(columns.category)
    .order_by(func.min(columns.place))
)
ONE = held(select(*LISTED).where(columns.id == bindparam("id")))
these_in_stock = columns.id.in_(bindparam("ids", expanding=True)) & (columns.stock > 0)
IN_STOCK = held(select(*LISTED).where(these_in_stock))


def cards(wish: Wish, limit: int, offset: int = 0) -> list[Card]:
    """A page of the shelf, best first."""
    if wish.hopeless:
        return []
    rows = run(cards_query(wish.shape), {**wish.parameters(), "limit": limit, "offset": offset})
    return [Card(id, in_words(name, names), *others) for id, name, *others, names in rows.all()]


def listed(row: Sequence[Any]) -> Listed:
    """The product in a row of `LISTED`."""
    *shown, names, descriptions = row
    own = Listed(*shown)
    name, description = in_words(own.name, names), in_words(own.description, descriptions)
    if (name, description) == (own.name, own.description):
        return own
    return replace(own, name=name, description=description, untranslated=own)


def products_after(wish: Wish, place: int, limit: int) -> list[Listed]:
    """Products in the catalogue's order, from the one after `place`: stable while others are added."""
    if wish.hopeless:
        return []
    rows = run(list_query(wish.shape), {**wish.parameters(), "place": place, "limit": limit})
    return [listed(row) for row in rows.all()]


def count(wish: Wish) -> int:
    """How many there are; in which order makes no difference."""
    return 0 if wish.hopeless else int(run(count_query(wish.shape._replace(sort="")), wish.parameters()).scalar_one())


def categories() -> list[tuple[str, int]]:
    """The categories in the order in which the catalogue first names them, and how many products each has."""
    return [(name, many) for name, many in run(CATEGORIES)]


def read_product(product_id: str) -> Listed:
    """The product as it is shown; raises `NotFound`."""
    row = run(ONE, {"id": product_id}).one_or_none() if is_id(product_id) else None
    if row is None:
        raise NotFound(_("There is no such product in this shop."))
    return listed(row)


def in_stock(product_ids: Collection[str]) -> dict[str, Listed]:
    """Those of the products that can be sold at this moment, by id."""
    return {row.id: listed(row) for row in run(IN_STOCK, {"ids": list(product_ids)})}


def find_product(product_id: str) -> Product:
    """The product's own row, to be changed; raises `NotFound`."""
    product = db.session.get(Product, (current_tenant_id(), product_id)) if is_id(product_id) else None
    if product is None:
        raise NotFound(_("There is no such product in this shop."))
    return product
