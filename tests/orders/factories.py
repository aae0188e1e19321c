"""Rows of what may follow an order: a refund, the use of a promotion."""

from flask import Flask

from storefront.clock import now
from storefront.db.tenancy import insert_rows
from storefront.db.transactions import write
from storefront.orders.refund_models import CreditNoteCounter, Refund, RefundLine
from storefront.promotions.models import PromotionUsage, PromotionUse
from tests.tenants.factories import acting_in


def insert_rows_of_order(app: Flask, tenant_id: str, order_id: str, product_id: str) -> None:
    """Insert a row into each of their tables."""
    with acting_in(app, tenant_id), write():
        refund = {"id": "r", "order_id": order_id, "status": "failed", "currency": "EUR", "amount": 1, "shipping": 0}
        insert_rows(Refund, [{**refund, "shipping_tax": 0, "fingerprint": "", "attempt": 1, "created_at": now()}])
        line = {"refund_id": "r", "variant_id": product_id, "product_id": product_id, "quantity": 1, "amount": 1}
        insert_rows(RefundLine, [{**line, "discount": 0, "tax": 0, "restocked": 0}])
        insert_rows(CreditNoteCounter, [{"year": 2026, "last": 1}])
        insert_rows(PromotionUsage, [{"code": "X", "used": 1}])
        insert_rows(PromotionUse, [{"order_id": order_id, "code": "X", "customer": "x"}])
