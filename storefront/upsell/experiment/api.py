"""The experiment's report in the JSON API, for staff."""

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, Field

from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.upsell.experiment.assignment import Arm
from storefront.upsell.experiment.report import ArmReport, Comparison, Report, report
from storefront.upsell.experiment.statistics import to_minor
from storefront.web.openapi import Money, ResponseModel, api_blueprint, parse_integer, responses, spec

api = api_blueprint("upsell_report_api", __name__)
MAX_DAYS = 3650
"""Days."""


class Cost(ResponseModel):
    micros: Annotated[int, Field(description="millionths of the currency")]
    currency: str


class ReportArm(ResponseModel):
    arm: Annotated[str, Field(json_schema_extra={"enum": [*Arm]})]
    shoppers: int
    checkouts: Annotated[int, Field(description="started")]
    orders: Annotated[int, Field(description="not cancelled")]
    revenue: Money
    revenue_per_checkout: Money | None
    acceptance: Annotated[float | None, Field(description="share of checkouts in which a suggestion was taken")]
    upsell_revenue: Annotated[Money, Field(description="from lines that were suggested")]
    model_cost: Cost

    @classmethod
    def of(cls, arm: ArmReport, whole: Report) -> "ReportArm":
        each, currency = arm.revenue_per_checkout, whole.currency
        return cls(
            arm=arm.arm,
            shoppers=arm.shoppers,
            checkouts=arm.checkouts,
            orders=arm.orders,
            revenue=Money(amount=arm.revenue, currency=currency),
            revenue_per_checkout=None if each is None else Money(amount=each, currency=currency),
            acceptance=arm.acceptance,
            upsell_revenue=Money(amount=arm.upsell_revenue, currency=currency),
            model_cost=Cost(micros=arm.model_cost, currency=whole.cost_currency),
        )


class ReportUplift(ResponseModel):
    arm: str
    against: str
    per_checkout: Annotated[Money, Field(description="more per started checkout")]
    low: Annotated[Money, Field(description="of the 95 % interval")]
    high: Money
    relative: float | None
    significant: bool

    @classmethod
    def of(cls, one: Comparison, currency: str) -> "ReportUplift":
        def money(amount: float) -> Money:
            return Money(amount=to_minor(amount), currency=currency)

        found = one.uplift
        return cls(
            arm=one.arm,
            against=one.against,
            per_checkout=money(found.difference),
            low=money(found.low),
            high=money(found.high),
            relative=found.relative,
            significant=found.significant,
        )


class SampleRatio(ResponseModel):
    p: float | None
    mismatch: Annotated[bool, Field(description="the arms differ from their shares by more than chance")]


class UpsellReport(ResponseModel):
    days: int | None
    arms: list[ReportArm]
    uplifts: list[ReportUplift]
    sample_ratio: SampleRatio
    verdict: str

    @classmethod
    def of(cls, whole: Report) -> "UpsellReport":
        return cls(
            days=whole.days,
            arms=[ReportArm.of(arm, whole) for arm in whole.arms],
            uplifts=[ReportUplift.of(one, whole.currency) for one in whole.uplifts],
            sample_ratio=SampleRatio(p=whole.split.p, mismatch=whole.split.mismatch),
            verdict=whole.verdict,
        )


class ReportQuery(BaseModel):
    days: Annotated[
        int | None,
        Field(ge=1, le=MAX_DAYS, description="checkouts started in this number of days until now"),
        BeforeValidator(parse_integer),
    ] = None


@api.get("/upsell/report")
@requires(Permission.UPSELL_READ)
@spec.validate(resp=responses(200, UpsellReport, 401, 403, 404, 422), tags=["staff"])
def get_report(query: ReportQuery) -> UpsellReport:
    """What suggestions earn, against shoppers to whom none are shown."""
    return UpsellReport.of(report(current_tenant(), query.days))
