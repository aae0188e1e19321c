"""Reads of refunds."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select

from storefront.db.base import table_of
from storefront.db.tenancy import execute, tenant_scoped
from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.orders.refund_models import Refund, RefundLine, RefundStatus
from storefront.pricing.price import TaxLine


@dataclass(frozen=True)
class RefundLineView:
    """A refunded quantity of a variant; amounts in minor units."""

    refund_id: str
    variant_id: str
    product_id: str
    quantity: int
    amount: int
    discount: int
    tax: int
    restocked: int


@dataclass(frozen=True)
class RefundView:
    """A refund as stored; amounts in minor units."""

    id: str
    order_id: str
    number: str | None
    status: str
    currency: str
    amount: int
    shipping: int
    shipping_tax: int
    tax_lines: tuple[TaxLine, ...]
    reason: str | None
    fingerprint: str
    attempt: int
    provider_id: str | None
    failure: str | None
    created_at: datetime
    seller: dict[str, str] | None
    finished_at: datetime | None
    lines: tuple[RefundLineView, ...]

    @property
    def is_pending(self) -> bool:
        return self.status == RefundStatus.PENDING

    @property
    def counts(self) -> bool:
        """Whether its money is or may be gone."""
        return self.status != RefundStatus.FAILED

    @property
    def is_restocked(self) -> bool:
        return any(line.restocked for line in self.lines)


refunds, refund_lines = table_of(Refund), table_of(RefundLine)
REFUND_COLUMNS = [refunds.c[field.name] for field in fields(RefundView) if field.name != "lines"]
REFUND_LINE_COLUMNS = [refund_lines.c[field.name] for field in fields(RefundLineView)]
IN_ORDERS = refunds.c.order_id.in_(bindparam("orders", expanding=True))
SELECT_REFUNDS = tenant_scoped(select(*REFUND_COLUMNS).where(IN_ORDERS).order_by(refunds.c.created_at, refunds.c.id))
SELECT_REFUND = tenant_scoped(select(*REFUND_COLUMNS).where(refunds.c.id == bindparam("refund")))
SELECT_REFUND_LINES = tenant_scoped(
    select(*REFUND_LINE_COLUMNS)
    .where(refund_lines.c.refund_id.in_(bindparam("refunds", expanding=True)))
    .order_by(refund_lines.c.variant_id)
)


def find_refund(refund_id: str) -> RefundView | None:
    found = with_lines(execute(SELECT_REFUND, {"refund": refund_id}).all())
    return found[0] if found else None


def load_refund(refund_id: str) -> RefundView:
    """Raises `NotFound`."""
    found = find_refund(refund_id)
    if found is None:
        raise NotFound(_("We couldn't find this refund."))
    return found


def refunds_of(order_ids: Sequence[str]) -> dict[str, list[RefundView]]:
    """Return the refunds of these orders by order, the first one first. Orders without any are left out."""
    found: dict[str, list[RefundView]] = {}
    rows = execute(SELECT_REFUNDS, {"orders": list(order_ids)}).all() if order_ids else []
    for refund in with_lines(rows):
        found.setdefault(refund.order_id, []).append(refund)
    return found


def with_lines(rows: Sequence[Any]) -> list[RefundView]:
    lines: dict[str, list[RefundLineView]] = {row.id: [] for row in rows}
    if rows:
        for line in execute(SELECT_REFUND_LINES, {"refunds": list(lines)}):
            lines[line.refund_id].append(RefundLineView(**line._mapping))
    return [refund_view(row._mapping, tuple(lines[row.id])) for row in rows]


def refund_view(stored: Mapping[str, Any], lines: tuple[RefundLineView, ...]) -> RefundView:
    taxes = tuple(TaxLine.of(line) for line in stored["tax_lines"] or ())
    return RefundView(**{**stored, "tax_lines": taxes}, lines=lines)


def restocked_of(refunds: Iterable[RefundView]) -> Counter[str]:
    """Return how many of each variant came back into stock with these refunds, also with those that failed."""
    found: Counter[str] = Counter()
    for refund in refunds:
        for line in refund.lines:
            found[line.variant_id] += line.restocked
    return found


def back_of_failed(refunds: Iterable[RefundView]) -> Counter[str]:
    """Return how many of each variant failed refunds have put back into stock that no later one has refunded.
    `refunds` are all of an order, the first one first."""
    found: Counter[str] = Counter()
    for refund in refunds:
        for line in refund.lines:
            if refund.counts:
                found[line.variant_id] -= min(found[line.variant_id], line.quantity - line.restocked)
            else:
                found[line.variant_id] += line.restocked
    return found
