"""The cart tables."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, CheckConstraint, ForeignKeyConstraint, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from storefront.catalog.models import Product
from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant
from storefront.ids import new_id, new_token

IS_OPEN = text("cart.status = 'open'")
"""A condition for statements, without a bound parameter: its value would decide whether the partial index below can be
used, and SQLite would compile the statement again each time that it runs."""
ONLY_OPEN = text("status = 'open'")


class CartStatus(StrEnum):
    OPEN = "open"
    ORDERED = "ordered"


class Cart(OwnedByTenant, Model):
    """The id is an unguessable capability for the cart. `shopper` identifies the browser, across its carts."""

    __tablename__ = "cart"
    __table_args__ = (
        CheckConstraint("status IN ('open', 'ordered')", name="status_known"),
        Index(None, "tenant_id", "created_at", sqlite_where=ONLY_OPEN, postgresql_where=ONLY_OPEN),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_token)
    shopper: Mapped[str] = mapped_column(String(32))
    status: Mapped[str] = mapped_column(String(8), default=CartStatus.OPEN)
    promo_code: Mapped[str | None]
    country: Mapped[str | None] = mapped_column(String(2))
    """Where it is to be sent, as far as it was chosen; and by which of the shop's methods."""
    shipping_method: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    lines: Mapped[list["CartLine"]] = relationship(order_by="CartLine.position", viewonly=True)


class CartLine(OwnedByTenant, Model):
    """A quantity of a variant of a product, at its current price."""

    __tablename__ = "cart_line"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "cart_id"], ["cart.tenant_id", "cart.id"], ondelete="CASCADE"),
        ForeignKeyConstraint(["tenant_id", "product_id"], ["product.tenant_id", "product.id"]),
        ForeignKeyConstraint(
            ["tenant_id", "product_id", "variant_id"], ["variant.tenant_id", "variant.product_id", "variant.id"]
        ),
        CheckConstraint("quantity BETWEEN 1 AND 999", name="quantity_in_range"),
    )

    cart_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    product_id: Mapped[str] = mapped_column(String(64))
    variant_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    quantity: Mapped[int]
    from_upsell: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(BigInteger, default=new_id)

    product: Mapped[Product] = relationship(foreign_keys=[product_id], viewonly=True)
