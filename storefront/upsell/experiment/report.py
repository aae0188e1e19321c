"""The report of what suggestions earn: totals per arm and the uplift against control."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from storefront.clock import now
from storefront.state import current_state
from storefront.tenants.settings import TenantSettings
from storefront.upsell.experiment.assignment import Arm
from storefront.upsell.experiment.queries import count_shoppers, first_exposures, outcomes
from storefront.upsell.experiment.statistics import (
    NO_EXPERIMENT,
    ArmTotals,
    SampleRatioCheck,
    Uplift,
    summary,
    to_minor,
    uplift,
)

COMPARED = ((Arm.RULES, Arm.CONTROL), (Arm.MODEL, Arm.CONTROL), (Arm.MODEL, Arm.RULES))


@dataclass(frozen=True)
class ArmReport:
    """Figures of an arm's started checkouts. Amounts are minor units; cancelled orders don't count."""

    arm: str
    shoppers: int
    checkouts: int
    orders: int
    revenue: int
    accepted: int
    """Carts with at least one line that came from a suggestion."""
    upsell_revenue: int
    """Revenue of such lines."""
    model_cost: int
    """In millionths of UPSELL_CURRENCY."""

    @property
    def revenue_per_checkout(self) -> int | None:
        return to_minor(Decimal(self.revenue) / self.checkouts) if self.checkouts else None

    @property
    def acceptance(self) -> float | None:
        """The share of started checkouts in which a suggestion was accepted; None for control."""
        return None if self.arm == Arm.CONTROL or not self.checkouts else self.accepted / self.checkouts


@dataclass(frozen=True)
class Comparison:
    arm: str
    against: str
    uplift: Uplift


@dataclass(frozen=True)
class Report:
    """The experiment's results over the last `days`."""

    days: int
    arms: list[ArmReport]
    uplifts: list[Comparison]
    split: SampleRatioCheck
    verdict: str
    shown: Uplift | None
    """Of all suggestions against none."""
    currency: str
    cost_currency: str
    has_experiment: bool

    @property
    def model(self) -> Uplift | None:
        """Of the model's suggestions against the rules'."""
        return next((one.uplift for one in self.uplifts if (one.arm, one.against) == (Arm.MODEL, Arm.RULES)), None)


def report(tenant: TenantSettings, days: int | None = None) -> Report:
    """What suggestions earned the current tenant, over checkouts started in the last `days`. The default and maximum is
    UPSELL_KEEP_DAYS: of older checkouts some are removed already, so the rest would be a biased sample."""
    settings = current_state().settings
    days = min(days or settings.upsell_keep_days, settings.upsell_keep_days)
    since = now() - timedelta(days=days)
    rows, shoppers = outcomes(since), count_shoppers(since)
    periods = totals_by_period(rows)
    pairs = {(arm, against): uplift(paired_totals(periods, (against,), (arm,))) for arm, against in COMPARED}
    split = SampleRatioCheck.of(first_exposures_by_period(since))
    shown = uplift(paired_totals(periods, (Arm.CONTROL,), (Arm.RULES, Arm.MODEL)))
    no_experiment = not settings.upsell_holdout and not split.observed
    return Report(
        days=days,
        arms=[
            arm_report(arm, shoppers[arm], [row for row in rows if row.arm == arm]) for arm in Arm if arm in shoppers
        ],
        uplifts=[Comparison(arm, against, found) for (arm, against), found in pairs.items() if found],
        split=split,
        verdict=NO_EXPERIMENT if no_experiment else summary(split, shown, pairs[Arm.MODEL, Arm.RULES], tenant.money),
        shown=shown,
        currency=tenant.currency,
        cost_currency=settings.upsell_currency,
        has_experiment=not no_experiment,
    )


def arm_report(arm: str, shoppers: int, rows: Sequence[Any]) -> ArmReport:
    """The figures of an arm over all periods. PostgreSQL sums integers to decimals."""
    names = ("checkouts", "orders", "revenue", "accepted", "suggested", "cost")
    return ArmReport(arm, shoppers, *(int(sum(getattr(row, name) for row in rows)) for name in names))


def totals_by_period(rows: Sequence[Any]) -> list[dict[str, ArmTotals]]:
    """The totals by arm for each period, that is each allocation."""
    periods: dict[str, dict[str, ArmTotals]] = defaultdict(dict)
    for row in rows:
        periods[row.allocation][row.arm] = ArmTotals(
            row.shoppers,
            int(row.checkouts),
            int(row.revenue),
            row.checkouts_squared,
            row.revenue_squared,
            row.checkouts_times_revenue,
        )
    return list(periods.values())


def paired_totals(
    periods: Sequence[dict[str, ArmTotals]], baseline: Sequence[str], others: Sequence[str]
) -> list[tuple[ArmTotals, ArmTotals]]:
    """For each period the totals of the arms `baseline` and of the arms `others`."""

    def total(period: dict[str, ArmTotals], arms: Sequence[str]) -> ArmTotals:
        return sum((period[arm] for arm in arms if arm in period), ArmTotals())

    return [(total(period, baseline), total(period, others)) for period in periods]


def first_exposures_by_period(since: datetime) -> list[tuple[dict[str, float], dict[str, int]]]:
    """For each period the allocation, and the number of shoppers by the arm of their first exposure."""
    periods: dict[str, dict[str, int]] = defaultdict(dict)
    for row in first_exposures(since):
        periods[row.allocation][row.arm] = row.shoppers
    return [(json.loads(allocation), observed) for allocation, observed in periods.items()]
