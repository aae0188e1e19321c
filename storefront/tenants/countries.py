"""Countries by ISO 3166 code: which there are, and which belong to the European Union."""

from babel import Locale

EU = frozenset(
    (
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IT", "LT", "LU"),
        *("LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    )
)


def check_country(code: str) -> str:
    """Return the code. Raises `ValueError` for anything but the two letters of a country."""
    if len(code) != 2 or not code.isalpha() or code not in Locale("en").territories or code in ("EU", "EZ", "UN", "ZZ"):
        raise ValueError(f"{code[:80]!r} is not a country code such as IE")
    return code


def is_in_eu(code: str | None) -> bool:
    return code in EU
