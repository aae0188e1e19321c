"""The signals between packages. A subscriber imports a signal from here instead of importing the sender."""

from blinker import signal

cart_changed = signal("cart-changed")
"""Sent with `cart_id` after a change of a cart's lines was committed."""
orders_changed = signal("orders-changed")
"""Sent after a placed or cancelled order was committed."""
order_with_payment_cancelled = signal("order-with-payment-cancelled")
"""Sent with `order_id` after staff's cancellation of an order that was or is to be paid was committed."""
refund_due = signal("refund-due")
"""Sent with the `order` inside the transaction that makes it both cancelled and paid, in whichever order."""
late_payment_received = signal("late-payment-received")
"""Sent with `order_id` after the payment of an order that was cancelled meanwhile was committed."""
products_imported = signal("products-imported")
"""Sent for each shop inside the import's transaction, with its `connection`, the `tenant` as in the file, and the
`product_ids` that follow the file: the new ones, and with `--update` all. Receivers return the ids of products of which
they changed something outside the product's own row."""
catalog_loaded = signal("catalog-loaded")
"""Sent with `tenant_ids` after an import was committed."""
product_edited = signal("product-edited")
"""Sent with `product_id` after a product that staff created or changed was committed; `new_texts` says whether words by
which products are compared changed."""
