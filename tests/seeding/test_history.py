"""Generated checkouts: reproducible by seed, with the distributions of a real shop."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

from storefront.orders.models import OrderStatus
from storefront.seeding.baskets import Baskets, SeedProduct, SeedVariant
from storefront.seeding.history import Checkout, HistoryRequest, make_history
from storefront.tenants.promotions import Promotion
from storefront.tenants.settings import TenantSettings
from storefront.upsell.experiment.assignment import Arm
from storefront.upsell.types import SuggestionDraft

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
PRODUCTS = [
    SeedProduct("beans", 1850, 100, complements=("cup", "pot")),
    SeedProduct("cup", 1400, 50),
    SeedProduct("pot", 4600, 10, complements=("beans",)),
    *(SeedProduct(f"other{i}", 1000, 20) for i in range(20)),
]
SHOP = TenantSettings(
    id="north",
    name="North",
    currency="EUR",
    locale="en-IE",
    theme={},
    tax=None,
    promotions=(
        Promotion("TEN", Decimal(10), until=None),
        Promotion("GONE", Decimal(50), until=NOW.date() - timedelta(days=99)),
    ),
    upsell_enabled=True,
)


def suggest(product_ids: Sequence[str], language: str) -> list[SuggestionDraft]:
    remaining = [one.id for one in PRODUCTS if one.id not in product_ids]
    return [SuggestionDraft(id, f"Why in {language}.") for id in remaining[:3]]


def history(days: int = 60, seed: int = 1, languages: Sequence[str] = ("en", "de")) -> list[Checkout]:
    return list(make_history(HistoryRequest(SHOP, PRODUCTS, languages, days, NOW, seed), suggest))


def test_checkouts_are_reproducible_by_seed() -> None:
    assert history(10) == history(10)
    assert history(10) != history(10, seed=2)


def test_checkouts_are_sorted_and_in_the_requested_period() -> None:
    found = history(30)
    starts = [checkout.started_at for checkout in found]
    assert starts == sorted(starts)
    assert timedelta(days=29) < NOW - starts[0] < timedelta(days=31)
    for checkout in found:
        moments = [checkout.cart_created_at, checkout.started_at, checkout.ordered_at, checkout.cancelled_at, NOW]
        known = [moment for moment in moments if moment]
        assert known == sorted(known)


def test_sundays_have_more_checkouts_than_tuesdays() -> None:
    days = Counter(checkout.started_at.weekday() for checkout in history(364))
    assert days[6] > 1.2 * days[1]


def test_most_checkouts_become_orders_and_a_few_of_them_are_cancelled() -> None:
    found = history()
    orders = [checkout for checkout in found if checkout.ordered_at]
    assert 0.6 * len(found) < len(orders) < 0.8 * len(found)
    statuses = Counter(checkout.status for checkout in orders)
    assert 0 < statuses[OrderStatus.CANCELLED] < 0.08 * len(orders)
    assert statuses[OrderStatus.FULFILLED] > 20 * statuses[OrderStatus.PLACED] > 0
    assert all((checkout.status == OrderStatus.CANCELLED) == (checkout.cancelled_at is not None) for checkout in orders)


def test_suggestions_are_shown_and_taken_outside_the_control_arm() -> None:
    found = history()
    control = [checkout for checkout in found if checkout.arm == Arm.CONTROL]
    assert 0.2 * len(found) < len(control) < 0.4 * len(found)
    assert not any(checkout.suggested or line.from_upsell for checkout in control for line in checkout.lines)
    shown = [checkout for checkout in found if checkout.arm != Arm.CONTROL]
    taken = [(checkout, line) for checkout in shown for line in checkout.lines if line.from_upsell]
    assert 0.15 * len(shown) < len(taken) < 0.35 * len(shown)
    assert all(line.product_id in {one.product_id for one in checkout.suggested} for checkout, line in taken)


def test_customers_are_fictional_return_and_have_the_shops_languages() -> None:
    found = history()
    customers = {checkout.customer.email: checkout.customer for checkout in found}
    assert all(email.isascii() and email.endswith("@example.com") for email in customers)
    assert 0.3 * len(found) < len(customers) < len(found)
    assert {customer.language for customer in customers.values()} == {"en", "de"}


def test_valid_promo_code_is_used_in_some_checkouts() -> None:
    used = Counter(checkout.promo_code for checkout in history())
    assert used.keys() == {None, "TEN"}
    assert used["TEN"] < 0.3 * used[None]


def test_complements_are_bought_together() -> None:
    baskets = Baskets(PRODUCTS, Random(1))
    drawn = [basket for basket in (baskets.draw() for _ in range(4000)) if len(basket) > 1]

    def share(id: str, with_beans: bool) -> float:
        some = [basket for basket in drawn if ("beans" in basket) == with_beans]
        return sum(id in basket for basket in some) / len(some)

    assert share("cup", True) > 2 * share("cup", False)
    assert share("pot", True) > 2 * share("pot", False)
    assert share("other1", True) < share("other1", False)


def test_a_customer_always_buys_the_same_variant_and_all_are_bought() -> None:
    variants = tuple(SeedVariant(size, 2000, 5 * i) for i, size in enumerate(("S", "M", "L")))
    shirt = SeedProduct("shirt", 2000, 15, variants=variants)
    bought = [shirt.variant_for(f"{i}@example.com").id for i in range(300)]
    assert bought == [shirt.variant_for(f"{i}@example.com").id for i in range(300)]
    assert bought.count("S") < bought.count("M") < bought.count("L")
    assert "S" in bought
