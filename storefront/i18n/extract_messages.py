"""Extracts messages from the source, updates the catalogues of all languages (.po), and compiles them (.mo)."""

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
FIXED_DATE = datetime(2026, 1, 1, tzinfo=UTC)
"""The date in every catalogue, so that an unchanged catalogue gives an identical file."""
KEYWORDS: dict[str, tuple[int, ...] | None] = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def extracted() -> Catalog:
    """Return all messages of the source, in the order of the files, with their locations."""
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
    """Return the catalogue of this language; an empty one if there is no file."""
    if not po_file(language).exists():
        return Catalog(locale=language, project="Storefront", charset="utf-8", fuzzy=False)
    with po_file(language).open("rb") as file:
        return read_po(file, locale=language)


def update() -> None:
    """Update every catalogue from the source, without fuzzy matching: new messages are empty, removed ones are
    deleted."""
    template = extracted()
    for language in LANGUAGES:
        if language != SOURCE_LANGUAGE:
            catalog = read(language)
            catalog.update(template, no_fuzzy_matching=True)
            catalog.obsolete.clear()
            save(catalog)


def save(catalog: Catalog) -> None:
    """Write the catalogue (.po) and its compiled form (.mo)."""
    path = po_file(str(catalog.locale))
    catalog.project, catalog.version, catalog.msgid_bugs_address = "Storefront", "1", ""
    catalog.last_translator = catalog.language_team = ""
    catalog.creation_date = catalog.revision_date = FIXED_DATE
    catalog.header_comment = f"# Messages in {catalog.locale.english_name if catalog.locale else 'English'}."
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
