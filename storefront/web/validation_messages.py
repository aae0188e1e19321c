"""Messages for values that pydantic rejects: a translatable sentence for each of its error types, never its own
text."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from storefront.i18n.gettext import N_, _

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

WHOLE_NUMBER = N_("%(field)s must be a whole number.")
NUMBER = N_("%(field)s must be a number.")
OBJECT = N_("%(field)s must be a JSON object.")
TRUE_OR_FALSE = N_("%(field)s must be true or false.")
EMPTY = N_("%(field)s must not be empty.")
ONE_OF = N_("%(field)s must be one of: %(expected)s.")
DATE_AND_TIME = N_("%(field)s must be a date and time with an offset, such as 2026-11-30T09:00:00Z.")
MESSAGES: Mapping[str, str] = {
    "missing": N_("%(field)s is required."),
    "extra_forbidden": N_("%(field)s is not a known field."),
    "string_type": N_("%(field)s must be a string."),
    "string_unicode": N_("%(field)s contains an invalid character."),
    "string_too_short": N_("%(field)s must be at least %(min_length)s characters long."),
    "string_too_long": N_("%(field)s must be at most %(max_length)s characters long."),
    "string_pattern_mismatch": N_("%(field)s has an invalid format."),
    "int_type": WHOLE_NUMBER,
    "int_parsing": WHOLE_NUMBER,
    "int_parsing_size": WHOLE_NUMBER,
    "int_from_float": WHOLE_NUMBER,
    "float_type": NUMBER,
    "float_parsing": NUMBER,
    "finite_number": NUMBER,
    "bool_type": TRUE_OR_FALSE,
    "bool_parsing": TRUE_OR_FALSE,
    "greater_than": N_("%(field)s must be greater than %(gt)s."),
    "greater_than_equal": N_("%(field)s must be at least %(ge)s."),
    "less_than": N_("%(field)s must be less than %(lt)s."),
    "less_than_equal": N_("%(field)s must be at most %(le)s."),
    "list_type": N_("%(field)s must be a list."),
    "too_short": N_("%(field)s must have at least %(min_length)s entries."),
    "too_long": N_("%(field)s must have at most %(max_length)s entries."),
    "dict_type": OBJECT,
    "model_type": OBJECT,
    "model_attributes_type": OBJECT,
    "literal_error": ONE_OF,
    "enum": ONE_OF,
    "datetime_type": DATE_AND_TIME,
    "datetime_parsing": DATE_AND_TIME,
    "datetime_from_date_parsing": DATE_AND_TIME,
    "timezone_aware": DATE_AND_TIME,
}
"""By pydantic's error type, with the values of its context as placeholders. `value_error` is missing: its text is
ours."""
UNKNOWN = N_("%(field)s is invalid.")
"""For an error type without a message. A test walks the error types that the shop's models can raise."""


def error_message(fault: "ErrorDetails", field: str) -> str:
    """Return one sentence about an error of pydantic, with the field's name as the client knows it."""
    kind, context = fault["type"], fault.get("ctx", {})
    if kind in ("too_short", "too_long") and isinstance(fault.get("input"), str):
        kind = f"string_{kind}"  # a string whose length is checked after normalisation
    if kind == "value_error":
        return str(context["error"])
    if kind in ("string_too_short", "too_short") and context["min_length"] == 1:
        return _(EMPTY, field=field)
    return _(MESSAGES.get(kind, UNKNOWN), field=field, **message_values(context))


def message_values(context: Mapping[str, Any]) -> dict[str, Any]:
    """Return the placeholders' values. Choices come as "'a', 'b' or 'c'", whose "or" is English and is replaced."""
    values = dict(context)
    if "expected" in values:
        values["expected"] = str(values["expected"]).replace(" or ", ", ")
    return values
