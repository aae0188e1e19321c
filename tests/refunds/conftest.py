"""The shop that takes payments, and its fake of Stripe."""

from tests.payments.conftest import ada, die, open_shop, stripe

__all__ = ["ada", "die", "open_shop", "stripe"]
