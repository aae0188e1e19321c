"""the shop"""

import sqlalchemy as sa
from alembic import op


revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TENANT_TABLES = ("product", "cart", "cart_line", "orders", "order_line", "event", "upsell_call")


def upgrade() -> None:
    op.create_table(
        "setting",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_setting")),
    )
    op.create_table(
        "tenant",
        sa.Column("id", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("theme", sa.JSON(), nullable=False),
        sa.Column("tax", sa.JSON(), nullable=True),
        sa.Column("promotions", sa.JSON(), nullable=False),
        sa.Column("upsell_enabled", sa.Boolean(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenant")),
    )
    op.create_table(
        "cart",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("shopper", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("promo_code", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('open', 'ordered')", name=op.f("ck_cart_status_known")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_cart_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_cart")),
    )
    op.create_table(
        "event",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_event_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_event")),
    )
    op.create_table(
        "product",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("stock", sa.Integer(), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("image", sa.String(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("name_words", sa.String(), nullable=False),
        sa.Column("words", sa.String(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_product_price_not_negative")),
        sa.CheckConstraint("stock >= 0", name=op.f("ck_product_stock_not_negative")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_product_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_product")),
    )
    op.create_index("ix_product_tenant_id_category_place", "product", ["tenant_id", "category", "place"], unique=False)
    op.create_index("ix_product_tenant_id_place", "product", ["tenant_id", "place"], unique=True)

    op.create_table(
        "upsell_call",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("cart_id", sa.String(length=32), nullable=False),
        sa.Column("arm", sa.String(length=8), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=True),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("suggestions", sa.JSON(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.Column("prompt", sa.String(), nullable=True),
        sa.Column("response", sa.String(), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=True),
        sa.Column("completion_tokens", sa.Integer(), nullable=True),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_upsell_call_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_upsell_call")),
    )
    op.create_index(
        "ix_upsell_call_tenant_id_cart_id_place", "upsell_call", ["tenant_id", "cart_id", "place"], unique=False
    )

    op.create_table(
        "cart_line",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("cart_id", sa.String(length=32), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("from_upsell", sa.Boolean(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 999", name=op.f("ck_cart_line_quantity_in_range")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "cart_id"], ["cart.tenant_id", "cart.id"], name=op.f("fk_cart_line_cart"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"], ["product.tenant_id", "product.id"], name=op.f("fk_cart_line_product")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_cart_line_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "cart_id", "product_id", name=op.f("pk_cart_line")),
    )
    op.create_table(
        "orders",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.String(length=16), nullable=False),
        sa.Column("cart_id", sa.String(length=32), nullable=False),
        sa.Column("shopper", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("promo_code", sa.String(), nullable=True),
        sa.Column("subtotal", sa.BigInteger(), nullable=False),
        sa.Column("discount", sa.BigInteger(), nullable=False),
        sa.Column("tax", sa.BigInteger(), nullable=False),
        sa.Column("tax_rate", sa.String(), nullable=True),
        sa.Column("tax_included", sa.Boolean(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("idempotency_key", sa.String(length=255), nullable=True),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('placed', 'fulfilled', 'cancelled')", name=op.f("ck_orders_status_known")),
        sa.ForeignKeyConstraint(["tenant_id", "cart_id"], ["cart.tenant_id", "cart.id"], name=op.f("fk_orders_cart")),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_orders_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_orders")),
        sa.UniqueConstraint("tenant_id", "cart_id", name=op.f("uq_orders_tenant_id_cart_id")),
        sa.UniqueConstraint("tenant_id", "idempotency_key", name=op.f("uq_orders_tenant_id_idempotency_key")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_orders_tenant_id_number")),
    )
    op.create_index("ix_orders_tenant_id_created_at", "orders", ["tenant_id", "created_at"], unique=False)

    op.create_table(
        "order_line",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("order_id", sa.String(length=32), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("image", sa.String(), nullable=False),
        sa.Column("unit_price", sa.BigInteger(), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.Column("from_upsell", sa.Boolean(), nullable=False),
        sa.CheckConstraint("quantity BETWEEN 1 AND 999", name=op.f("ck_order_line_quantity_in_range")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"], ["orders.tenant_id", "orders.id"], name=op.f("fk_order_line_orders")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"], ["product.tenant_id", "product.id"], name=op.f("fk_order_line_product")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_order_line_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "order_id", "product_id", name=op.f("pk_order_line")),
    )
    op.create_index(
        "ix_order_line_tenant_id_product_id_place", "order_line", ["tenant_id", "product_id", "place"], unique=False
    )

    search()
    append_only()
    if op.get_bind().dialect.name == "postgresql":
        row_level_security()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE product_search")
    for table in (*reversed(TENANT_TABLES), "tenant", "setting"):
        op.drop_table(table)
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION refuse_change()")


def search() -> None:
    """The folded words of a product, in the full-text index of the database that is used."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "ALTER TABLE product ADD COLUMN search tsvector GENERATED ALWAYS AS (to_tsvector('simple', words)) STORED"
        )
        op.execute("CREATE INDEX ix_product_search ON product USING gin (search)")
        return
    # The index keeps no copy of the texts: it reads them from the product, which it knows by its place.
    op.execute("CREATE UNIQUE INDEX ix_product_search_place ON product (place)")
    op.execute(
        "CREATE VIRTUAL TABLE product_search USING fts5(tenant_id, words, content='product', content_rowid='place', "
        "tokenize='unicode61 remove_diacritics 0', prefix='2 3')"
    )
    new = "INSERT INTO product_search (rowid, tenant_id, words) VALUES (new.place, new.tenant_id, new.words);"
    old = (
        "INSERT INTO product_search (product_search, rowid, tenant_id, words) "
        "VALUES ('delete', old.place, old.tenant_id, old.words);"
    )
    op.execute(f"CREATE TRIGGER product_search_insert AFTER INSERT ON product BEGIN {new} END")
    op.execute(f"CREATE TRIGGER product_search_delete AFTER DELETE ON product BEGIN {old} END")
    op.execute(f"CREATE TRIGGER product_search_update AFTER UPDATE OF words, place ON product BEGIN {old} {new} END")


def append_only() -> None:
    """What happened stays as it was written; only whole old rows may go."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$"
        )
        op.execute("CREATE TRIGGER event_append_only BEFORE UPDATE ON event EXECUTE FUNCTION refuse_change()")
    else:
        op.execute(
            "CREATE TRIGGER event_append_only BEFORE UPDATE ON event "
            "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
        )


def row_level_security() -> None:
    """The tenant guard once more, by the database itself; forced, so that the tables' owner is held to it too."""
    mine = "tenant_id = current_setting('storefront.tenant_id', true)"
    for table in TENANT_TABLES:
        op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
        op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY only_this_tenant ON {table} USING ({mine}) WITH CHECK ({mine})")
