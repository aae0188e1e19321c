"""Language negotiation: the supported languages, the one of a response, and the fallback language of content."""

from collections.abc import Iterable
from functools import lru_cache

from babel import Locale, UnknownLocaleError

from storefront.money import parse_locale

LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "uk": "Українська", "ja": "日本語"}
"""The languages with translated messages, by code, with their own names."""
SOURCE_LANGUAGE = "en"
"""The language of the messages in the source."""


def negotiate_language(chosen: str | None, accepted: Iterable[str], locale: str) -> str:
    """Return `chosen` if supported, else the first supported tag of `accepted`, else the default of `locale`."""
    if chosen in LANGUAGES:
        return chosen
    return next((known for tag in accepted if (known := known_language(tag))), None) or default_language(locale)


def known_language(tag: str) -> str | None:
    """Return the language of a tag such as "de-AT" if it is supported."""
    language = tag.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else None


def default_language(locale: str) -> str:
    """Return the default language of a shop with this locale; English if its language isn't supported."""
    return known_language(locale) or SOURCE_LANGUAGE


@lru_cache(1000)
def fallback_languages(language: str, accepted: tuple[str, ...], locale: str) -> tuple[str, ...]:
    """Return the languages for content on a page in `language`, in order of preference, for a shop with `locale`.

    First the page's language, then English or the shop's own, whichever is first in `accepted` (English if neither),
    and last the shop's own, in which all content exists."""
    own = parse_locale(locale).language
    if language == own:
        return (own,)
    read = (tag.replace("_", "-").partition("-")[0].lower() for tag in accepted)
    second = next((tag for tag in read if tag in (own, SOURCE_LANGUAGE)), SOURCE_LANGUAGE)
    return tuple(dict.fromkeys((language, second, own)))


@lru_cache(256)
def locale_tag(language: str, locale: str) -> str:
    """Return the tag of the locale for numbers and dates: the shop's own if it has this language, else the language in
    the shop's territory if such a locale exists, else the language alone."""
    shop = parse_locale(locale)
    if shop.language == language:
        return str(shop).replace("_", "-")
    try:
        found = Locale.parse(f"{language}_{shop.territory}") if shop.territory else Locale.parse(language)
    except UnknownLocaleError:
        found = Locale.parse(language)
    return str(found).replace("_", "-")
