"""What the shop's orders and texts say about which products go together, as the engine reads and writes it."""

from sqlalchemy import (
    BigInteger,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    bindparam,
    cast,
    delete,
    func,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from storefront.catalog.models import Product
from storefront.db.base import Model, table_of
from storefront.db.tenancy import OwnedByTenant, tenant_scoped
from storefront.orders.models import CANCELLED, Order, OrderLine


class ProductAffinity(OwnedByTenant, Model):
    """One product: in how many orders it was, with what else, and which texts are like its own. Other products are
    known by their `number`, which is small, and dense within the tenant. See `rows.py` for what is in the bytes."""

    __tablename__ = "product_affinity"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "product_id"], ["product.tenant_id", "product.id"]),
        Index(None, "tenant_id", "number", unique=True),
    )

    product_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    orders: Mapped[int] = mapped_column(Integer, default=0)
    prepared: Mapped[str] = mapped_column(String(16), default="")
    """Which state of its texts its complements were prepared from; empty when they never were."""
    together: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    """Of orders: see `Row`."""
    alike: Mapped[bytes] = mapped_column(LargeBinary, default=b"")


class GroupAffinity(OwnedByTenant, Model):
    """A category, or what stands before a ">" in one: the weight of the pairs that its products made with those of
    other groups, in thousandths, by the others' numbers."""

    __tablename__ = "group_affinity"
    __table_args__ = (Index(None, "tenant_id", "number", unique=True),)

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    together: Mapped[bytes] = mapped_column(LargeBinary, default=b"")


class Complement(OwnedByTenant, Model):
    """What a model wrote down beforehand about what completes a product: another product or, with that empty, a
    category; and why, in one sentence."""

    __tablename__ = "complement"
    __table_args__ = (ForeignKeyConstraint(["tenant_id", "product_id"], ["product.tenant_id", "product.id"]),)

    product_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    other_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    category: Mapped[str] = mapped_column(String(80), primary_key=True)
    why: Mapped[str]


class Learned(OwnedByTenant, Model):
    """How far the engine has learned: the id of the last event that it has seen. `texts` says which state of the
    products' texts `alike` was made from."""

    __tablename__ = "upsell_learned"

    event: Mapped[int] = mapped_column(BigInteger, default=0)
    orders: Mapped[int] = mapped_column(Integer, default=0)
    texts: Mapped[str] = mapped_column(String(64), default="")


