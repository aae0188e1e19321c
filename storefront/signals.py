"""Signals that other packages may follow: a subscriber imports one from here, not the package that sends it."""

from blinker import signal

cart_changed = signal("cart-changed")
"""Sent with `cart_id` after what is in a cart was changed, and committed."""
orders_changed = signal("orders-changed")
"""Sent after an order was placed or cancelled, and committed."""
catalog_loaded = signal("catalog-loaded")
"""Sent with `tenant_ids` after shops or products were loaded, and committed."""
