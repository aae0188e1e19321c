"""What staff does with the options of a product and with the list of its variants: rename, add, remove."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from sqlalchemy import select

from storefront.catalog.actions import editing, refuse_used_ids
from storefront.catalog.models import Variant, VariantStatus
from storefront.catalog.option_changes import MergedOptions, OptionEdit, merge_options
from storefront.catalog.product_edit import ProductEdit
from storefront.catalog.product_input import OptionsInput, checked
from storefront.catalog.refusals import EditConflict
from storefront.catalog.staff_queries import is_sold
from storefront.catalog.variant_schema import MAX_VALUES_PER_OPTION, MAX_VARIANTS
from storefront.db.base import db
from storefront.errors import FieldError, Invalid
from storefront.events.models import ArchivedEvent, Event, EventType
from storefront.i18n.gettext import _
from storefront.tenants.settings import TenantSettings

UsedVariants = Callable[[str, Collection[str]], Collection[str]]
"""Returns those of a product's variants, all by id, that carts or orders refer to, which therefore can't be deleted."""


def change_options(
    tenant: TenantSettings, product_id: str, edits: Sequence[OptionEdit], used_variants: UsedVariants
) -> None:
    """Rename options, and rename, add and remove their values. The variants with a removed value are removed.

    Raises `NotFound`, `Invalid`, and `EditConflict` if others have changed the same texts since the form was opened."""
    with editing(tenant, product_id) as edit:
        merged = merge_options(edit.product.options or [], edit.product.options_translations, edits)
        if merged.theirs:
            raise EditConflict(merged.theirs)
        check_options(tenant, merged)
        removed = [one for one in edit.variants if has_removed_value(one, merged)]
        remove(edit, removed, used_variants)
        for variant in edit.variants:
            variant.options = renamed_options(variant, merged)
        edit.renamed = [
            {old: new for old, new in names.items() if new is not None and new != old} for names in merged.renamed
        ]
        has_any = any(one["name"] or any(one["values"]) for one in merged.translations)
        edit.set_details(
            {"options": merged.options or None, "options_translations": merged.translations if has_any else None}
        )


def check_options(tenant: TenantSettings, merged: MergedOptions) -> None:
    """Raises `Invalid` for texts that a catalogue file is refused for."""
    if faults := list(dict.fromkeys(option_faults(merged))):
        raise Invalid(*(FieldError("options", fault) for fault in faults))
    own = tenant.default_language
    sent = [
        {
            "name": {own: option["name"], **others["name"]},
            "values": [{own: text, **more} for text, more in zip(option["values"], others["values"], strict=True)],
        }
        for option, others in zip(merged.options, merged.translations, strict=True)
    ]
    try:
        checked(OptionsInput, {"options": sent})
    except Invalid as fault:
        raise Invalid(*(FieldError("options", one.message) for one in fault.field_errors)) from None


def option_faults(merged: MergedOptions) -> Iterator[str]:
    """Yield what is wrong with names and values: empty ones, too many, and those that are there twice."""
    for option in merged.options:
        if not option["values"]:
            yield _("An option needs at least one value.")
        if len(option["values"]) > MAX_VALUES_PER_OPTION:
            yield _("An option can't have more than %(most)s values.", most=MAX_VALUES_PER_OPTION)
    for texts in ([one["name"] for one in merged.options], *(one["values"] for one in merged.options)):
        if "" in texts:
            yield _("A name or a value can't be empty. To remove a value, select Remove.")
        yield from (_("“%(text)s” is there twice.", text=text) for text, times in Counter(texts).items() if times > 1)


def has_removed_value(variant: Variant, merged: MergedOptions) -> bool:
    return any(renamed.get(value, "") is None for value, renamed in zip(variant.options, merged.renamed, strict=False))


def renamed_options(variant: Variant, merged: MergedOptions) -> list[str]:
    """Return a variant's values under their new names; archived ones may have values that the options don't have."""
    shared = [renamed.get(value) or value for value, renamed in zip(variant.options, merged.renamed, strict=False)]
    return shared + variant.options[len(shared) :]


def remove_variants(tenant: TenantSettings, product_id: str, ids: Collection[str], used_variants: UsedVariants) -> int:
    """Delete variants; those that carts or orders refer to are archived. Return how many were archived.

    Raises `NotFound`, and `Invalid` if none would be left."""
    with editing(tenant, product_id) as edit:
        return len(remove(edit, [one for one in edit.variants if one.id in ids], used_variants))


def remove(edit: ProductEdit, variants: Sequence[Variant], used_variants: UsedVariants) -> list[Variant]:
    """Delete or archive variants of the product. Return the archived ones."""
    gone = [one.id for one in variants]
    if variants and not any(is_sold(one) for one in edit.variants if one.id not in gone):
        message = _("A product needs at least one variant. Archive the product instead.")
        raise Invalid(FieldError("variants", message))
    used = used_variants(edit.product.id, gone) if gone else ()
    for variant in variants:
        if variant.id in used:
            edit.set_variant_status(variant, VariantStatus.ARCHIVED)
        else:
            edit.delete_variant(variant)
    return [one for one in variants if one.id in used]


def add_variants(
    tenant: TenantSettings, product_id: str, combinations: Iterable[Sequence[str]], price: int | None, stock: int
) -> int:
    """Add variants of these values where the product doesn't sell them; an archived one is sold again. Return how many.

    `price` in minor units; None for the product's. Raises `NotFound`, and `Invalid` for a value that an option doesn't
    have and above `MAX_VARIANTS`."""
    added = 0
    with editing(tenant, product_id) as edit:
        options = edit.product.options or []
        earlier = earlier_ids(product_id)
        for values in combinations:
            if len(values) != len(options) or any(
                value not in option["values"] for value, option in zip(values, options, strict=False)
            ):
                raise Invalid(FieldError("variants", _("Choose a value of each option.")))
            same = [one for one in edit.variants if one.options == list(values)]
            if any(is_sold(one) for one in same):
                continue
            if same:
                edit.set_variant_status(same[0], VariantStatus.ACTIVE)
            else:
                edit.add_variant(new_id(edit, earlier), values, edit.product.price if price is None else price, stock)
            added += 1
        if len(edit.sold_variants) > MAX_VARIANTS:
            message = _("A product can't have more than %(most)s variants.", most=MAX_VARIANTS)
            raise Invalid(FieldError("variants", message))
    return added


def earlier_ids(product_id: str) -> set[str]:
    """Return the ids of the variants that the product's changes name, deleted ones too."""
    found: set[str] = set()
    for table in (Event, ArchivedEvent):
        changes = select(table.data).where(table.subject == product_id, table.type == EventType.PRODUCT_CHANGED)
        found.update(data["variant_id"] for data in db.session.scalars(changes) if "variant_id" in data)
    return found


def new_id(edit: ProductEdit, earlier: Collection[str]) -> str:
    """Return an id for another variant: the product's with the next number, which no earlier one has had, because the
    history of prices is by id. Raises `Invalid` if it is used."""
    begin = f"{edit.product.id[:40]}-"
    ids = {*earlier, *(one.id for one in edit.variants)}
    numbers = [id.removeprefix(begin) for id in ids if id.startswith(begin)]
    number = 1 + max((int(text) for text in numbers if text.isascii() and text.isdigit()), default=0)
    refuse_used_ids([f"{begin}{number}"], edit.product.id)
    return f"{begin}{number}"
