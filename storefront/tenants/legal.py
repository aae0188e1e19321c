"""A shop's legal pages, and where their texts are stored.

The texts are long, and every process reads all shops' settings each second: so they are in a column of their own that
only the pages read, and the settings have the names of the pages that there are."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from storefront.i18n.gettext import N_


class LegalPage(StrEnum):
    """In the order of their links."""

    IMPRINT = "imprint"
    TERMS = "terms"
    PRIVACY = "privacy"
    WITHDRAWAL = "withdrawal"


LEGAL_PAGE_NAMES: Mapping[LegalPage, str] = {
    LegalPage.IMPRINT: N_("Legal notice"),
    LegalPage.TERMS: N_("Terms and conditions"),
    LegalPage.PRIVACY: N_("Privacy policy"),
    LegalPage.WITHDRAWAL: N_("Right of withdrawal"),
}
LegalText = str | dict[str, str]
"""In the shop's default language, or by language."""


def contact_columns(contact: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the columns of `tenant` for the `contact` of a catalogue file, whose members may be None."""
    given = {name: value for name, value in (contact or {}).items() if value}
    texts = {page.value: given.pop(page.value) for page in LegalPage if page.value in given}
    return {"contact": given or None, "legal_texts": texts or None, "legal_pages": list(texts) or None}


def text_by_language(text: LegalText | None, default_language: str) -> dict[str, str]:
    """Return the text of a page by language; none if it has none."""
    return {default_language: text} if isinstance(text, str) else dict(text or {})


def joined_contact(contact: Mapping[str, Any] | None, texts: Mapping[str, LegalText] | None) -> dict[str, Any]:
    """Return the `contact` of a catalogue file, the opposite of `contact_columns`."""
    return {**(contact or {}), **(texts or {})}
