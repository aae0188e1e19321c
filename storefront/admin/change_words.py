"""Changes of lists in words: the options of a product, translations, and what is suggested with it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

from storefront.i18n.gettext import _
from storefront.i18n.negotiation import LANGUAGES

Renamed = Mapping[str, str]
"""The new text by the old one."""
SUGGESTED = ("pins", "goes_with")
TRANSLATED = ("name_translations", "description_translations")


def list_change(name: str, row: Any) -> str:
    """Return in words how a field differs before and after an event; empty if it isn't one of this file's."""
    before, after = (row.before or {}).get(name), (row.after or {}).get(name)
    if name == "options":
        return "; ".join(option_changes(before or [], after or [], (row.data or {}).get("renamed", [])))
    if name == "options_translations":
        return "; ".join(by_language(option_texts(before or []), option_texts(after or [])))
    if name in TRANSLATED:
        return "; ".join(by_language(texts_of([before or {}]), texts_of([after or {}])))
    if name in SUGGESTED:
        return ", ".join(text_changes(suggested_texts(before or []), suggested_texts(after or [])))
    return ""


def option_changes(
    before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], renamed: Sequence[Renamed]
) -> Iterator[str]:
    """Yield what is different for each option: its name, then its values. `renamed` has the renamed values of each;
    events of earlier versions don't."""
    for old, new, new_names in zip_longest(before, after, renamed):
        if old is None or new is None:
            if option := new or old:
                yield f"{'−' if new is None else '+'} {option['name']}: {', '.join(option['values'])}"
            continue
        if old["name"] != new["name"]:
            yield arrow(old["name"], new["name"])
        if old["values"] != new["values"]:
            yield f"{new['name']}: {', '.join(text_changes(old['values'], new['values'], new_names or {}))}"


def text_changes(before: Sequence[str], after: Sequence[str], renamed: Renamed | None = None) -> Iterator[str]:
    """Yield what was renamed, added and removed in a list of texts."""
    renamed = {old: new for old, new in (renamed or {}).items() if old != new and old in before and new in after}
    same_name = {renamed.get(text, text) for text in before}
    yield from (arrow(old, new) for old, new in renamed.items())
    added = [text for text in after if text not in same_name]
    removed = [text for text in before if renamed.get(text, text) not in after]
    yield from (f"+ {text}" for text in added)
    yield from (f"− {text}" for text in removed)
    if not (renamed or added or removed):
        yield _("in another order")


def by_language(before: Mapping[str, Sequence[str]], after: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield what is different in each language; text by text where there are as many as before."""
    for language in dict.fromkeys([*before, *after]):
        old, new = before.get(language, ()), after.get(language, ())
        if old == new:
            continue
        if len(old) == len(new):
            pairs = [(one, other) for one, other in zip(old, new, strict=True) if one != other]
            changes: Iterable[str] = (arrow(one, other) for one, other in pairs)
        else:
            changes = text_changes([text for text in old if text], [text for text in new if text])
        yield f"{LANGUAGES.get(language, language)}: {', '.join(changes)}"


def option_texts(translations: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    return texts_of([texts for option in translations for texts in (option["name"], *option["values"])])


def texts_of(translated: Sequence[Mapping[str, str]]) -> dict[str, list[str]]:
    """Return by language the translations of each text; empty where there is none."""
    languages = dict.fromkeys(language for texts in translated for language in texts)
    return {language: [texts.get(language, "") for texts in translated] for language in languages}


def suggested_texts(rows: Sequence[Mapping[str, str]]) -> list[str]:
    """Return each product of a list of suggestions, by its id, with the reason that the shop gives."""
    found = []
    for row in rows:
        id, why = row.get("id") or row.get("suggest", ""), row.get("why")
        found.append(f"{id} (“{why}”)" if why else id)
    return found


def arrow(before: str, after: str) -> str:
    return f"{before or '–'} → {after or '–'}"
