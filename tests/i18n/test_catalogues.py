"""Every catalogue says all that the source says, and nothing else, and is compiled."""

import re
from io import BytesIO

import pytest
from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import read_mo
from babel.messages.plurals import get_plural

from storefront.i18n.extract_messages import compiled, extracted, po_file, read
from storefront.i18n.negotiation import LANGUAGES, SOURCE_LANGUAGE

OTHERS = [language for language in LANGUAGES if language != SOURCE_LANGUAGE]
PLACEHOLDER = re.compile(r"%\((\w+)\)(\w)")


@pytest.fixture(scope="module")
def source() -> Catalog:
    return extracted()


def key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def forms(message: Message) -> tuple[str, ...]:
    return (message.string,) if isinstance(message.string, str) else tuple(message.string)


def test_the_source_has_messages_of_templates_and_of_python(source: Catalog):
    places = {name for message in source for name, _ in message.locations}
    assert {"templates/base.html", "templates/catalog/_card.html", "storefront/errors.py"} <= places
    assert len(source) > 150


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_is_complete(source: Catalog, language: str):
    catalog = read(language)
    assert {key(message) for message in catalog if message.id} == {key(message) for message in source if message.id}
    assert not catalog.obsolete, "what no page says any more"
    assert [key(message) for message in catalog if message.id and not all(forms(message))] == []
    assert [key(message) for message in catalog if message.id and message.fuzzy] == []


@pytest.mark.parametrize("language", OTHERS)
def test_forms_and_placeholders_agree(language: str):
    many = get_plural(language).num_plurals
    for message in read(language):
        if not message.id:
            continue
        wanted = message.id if isinstance(message.id, tuple) else (message.id,)
        assert len(forms(message)) == (many if isinstance(message.id, tuple) else 1), key(message)
        named = set(PLACEHOLDER.findall(str(wanted[-1])))
        for form in forms(message):
            assert set(PLACEHOLDER.findall(form)) == named, form
            assert form.count("%") == len(PLACEHOLDER.findall(form)), f"a stray per cent sign: {form}"


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_is_plain_text(language: str):
    """Messages stand in pages and in their attributes as they are."""
    for message in read(language):
        if message.id:
            assert not any(sign in form for form in forms(message) for sign in '<&"') or "<key>" in key(message)


@pytest.mark.parametrize("language", OTHERS)
def test_the_compiled_catalogue_is_that_of_the_source(language: str):
    stored = po_file(language).with_suffix(".mo").read_bytes()
    assert stored == compiled(read(language)), "run `make translations`"
    said = {key(one): one.string for one in read_mo(BytesIO(stored)) if one.id}
    assert {name: text if isinstance(text, str) else tuple(text) for name, text in said.items()} == {
        key(one): one.string if isinstance(one.string, str) else tuple(one.string) for one in read(language) if one.id
    }


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_is_called_by_its_own_name(language: str):
    assert LANGUAGES[language].lower() == (Locale(language).display_name or "").lower()
