"""Changes of payments, inside `write()`: each locks the order's row first, then the payment's, so that they never
deadlock, and changes the copy of the status in `orders` with it."""

from typing import Any

from sqlalchemy import bindparam, select, update

from storefront.cart.models import Cart, CartStatus
from storefront.clock import now
from storefront.db.base import table_of
from storefront.db.tenancy import execute, insert_rows, tenant_scoped
from storefront.ids import new_token
from storefront.orders.models import Order
from storefront.orders.payment_choice import ONLINE_METHODS
from storefront.orders.payment_models import PaymentStatus
from storefront.orders.payment_queries import PAYMENT_COLUMNS, PaymentView, payments

orders, carts = table_of(Order), table_of(Cart)
LOCK_ORDER = tenant_scoped(select(orders.c.status).where(orders.c.id == bindparam("order")).with_for_update())
LOCK_PAYMENT = tenant_scoped(
    select(*PAYMENT_COLUMNS).where(payments.c.order_id == bindparam("order")).with_for_update()
)
this_order = update(orders).where(orders.c.id == bindparam("order"))
SET_ORDER_PAYMENT_STATUS = tenant_scoped(this_order.values(payment_status=bindparam("new_status")))
SET_ORDER_CART = tenant_scoped(this_order.values(cart_id=bindparam("cart")))
this_cart = carts.c.id == bindparam("cart")
SELECT_CART = tenant_scoped(
    select(carts.c.shopper, carts.c.promo_code, carts.c.created_at).where(this_cart).with_for_update()
)
REOPEN_CART = tenant_scoped(update(carts).where(this_cart).values(status=CartStatus.OPEN, updated_at=bindparam("now")))


def lock_payment(order_id: str) -> tuple[str, PaymentView] | None:
    """Lock an order and its payment until the transaction ends. Return the order's status and the payment; None if the
    order has no payment."""
    status = execute(LOCK_ORDER, {"order": order_id}).scalar_one_or_none()
    row = execute(LOCK_PAYMENT, {"order": order_id}).one_or_none() if status else None
    return (status, PaymentView(**row._mapping)) if status and row else None


def change_payment(order_id: str, **columns: Any) -> None:
    """Set these columns of a locked payment."""
    changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in columns}
    statement = tenant_scoped(update(payments).where(payments.c.order_id == bindparam("order")).values(changed))
    execute(statement, {"order": order_id, **{f"new_{name}": value for name, value in columns.items()}})
    if "status" in columns:
        execute(SET_ORDER_PAYMENT_STATUS, {"order": order_id, "new_status": columns["status"]})


def stop_waiting(payment: PaymentView) -> None:
    """Give up a payment that hasn't come, of an order that is cancelled. An online one is still checked: the buyer may
    be paying right now, and the provider's page has to be closed."""
    if payment.is_pending:
        check_at = now() if payment.method in ONLINE_METHODS else None
        change_payment(payment.order_id, status=PaymentStatus.EXPIRED, url=None, next_check_at=check_at)


def reopen_cart(order_id: str, cart_id: str) -> None:
    """Open the cart of a cancelled order again. A cart belongs to one order at most, so the order gets a cart without
    lines in its place."""
    cart = execute(SELECT_CART, {"cart": cart_id}).one()
    replacement = new_token()
    row = {"id": replacement, "status": CartStatus.ORDERED, **cart._mapping, "updated_at": now()}
    insert_rows(Cart, [row])
    execute(SET_ORDER_CART, {"order": order_id, "cart": replacement})
    execute(REOPEN_CART, {"cart": cart_id, "now": now()})
