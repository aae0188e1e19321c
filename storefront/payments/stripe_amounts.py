"""Amounts as Stripe counts them, which for some currencies isn't ISO 4217's minor unit.

See https://docs.stripe.com/currencies: #zero-decimal, #three-decimal, #special-cases and
#minimum-and-maximum-charge-amounts."""

from storefront.i18n.formatting import format_money
from storefront.i18n.gettext import N_, _
from storefront.money import minor_unit_digits

HUNDREDTHS = {"ISK": 100, "UGX": 100}
"""Currencies without decimals that Stripe counts in hundredths, for old times' sake."""
TENS_ONLY_DIGITS = 3
"""Of a currency with three decimals, Stripe takes multiples of ten only."""
MINIMUMS = {
    **dict.fromkeys(("AUD", "BRL", "CAD", "CHF", "EUR", "INR", "NZD", "SGD", "USD", "JPY"), 50),
    **dict.fromkeys(("AED", "MYR", "PLN", "RON"), 200),
    **dict.fromkeys(("NOK", "SEK"), 300),
    **{"BGN": 100, "CZK": 1500, "DKK": 250, "GBP": 30, "HKD": 400, "HUF": 17_500, "MXN": 1000, "THB": 1000},
}
"""The smallest charges, in minor units, of accounts that are paid out in the same currency. Of another one, Stripe
converts the amount, at a rate that only Stripe knows."""
MAX_DIGITS, USUAL_MAX_DIGITS = {"IDR": 12, "INR": 9, "LBP": 14, "COP": 13, "HUF": 13, "JPY": 13}, 8
"""Digits of the greatest charges, as Stripe counts the amount."""

NOT_IN_TENS = N_("Online payments can't take this amount, because its last decimal isn't 0.")


def amount_fault(amount: int, currency: str) -> str | None:
    """Return a sentence that says why Stripe can't charge an amount of minor units; None if it can."""
    factor = HUNDREDTHS.get(currency, 1)
    minimum = MINIMUMS.get(currency, 1)
    maximum = (10 ** MAX_DIGITS.get(currency, USUAL_MAX_DIGITS) - 1) // factor
    if amount < minimum:
        return _("Online payments must be at least %(amount)s.", amount=format_money(minimum, currency))
    if amount > maximum:
        return _("Online payments can't be more than %(amount)s.", amount=format_money(maximum, currency))
    if minor_unit_digits(currency) == TENS_ONLY_DIGITS and amount % 10:
        return _(NOT_IN_TENS)
    return None


def to_stripe(amount: int, currency: str) -> int:
    """Return an amount of minor units as Stripe's. Raises `ValueError` if Stripe can't charge exactly that."""
    if minor_unit_digits(currency) == TENS_ONLY_DIGITS and amount % 10:
        raise ValueError(f"Stripe rounds amounts of {currency} to two decimals")
    return amount * HUNDREDTHS.get(currency, 1)


def from_stripe(amount: int, currency: str) -> int:
    """Return Stripe's amount in minor units."""
    return amount // HUNDREDTHS.get(currency, 1)
