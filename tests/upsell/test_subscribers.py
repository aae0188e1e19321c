"""Which jobs follow a changed cart, an order and an import."""

import subprocess
import sys

FOLLOWED = """
from storefront import Settings, create_app
create_app(Settings.from_environ({"DATA_DIR": "%s"}))
from storefront.cart.actions import cart_changed
from storefront.catalog.importer import catalog_loaded
from storefront.orders.actions import orders_changed
from storefront.upsell import subscribers
followed = {
    cart_changed: subscribers.schedule_prefetch,
    orders_changed: subscribers.schedule_training,
    catalog_loaded: subscribers.rebuild_similarity,
}
print(*(signal.name for signal, job in followed.items() if job in list(signal.receivers_for(None))))
"""


def test_the_app_follows_each_signal_whatever_else_the_process_has_imported(tmp_path: object) -> None:
    """In a process of its own, because the other tests import the subscribers anyway."""
    done = subprocess.run([sys.executable, "-c", FOLLOWED % tmp_path], check=True, capture_output=True, text=True)
    assert done.stdout.split() == ["cart-changed", "orders-changed", "catalog-loaded"]
