"""The product table."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, BigInteger, CheckConstraint, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant
from storefront.ids import new_id

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


class Product(StockState, OwnedByTenant, Model):
    """`price` is in minor units of the tenant's currency. `position` orders the catalogue: new products come last."""

    __tablename__ = "product"
    __table_args__ = (
        CheckConstraint("stock >= 0", name="stock_not_negative"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        Index(None, "tenant_id", "position", unique=True),
        Index(None, "tenant_id", "category", "position"),
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
    position: Mapped[int] = mapped_column(BigInteger, default=new_id)
    search_name: Mapped[str]
    """Search terms of the name in all languages, used for ranking."""
    search_text: Mapped[str]
    """Search terms of everything that is searched, indexed by both databases."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, onupdate=now)
