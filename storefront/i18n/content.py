"""What a shop wrote, in the best language that there is for who reads it; what isn't in the page's knows its own."""

from collections.abc import Mapping
from functools import cache

from markupsafe import Markup

from storefront.i18n.locale import shopper_language, shopper_languages


class ForeignText(str):
    """A text in another language than the page. Else it is like any text, also where texts are compared."""

    __slots__ = ("language",)
    language: str


def mark_language(text: str, language: str) -> ForeignText:
    said = ForeignText(text)
    said.language = language
    return said


def localize(text: str, translations: Mapping[str, str] | None, languages: tuple[str, ...] | None = None) -> str:
    """What a shop wrote in its own language, in the first of the languages that it is said in. Who has many texts hands
    in `shopper_languages()`. Where nobody reads, as while the shop learns by itself, it is in the shop's own."""
    if languages is None:
        languages = shopper_languages()
    if not languages:
        return text
    if translations:
        for language in languages:
            if language in translations:
                said = translations[language]
                return said if language == languages[0] else mark_language(said, language)
    return text if languages[-1] == languages[0] else mark_language(text, languages[-1])


def with_language(text: str, language: str | None) -> str:
    """A text that was kept with its language; None when that wasn't kept."""
    return mark_language(text, language) if language and language != shopper_language() else text


def language_of(text: str) -> str:
    """The language of a text that isn't in the page's; else empty."""
    return text.language if isinstance(text, ForeignText) else ""


def lang_attribute(text: str) -> str:
    """The attribute for the element that says this text; empty when it is in the page's language."""
    return _lang_attribute(text.language) if isinstance(text, ForeignText) else ""


@cache
def _lang_attribute(language: str) -> Markup:
    return Markup(' lang="{}"').format(language)
