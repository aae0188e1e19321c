"""The form of a product's options: its rows from what is stored or from what was typed, and what it changes."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from itertools import count, product

from storefront.admin.product_forms import WAS, Form, other_languages, split_list
from storefront.catalog.models import Product, Variant
from storefront.catalog.option_changes import OptionEdit, TextEdit
from storefront.catalog.staff_queries import is_sold
from storefront.catalog.variant_schema import MAX_OPTIONS, MAX_VARIANTS
from storefront.i18n.unicode_text import single_line
from storefront.tenants.settings import TenantSettings


@dataclass
class TextRow:
    """A name or a value: the `field` of its input, what the form was opened with, and what the input shows. Those in
    other languages are `others`. `theirs` is what somebody else has stored meanwhile, empty if it was removed."""

    field: str
    was: str
    text: str
    others: list["TextRow"] = dataclass_field(default_factory=list)
    language: str = ""
    is_removed: bool = False
    theirs: str | None = None


@dataclass
class OptionRows:
    name: TextRow
    values: list[TextRow]
    added: str = ""


def stored_rows(tenant: TenantSettings, row: Product) -> list[OptionRows]:
    """Return the rows of the form as it is opened."""
    found = []
    for number, option in enumerate(row.options or [], 1):
        others = row.options_translations[number - 1] if row.options_translations else {"name": {}, "values": []}
        values = [
            text_row(tenant, f"value_{number}_{i}", value, others["values"][i - 1] if others["values"] else {})
            for i, value in enumerate(option["values"], 1)
        ]
        found.append(OptionRows(text_row(tenant, f"option_{number}", option["name"], others["name"]), values))
    return found


def text_row(tenant: TenantSettings, name: str, text: str, translations: Mapping[str, str]) -> TextRow:
    others = [
        TextRow(f"{name}_{language}", known := translations.get(language, ""), known, language=language)
        for language in other_languages(tenant)
    ]
    return TextRow(name, text, text, others)


def typed_rows(tenant: TenantSettings, form: Form, theirs: Mapping[str, str] | None = None) -> list[OptionRows]:
    """Return the rows of a form that was sent. Where `theirs` has other values, they are what it is opened with now."""
    return [
        OptionRows(
            typed_row(tenant, form, f"option_{number}", theirs or {}),
            [typed_row(tenant, form, name, theirs or {}) for name in value_fields(form, number)],
            form.get(f"more_{number}", ""),
        )
        for number in option_numbers(form)
    ]


def typed_row(tenant: TenantSettings, form: Form, name: str, theirs: Mapping[str, str]) -> TextRow:
    def row(field: str, language: str = "") -> TextRow:
        was = theirs.get(field, form.get(WAS + field, ""))
        return TextRow(field, was, form.get(field, ""), language=language, theirs=theirs.get(field))

    found = row(name)
    found.is_removed = bool(form.get(f"remove_{name}"))
    found.others = [row(f"{name}_{language}", language) for language in other_languages(tenant)]
    return found


def option_numbers(form: Form) -> Iterator[int]:
    return (number for number in range(1, MAX_OPTIONS + 1) if f"{WAS}option_{number}" in form)


def value_fields(form: Form, number: int) -> Iterator[str]:
    """Yield the names of the fields of an option's values."""
    for i in count(1):
        if f"{WAS}value_{number}_{i}" not in form:
            return
        yield f"value_{number}_{i}"


def with_their_values(tenant: TenantSettings, rows: list[OptionRows], row: Product) -> list[OptionRows]:
    """Add to the rows that were sent the values that others have added meanwhile."""
    for option, stored in zip(rows, stored_rows(tenant, row), strict=False):
        known = {value.was for value in option.values}
        new = [value for value in stored.values if value.was not in known]
        for number, value in enumerate(new, len(option.values) + 1):
            prefix = "_".join(value.field.split("_")[:2])
            for one in (value, *value.others):
                one.field = f"{prefix}_{number}" + (f"_{one.language}" if one.language else "")
        option.values += new
    return rows


def read_edits(tenant: TenantSettings, form: Form) -> list[OptionEdit]:
    """Return what a form that was sent changes."""
    return [
        OptionEdit(text_edit(option.name), [text_edit(value) for value in option.values], split_list(option.added))
        for option in typed_rows(tenant, form)
    ]


def text_edit(row: TextRow) -> TextEdit:
    was = {one.language: one.was for one in row.others if one.was}
    typed = {one.language: text for one in row.others if (text := single_line(one.text))}
    return TextEdit(row.field, row.was, single_line(row.text), was, typed, row.is_removed)


def values_without_variant(row: Product, variants: Sequence[Variant]) -> list[str]:
    """Return the values of a product's options that no variant which is sold has."""
    sold = [one for one in variants if is_sold(one)]
    return [
        value
        for i, option in enumerate(row.options or [])
        for value in option["values"]
        if all(one.options[i] != value for one in sold)
    ]


def missing_combinations(row: Product, variants: Sequence[Variant]) -> list[tuple[str, ...]]:
    """Return the combinations of values that aren't sold; none if a product may not have all of them."""
    sold = {tuple(one.options) for one in variants if is_sold(one)}
    total = 1
    for option in row.options or []:
        total *= len(option["values"])
    if not row.options or total > MAX_VARIANTS:
        return []
    return [values for values in product(*(option["values"] for option in row.options)) if values not in sold]
