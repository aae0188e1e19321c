"""`flask --app storefront upsell report`: what suggestions earn, for operators."""

from collections.abc import Sequence
from decimal import Decimal

import click
from flask.cli import with_appcontext

from storefront.db.tenant_context import tenant_context
from storefront.tenants.registry import registry
from storefront.tenants.settings import TenantSettings
from storefront.upsell.experiment.report import ArmReport, Comparison, Report, report
from storefront.upsell.experiment.statistics import to_minor

ARM_TITLES = (
    "arm",
    "shoppers",
    "checkouts",
    "orders",
    "revenue",
    "per checkout",
    "accepted",
    "from suggestions",
    "model cost",
)
UPLIFT_TITLES = ("compared", "per checkout", "from", "to", "relative", "significant")


@click.command("report")
@click.option("--tenant", "tenant_id", help="only this shop")
@click.option("--days", type=click.IntRange(1, 3650), help="only checkouts started in this number of last days")
@with_appcontext
def print_report(tenant_id: str | None, days: int | None) -> None:
    """What suggestions earn, against shoppers to whom none are shown, as far back as UPSELL_KEEP_DAYS."""
    for shop in selected_shops(tenant_id):
        with tenant_context(shop.id):
            click.echo("\n".join(describe(shop, report(shop, days))) + "\n")


def selected_shops(tenant_id: str | None) -> list[TenantSettings]:
    """Every shop, or the one of the option --tenant. Raises `click.ClickException`."""
    shops = registry().all()
    if tenant_id is None:
        return list(shops.values())
    if tenant_id not in shops:
        raise no_such_shop(tenant_id)
    return [shops[tenant_id]]


def no_such_shop(tenant_id: str | None) -> click.ClickException:
    return click.ClickException(f"--tenant: there is no shop {tenant_id!r}.")


def describe(shop: TenantSettings, whole: Report) -> list[str]:
    """The lines of the report: the conclusion first, then the figures."""
    lines = [f"{shop.name} ({shop.id}), the last {whole.days} days", whole.verdict]
    if whole.arms:
        lines += ["", *table(ARM_TITLES, [arm_cells(shop, whole, arm) for arm in whole.arms])]
    if whole.uplifts:
        lines += ["", *table(UPLIFT_TITLES, [uplift_cells(shop, one) for one in whole.uplifts])]
    if whole.split.p is not None:
        lines += ["", f"Split as intended: p = {whole.split.p:.3g}{' (it is not)' if whole.split.mismatch else ''}"]
    return lines


def arm_cells(shop: TenantSettings, whole: Report, arm: ArmReport) -> list[str]:
    each, acceptance = arm.revenue_per_checkout, arm.acceptance
    return [
        arm.arm,
        f"{arm.shoppers:,}",
        f"{arm.checkouts:,}",
        f"{arm.orders:,}",
        shop.money(arm.revenue),
        "-" if each is None else shop.money(each),
        "-" if acceptance is None else f"{acceptance:.1%}",
        shop.money(arm.upsell_revenue),
        f"{Decimal(arm.model_cost).scaleb(-6):,.4f} {whole.cost_currency}",
    ]


def uplift_cells(shop: TenantSettings, one: Comparison) -> list[str]:
    found = one.uplift
    amounts = [shop.money(to_minor(amount)) for amount in (found.difference, found.low, found.high)]
    return [f"{one.arm} - {one.against}", *amounts, f"{found.relative:+.1%}", "yes" if found.significant else "no"]


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Columns as wide as their content, the first aligned left and the others right."""
    widths = [max(map(len, column)) for column in zip(titles, *rows, strict=True)]
    return [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (titles, *rows)
    ]
