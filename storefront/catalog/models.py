"""Products: what is for sale, and how they are found."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ColumnElement,
    Index,
    Integer,
    SQLColumnExpression,
    String,
    and_,
    case,
    column,
    false,
    func,
    literal,
    literal_column,
    select,
    table,
)
from sqlalchemy.orm import Mapped, mapped_column

from storefront.catalog.rules import fold, fts5_query, fts5_query_any, tsquery, tsquery_any
from storefront.clock import UtcDateTime, now
from storefront.database import Model, OwnedByTenant, current_tenant_id, db, is_id, new_id
from storefront.errors import NotFound

LOW = 5
"""At this stock and below, the page says how many are left."""


class StockState:
    """What a stock means for the shopper."""

    stock: Mapped[int]

    @property
    def sold_out(self) -> bool:
        return self.stock <= 0

    @property
    def low(self) -> bool:
        return 0 < self.stock <= LOW


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
    description: Mapped[str] = mapped_column(default="")
    category: Mapped[str] = mapped_column(default="")
    price: Mapped[int] = mapped_column(BigInteger)
    stock: Mapped[int] = mapped_column(Integer)
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    image: Mapped[str] = mapped_column(default="")
    place: Mapped[int] = mapped_column(BigInteger, default=new_id)
    name_words: Mapped[str]
    """The folded words of the name; what the search ranks by."""
    words: Mapped[str]
    """The folded words of everything that is searched; both databases index it."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)


@dataclass(frozen=True)
class Wish:
    """What somebody looks for: products with all of these words (the last may be the beginning of one)."""

    q: str = ""
    category: str = ""
    in_stock: bool = False

    @property
    def terms(self) -> list[str]:
        return fold(self.q)[:16]

    def conditions(self) -> list[ColumnElement[bool]]:
        found: list[ColumnElement[bool]] = []
        if self.category:
            found.append(Product.category == self.category.replace("\0", ""))
        if self.in_stock:
            found.append(Product.stock > 0)
        if self.terms:
            found.append(has_words(self.terms))
        elif self.q.strip():
            found.append(false())  # only signs were asked for, and those are nobody's words
        return found

    def best_first(self) -> list[SQLColumnExpression[int]]:
        """Products whose name has the words come before those that only mention them; then the catalogue's order."""
        if not self.terms:
            return [Product.place]
        named = and_(*((literal(" ") + Product.name_words).contains(" " + term) for term in self.terms))
        return [case((named, 0), else_=1), Product.place]


def has_words(terms: list[str]) -> ColumnElement[bool]:
    """The condition that a product has all of these folded words, the last one perhaps only begun."""
    if db.engine.dialect.name == "postgresql":
        return found_by(tsquery(terms))
    return found_by(fts5_query(current_tenant_id(), terms))


def found_by(query: str) -> ColumnElement[bool]:
    """The condition that the database's own full-text index finds a product by this query in its own language."""
    if db.engine.dialect.name == "postgresql":
        return SEARCH_COLUMN.op("@@", is_comparison=True)(tsquery_of(query))
    return Product.place.in_(select(SEARCH_TABLE.c.rowid).where(SEARCH_TABLE.c.product_search.match(query)))


def closest(query: Any, words: Sequence[str]) -> Any:
    """Those of the products selected that have at least one of these folded words, the closest first."""
    if db.engine.dialect.name == "postgresql":
        any_of_them = tsquery_of(tsquery_any(words))
        found = query.where(SEARCH_COLUMN.op("@@", is_comparison=True)(any_of_them))
        return found.order_by(func.ts_rank(SEARCH_COLUMN, any_of_them).desc(), Product.place)
    found = query.join(SEARCH_TABLE, SEARCH_TABLE.c.rowid == Product.place)
    match = SEARCH_TABLE.c.product_search.match(fts5_query_any(current_tenant_id(), words))
    return found.where(match).order_by(SEARCH_TABLE.c.rank, Product.place)


SEARCH_TABLE = table("product_search", column("rowid"), column("product_search"), column("rank"))
"""SQLite's index."""
SEARCH_COLUMN: ColumnElement[Any] = literal_column("product.search")
"""PostgreSQL's."""


def tsquery_of(query: str) -> ColumnElement[Any]:
    return func.to_tsquery(literal_column("'simple'"), query)


@dataclass(frozen=True)
class Card(StockState):
    """A product as a card of a list shows it. Plain columns cost a third of whole entities, and lists are the most
    visited pages."""

    id: str
    name: str
    price: int
    stock: int
    image: str


def find_product(product_id: str) -> Product:
    """The product of the current tenant; raises `NotFound`."""
    product = db.session.get(Product, (current_tenant_id(), product_id)) if is_id(product_id) else None
    if product is None:
        raise NotFound("There is no such product in this shop.")
    return product


def cards(wish: Wish, limit: int, offset: int = 0) -> list[Card]:
    """A page of the list, best first."""
    columns = (Product.id, Product.name, Product.price, Product.stock, Product.image)
    query = select(*columns).where(*wish.conditions()).order_by(*wish.best_first())
    return [Card(*row) for row in db.session.execute(query.limit(limit).offset(offset))]


def count(wish: Wish) -> int:
    return db.session.scalar(select(func.count()).select_from(Product).where(*wish.conditions())) or 0


def products_after(wish: Wish, place: int, limit: int) -> Sequence[Product]:
    """Products in the catalogue's order, from the one after `place`: stable while others are added."""
    query = select(Product).where(*wish.conditions(), Product.place > place).order_by(Product.place)
    return db.session.scalars(query.limit(limit)).all()


def categories() -> Sequence[tuple[str, int]]:
    """The categories in the order in which the catalogue first names them, and how many products each has."""
    query = (
        select(Product.category, func.count())
        .where(Product.category != "")
        .group_by(Product.category)
        .order_by(func.min(Product.place))
    )
    return [tuple(row) for row in db.session.execute(query)]  # type: ignore[misc]
