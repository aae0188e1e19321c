"""Which languages the shop speaks, and which of them somebody gets."""

from collections.abc import Iterable
from functools import lru_cache

from babel import Locale, UnknownLocaleError

from storefront.money import parse_locale

LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français", "uk": "Українська", "ja": "日本語"}
"""Those with a catalogue of messages, each by its own name."""
SOURCE_LANGUAGE = "en"
"""The language that the messages are written in."""


def negotiate_language(chosen: str | None, accepted: Iterable[str], locale: str) -> str:
    """What was chosen by the switch, else the first accepted language that there is, else that of the tenant's
    locale, else English."""
    if chosen in LANGUAGES:
        return chosen
    return next((known for tag in accepted if (known := known_language(tag))), None) or default_language(locale)


def known_language(tag: str) -> str | None:
    """The language of a tag such as "de-AT" when there is a catalogue for it."""
    language = tag.replace("_", "-").partition("-")[0].lower()
    return language if language in LANGUAGES else None


def default_language(locale: str) -> str:
    """The language in which a shop of this locale speaks when nobody asked for another."""
    return known_language(locale) or SOURCE_LANGUAGE


@lru_cache(1000)
def fallback_languages(language: str, accepted: tuple[str, ...], locale: str) -> tuple[str, ...]:
    """The languages in which a shop of this locale says its texts on a page in `language`, the best first: the page's,
    else English or the shop's own, whichever the browser names first, and English if it names neither. The shop's own
    comes last, because it has all texts."""
    own = parse_locale(locale).language
    if language == own:
        return (own,)
    read = (tag.replace("_", "-").partition("-")[0].lower() for tag in accepted)
    second = next((one for one in read if one in (own, SOURCE_LANGUAGE)), SOURCE_LANGUAGE)
    return tuple(dict.fromkeys((language, second, own)))


@lru_cache(256)
def locale_tag(language: str, locale: str) -> str:
    """How who reads this language writes numbers and dates in a shop of this locale: in the shop's own way when the
    language is the same, else in that of the language in the shop's territory, else in that of the language."""
    shop = parse_locale(locale)
    if shop.language == language:
        return str(shop).replace("_", "-")
    try:
        there = Locale.parse(f"{language}_{shop.territory}") if shop.territory else Locale.parse(language)
    except UnknownLocaleError:
        there = Locale.parse(language)
    return str(there).replace("_", "-")
