"""The tables of products and their variants."""

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    Integer,
    SmallInteger,
    String,
    bindparam,
    case,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant
from storefront.ids import new_id

HAS_OPTIONS = text("options IS NOT NULL")
LOW_STOCK_THRESHOLD = 5
"""At this stock and below, pages show how many are left."""


class StockState:
    """Stock states as displayed: sold out, low stock."""

    __slots__ = ()
    if TYPE_CHECKING:
        stock: Any

    @property
    def sold_out(self) -> bool:
        return bool(self.stock <= 0)

    @property
    def is_low_stock(self) -> bool:
        return bool(0 < self.stock <= LOW_STOCK_THRESHOLD)


class ProductStatus(StrEnum):
    """Only what is active is on sale: found, shown, suggested and added to carts."""

    ACTIVE = "active"
    DRAFT = "draft"
    ARCHIVED = "archived"


ON_SALE, OFF_SALE = text("status = 'active'"), text("status <> 'active'")
"""Of the partial indexes; see `queries.IS_ON_SALE`."""


LOW_STOCK = text(f"status = 'active' AND stock <= {LOW_STOCK_THRESHOLD}")
"""Of a partial index of variants."""


def on_sale_index(*columns: str) -> Index:
    name = "_".join(("ix_product_on_sale", *columns))
    return Index(name, "tenant_id", *columns, sqlite_where=ON_SALE, postgresql_where=ON_SALE)


class Product(StockState, OwnedByTenant, Model):
    """`position` orders the catalogue: new products come last.

    `price`, in minor units of the tenant's currency, is the lowest of the active variants, and `stock` the sum of
    theirs: stored here, because lists, search and pages of products without options then read one row.

    The variants of a product that isn't on sale are archived with it, so its stock is 0, and whatever asks for stock
    leaves it out."""

    __tablename__ = "product"
    __table_args__ = (
        CheckConstraint("stock >= 0", name="stock_not_negative"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        Index(None, "tenant_id", "position", unique=True),
        CheckConstraint("status IN ('active', 'draft', 'archived')", name="status_known"),
        Index(None, "tenant_id", "category", "position"),
        Index(
            "ix_product_with_options", "tenant_id", "position", sqlite_where=HAS_OPTIONS, postgresql_where=HAS_OPTIONS
        ),
        on_sale_index("category", "position"),
        on_sale_index("position"),
        Index(
            "ix_product_off_sale_status_position",
            *("tenant_id", "status", "position"),
            sqlite_where=OFF_SALE,
            postgresql_where=OFF_SALE,
        ),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str]
    name_translations: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """Translations by language, without the shop's default language."""
    description: Mapped[str] = mapped_column(default="")
    description_translations: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    category: Mapped[str] = mapped_column(default="")
    price: Mapped[int] = mapped_column(BigInteger)
    stock: Mapped[int] = mapped_column(Integer)
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    image: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(String(8), default=ProductStatus.ACTIVE)
    options: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    """`[{"name": "Colour", "values": ["Red", "Blue"]}]` in the shop's default language; None for a product without
    options, which has one variant with the product's own id."""
    options_translations: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    """In the order of `options`: `[{"name": {"de": "Farbe"}, "values": [{"de": "Rot"}, {}]}]`."""
    tax_class: Mapped[str | None] = mapped_column(String(40))
    """None: the shop's main rate."""
    weight: Mapped[int | None]
    """In grams; None if it isn't known."""
    prior_price: Mapped[int | None] = mapped_column(BigInteger)
    prior_price_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Of a product without options, the same as its variant's: see there."""
    position: Mapped[int] = mapped_column(BigInteger, default=new_id)
    search_name: Mapped[str]
    """Search terms of the name in all languages, used for ranking."""
    search_text: Mapped[str]
    """Search terms of everything that is searched, indexed by both databases."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)


def current_prior_price(columns: Any) -> Any:
    """Return the column of a product's or variant's prior price, while its price counts as reduced."""
    moment = bindparam("reduced_at", callable_=now, type_=UtcDateTime())
    return case((columns.prior_price_until > moment, columns.prior_price)).label("prior_price")


class VariantStatus(StrEnum):
    ACTIVE = "active"
    ARCHIVED = "archived"
    """No longer sold. Carts and orders may still refer to it."""


class Variant(StockState, OwnedByTenant, Model):
    """What is sold: a combination of a product's options, with its own price, in minor units, and stock.

    Change the stock of an existing variant by `catalog.stock` only, which changes the product's sum with it."""

    __tablename__ = "variant"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "product_id"], ["product.tenant_id", "product.id"]),
        CheckConstraint("stock >= 0", name="stock_not_negative"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("status IN ('active', 'archived')", name="status_known"),
        Index("ix_variant_tenant_id_product_id_id", "tenant_id", "product_id", "id", unique=True),
        Index(
            "ix_variant_low_stock",
            *("tenant_id", "product_id"),
            sqlite_where=LOW_STOCK,
            postgresql_where=LOW_STOCK,
        ),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    """Unique among the shop's variants and products; that of a product without options is the product's own."""
    product_id: Mapped[str] = mapped_column(String(64))
    position: Mapped[int] = mapped_column(SmallInteger, default=0)
    """Orders the variants of the product."""
    options: Mapped[list[str]] = mapped_column(JSON, default=list)
    """A value of each of the product's options, in their order, in the shop's default language."""
    price: Mapped[int] = mapped_column(BigInteger)
    stock: Mapped[int] = mapped_column(Integer)
    image: Mapped[str] = mapped_column(default="")
    """Empty for the product's."""
    sku: Mapped[str] = mapped_column(default="")
    gtin: Mapped[str | None]
    prior_price: Mapped[int | None] = mapped_column(BigInteger)
    """The lowest price of the 30 days before the price was reduced, in minor units."""
    prior_price_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Until when the price counts as reduced."""
    status: Mapped[str] = mapped_column(String(8), default=VariantStatus.ACTIVE)
    archived_with_product: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Archived because its product isn't on sale, and active again with it."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)
