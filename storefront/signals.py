"""Signals that other packages may follow: a subscriber imports one from here, not the package that sends it."""

from blinker import signal

cart_changed = signal("cart-changed")
"""Sent with `cart_id` after what is in a cart was changed, and committed."""
orders_changed = signal("orders-changed")
"""Sent after an order was placed or cancelled, and committed."""
products_imported = signal("products-imported")
"""Sent for each shop inside the import's transaction, with its `connection`, the `tenant` as in the file, and the
`product_ids` that follow the file: the new ones, and with `--update` all. Receivers return the ids of products of which
they changed something outside the product's own row."""
catalog_loaded = signal("catalog-loaded")
"""Sent with `tenant_ids` after shops or products were loaded, and committed."""
