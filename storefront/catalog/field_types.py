"""Types of the fields in `catalog.json`. A check's error message continues the location of the value."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from storefront.config_values import daily_budget
from storefront.i18n.unicode_text import has_visible, without_direction_controls

DEFAULT_LANGUAGE_KEY = ""
"""The key of the shop's default language in a text by language."""


class StrictModel(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


def split_by_language(texts: dict[str, str], own: str) -> tuple[str, dict[str, str]]:
    """Split into the text in the default language `own` and the translations by language."""
    others = {language: text for language, text in texts.items() if language not in (DEFAULT_LANGUAGE_KEY, own)}
    return texts.get(DEFAULT_LANGUAGE_KEY) or texts.get(own, ""), others


def plain_text(value: str) -> str:
    """Strip the text and remove direction controls. Raises `ValueError` for control characters and lone surrogates."""
    if re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", value):
        raise ValueError("contains a control character")
    return without_direction_controls(value).strip()


def visible(value: str) -> str:
    """Raises `ValueError` for a text of invisible characters only."""
    if value and not has_visible(value):
        raise ValueError("contains only invisible characters")
    return value


def on_one_line(value: str) -> str:
    """Raises `ValueError` for a text with a line break, which a browser sends in another form than the shop stores."""
    if "\n" in value:
        raise ValueError("contains a line break")
    return value


def matching(pattern: str, message: str) -> AfterValidator:
    """Return a validator for texts that match `pattern` completely; `message` follows the rejected value."""
    full_match: Callable[[str], object] = re.compile(pattern).fullmatch

    def check(value: str) -> str:
        if not full_match(value):
            raise ValueError(f"{value[:80]!r} {message}")
        return value

    return AfterValidator(check)


def validate_percentage(value: str) -> str:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,4})?", value):
        raise ValueError(f"{value!r} is not a percentage such as 20 or 8.875")
    if Decimal(value) > 100:
        raise ValueError(f"{value!r} is more than 100 %")
    return value


def validate_discount_percentage(value: str) -> str:
    validate_percentage(value)
    if not Decimal(value):
        raise ValueError("must be more than 0")
    return value


def validate_daily_budget(value: str) -> str:
    daily_budget(value)
    return value


def validate_iso_date(value: str) -> str:
    try:
        date.fromisoformat(value)
    except ValueError:
        raise ValueError(f"{value[:80]!r} is not a date such as 2027-09-01") from None
    return value


def texts_by_language(value: object) -> object:
    """Convert a plain string to a text in the default language. Raises `ValueError`."""
    if isinstance(value, str):
        return {DEFAULT_LANGUAGE_KEY: value}
    if isinstance(value, dict) and value and DEFAULT_LANGUAGE_KEY not in value:
        return value
    raise ValueError('must be a string, or an object of strings by language, such as {"en": "Tea", "de": "Tee"}')


def collapse_single_language(texts: dict[str, str]) -> str | dict[str, str]:
    return texts.get(DEFAULT_LANGUAGE_KEY, texts)


Text = Annotated[str, AfterValidator(plain_text)]
Label = Annotated[Text, AfterValidator(visible)]
OneLine = Annotated[Label, AfterValidator(on_one_line)]
Name = Annotated[Label, Field(min_length=1, max_length=200)]
TenantId = Annotated[  # a DNS label, because a tenant may be a subdomain
    str,
    matching(
        r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?",
        "is not a valid shop id: 1 to 63 lowercase letters, digits and hyphens, such as aurora-coffee",
    ),
]
ProductId = Annotated[
    str,
    matching(
        r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}",
        "is not a valid product id: 1 to 64 letters, digits, dots, hyphens and underscores, such as filter-no2",
    ),
]
Image = Annotated[
    str,
    matching(
        r"([A-Za-z0-9][A-Za-z0-9._-]{0,120})?", "is not a valid image file name in static/products, such as mug.webp"
    ),
]
Colour = Annotated[str, matching(r"#[0-9a-fA-F]{6}", "is not a colour such as #7a3e1d")]
PromoCode = Annotated[
    str,
    matching(
        r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}",
        "is not a valid promo code: 1 to 40 letters from A to Z, digits, hyphens and underscores, such as SUMMER10",
    ),
]
Translated = (BeforeValidator(texts_by_language), PlainSerializer(collapse_single_language))
Percent = Annotated[str, AfterValidator(validate_percentage)]
DiscountPercent = Annotated[str, AfterValidator(validate_discount_percentage)]
