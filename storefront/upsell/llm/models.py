"""Tables of the LLM call log, the response cache and the daily usage."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Date, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from storefront.clock import UtcDateTime, now
from storefront.db.base import Model
from storefront.db.tenancy import OwnedByTenant
from storefront.ids import new_id, new_token


class CallPurpose(StrEnum):
    """What a call is for."""

    RERANK = "rerank"
    """To choose among the candidates for a cart, and to explain the choice."""
    COMPLEMENTS = "complements"
    """To write down ahead of time what completes a product."""
    EVALUATION = "evaluation"
    """To try the model on past orders."""


class LlmCall(OwnedByTenant, Model):
    """One call of the model. `cost_micros` is in millionths of UPSELL_CURRENCY, None for a model without a price;
    tokens are estimated where the server counted none; `rejections` counts by cause what of the answer was not to be
    shown."""

    __tablename__ = "llm_call"
    __table_args__ = (Index(None, "tenant_id", "sort_id"), Index(None, "tenant_id", "cart_id", "sort_id"))

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_token)
    sort_id: Mapped[int] = mapped_column(BigInteger, default=new_id)
    """Grows with time."""
    purpose: Mapped[str]
    """A `CallPurpose`."""
    cart_id: Mapped[str | None] = mapped_column(String(32))
    """None for calls ahead of time, which are about no cart."""
    model: Mapped[str]
    prompt_version: Mapped[str]
    language: Mapped[str]
    prompt: Mapped[str]
    response: Mapped[str]
    prompt_tokens: Mapped[int]
    completion_tokens: Mapped[int]
    cost_micros: Mapped[int | None] = mapped_column(BigInteger)
    latency_ms: Mapped[int]
    outcome: Mapped[str]
    """A `LlmOutcome`, or one of `http_outcome`."""
    rejections: Mapped[dict[str, int]] = mapped_column(JSON)
    suggestions: Mapped[list[dict[str, str]]] = mapped_column(JSON)
    """What was kept of the answer: `[{"product_id", "explanation"}]`."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class LlmResponseCache(OwnedByTenant, Model):
    """An answer, kept under a hash of everything that was asked; without `responded_at` it is being waited for."""

    __tablename__ = "llm_response_cache"
    __table_args__ = (
        Index(None, "tenant_id", "cart_hash", "responded_at"),
        Index(None, "tenant_id", "requested_at"),
        Index(None, "tenant_id", "cart_id"),
    )

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    cart_hash: Mapped[str] = mapped_column(String(64))
    """A hash of the same without the candidates."""
    cart_id: Mapped[str] = mapped_column(String(32))
    call_id: Mapped[str | None] = mapped_column(String(32))
    suggestions: Mapped[list[dict[str, str]] | None] = mapped_column(JSON(none_as_null=True))
    """None after a call that failed."""
    requested_at: Mapped[datetime] = mapped_column(UtcDateTime)
    responded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LlmUsage(OwnedByTenant, Model):
    """What the model was used for on a day (UTC), with what is reserved for calls that are under way; `cost_micros`
    in millionths of UPSELL_CURRENCY."""

    __tablename__ = "llm_usage"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    calls: Mapped[int] = mapped_column(Integer)
    tokens: Mapped[int] = mapped_column(BigInteger)
    cost_micros: Mapped[int] = mapped_column(BigInteger)
