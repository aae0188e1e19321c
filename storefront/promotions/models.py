"""The tables of the uses of limited promotions."""

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant


class PromotionUsage(OwnedByTenant, Model):
    """How often a limited promotion is used. Its row is locked from a use to the end of the transaction, so that
    concurrent orders count one after another."""

    __tablename__ = "promotion_usage"
    __table_args__ = (CheckConstraint("used >= 0", name="used_not_negative"),)

    code: Mapped[str] = mapped_column(String(40), primary_key=True)
    used: Mapped[int]


class PromotionUse(OwnedByTenant, Model):
    """The use of a limited promotion by an order. `customer` is a digest of the email address."""

    __tablename__ = "promotion_use"
    __table_args__ = (Index(None, "tenant_id", "code", "customer"),)

    order_id: Mapped[str] = mapped_column(String(32), primary_key=True)
    code: Mapped[str] = mapped_column(String(40))
    customer: Mapped[str] = mapped_column(String(64))
