"""Amounts as Stripe counts them, which for some currencies isn't ISO 4217's minor unit.

See https://docs.stripe.com/currencies#zero-decimal and #special-cases."""

from storefront.money import minor_unit_digits

HUNDREDTHS = {"ISK": 100, "UGX": 100}
"""Currencies without decimals that Stripe counts in hundredths, for old times' sake."""
TENS_ONLY_DIGITS = 3
"""Of a currency with three decimals, Stripe takes multiples of ten only."""


def to_stripe(amount: int, currency: str) -> int:
    """Return an amount of minor units as Stripe's. Raises `ValueError` if Stripe can't charge exactly that."""
    if minor_unit_digits(currency) == TENS_ONLY_DIGITS and amount % 10:
        raise ValueError(f"Stripe rounds amounts of {currency} to two decimals")
    return amount * HUNDREDTHS.get(currency, 1)


def from_stripe(amount: int, currency: str) -> int:
    """Return Stripe's amount in minor units."""
    return amount // HUNDREDTHS.get(currency, 1)
