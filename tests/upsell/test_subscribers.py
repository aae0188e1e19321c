"""The app connects a subscriber to each signal: changed cart, changed orders and loaded catalogue."""

import subprocess
import sys

PRINT_CONNECTED_SIGNALS = """
from storefront import Settings, create_app
create_app(Settings.from_environ({"DATA_DIR": "%s"}))
from storefront.signals import cart_changed, catalog_loaded, orders_changed
from storefront.upsell import subscribers
expected = {
    cart_changed: subscribers.schedule_prefetch,
    orders_changed: subscribers.schedule_training,
    catalog_loaded: subscribers.rebuild_similarity,
}
print(*(signal.name for signal, job in expected.items() if job in list(signal.receivers_for(None))))
"""


def test_creating_the_app_connects_every_subscriber(tmp_path: object) -> None:
    """In a process of its own, because the other tests import the subscribers anyway."""
    done = subprocess.run(
        [sys.executable, "-c", PRINT_CONNECTED_SIGNALS % tmp_path], check=True, capture_output=True, text=True
    )
    assert done.stdout.split() == ["cart-changed", "orders-changed", "catalog-loaded"]
