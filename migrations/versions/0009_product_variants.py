"""product variants: stock and price by variant; each product gets one with its own id

Ids, URLs, carts, orders and statistics stay as they are. A line of a cart or an order refers to the variant and to its
product. SQLite rebuilds these two tables, because it can't change a primary key.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op


revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

LINES = {"cart_line": "cart_id", "order_line": "order_id"}
"""The tables whose rows refer to a variant, each with the other column of its primary key."""
ONE_VARIANT_EACH = (
    "INSERT INTO variant (tenant_id, id, product_id, position, options, price, stock, image, sku, status, updated_at) "
    "SELECT tenant_id, id, id, 0, '[]', price, stock, '', '', 'active', updated_at FROM product WHERE tenant_id = :id"
)


def upgrade() -> None:
    for name in ("options", "options_translations"):
        op.add_column("product", sa.Column(name, sa.JSON(), nullable=True))
    op.add_column("order_line", sa.Column("options", sa.JSON(), nullable=True))
    create_variants()
    for table in LINES:
        op.add_column(table, sa.Column("variant_id", sa.String(length=64), nullable=True))
    for tenant_id in tenants():
        run(ONE_VARIANT_EACH, tenant_id)
        for table in LINES:
            run(f"UPDATE {table} SET variant_id = product_id WHERE tenant_id = :id", tenant_id)
    for table, owner in LINES.items():
        with op.batch_alter_table(table) as lines:
            lines.alter_column("variant_id", existing_type=sa.String(length=64), nullable=False)
            lines.drop_constraint(f"pk_{table}", type_="primary")
            lines.create_primary_key(f"pk_{table}", ["tenant_id", owner, "variant_id"])
            lines.create_foreign_key(
                f"fk_{table}_variant",
                "variant",
                ["tenant_id", "product_id", "variant_id"],
                ["tenant_id", "product_id", "id"],
            )


def create_variants() -> None:
    op.create_table(
        "variant",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("id", sa.String(length=64), nullable=False),
        sa.Column("product_id", sa.String(length=64), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("stock", sa.Integer(), nullable=False),
        sa.Column("image", sa.String(), nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("gtin", sa.String(), nullable=True),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("stock >= 0", name=op.f("ck_variant_stock_not_negative")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_variant_price_not_negative")),
        sa.CheckConstraint("status IN ('active', 'archived')", name=op.f("ck_variant_status_known")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"], ["product.tenant_id", "product.id"], name=op.f("fk_variant_product")
        ),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_variant_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_variant")),
    )
    op.create_index(
        "ix_variant_tenant_id_product_id_id", "variant", ["tenant_id", "product_id", "id"], unique=True
    )
    if not is_sqlite():
        mine = "tenant_id = current_setting('storefront.tenant_id', true)"
        op.execute("ALTER TABLE variant ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE variant FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY only_this_tenant ON variant USING ({mine}) WITH CHECK ({mine})")


def downgrade() -> None:
    for tenant_id in tenants():
        for table, owner in LINES.items():
            merge_lines(table, owner, tenant_id)
    for table, owner in LINES.items():
        with op.batch_alter_table(table) as lines:
            lines.drop_constraint(f"fk_{table}_variant", type_="foreignkey")
            lines.drop_constraint(f"pk_{table}", type_="primary")
            lines.create_primary_key(f"pk_{table}", ["tenant_id", owner, "product_id"])
            lines.drop_column("variant_id")
    op.drop_column("order_line", "options")
    op.drop_table("variant")
    for name in ("options_translations", "options"):
        op.drop_column("product", name)


def merge_lines(table: str, owner: str, tenant_id: str) -> None:
    """Merge a cart's or an order's lines of several variants of one product into the first: its quantity becomes their
    sum, at most 999. The earlier version has one line a product."""
    same = f"other.tenant_id = :id AND other.{owner} = {table}.{owner} AND other.product_id = {table}.product_id"
    total = f"(SELECT sum(other.quantity) FROM {table} AS other WHERE {same})"
    first = f"(SELECT min(other.position) FROM {table} AS other WHERE {same})"
    least = "min" if is_sqlite() else "least"
    run(f"UPDATE {table} SET quantity = {least}({total}, 999) WHERE tenant_id = :id AND position = {first}", tenant_id)
    run(f"DELETE FROM {table} WHERE tenant_id = :id AND position > {first}", tenant_id)


def is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def run(statement: str, tenant_id: str) -> None:
    op.get_bind().execute(sa.text(statement), {"id": tenant_id})


def tenants() -> Iterator[str]:
    """Each tenant's id, while row-level security shows this migration its rows."""
    for tenant_id in op.get_bind().scalars(sa.text("SELECT id FROM tenant ORDER BY id")).all():
        if not is_sqlite():
            run("SELECT set_config('storefront.tenant_id', :id, true)", tenant_id)
        yield tenant_id
