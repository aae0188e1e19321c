"""Translated merchant content: picks the best available language; a text that isn't in the page's language knows its
own."""

from collections.abc import Mapping
from functools import cache

from markupsafe import Markup

from storefront.i18n.locale import shopper_language, shopper_languages


class ForeignText(str):
    """A text in another language than the page. Compares equal to the plain string."""

    __slots__ = ("language",)
    language: str


def mark_language(text: str, language: str) -> ForeignText:
    foreign = ForeignText(text)
    foreign.language = language
    return foreign


def localize(text: str, translations: Mapping[str, str] | None, languages: tuple[str, ...] | None = None) -> str:
    """Return the first available translation of `text`, which is in the shop's default language.

    `languages` is in order of preference, by default `shopper_languages()`; pass it when translating many texts.
    Without a shopper, as in background jobs, the result is in the default language."""
    if languages is None:
        languages = shopper_languages()
    if not languages:
        return text
    if translations:
        for language in languages:
            if language in translations:
                translated = translations[language]
                return translated if language == languages[0] else mark_language(translated, language)
    return text if languages[-1] == languages[0] else mark_language(text, languages[-1])


def with_language(text: str, language: str | None) -> str:
    """Mark a stored text with its stored language; None if that is unknown."""
    return mark_language(text, language) if language and language != shopper_language() else text


def language_of(text: str) -> str:
    """Return the language of a text that isn't in the page's language, otherwise an empty string."""
    return text.language if isinstance(text, ForeignText) else ""


def lang_attribute(text: str) -> str:
    """Return the `lang` attribute for the element that contains this text; empty if it is in the page's language."""
    return _lang_attribute(text.language) if isinstance(text, ForeignText) else ""


@cache
def _lang_attribute(language: str) -> Markup:
    return Markup(' lang="{}"').format(language)
