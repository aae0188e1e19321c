"""Changes of a product's options as an editor made them, merged with what others have stored meanwhile. No database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class TextEdit(NamedTuple):
    """A name or a value of an option: what the form was opened with, and what it is now, with translations by language.
    `field` is its name in the form. An empty `was` is a new value."""

    field: str
    was: str
    text: str
    was_translations: Mapping[str, str]
    translations: Mapping[str, str]
    is_removed: bool = False

    @property
    def is_changed(self) -> bool:
        return self.is_removed or (self.text, self.translations) != (self.was, self.was_translations)


class OptionEdit(NamedTuple):
    name: TextEdit
    values: Sequence[TextEdit]
    added: Sequence[str]
    """New values, in the shop's language."""


@dataclass
class MergedOptions:
    """Options and their translations as they are to be stored. `renamed` has, for each option, the new value by the
    stored one, None for a removed one. `theirs` has by field what others have stored meanwhile where it collides; empty
    if they have removed it."""

    options: list[dict[str, Any]] = field(default_factory=list)
    translations: list[dict[str, Any]] = field(default_factory=list)
    renamed: list[dict[str, str | None]] = field(default_factory=list)
    theirs: dict[str, str] = field(default_factory=dict)


def merge_options(
    options: Sequence[Mapping[str, Any]],
    translations: Sequence[Mapping[str, Any]] | None,
    edits: Sequence[OptionEdit],
) -> MergedOptions:
    """Return the stored options with the edits, which go by the options' places."""
    merged = MergedOptions()
    for i, option in enumerate(options):
        others = translations[i] if translations else {"name": {}, "values": [{} for _ in option["values"]]}
        if i < len(edits):
            merge_option(merged, option, others, edits[i])
        else:
            merged.options.append(dict(option))
            merged.translations.append(dict(others))
            merged.renamed.append({})
    return merged


def merge_option(merged: MergedOptions, option: Mapping[str, Any], others: Mapping[str, Any], edit: OptionEdit) -> None:
    name, names = merge_text(edit.name, option["name"], others["name"], merged.theirs)
    by_was = {value.was: value for value in edit.values if value.was}
    renamed: dict[str, str | None] = {}
    texts = []
    for stored, own in zip(option["values"], others["values"], strict=True):
        change = by_was.get(stored)
        if change is not None and change.is_removed:
            renamed[stored] = None
            continue
        kept = merge_text(change, stored, own, merged.theirs) if change else (stored, own)
        renamed[stored] = kept[0]
        texts.append(kept)
    texts += new_values(edit, {text for text, _ in texts})
    note_vanished(option["values"], edit, merged.theirs)
    merged.options.append({"name": name, "values": [text for text, _ in texts]})
    merged.translations.append({"name": names, "values": [own for _, own in texts]})
    merged.renamed.append(renamed)


def new_values(edit: OptionEdit, known: set[str]) -> list[tuple[str, dict[str, str]]]:
    """Return the added values that the option doesn't have, with their translations."""
    found = {
        change.text: {language: text for language, text in change.translations.items() if text}
        for change in edit.values
        if not change.was and change.text and not change.is_removed
    }
    found |= {text: {} for text in edit.added if text not in found}
    return [(text, others) for text, others in found.items() if text not in known]


def note_vanished(stored: Sequence[str], edit: OptionEdit, theirs: dict[str, str]) -> None:
    """Add to `theirs` the values that are changed here and that others have renamed or removed meanwhile."""
    known = {change.was for change in edit.values}
    for i, change in enumerate(edit.values):
        if change.was and change.was not in stored and change.is_changed and change.text not in stored:
            new_name = stored[i] if i < len(stored) and stored[i] not in known else ""
            if new_name or not change.is_removed:
                theirs[change.field] = new_name


def merge_text(
    edit: TextEdit, stored: str, stored_translations: Mapping[str, str], theirs: dict[str, str]
) -> tuple[str, dict[str, str]]:
    """Return the stored text and its translations with the changes of the edit."""
    text = merge(edit.field, edit.was, edit.text, stored, theirs)
    translations = {
        language: merge(
            f"{edit.field}_{language}",
            edit.was_translations.get(language, ""),
            edit.translations.get(language, ""),
            stored_translations.get(language, ""),
            theirs,
        )
        for language in dict.fromkeys([*stored_translations, *edit.translations])
    }
    return text, {language: other for language, other in translations.items() if other}


def merge(field: str, was: str, new: str, stored: str, theirs: dict[str, str]) -> str:
    if new in (was, stored):
        return stored
    if stored != was:
        theirs[field] = stored
    return new
