"""The forms of products: what is typed becomes the values that `catalog.actions` takes, and the other way round."""

import re
import secrets
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice, product
from typing import Any

from storefront import money
from storefront.admin.selling_forms import check_tax_class, read_selling, selling_values
from storefront.catalog.models import Product, ProductStatus, Variant
from storefront.catalog.product_input import RESERVED_ID, NewProduct, ProductChanges, checked, stored_changes
from storefront.catalog.staff_queries import variant_status
from storefront.catalog.text import tokenize
from storefront.catalog.variant_schema import MAX_OPTIONS, MAX_VARIANTS
from storefront.errors import FieldError, Invalid
from storefront.i18n.formatting import format_price_field
from storefront.i18n.gettext import _
from storefront.i18n.negotiation import LANGUAGES
from storefront.i18n.unicode_text import single_line
from storefront.tenants.settings import TenantSettings

TEXT_FIELDS = ("name", "description")
WAS = "was_"
"""Begins the name of the hidden field with the value that a form was opened with."""
MAX_SLUG_LENGTH = 48
Form = Mapping[str, str]


def other_languages(tenant: TenantSettings) -> dict[str, str]:
    """Return the languages besides the shop's own, with their names."""
    return {code: name for code, name in LANGUAGES.items() if code != tenant.default_language}


def form_values(tenant: TenantSettings, row: Product) -> dict[str, str]:
    """Return a product's values as its form shows them."""
    values = {
        "name": row.name,
        "description": row.description,
        "category": row.category,
        "tags": ", ".join(row.tags),
        "price": format_price_field(row.price, tenant.currency),
        "status": row.status,
        **selling_values(row),
    }
    for language in other_languages(tenant):
        values[f"name_{language}"] = (row.name_translations or {}).get(language, "")
        values[f"description_{language}"] = (row.description_translations or {}).get(language, "")
    return values


def read_details(tenant: TenantSettings, form: Form, prefix: str = "") -> dict[str, Any]:
    """Return the columns of a product's form. Raises `Invalid`, with a message at each field."""
    sent: dict[str, Any] = {name: texts(tenant, form, prefix + name) for name in TEXT_FIELDS}
    sent |= {
        "category": single_line(form.get(prefix + "category", "")),
        "tags": split_list(form.get(prefix + "tags", "")),
        "price": read_amount("price", form.get(prefix + "price", ""), tenant.currency),
        "status": form.get(prefix + "status", ProductStatus.ACTIVE.value),
    }
    changes = stored_changes(tenant, checked(ProductChanges, sent))
    details = {name: value.value if name == "status" else value for name, value in changes.items()}
    return details | read_selling(form, prefix)


def details_and_base(tenant: TenantSettings, form: Form) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return what a form changes, and what it was opened with. Raises `Invalid`."""
    new = read_details(tenant, form)
    was = read_details(tenant, form, WAS) if f"{WAS}name" in form else {}
    changes = {name: value for name, value in new.items() if name not in was or value != was[name]}
    check_tax_class(tenant, changes)
    return changes, {name: was[name] for name in changes if name in was}


def texts(tenant: TenantSettings, form: Form, name: str) -> dict[str, str]:
    """Return a text by language; the shop's own language comes without a suffix."""
    found = {tenant.default_language: lines(form.get(name, ""))}
    others = {language: lines(form.get(f"{name}_{language}", "")) for language in other_languages(tenant)}
    return found | {language: text for language, text in others.items() if text}


def lines(text: str) -> str:
    """Return a text with the line ends of Unix; browsers send others."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def split_list(text: str) -> list[str]:
    """Return the parts of a list separated by commas, each once."""
    return list(dict.fromkeys(part for one in text.split(",") if (part := single_line(one))))


def read_amount(field: str, text: str, currency: str) -> int:
    """Parse a price with a decimal point or comma, whatever the language, to minor units. Raises `Invalid`."""
    try:
        return money.parse(single_line(text).replace(",", "."), currency)
    except ValueError:
        example = format_price_field(1250 if money.minor_unit_digits(currency) else 12, currency)
        message = _("Enter a price in %(currency)s, such as %(example)s.", currency=currency, example=example)
        raise Invalid(FieldError(field, message)) from None


def with_ascii_minus(text: str) -> str:
    return single_line(text).replace("−", "-")


def is_signed(text: str) -> bool:
    """Whether a number is typed with its sign: it is a change then."""
    return with_ascii_minus(text).startswith(("+", "-"))


def read_whole(field: str, text: str) -> int:
    """Parse a whole number. Raises `Invalid`."""
    text = with_ascii_minus(text)
    if re.fullmatch(r"[+-]?\d{1,12}", text):
        return int(text)
    raise Invalid(FieldError(field, _("Enter a whole number.")))


def new_product(tenant: TenantSettings, form: Form) -> NewProduct:
    """Return the product of the form for a new one. Raises `Invalid`, with a message at each field."""
    id = single_line(form.get("id", "")) or slug(form.get("name", ""))
    options = typed_options(form)
    stock = read_whole("stock", form.get("stock") or "0")
    sent = {
        "id": id,
        **{name: texts(tenant, form, name) for name in TEXT_FIELDS},
        "category": single_line(form.get("category", "")),
        "tags": split_list(form.get("tags", "")),
        "price": read_amount("price", form.get("price", ""), tenant.currency),
        "status": form.get("status", ProductStatus.ACTIVE.value),
        "options": options,
        "variants": [
            {"id": f"{id[:40]}-{number}", "options": list(values), "stock": stock}
            for number, values in enumerate(combinations(options), 1)
        ],
    }
    found: NewProduct = checked(NewProduct, sent if options else sent | {"stock": stock})
    return found


def typed_options(form: Form) -> list[dict[str, Any]]:
    """Return the options of the form for a new product. Raises `Invalid` for one without a name or without values, and
    for a value that is there twice."""
    found, faults = [], []
    for number in range(1, MAX_OPTIONS + 1):
        name = single_line(form.get(f"option_{number}", ""))
        typed = [text for one in form.get(f"values_{number}", "").split(",") if (text := single_line(one))]
        twice = [text for text, times in Counter(typed).items() if times > 1]
        if typed and not name:
            faults.append(FieldError(f"option_{number}", _("Name this option, for example: Size.")))
        if name and not typed:
            faults.append(FieldError(f"values_{number}", _("Enter the values of this option, or remove its name.")))
        if twice:
            faults.append(FieldError(f"values_{number}", _("“%(text)s” is there twice.", text=twice[0])))
        if typed:
            found.append({"name": name, "values": typed})
    if faults:
        raise Invalid(*faults)
    return found


def combinations(options: list[dict[str, Any]]) -> Iterator[tuple[str, ...]]:
    """Yield each combination of the options' values; at most one more than a product may have."""
    return islice(product(*(option["values"] for option in options)), MAX_VARIANTS + 1) if options else iter(())


def slug(name: str) -> str:
    """Return an id made from a product's name; a random one for a name without Latin letters, or with a reserved id."""
    words = "-".join(word for word in tokenize(name) if word.isascii())[:MAX_SLUG_LENGTH].strip("-")
    return f"product-{secrets.token_hex(4)}" if words in ("", RESERVED_ID) else words


def variant_values(tenant: TenantSettings, row: Variant) -> dict[str, str]:
    """Return a variant's values as the grid shows them."""
    return {
        "price": format_price_field(row.price, tenant.currency),
        "stock": str(row.stock),
        "sku": row.sku,
        "gtin": row.gtin or "",
        "status": variant_status(row).value,
    }
