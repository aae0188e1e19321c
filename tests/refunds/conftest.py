"""The shop that takes payments, and its fake of Stripe."""

from tests.payments.conftest import ada, open_shop, stripe

__all__ = ["ada", "open_shop", "stripe"]
