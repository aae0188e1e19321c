"""Generates the checkouts of some weeks with their suggestions and orders, as plain values."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from storefront.orders.models import OrderStatus
from storefront.seeding.baskets import Baskets, SeedProduct
from storefront.seeding.customers import Customer, Customers
from storefront.seeding.order_times import checkout_times
from storefront.tenants.settings import TenantSettings
from storefront.upsell.experiment.assignment import Arm, arm_of
from storefront.upsell.types import SuggestionDraft

CHECKOUTS_PER_DAY = 26.0
HOLDOUT = 0.3
"""UPSELL_HOLDOUT during the history: large, so that the experiment's report has enough data."""
COMPLETED = 0.7
"""Share of the started checkouts that become an order."""
ACCEPTED = 0.26
"""Share of the checkouts with suggestions in which one is taken; below, the weights of the first, second and third."""
ACCEPTED_PLACES = (5, 3, 2)
PROMO_USED, ORDER_CANCELLED = 0.12, 0.03
UNSHIPPED_DAYS = 2.0
"""Maximum days until an order is shipped."""
Suggest = Callable[[Sequence[str], str], Sequence[SuggestionDraft]]
"""Returns the suggestions for a cart of these product ids in a language."""


@dataclass(frozen=True)
class Line:
    product_id: str
    quantity: int
    from_upsell: bool = False


@dataclass(frozen=True)
class Checkout:
    """A checkout that a customer started. `status` and `ordered_at` are its order's; None where none came of it."""

    cart_created_at: datetime
    started_at: datetime
    customer: Customer
    arm: str
    suggested: tuple[SuggestionDraft, ...]
    lines: tuple[Line, ...]
    promo_code: str | None
    status: str | None = None
    ordered_at: datetime | None = None
    cancelled_at: datetime | None = None


@dataclass(frozen=True)
class HistoryRequest:
    """Whose history, from which products, in which languages (the shop's own first), how many days until `now`, and
    the seed: the same request gives the same history."""

    tenant: TenantSettings
    products: Sequence[SeedProduct]
    languages: Sequence[str]
    days: int
    now: datetime
    seed: int


def make_history(request: HistoryRequest, suggest: Suggest) -> Iterator[Checkout]:
    """The shop's checkouts in the order in which they were started."""
    rng = Random(f"{request.seed} {request.tenant.id}")  # noqa: S311 - not used for secrets
    customers, baskets = Customers(request.languages, rng), Baskets(request.products, rng)
    today = request.now.astimezone(request.tenant.timezone).date()
    first = today - timedelta(days=request.days)
    for moment in checkout_times(first, today, CHECKOUTS_PER_DAY, request.tenant.timezone, rng):
        found = one_checkout(request, moment, customers.next(), baskets, suggest, rng)
        if (found.ordered_at or found.started_at) < request.now:
            yield found


def one_checkout(
    request: HistoryRequest, moment: datetime, customer: Customer, baskets: Baskets, suggest: Suggest, rng: Random
) -> Checkout:
    tenant, bought = request.tenant, baskets.draw()
    arm = arm_of(tenant.id, customer.shopper, HOLDOUT, False)
    suggested = () if arm == Arm.CONTROL else tuple(suggest(sorted(bought), customer.language))
    lines = [Line(id, quantity) for id, quantity in bought.items()]
    if suggested and rng.random() < ACCEPTED:
        taken = rng.choices(suggested, ACCEPTED_PLACES[: len(suggested)])[0]
        lines.append(Line(taken.product_id, baskets.quantity(taken.product_id), from_upsell=True))
    cart_created_at = moment - timedelta(minutes=rng.uniform(2, 40))
    started = Checkout(cart_created_at, moment, customer, arm, suggested, tuple(lines), promo_code(tenant, moment, rng))
    return completed(started, request.now, rng) if rng.random() < COMPLETED else started


def promo_code(tenant: TenantSettings, moment: datetime, rng: Random) -> str | None:
    """One of the shop's promo codes, sometimes."""
    codes = (one for one in tenant.promotions if one.percent and not one.automatic and not one.is_counted)
    valid = [one.code for one in codes if not one.expired(moment, tenant.timezone)]
    return rng.choice(valid) if rng.random() < PROMO_USED and valid else None


def completed(started: Checkout, now: datetime, rng: Random) -> Checkout:
    """The checkout with its order: cancelled, shipped, or still to be shipped if it is of the last days."""
    ordered_at = started.started_at + timedelta(minutes=rng.uniform(1, 6))
    cancelled_at = ordered_at + timedelta(hours=rng.uniform(0.2, 20))
    cancelled = rng.random() < ORDER_CANCELLED and cancelled_at < now
    shipped = ordered_at + timedelta(days=rng.uniform(0.5, UNSHIPPED_DAYS)) < now
    return Checkout(
        started.cart_created_at,
        started.started_at,
        started.customer,
        started.arm,
        started.suggested,
        started.lines,
        started.promo_code,
        OrderStatus.CANCELLED if cancelled else OrderStatus.FULFILLED if shipped else OrderStatus.PLACED,
        ordered_at,
        cancelled_at if cancelled else None,
    )
