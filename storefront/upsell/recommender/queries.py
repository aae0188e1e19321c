"""The recommender's statements."""

from sqlalchemy import (
    Text,
    bindparam,
    cast,
    delete,
    func,
    select,
    update,
)

from storefront.catalog.models import Product
from storefront.catalog.queries import IS_ON_SALE
from storefront.db.base import table_of
from storefront.db.tenancy import tenant_scoped
from storefront.orders.models import Order, OrderLine, OrderStatus
from storefront.upsell.recommender.models import (
    CategoryAffinity,
    Complement,
    ComplementSource,
    ProductAffinity,
    TrainingState,
)

affinities, category_affinities, training_state = (
    table_of(ProductAffinity),
    table_of(CategoryAffinity),
    table_of(TrainingState),
)
complements = table_of(Complement)
INDEX_OF_OTHER = select(affinities.c.item_index).where(affinities.c.product_id == complements.c.complement_product_id)
INDEX_OF_CATEGORY = select(category_affinities.c.category_index).where(
    category_affinities.c.name == complements.c.category
)
SELECT_COMPLEMENTS = tenant_scoped(
    select(
        complements.c.product_id,
        complements.c.complement_product_id,
        complements.c.category,
        complements.c.explanation,
        complements.c.explanation_translations,
        complements.c.source,
        tenant_scoped(INDEX_OF_OTHER.correlate(complements)).scalar_subquery().label("other_index"),
        tenant_scoped(INDEX_OF_CATEGORY.correlate(complements)).scalar_subquery().label("category_index"),
    )
    .where(complements.c.product_id.in_(bindparam("ids", expanding=True)))
    .order_by(complements.c.product_id, complements.c.position, complements.c.complement_product_id)
)
HAS_COMPLEMENTS = (
    tenant_scoped(select(complements.c.product_id).where(complements.c.product_id == affinities.c.product_id))
    .correlate(affinities)
    .exists()
    .label("has_complements")
)
DELETE_GENERATED_COMPLEMENTS = tenant_scoped(
    delete(complements).where(
        complements.c.product_id == bindparam("product"), complements.c.source == ComplementSource.LLM.value
    )
)
SET_COMPLEMENTS_DIGEST = tenant_scoped(
    update(affinities)
    .where(affinities.c.product_id == bindparam("product"))
    .values(complements_digest=bindparam("digest"))
)
products, lines, orders = table_of(Product), table_of(OrderLine), table_of(Order)
same_product = (products.c.tenant_id == affinities.c.tenant_id) & (products.c.id == affinities.c.product_id)
TRAINING_STATE_QUERY = select(
    training_state.c.last_event_id, training_state.c.order_count, training_state.c.text_digest
)
SELECT_TRAINING_STATE, LOCK_TRAINING_STATE = (
    tenant_scoped(TRAINING_STATE_QUERY),
    tenant_scoped(TRAINING_STATE_QUERY.with_for_update()),
)
SELECT_CATALOG_STATS = tenant_scoped(
    select(affinities.c.item_index, affinities.c.order_count, affinities.c.product_id, products.c.category)
    .join(products, same_product)
    .order_by(affinities.c.item_index)
)
AFFINITY_COLUMNS = [
    affinities.c.product_id,
    affinities.c.item_index,
    affinities.c.order_count,
    affinities.c.cooccurrences,
    affinities.c.similar_items,
    HAS_COMPLEMENTS,
]
is_requested = affinities.c.product_id.in_(bindparam("ids", expanding=True))
SELECT_AFFINITIES = tenant_scoped(select(*AFFINITY_COLUMNS).where(is_requested))
STATE_COLUMNS = [
    training_state.c.last_event_id,
    training_state.c.text_digest,
    training_state.c.order_count.label("orders_learned"),
]
same_tenant = training_state.c.tenant_id == affinities.c.tenant_id
SELECT_AFFINITIES_WITH_STATE = tenant_scoped(
    select(*AFFINITY_COLUMNS, *STATE_COLUMNS).join(training_state, same_tenant).where(is_requested)
)
SELECT_ROWS_BY_INDEX = tenant_scoped(
    select(affinities.c.item_index, affinities.c.order_count, affinities.c.cooccurrences).where(
        affinities.c.item_index.in_(bindparam("indexes", expanding=True))
    )
)
SELECT_CATEGORY_INDEXES = tenant_scoped(select(category_affinities.c.name, category_affinities.c.category_index))
SELECT_CATEGORY_ROWS = tenant_scoped(
    select(category_affinities.c.category_index, category_affinities.c.cooccurrences).where(
        category_affinities.c.category_index.in_(bindparam("indexes", expanding=True))
    )
)
SELECT_ITEM_INDEXES = tenant_scoped(
    select(affinities.c.product_id, affinities.c.item_index, products.c.category)
    .join(products, same_product)
    .where(affinities.c.product_id.in_(bindparam("ids", expanding=True)))
)
JSON_COLUMNS = ("name_translations", "description_translations", "tags")
PRODUCT_TEXT_COLUMNS = [
    cast(products.c[name], Text).label(name) if name in JSON_COLUMNS else products.c[name]
    for name in ("id", "name", "name_translations", "description", "description_translations", "category", "tags")
]
"""For `product_text`. JSON is read as text, because most of it has been parsed before."""
may_be_sold = (products.c.stock > 0) & (products.c.price > 0)
SELECT_PRODUCT_TEXTS = tenant_scoped(
    select(*PRODUCT_TEXT_COLUMNS).where(products.c.id.in_(bindparam("ids", expanding=True)))
)
SELECT_PRODUCT_TEXTS_WITH_STATE = tenant_scoped(
    select(*PRODUCT_TEXT_COLUMNS, *AFFINITY_COLUMNS, *STATE_COLUMNS)
    .select_from(affinities)
    .join(products, same_product)
    .join(training_state, same_tenant)
    .where(is_requested)
)
OFFER_COLUMNS = [
    *PRODUCT_TEXT_COLUMNS,
    *(products.c[name] for name in ("price", "stock", "image", "position")),
    *(cast(products.c[name], Text).label(name) for name in ("options", "options_translations")),
]
"""For `product_view_from_offer`."""
SELECT_SELLABLE_PRODUCTS = tenant_scoped(
    select(*OFFER_COLUMNS).where(products.c.id.in_(bindparam("ids", expanding=True)), may_be_sold)
)
SELECT_PRODUCT_TEXTS_BY_INDEX = tenant_scoped(
    select(affinities.c.item_index, affinities.c.similar_items, *PRODUCT_TEXT_COLUMNS)
    .join(products, same_product)
    .where(affinities.c.item_index.in_(bindparam("indexes", expanding=True)))
)
SELECT_PRODUCTS_TO_GENERATE = tenant_scoped(
    select(affinities.c.item_index, affinities.c.order_count, affinities.c.complements_digest, *PRODUCT_TEXT_COLUMNS)
    .join(products, same_product)
    .where(affinities.c.item_index > bindparam("item_index"), IS_ON_SALE)
    .order_by(affinities.c.item_index)
    .limit(bindparam("limit"))
)
SELECT_CATALOG = tenant_scoped(
    select(affinities.c.item_index, affinities.c.product_id, products.c.category)
    .join(products, same_product)
    .order_by(affinities.c.item_index)
)
SELECT_TEXT_FEATURES = tenant_scoped(
    select(affinities.c.product_id, affinities.c.item_index, HAS_COMPLEMENTS, affinities.c.similar_items).where(
        affinities.c.item_index.in_(bindparam("indexes", expanding=True))
    )
)
is_valid = (orders.c.status != OrderStatus.CANCELLED) & (orders.c.created_at <= bindparam("until"))
is_later = (orders.c.created_at > bindparam("moment")) | (
    (orders.c.created_at == bindparam("moment")) & (orders.c.id > bindparam("id"))
)
COUNT_VALID_ORDERS = tenant_scoped(select(func.count()).select_from(orders).where(is_valid))
VALID_ORDERS_AFTER = tenant_scoped(
    select(orders.c.id, orders.c.created_at)
    .where(is_valid, is_later)
    .order_by(orders.c.created_at, orders.c.id)
    .limit(bindparam("limit"))
)
SELECT_NEXT_ITEM_INDEX = tenant_scoped(select(func.coalesce(func.max(affinities.c.item_index), -1) + 1))
SELECT_NEXT_CATEGORY_INDEX = tenant_scoped(
    select(func.coalesce(func.max(category_affinities.c.category_index), -1) + 1)
)
SELECT_ORDER_PRODUCTS = tenant_scoped(
    select(lines.c.order_id, lines.c.product_id).where(lines.c.order_id.in_(bindparam("orders", expanding=True)))
)
SELECT_INDEXED_PRODUCTS = tenant_scoped(select(affinities.c.product_id))
SELECT_UNINDEXED_PRODUCTS = tenant_scoped(
    select(products.c.id, products.c.category)
    .where(products.c.id.not_in(SELECT_INDEXED_PRODUCTS))
    .order_by(products.c.position)
)
SELECT_DISTINCT_CATEGORIES = tenant_scoped(select(products.c.category).where(products.c.category != "").distinct())
SELECT_SIMILARITY_TEXTS = tenant_scoped(
    select(affinities.c.item_index, products.c.name, products.c.category, products.c.tags, products.c.description)
    .join(products, same_product)
    .order_by(affinities.c.item_index)
)
UPDATE_ROWS = tenant_scoped(
    update(affinities)
    .where(affinities.c.item_index == bindparam("the_index"))
    .values(order_count=bindparam("order_count"), cooccurrences=bindparam("cooccurrences"))
)
UPDATE_CATEGORY_ROWS = tenant_scoped(
    update(category_affinities)
    .where(category_affinities.c.category_index == bindparam("the_index"))
    .values(cooccurrences=bindparam("cooccurrences"))
)
UPDATE_SIMILAR_ITEMS = tenant_scoped(
    update(affinities)
    .where(affinities.c.item_index == bindparam("the_index"))
    .values(similar_items=bindparam("similar_items"))
)
UPDATE_TRAINING_STATE = tenant_scoped(
    update(training_state).values(last_event_id=bindparam("last_event_id"), order_count=bindparam("order_count"))
)
UPDATE_TEXT_DIGEST = tenant_scoped(update(training_state).values(text_digest=bindparam("text_digest")))
RESET_ROWS = tenant_scoped(update(affinities).values(order_count=0, cooccurrences=b""))
RESET_CATEGORY_ROWS = tenant_scoped(update(category_affinities).values(cooccurrences=b""))