affinities, groups, learned = table_of(ProductAffinity), table_of(GroupAffinity), table_of(Learned)
complements = table_of(Complement)
NUMBER_OF_OTHER = select(affinities.c.number).where(affinities.c.product_id == complements.c.other_id)
NUMBER_OF_GROUP = select(groups.c.number).where(groups.c.name == complements.c.category)
COMPLEMENTS = tenant_scoped(
    select(
        complements.c.product_id,
        complements.c.category,
        complements.c.why,
        tenant_scoped(NUMBER_OF_OTHER.correlate(complements)).scalar_subquery().label("other"),
        tenant_scoped(NUMBER_OF_GROUP.correlate(complements)).scalar_subquery().label("group"),
    ).where(complements.c.product_id.in_(bindparam("ids", expanding=True)))
)
FORGET_COMPLEMENTS = tenant_scoped(delete(complements).where(complements.c.product_id == bindparam("product")))
SAVE_PREPARED = tenant_scoped(
    update(affinities).where(affinities.c.product_id == bindparam("product")).values(prepared=bindparam("texts"))
)
products, lines, orders = table_of(Product), table_of(OrderLine), table_of(Order)
same_product = (products.c.tenant_id == affinities.c.tenant_id) & (products.c.id == affinities.c.product_id)
THE_STATE = select(learned.c.event, learned.c.orders, learned.c.texts)
STATE, STATE_LOCKED = tenant_scoped(THE_STATE), tenant_scoped(THE_STATE.with_for_update())
SHELF = tenant_scoped(
    select(affinities.c.number, affinities.c.orders, affinities.c.product_id, products.c.category)
    .join(products, same_product)
    .order_by(affinities.c.number)
)
ROW = [affinities.c[name] for name in ("product_id", "number", "orders", "prepared", "together", "alike")]
these_products = affinities.c.product_id.in_(bindparam("ids", expanding=True))
ROWS = tenant_scoped(select(*ROW).where(these_products))
AND_STATE = [learned.c.event, learned.c.texts, learned.c.orders.label("orders_learned")]
of_this_shop = learned.c.tenant_id == affinities.c.tenant_id
ROWS_AND_STATE = tenant_scoped(select(*ROW, *AND_STATE).join(learned, of_this_shop).where(these_products))
NUMBERED_ROWS = tenant_scoped(
    select(affinities.c.number, affinities.c.orders, affinities.c.together).where(
        affinities.c.number.in_(bindparam("numbers", expanding=True))
    )
)
GROUPS = tenant_scoped(select(groups.c.name, groups.c.number))
GROUP_ROWS = tenant_scoped(
    select(groups.c.number, groups.c.together).where(groups.c.number.in_(bindparam("numbers", expanding=True)))
)
NUMBERS = tenant_scoped(
    select(affinities.c.product_id, affinities.c.number, products.c.category)
    .join(products, same_product)
    .where(affinities.c.product_id.in_(bindparam("ids", expanding=True)))
)
GOODS = [
    cast(products.c[name], Text).label(name) if name in ("names", "descriptions", "tags") else products.c[name]
    for name in ("id", "name", "names", "description", "descriptions", "category", "tags")
]
"""What `goods` takes: JSON as it is stored, because most of it has been read before."""
may_be_sold = (products.c.stock > 0) & (products.c.price > 0)
GOODS_BY_ID = tenant_scoped(select(*GOODS).where(products.c.id.in_(bindparam("ids", expanding=True))))
GOODS_ROWS_AND_STATE = tenant_scoped(
    select(*GOODS, *ROW, *AND_STATE)
    .select_from(affinities)
    .join(products, same_product)
    .join(learned, of_this_shop)
    .where(these_products)
)
OFFER = [*GOODS, *(products.c[name] for name in ("price", "stock", "image", "place"))]
"""What `offered` takes: all that is shown of a product."""
SOLD_BY_ID = tenant_scoped(select(*OFFER).where(products.c.id.in_(bindparam("ids", expanding=True)), may_be_sold))
THESE_BY_NUMBER = tenant_scoped(
    select(affinities.c.number, affinities.c.alike, *GOODS)
    .join(products, same_product)
    .where(affinities.c.number.in_(bindparam("numbers", expanding=True)))
)
TO_PREPARE = tenant_scoped(
    select(affinities.c.number, affinities.c.orders, affinities.c.prepared, *GOODS)
    .join(products, same_product)
    .where(affinities.c.number > bindparam("number"))
    .order_by(affinities.c.number)
    .limit(bindparam("limit"))
)
CATALOGUE = tenant_scoped(
    select(affinities.c.number, affinities.c.product_id, products.c.category)
    .join(products, same_product)
    .order_by(affinities.c.number)
)
TEXTUAL = tenant_scoped(
    select(affinities.c.product_id, affinities.c.number, affinities.c.prepared, affinities.c.alike).where(
        affinities.c.number.in_(bindparam("numbers", expanding=True))
    )
)
stands = (orders.c.status != CANCELLED) & (orders.c.created_at <= bindparam("until"))
later = (orders.c.created_at > bindparam("moment")) | (
    (orders.c.created_at == bindparam("moment")) & (orders.c.id > bindparam("id"))
)
STANDING = tenant_scoped(select(func.count()).select_from(orders).where(stands))
STANDING_AFTER = tenant_scoped(
    select(orders.c.id, orders.c.created_at)
    .where(stands, later)
    .order_by(orders.c.created_at, orders.c.id)
    .limit(bindparam("limit"))
)
NEXT_NUMBER = tenant_scoped(select(func.coalesce(func.max(affinities.c.number), -1) + 1))
NEXT_GROUP = tenant_scoped(select(func.coalesce(func.max(groups.c.number), -1) + 1))
BOUGHT = tenant_scoped(
    select(lines.c.order_id, lines.c.product_id).where(lines.c.order_id.in_(bindparam("orders", expanding=True)))
)
NUMBERED = tenant_scoped(select(affinities.c.product_id))
UNNUMBERED = tenant_scoped(
    select(products.c.id, products.c.category).where(products.c.id.not_in(NUMBERED)).order_by(products.c.place)
)
ALL_CATEGORIES = tenant_scoped(select(products.c.category).where(products.c.category != "").distinct())
TEXTS = tenant_scoped(
    select(affinities.c.number, products.c.name, products.c.category, products.c.tags, products.c.description)
    .join(products, same_product)
    .order_by(affinities.c.number)
)
WORDS = tenant_scoped(select(products.c.id, products.c.words).order_by(products.c.id))
SAVE = tenant_scoped(
    update(affinities)
    .where(affinities.c.number == bindparam("the_number"))
    .values(orders=bindparam("orders"), together=bindparam("together"))
)
SAVE_GROUP = tenant_scoped(
    update(groups).where(groups.c.number == bindparam("the_number")).values(together=bindparam("together"))
)
SAVE_ALIKE = tenant_scoped(
    update(affinities).where(affinities.c.number == bindparam("the_number")).values(alike=bindparam("alike"))
)
SAVE_STATE = tenant_scoped(update(learned).values(event=bindparam("event"), orders=bindparam("orders")))
SAVE_TEXTS = tenant_scoped(update(learned).values(texts=bindparam("texts")))
FORGET = tenant_scoped(update(affinities).values(orders=0, together=b""))
FORGET_GROUPS = tenant_scoped(update(groups).values(together=b""))
