"""The tenant and setting tables."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.ids import new_id

NOT_ITS_KEY = {"key_share": True}
"""How a change locks a shop's row, for `with_for_update`. All rows of a shop refer to its key. A lock of the key, too,
would deadlock with a transaction that adds a row after it has locked the shop's sequence of events."""


class Tenant(Model):
    """A shop, as stored. Read it through `storefront.tenants.registry`, which returns a `TenantSettings`."""

    __tablename__ = "tenant"

    id: Mapped[str] = mapped_column(String(63), primary_key=True)
    name: Mapped[str]
    currency: Mapped[str] = mapped_column(String(3))
    locale: Mapped[str]
    timezone: Mapped[str | None]
    """None: the default of the locale."""
    theme: Mapped[dict[str, Any]] = mapped_column(JSON)
    tax: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    promotions: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    upsell: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    taxonomy_translations: Mapped[dict[str, dict[str, str]] | None] = mapped_column(JSON)
    category_order: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """Categories as staff has ordered them; others follow in catalogue order."""
    country: Mapped[str | None] = mapped_column(String(2))
    contact: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """`email`, `phone`, `address`, `company` and `vat_id`, those that are given. Written with the two below by
    `contact_columns`."""
    legal_texts: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    """By `LegalPage`: a text in the default language, or texts by language."""
    legal_pages: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """The keys of `legal_texts`."""
    shipping: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON(none_as_null=True))
    payment: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """Ids of payment methods."""
    upsell_enabled: Mapped[bool | None]
    """Set by `flask upsell on|off --tenant`; None: the setting for all shops. UPSELL_ENABLED=false overrides it."""


class Setting(Model):
    """A setting for all shops and processes that is changed at run time."""

    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[str]


class ShopRemoval(Model):
    """That a shop was removed for good: when, and by whom. From its beginning on, the shop isn't served any more; until
    its end, the database lets the shop's events be deleted. It refuses to delete this row, and to change it afterwards.
    """

    __tablename__ = "shop_removal"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False, default=new_id)
    shop_id: Mapped[str] = mapped_column(String(63))
    name: Mapped[str]
    started_by: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
