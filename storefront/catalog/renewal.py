"""Rebuilds the stored search text of all products after an upgrade that builds it differently."""

from typing import Any

from sqlalchemy import bindparam, select, update

from storefront.catalog.queries import product_columns, products
from storefront.catalog.text import WORDS_VERSION, build_search_document
from storefront.catalog.variants import iter_option_values
from storefront.db.base import db
from storefront.db.tenancy import execute, tenant_scoped
from storefront.db.tenant_context import tenant_context
from storefront.db.transactions import write
from storefront.i18n.unicode_text import without_direction_controls
from storefront.tenants.models import Setting, Tenant

VERSION_SETTING = "search_words_version"
BATCH_ROWS = 2000
RENEWED = ("name", "name_translations", "description", "description_translations", "search_name", "search_text")
"""Includes names and descriptions, to remove direction controls that an earlier version accepted."""
SELECT_TEXTS = tenant_scoped(
    select(
        product_columns.id,
        product_columns.position,
        product_columns.category,
        product_columns.tags,
        product_columns.options,
        product_columns.options_translations,
        *(product_columns[name] for name in RENEWED),
    )
    .where(product_columns.position > bindparam("after"))
    .order_by(product_columns.position)
    .limit(BATCH_ROWS)
)
RENEW = tenant_scoped(
    update(products)
    .where(product_columns.id == bindparam("the_product"))
    .values({name: bindparam(name) for name in RENEWED} | {"updated_at": product_columns.updated_at})
)


def renew_search_words() -> int:
    """Rebuild the search text of all products unless `WORDS_VERSION` has built it. Return the number of changed
    products.

    Must be called by one process at a time. After an interruption it starts again at the next start.
    """
    made_by = db.session.get(Setting, VERSION_SETTING)
    if made_by and made_by.value == WORDS_VERSION:
        return 0
    changed = 0
    for tenant_id, translations in db.session.execute(select(Tenant.id, Tenant.taxonomy_translations)).all():
        with tenant_context(tenant_id):
            changed += renew_products(translations or {})
    with write():
        db.session.merge(Setting(name=VERSION_SETTING, value=WORDS_VERSION))
    return changed


def renew_products(taxonomy_translations: dict[str, dict[str, str]]) -> int:
    """Rebuild the search text of the current tenant's products, one batch per transaction, so that orders hardly wait.

    Products are updated in order of their ids, as orders take stock, to avoid deadlocks."""
    changed, after = 0, -1
    rows: list[Any] = []
    while after == -1 or len(rows) == BATCH_ROWS:
        with write():
            rows = list(execute(SELECT_TEXTS, {"after": after}))
            renewed = [new for row in rows if (new := renewed_texts(row, taxonomy_translations))]
            if renewed:
                execute(RENEW, sorted(renewed, key=lambda values: str(values["the_product"])))
        changed += len(renewed)
        after = rows[-1].position if rows else 0
    return changed


def renewed_texts(row: Any, taxonomy_translations: dict[str, dict[str, str]]) -> dict[str, Any] | None:
    """Return the new values of a product's row; None if nothing changes."""
    name, names = without_direction_controls(row.name), cleaned(row.name_translations)
    description, descriptions = without_direction_controls(row.description), cleaned(row.description_translations)
    own = [row.category, *row.tags]
    all_labels = own + [other for label in own for other in taxonomy_translations.get(label, {}).values()]
    all_labels += iter_option_values(row.options, row.options_translations)
    search_name, search_text = build_search_document(
        (name, *(names or {}).values()), (description, *(descriptions or {}).values()), all_labels
    )
    new = dict(zip(RENEWED, (name, names, description, descriptions, search_name, search_text), strict=True))
    return None if all(new[column] == getattr(row, column) for column in RENEWED) else new | {"the_product": row.id}


def cleaned(texts: dict[str, str] | None) -> dict[str, str] | None:
    return {language: without_direction_controls(text) for language, text in texts.items()} if texts else None
