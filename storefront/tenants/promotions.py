"""A shop's promotions: what they give, and on which conditions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Self
from zoneinfo import ZoneInfo

from storefront import money


@dataclass(frozen=True)
class Promotion:
    """One of `percent` per cent off the subtotal, an `amount` off it, or free shipping.

    Amounts are in minor units. It is valid from the day `starts` to the day `until`, both included, in the shop's time
    zone. An `automatic` one applies without its code. None means no condition."""

    code: str
    percent: Decimal | None
    until: date | None = None
    starts: date | None = None
    amount: int | None = None
    free_shipping: bool = False
    min_subtotal: int = 0
    limit: int | None = None
    per_customer: int | None = None
    automatic: bool = False

    @classmethod
    def of(cls, stored: Mapping[str, Any], currency: str) -> Self:
        def amount(name: str) -> int | None:
            return money.parse(stored[name], currency) if stored.get(name) else None

        def day(name: str) -> date | None:
            return date.fromisoformat(stored[name]) if stored.get(name) else None

        return cls(
            code=stored["code"].upper(),
            percent=Decimal(stored["percent"]) if stored.get("percent") is not None else None,
            until=day("until"),
            starts=day("from"),
            amount=amount("amount"),
            free_shipping=bool(stored.get("free_shipping")),
            min_subtotal=amount("min_subtotal") or 0,
            limit=stored.get("limit"),
            per_customer=stored.get("per_customer"),
            automatic=bool(stored.get("automatic")),
        )

    @property
    def is_counted(self) -> bool:
        """Whether its uses are limited, in all or for each customer."""
        return self.limit is not None or self.per_customer is not None

    def expired(self, now: datetime, timezone: ZoneInfo) -> bool:
        """Whether the last day has ended in the shop's time zone."""
        return self.until is not None and now.astimezone(timezone).date() > self.until

    def not_started(self, now: datetime, timezone: ZoneInfo) -> bool:
        """Whether the first day is still to come in the shop's time zone."""
        return self.starts is not None and now.astimezone(timezone).date() < self.starts
