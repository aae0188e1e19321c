"""Suggestions in words: what came of a call of the model, who chose, and why."""

from collections.abc import Mapping
from decimal import Decimal

from babel.numbers import format_currency

from storefront import money
from storefront.i18n.gettext import N_
from storefront.i18n.locale import shopper_locale
from storefront.upsell.llm.models import CallPurpose
from storefront.upsell.types import Decision, SuggestionSource

PURPOSE_NAMES: Mapping[str, str] = {
    CallPurpose.RERANK: N_("Choose for a cart"),
    CallPurpose.COMPLEMENTS: N_("Prepare a product"),
    CallPurpose.EVALUATION: N_("Evaluation"),
}
SOURCE_NAMES: Mapping[str, str] = {SuggestionSource.LLM: N_("Language model"), SuggestionSource.RULES: N_("Rules")}
DECISION_NAMES: Mapping[str, str] = {
    Decision.CONTROL: N_("Nothing was shown, to measure what suggestions earn."),
    Decision.RULES: N_("The shop's rules chose: there was no model to ask."),
    Decision.OK: N_("The language model chose."),
    Decision.FAILED: N_("The rules chose, because the call of the model had failed."),
    Decision.PENDING: N_("The rules chose, because the model had not answered yet."),
    Decision.ALL_REJECTED: N_("The rules chose, because nothing of the model's answer could be shown."),
    Decision.OVER_BUDGET: N_("The rules chose, because the day's budget was used up."),
    Decision.CIRCUIT_OPEN: N_("The rules chose, because the model had failed too often just before."),
    Decision.CONCURRENCY_LIMITED: N_("The rules chose, because the model had too many calls at that moment."),
}


def format_cost(micros: int | None, currency: str) -> str:
    """Format millionths of the model's currency, with four decimals, because calls cost fractions of a cent."""
    if micros is None:
        return "–"
    locale = money.parse_locale(shopper_locale())
    amount = Decimal(micros).scaleb(-6)
    digits = "¤0.0000" if amount < 1 else "¤#,##0.00"
    return str(format_currency(amount, currency, digits, locale=locale, currency_digits=False))
