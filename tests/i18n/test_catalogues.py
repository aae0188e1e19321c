"""Message catalogues are complete and compiled, and contain no unused messages."""

import ast
import re
from collections.abc import Iterator
from contextlib import chdir
from io import BytesIO
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.frontend import CommandLineInterface
from babel.messages.mofile import read_mo
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po

from storefront.config import ROOT
from storefront.i18n.locale import TRANSLATIONS_FOLDER
from storefront.i18n.negotiation import LANGUAGES, SOURCE_LANGUAGE

TRANSLATED_LANGUAGES = [language for language in LANGUAGES if language != SOURCE_LANGUAGE]
PLACEHOLDER = re.compile(r"%\((\w+)\)(\w)")


def pybabel(*arguments: str | Path) -> None:
    """Run one of Babel's commands in the project's folder."""
    with chdir(ROOT):
        CommandLineInterface().run(["pybabel", "-q", *map(str, arguments)])


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    template = tmp_path_factory.mktemp("i18n") / "messages.pot"
    pybabel("extract", "--mapping-file", "babel.cfg", "--output-file", template, "storefront", "templates")
    with template.open("rb") as file:
        return read_po(file)


def po_file(language: str) -> Path:
    return TRANSLATIONS_FOLDER / language / "LC_MESSAGES" / "messages.po"


def read(language: str) -> Catalog:
    with po_file(language).open("rb") as file:
        return read_po(file, locale=language)


def key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def test_extraction_finds_messages_in_templates_and_python(source: Catalog):
    files = {name for message in source for name, _ in message.locations}
    assert {"templates/base.html", "templates/catalog/_card.html", "storefront/errors.py"} <= files
    assert len(source) > 150


def test_every_message_of_the_code_is_extracted(source: Catalog):
    """Babel doesn't find those inside an f-string or another call."""
    found = {key(message) for message in source if message.id}
    used = {text for file in (ROOT / "storefront").rglob("*.py") for text in messages_in(file)}
    assert len(used) > 500
    assert not used - found


def messages_in(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("_", "N_", "ngettext"):
            yield from (str(text.value) for text in node.args[:1] if isinstance(text, ast.Constant))


@pytest.mark.parametrize("language", TRANSLATED_LANGUAGES)
def test_catalogue_is_complete(source: Catalog, language: str):
    catalog = read(language)
    assert {key(message) for message in catalog if message.id} == {key(message) for message in source if message.id}
    assert not catalog.obsolete, "unused messages"
    assert [key(message) for message in catalog if message.id and not all(forms(message))] == []
    assert [key(message) for message in catalog if message.id and message.fuzzy] == []


@pytest.mark.parametrize("language", TRANSLATED_LANGUAGES)
def test_plural_forms_and_placeholders_match_the_source(language: str):
    plural_count = get_plural(language).num_plurals
    for message in read(language):
        if not message.id:
            continue
        wanted = message.id if isinstance(message.id, tuple) else (message.id,)
        assert len(forms(message)) == (plural_count if isinstance(message.id, tuple) else 1), key(message)
        named = set(PLACEHOLDER.findall(str(wanted[-1])))
        for form in forms(message):
            assert set(PLACEHOLDER.findall(form)) == named, form
            assert form.replace("%%", "").count("%") == len(PLACEHOLDER.findall(form)), f"a stray per cent sign: {form}"


@pytest.mark.parametrize("language", TRANSLATED_LANGUAGES)
def test_translation_contains_no_markup(language: str):
    """Messages are inserted into pages and attributes without escaping."""
    for message in read(language):
        if message.id:
            assert not any(char in form for form in forms(message) for char in '<&"') or "<key>" in key(message)


@pytest.mark.parametrize("language", TRANSLATED_LANGUAGES)
def test_compiled_catalogue_is_current(tmp_path: Path, language: str):
    stored, compiled = po_file(language).with_suffix(".mo").read_bytes(), tmp_path / "messages.mo"
    pybabel("compile", "--input-file", po_file(language), "--locale", language, "--output-file", compiled)
    assert stored == compiled.read_bytes(), "run `make translations`"
    texts = {key(one): one.string for one in read_mo(BytesIO(stored)) if one.id}
    assert {name: text if isinstance(text, str) else tuple(text) for name, text in texts.items()} == {
        key(one): one.string if isinstance(one.string, str) else tuple(one.string) for one in read(language) if one.id
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_language_is_shown_by_its_own_name(language: str):
    assert LANGUAGES[language].lower() == (Locale(language).display_name or "").lower()
