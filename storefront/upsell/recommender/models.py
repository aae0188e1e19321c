"""The recommender's tables."""

from enum import StrEnum

from sqlalchemy import (
    JSON,
    BigInteger,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant


class ProductAffinity(OwnedByTenant, Model):
    """One product: in how many orders it was, with what else, and which texts are similar to its own. Other products
    are known by their `item_index`, which is small, and dense within the tenant. See `cooccurrence.py` for the content
    of the bytes."""

    __tablename__ = "product_affinity"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "product_id"], ["product.tenant_id", "product.id"]),
        Index(None, "tenant_id", "item_index", unique=True),
    )

    product_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    item_index: Mapped[int] = mapped_column(Integer)
    order_count: Mapped[int] = mapped_column(Integer, default=0)
    complements_digest: Mapped[str] = mapped_column(String(16), default="")
    """The digest of the texts from which its complements were generated; empty if they never were."""
    cooccurrences: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    """Of orders: see `CooccurrenceRow`."""
    similar_items: Mapped[bytes] = mapped_column(LargeBinary, default=b"")


class CategoryAffinity(OwnedByTenant, Model):
    """A category, or the part before the first ">" in one: the weight of the pairs that its products made with those of
    other categories, in thousandths, by the others' numbers."""

    __tablename__ = "category_affinity"
    __table_args__ = (Index(None, "tenant_id", "category_index", unique=True),)

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    category_index: Mapped[int] = mapped_column(Integer)
    cooccurrences: Mapped[bytes] = mapped_column(LargeBinary, default=b"")


class ComplementSource(StrEnum):
    """The origin of a complement."""

    SHOP = "shop"
    LLM = "llm"


class Complement(OwnedByTenant, Model):
    """What completes a product: another product or, with that empty, a category; and why, in one sentence. A pair has
    one row: the shop's own if it says so in `catalog.json`, else the one that a model generated."""

    __tablename__ = "complement"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "product_id"], ["product.tenant_id", "product.id"]),)

    product_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    complement_product_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    category: Mapped[str] = mapped_column(String(80), primary_key=True)
    explanation: Mapped[str]
    """In the shop's own language; empty when only the pair is known."""
    explanation_translations: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """`why` by language, in others than the shop's own."""
    source: Mapped[str] = mapped_column(String(8), default=ComplementSource.LLM.value)
    position: Mapped[int] = mapped_column(SmallInteger, default=0)
    """0 for the product's best complement."""


class TrainingState(OwnedByTenant, Model):
    """The progress of training: the id of the last processed event. `text_digest` is the digest of the products'
    texts from which `similar_items` was computed."""

    __tablename__ = "recommender_state"

    last_event_id: Mapped[int] = mapped_column(BigInteger, default=0)
    order_count: Mapped[int] = mapped_column(Integer, default=0)
    text_digest: Mapped[str] = mapped_column(String(64), default="")
