"""A buyer who pays with Stripe, and its fake."""

from tests.payments.conftest import ada, open_shop, stripe

__all__ = ["ada", "open_shop", "stripe"]
