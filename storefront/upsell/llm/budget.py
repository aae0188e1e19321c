"""The day's budget for the model. The most that a call can use is reserved before it is made, and corrected afterwards,
so that concurrent calls of all processes together stay within the limit.

A reservation counts as use from the beginning. When a process is killed, the reservations of its running calls remain:
at most UPSELL_IN_FLIGHT of them, which may have to be paid for.
"""

from dataclasses import dataclass
from datetime import date

from storefront.clock import now
from storefront.config_values import Budget
from storefront.upsell.llm.cost import Use
from storefront.upsell.llm.usage import add_usage, reserve_use

NO_LIMIT = 2**62


class OverBudget(Exception):
    """One more call would exceed the day's budget."""


@dataclass(frozen=True)
class Reservation:
    """The use that is reserved for a call, on the day when it is made; cost in millionths of UPSELL_CURRENCY."""

    day: date
    tokens: int = 0
    cost: int = 0


def may_ask(
    budget: Budget,
    priced: bool,
    used: tuple[int, int],
    value: int,
    worth_asking_above: int | None,
    needed: tuple[int, int] = (0, 0),
) -> bool:
    """Whether one more call that can use `needed` is within the day's budget.

    `used` is today's use with reservations; both are (tokens, cost in millionths). Past the soft limit only a cart
    whose `value` (minor units) is above `worth_asking_above` may ask, and past the hard limit none. A budget in money
    allows no calls of a model without a price.
    """
    if not (priced or budget.in_tokens):
        return False
    spent, more = (used[0], needed[0]) if budget.in_tokens else (used[1], needed[1])
    if spent >= budget.hard or spent + more > budget.hard:
        return False
    return spent < budget.soft or is_worth_more(value, worth_asking_above)


def is_worth_more(value: int, worth_asking_above: int | None) -> bool:
    """Whether the model is asked about a cart of this value past the soft limit."""
    return worth_asking_above is not None and value > worth_asking_above


def reserve(budget: Budget, use: Use, past_soft: bool) -> Reservation:
    """Reserve what a call can use, in a running `write()`. Raises `OverBudget`, which rolls the `write()` back."""
    reservation = Reservation(now().date(), use.tokens, use.cost_micros or 0)
    soft = NO_LIMIT if past_soft else budget.soft
    tokens, cost = (soft, budget.hard), (NO_LIMIT, NO_LIMIT)
    if not budget.in_tokens:
        tokens, cost = cost, tokens
    if not reserve_use(reservation.day, reservation.tokens, reservation.cost, tokens, cost):
        raise OverBudget
    return reservation


def settle_use(reservation: Reservation | None, use: Use | None) -> None:
    """Replace a call's reservation by what it used, in a running `write()`. `use` is None for a call that wasn't
    made."""
    reserved = reservation or Reservation(now().date())
    if use is not None:
        add_usage(reserved.day, 1, use.tokens - reserved.tokens, (use.cost_micros or 0) - reserved.cost)
    elif reservation:
        add_usage(reserved.day, 0, -reserved.tokens, -reserved.cost)
