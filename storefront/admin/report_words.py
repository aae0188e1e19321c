"""The experiment's report in the reader's language. `experiment.statistics.summary` says the same to commands and the
API."""

from storefront.i18n.formatting import format_integer, format_money
from storefront.i18n.gettext import N_, _
from storefront.upsell.experiment.assignment import Arm
from storefront.upsell.experiment.report import Report
from storefront.upsell.experiment.statistics import MIN_SHOPPERS, Uplift, required_checkouts, to_minor

ARM_NAMES = {Arm.CONTROL: N_("Without suggestions"), Arm.RULES: N_("Rules"), Arm.MODEL: N_("Language model")}


def verdict(report: Report) -> str:
    """Return the report's conclusion in one or two sentences."""
    if not report.has_experiment:
        return _(
            "There is nothing to compare, because all customers see suggestions. With UPSELL_HOLDOUT=0.1 a tenth of "
            "them sees none, and this report says what suggestions earn."
        )
    if report.split.mismatch:
        return _("Something is wrong with the split of customers. Don't trust these numbers before the cause is found.")
    if report.shown is None:
        return _(
            "Not enough data yet: at least %(number)s customers with and %(number)s without suggestions must have "
            "started a checkout, and some of each must have ordered.",
            number=format_integer(MIN_SHOPPERS),
        )
    return " ".join(part for part in (of_all(report.shown), of_model(report.model)) if part)


def interval(found: Uplift) -> dict[str, str]:
    return {"low": format_money(to_minor(found.low)), "high": format_money(to_minor(found.high))}


def of_all(found: Uplift) -> str:
    values = interval(found)
    if found.low > 0:
        return _("Suggestions earn between %(low)s and %(high)s more per started checkout (95 %% interval).", **values)
    if found.high < 0:
        return _("Suggestions change each started checkout by %(low)s to %(high)s (95 %% interval).", **values)
    if more := required_checkouts(found):
        return _(
            "Not enough data yet: about %(more)s more checkouts are needed. So far suggestions change each started "
            "checkout by %(low)s to %(high)s (95 %% interval).",
            more=format_integer(more),
            **values,
        )
    return _("No difference found: suggestions change each started checkout by %(low)s to %(high)s.", **values)


def of_model(found: Uplift | None) -> str:
    if found is None or not found.significant:
        return ""
    return _(
        "The language model changes each started checkout by %(low)s to %(high)s compared with the rules.",
        **interval(found),
    )
