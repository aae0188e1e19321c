"""The catalogues of messages: what the source says, and what each language makes of it."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from storefront.config import ROOT
from storefront.i18n.locale import TRANSLATIONS_FOLDER
from storefront.i18n.negotiation import LANGUAGES, SOURCE_LANGUAGE

METHODS = [("storefront/**.py", "python"), ("templates/**.html", "jinja2")]
JINJA = {"templates/**.html": {"encoding": "utf-8", "trimmed": "true", "silent": "false"}}
SOME_DAY = datetime(2026, 1, 1, tzinfo=UTC)
"""Stands in every file, so that a catalogue in which nothing changed stays the same; git knows the true days."""
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def extracted() -> Catalog:
    """All messages of the source, in the order of their files, with the places where they stand."""
    found = Catalog(charset="utf-8")
    for name, _line, message, comments, context in extract_from_dir(
        str(ROOT), METHODS, JINJA, keywords=KEYWORDS, comment_tags=("Translators:",), directory_filter=is_ours
    ):
        found.add(message, locations=[(name, 1)], auto_comments=comments, context=context)
    return found


def is_ours(folder: str) -> bool:
    return Path(folder).relative_to(ROOT).parts[:1] in ((), ("storefront",), ("templates",))


def po_file(language: str) -> Path:
    return TRANSLATIONS_FOLDER / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    """What there is of this language; empty when there is nothing yet."""
    if not po_file(language).exists():
        return Catalog(locale=language, project="Storefront", charset="utf-8", fuzzy=False)
    with po_file(language).open("rb") as file:
        return read_po(file, locale=language)


def update() -> None:
    """Bring every catalogue up to date with the source, without guesses: a message that is new stays empty, one that
    went goes."""
    template = extracted()
    for language in LANGUAGES:
        if language != SOURCE_LANGUAGE:
            catalog = read(language)
            catalog.update(template, no_fuzzy_matching=True)
            catalog.obsolete.clear()
            save(catalog)


def save(catalog: Catalog) -> None:
    """Write the catalogue, and beside it what is read of it at run time."""
    path = po_file(str(catalog.locale))
    catalog.project, catalog.version, catalog.msgid_bugs_address = "Storefront", "1", ""
    catalog.last_translator = catalog.language_team = ""
    catalog.creation_date = catalog.revision_date = SOME_DAY
    catalog.header_comment = f"# What the pages say, in {catalog.locale.english_name if catalog.locale else 'English'}."
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalog, width=120, include_lineno=False)
    path.with_suffix(".mo").write_bytes(compiled(catalog))


def compiled(catalog: Catalog) -> bytes:
    out = BytesIO()
    write_mo(out, catalog)
    return out.getvalue()


if __name__ == "__main__":
    update()
