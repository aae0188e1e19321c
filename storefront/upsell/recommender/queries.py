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
from storefront.db.base import table_of
from storefront.db.tenancy import tenant_scoped
from storefront.orders.models import CANCELLED, Order, OrderLine
from storefront.upsell.recommender.models import CategoryAffinity, Complement, ProductAffinity, TrainingState

affinities, groups, learned = table_of(ProductAffinity), table_of(CategoryAffinity), table_of(TrainingState)
complements = table_of(Complement)
NUMBER_OF_OTHER = select(affinities.c.number).where(affinities.c.product_id == complements.c.other_id)
NUMBER_OF_GROUP = select(groups.c.number).where(groups.c.name == complements.c.category)
SELECT_COMPLEMENTS = tenant_scoped(
    select(
        complements.c.product_id,
        complements.c.category,
        complements.c.why,
        tenant_scoped(NUMBER_OF_OTHER.correlate(complements)).scalar_subquery().label("other"),
        tenant_scoped(NUMBER_OF_GROUP.correlate(complements)).scalar_subquery().label("group"),
    ).where(complements.c.product_id.in_(bindparam("ids", expanding=True)))
)
DELETE_COMPLEMENTS = tenant_scoped(delete(complements).where(complements.c.product_id == bindparam("product")))
SET_COMPLEMENTS_DIGEST = tenant_scoped(
    update(affinities).where(affinities.c.product_id == bindparam("product")).values(prepared=bindparam("texts"))
)
products, lines, orders = table_of(Product), table_of(OrderLine), table_of(Order)
same_product = (products.c.tenant_id == affinities.c.tenant_id) & (products.c.id == affinities.c.product_id)
THE_STATE = select(learned.c.event, learned.c.orders, learned.c.texts)
SELECT_TRAINING_STATE, LOCK_TRAINING_STATE = tenant_scoped(THE_STATE), tenant_scoped(THE_STATE.with_for_update())
SELECT_CATALOG_STATS = tenant_scoped(
    select(affinities.c.number, affinities.c.orders, affinities.c.product_id, products.c.category)
    .join(products, same_product)
    .order_by(affinities.c.number)
)
AFFINITY_COLUMNS = [affinities.c[name] for name in ("product_id", "number", "orders", "prepared", "together", "alike")]
these_products = affinities.c.product_id.in_(bindparam("ids", expanding=True))
SELECT_AFFINITIES = tenant_scoped(select(*AFFINITY_COLUMNS).where(these_products))
STATE_COLUMNS = [learned.c.event, learned.c.texts, learned.c.orders.label("orders_learned")]
of_this_shop = learned.c.tenant_id == affinities.c.tenant_id
SELECT_AFFINITIES_WITH_STATE = tenant_scoped(
    select(*AFFINITY_COLUMNS, *STATE_COLUMNS).join(learned, of_this_shop).where(these_products)
)
SELECT_ROWS_BY_INDEX = tenant_scoped(
    select(affinities.c.number, affinities.c.orders, affinities.c.together).where(
        affinities.c.number.in_(bindparam("numbers", expanding=True))
    )
)
SELECT_CATEGORY_INDEXES = tenant_scoped(select(groups.c.name, groups.c.number))
SELECT_CATEGORY_ROWS = tenant_scoped(
    select(groups.c.number, groups.c.together).where(groups.c.number.in_(bindparam("numbers", expanding=True)))
)
SELECT_ITEM_INDEXES = tenant_scoped(
    select(affinities.c.product_id, affinities.c.number, products.c.category)
    .join(products, same_product)
    .where(affinities.c.product_id.in_(bindparam("ids", expanding=True)))
)
PRODUCT_TEXT_COLUMNS = [
    cast(products.c[name], Text).label(name) if name in ("names", "descriptions", "tags") else products.c[name]
    for name in ("id", "name", "names", "description", "descriptions", "category", "tags")
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
    .join(learned, of_this_shop)
    .where(these_products)
)
OFFER_COLUMNS = [*PRODUCT_TEXT_COLUMNS, *(products.c[name] for name in ("price", "stock", "image", "place"))]
"""For `product_view_from_offer`."""
SELECT_SELLABLE_PRODUCTS = tenant_scoped(
    select(*OFFER_COLUMNS).where(products.c.id.in_(bindparam("ids", expanding=True)), may_be_sold)
)
SELECT_PRODUCT_TEXTS_BY_INDEX = tenant_scoped(
    select(affinities.c.number, affinities.c.alike, *PRODUCT_TEXT_COLUMNS)
    .join(products, same_product)
    .where(affinities.c.number.in_(bindparam("numbers", expanding=True)))
)
SELECT_PRODUCTS_TO_GENERATE = tenant_scoped(
    select(affinities.c.number, affinities.c.orders, affinities.c.prepared, *PRODUCT_TEXT_COLUMNS)
    .join(products, same_product)
    .where(affinities.c.number > bindparam("number"))
    .order_by(affinities.c.number)
    .limit(bindparam("limit"))
)
SELECT_CATALOG = tenant_scoped(
    select(affinities.c.number, affinities.c.product_id, products.c.category)
    .join(products, same_product)
    .order_by(affinities.c.number)
)
SELECT_TEXT_FEATURES = tenant_scoped(
    select(affinities.c.product_id, affinities.c.number, affinities.c.prepared, affinities.c.alike).where(
        affinities.c.number.in_(bindparam("numbers", expanding=True))
    )
)
stands = (orders.c.status != CANCELLED) & (orders.c.created_at <= bindparam("until"))
later = (orders.c.created_at > bindparam("moment")) | (
    (orders.c.created_at == bindparam("moment")) & (orders.c.id > bindparam("id"))
)
COUNT_VALID_ORDERS = tenant_scoped(select(func.count()).select_from(orders).where(stands))
VALID_ORDERS_AFTER = tenant_scoped(
    select(orders.c.id, orders.c.created_at)
    .where(stands, later)
    .order_by(orders.c.created_at, orders.c.id)
    .limit(bindparam("limit"))
)
SELECT_NEXT_ITEM_INDEX = tenant_scoped(select(func.coalesce(func.max(affinities.c.number), -1) + 1))
SELECT_NEXT_CATEGORY_INDEX = tenant_scoped(select(func.coalesce(func.max(groups.c.number), -1) + 1))
SELECT_ORDER_PRODUCTS = tenant_scoped(
    select(lines.c.order_id, lines.c.product_id).where(lines.c.order_id.in_(bindparam("orders", expanding=True)))
)
SELECT_INDEXED_PRODUCTS = tenant_scoped(select(affinities.c.product_id))
SELECT_UNINDEXED_PRODUCTS = tenant_scoped(
    select(products.c.id, products.c.category)
    .where(products.c.id.not_in(SELECT_INDEXED_PRODUCTS))
    .order_by(products.c.place)
)
SELECT_DISTINCT_CATEGORIES = tenant_scoped(select(products.c.category).where(products.c.category != "").distinct())
SELECT_SIMILARITY_TEXTS = tenant_scoped(
    select(affinities.c.number, products.c.name, products.c.category, products.c.tags, products.c.description)
    .join(products, same_product)
    .order_by(affinities.c.number)
)
WORDS = tenant_scoped(select(products.c.id, products.c.words).order_by(products.c.id))
UPDATE_ROWS = tenant_scoped(
    update(affinities)
    .where(affinities.c.number == bindparam("the_number"))
    .values(orders=bindparam("orders"), together=bindparam("together"))
)
UPDATE_CATEGORY_ROWS = tenant_scoped(
    update(groups).where(groups.c.number == bindparam("the_number")).values(together=bindparam("together"))
)
UPDATE_SIMILAR_ITEMS = tenant_scoped(
    update(affinities).where(affinities.c.number == bindparam("the_number")).values(alike=bindparam("alike"))
)
UPDATE_TRAINING_STATE = tenant_scoped(update(learned).values(event=bindparam("event"), orders=bindparam("orders")))
UPDATE_TEXT_DIGEST = tenant_scoped(update(learned).values(texts=bindparam("texts")))
RESET_ROWS = tenant_scoped(update(affinities).values(orders=0, together=b""))
RESET_CATEGORY_ROWS = tenant_scoped(update(groups).values(together=b""))
