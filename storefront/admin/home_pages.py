"""The back office's home, and the number by which its open pages learn that something has changed."""

from typing import Any

from babel.dates import format_skeleton
from flask import Response as PlainResponse
from werkzeug.wrappers import Response

from storefront import money
from storefront.admin.blueprints import pages
from storefront.admin.charts import money_chart, number_chart
from storefront.admin.home_queries import MAX_COUNT, Period, SalesOverview, low_stock, orders_to_ship, sales_overview
from storefront.admin.report_words import verdict
from storefront.admin.suggestion_report import latest_report
from storefront.events.queries import last_event_id
from storefront.i18n.formatting import format_integer
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_locale
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.staff.sessions import signed_in
from storefront.tenants.context import current_tenant
from storefront.web.htmx import no_store, render_page


@pages.get("/")
@requires(Permission.ORDERS_READ)
def home() -> Response:
    overview = sales_overview(current_tenant())
    return no_store(
        render_page(
            "admin/home.html",
            periods=[(period_name(period), period, change(period)) for period in overview.periods],
            to_ship=orders_to_ship(),
            low=low_stock(),
            counted=counted,
            may_see_products=signed_in().may(Permission.CATALOG_READ),
            suggestions=suggestions_tile(),
            **charts(overview),
        )
    )


def period_name(period: Period) -> str:
    if period.days == 1:
        return _("Today")
    return _("Last %(number)s days", number=format_integer(period.days))


def change(period: Period) -> int | None:
    """Return by how many per cent the revenue has changed; None if there was none before."""
    if not period.before.revenue:
        return None
    return round(100 * (period.sales.revenue - period.before.revenue) / period.before.revenue)


def counted(number: int) -> str:
    return format_integer(MAX_COUNT) + "+" if number > MAX_COUNT else format_integer(number)


def suggestions_tile() -> dict[str, Any] | None:
    """Return what the tile about suggestions says; None if the person may not see it."""
    if not signed_in().may(Permission.UPSELL_READ):
        return None
    stored = latest_report(current_tenant())
    if stored is None:
        return {"revenue": None, "days": None, "verdict": ""}
    revenue = sum(arm.upsell_revenue for arm in stored.report.arms)
    conclusion = verdict(stored.report) if stored.report.has_experiment else ""
    return {"revenue": revenue, "days": stored.report.days, "verdict": conclusion}


def charts(overview: SalesOverview) -> dict[str, Any]:
    """Return the charts of the last 30 days, and their numbers."""
    locale, currency = shopper_locale(), current_tenant().currency
    babel_locale = money.parse_locale(locale)
    days = [(format_skeleton("MMMd", day, locale=babel_locale), sales) for day, sales in overview.by_day]
    labels = [label for label, _sales in days]
    revenue, orders = [sales.revenue for _day, sales in days], [sales.orders for _day, sales in days]
    return {
        "has_sales": any(orders),
        "days": days,
        "revenue_chart": money_chart(_("Revenue of the last 30 days"), labels, revenue, locale, currency),
        "orders_chart": number_chart(_("Orders of the last 30 days"), labels, orders, locale),
    }


@pages.get("/latest-event")
@requires(Permission.ACCOUNT)
def latest_event() -> Response:
    """The id of the shop's latest event. Open pages ask for it every few seconds, and reload their lists when it has
    grown; that costs less than the lists themselves."""
    return no_store(PlainResponse(str(last_event_id()), mimetype="text/plain"))
