"""sales by day; indexes of low stock and of what staff did; the removal of shops, which may delete their events"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
BY_STAFF = sa.text("actor_type IN ('person', 'key', 'command')")
LOW_STOCK = sa.text("status = 'active' AND stock <= 5")
REFUSED = "events are append-only: flask events archive moves old ones"
REMOVAL_REFUSED = "the record of the removal of a shop is kept as it is"


def upgrade() -> None:
    create_sales_days()
    op.create_index(
        "ix_orders_tenant_id_created_at_status_total", "orders", ["tenant_id", "created_at", "status", "total"]
    )
    op.drop_index("ix_orders_tenant_id_created_at", "orders")
    op.create_index(
        *("ix_event_by_staff", "event", ["tenant_id", "id"]), sqlite_where=BY_STAFF, postgresql_where=BY_STAFF
    )
    op.create_index(
        *("ix_variant_low_stock", "variant", ["tenant_id", "product_id"]),
        sqlite_where=LOW_STOCK,
        postgresql_where=LOW_STOCK,
    )
    create_shop_removals()
    if is_sqlite():
        let_removals_delete_events_on_sqlite()
    else:
        mine = "tenant_id = current_setting('storefront.tenant_id', true)"
        op.execute("ALTER TABLE sales_day ENABLE ROW LEVEL SECURITY")
        op.execute("ALTER TABLE sales_day FORCE ROW LEVEL SECURITY")
        op.execute(f"CREATE POLICY only_this_tenant ON sales_day USING ({mine}) WITH CHECK ({mine})")
        let_removals_delete_events_on_postgresql()


def downgrade() -> None:
    """A removal that isn't finished goes on with a later version only: until then the shop is back, without what was
    deleted."""
    if is_sqlite():
        restore_triggers_on_sqlite()
    else:
        replace_function("")
        op.execute("DROP TRIGGER change_refused ON shop_removal")
        op.execute("DROP FUNCTION refuse_change_of_removal()")
    op.drop_table("shop_removal")
    op.drop_index("ix_variant_low_stock", "variant")
    op.drop_index("ix_event_by_staff", "event")
    op.create_index("ix_orders_tenant_id_created_at", "orders", ["tenant_id", "created_at"])
    op.drop_index("ix_orders_tenant_id_created_at_status_total", "orders")
    op.drop_table("sales_day")


def is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def create_sales_days() -> None:
    op.create_table(
        "sales_day",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("timezone", sa.String(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("orders", sa.BigInteger(), nullable=False),
        sa.Column("revenue", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenant.id"], name=op.f("fk_sales_day_tenant")),
        sa.PrimaryKeyConstraint("tenant_id", "timezone", "day", name=op.f("pk_sales_day")),
    )


def create_shop_removals() -> None:
    """Without a foreign key: the row outlives the shop."""
    op.create_table(
        "shop_removal",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("shop_id", sa.String(length=63), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("started_by", sa.String(), nullable=False),
        sa.Column("started_at", TIME, nullable=False),
        sa.Column("finished_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shop_removal")),
    )


def being_removed(row: str) -> str:
    return f"EXISTS (SELECT 1 FROM shop_removal r WHERE r.shop_id = {row}.tenant_id AND r.finished_at IS NULL)"


ARCHIVED = "EXISTS (SELECT 1 FROM event_archive kept WHERE kept.tenant_id = old.tenant_id AND kept.id = old.id)"


def refuse(message: str) -> str:
    return f"BEGIN SELECT RAISE(ABORT, '{message}'); END"


def let_removals_delete_events_on_sqlite() -> None:
    op.execute("DROP TRIGGER event_delete_refused")
    op.execute("DROP TRIGGER event_archive_delete_refused")
    removed = being_removed("old")
    op.execute(
        f"CREATE TRIGGER event_delete_refused BEFORE DELETE ON event WHEN NOT ({ARCHIVED} OR {removed}) "
        + refuse(REFUSED)
    )
    op.execute(
        f"CREATE TRIGGER event_archive_delete_refused BEFORE DELETE ON event_archive WHEN NOT {removed} "
        + refuse(REFUSED)
    )
    op.execute(f"CREATE TRIGGER shop_removal_delete_refused BEFORE DELETE ON shop_removal {refuse(REMOVAL_REFUSED)}")
    op.execute(
        "CREATE TRIGGER shop_removal_update_refused BEFORE UPDATE ON shop_removal "
        "WHEN old.finished_at IS NOT NULL OR new.finished_at IS NULL OR new.id IS NOT old.id "
        "OR new.shop_id IS NOT old.shop_id OR new.name IS NOT old.name OR new.started_by IS NOT old.started_by "
        f"OR new.started_at IS NOT old.started_at {refuse(REMOVAL_REFUSED)}"
    )


def restore_triggers_on_sqlite() -> None:
    for trigger in ("shop_removal_update", "shop_removal_delete", "event_archive_delete", "event_delete"):
        op.execute(f"DROP TRIGGER {trigger}_refused")
    op.execute(f"CREATE TRIGGER event_delete_refused BEFORE DELETE ON event WHEN NOT {ARCHIVED} {refuse(REFUSED)}")
    op.execute(f"CREATE TRIGGER event_archive_delete_refused BEFORE DELETE ON event_archive {refuse(REFUSED)}")


def let_removals_delete_events_on_postgresql() -> None:
    replace_function(f"IF TG_OP = 'DELETE' AND {being_removed('OLD')} THEN RETURN OLD; END IF;")
    op.execute(
        f"""
        CREATE FUNCTION refuse_change_of_removal() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'UPDATE' AND OLD.finished_at IS NULL AND NEW.finished_at IS NOT NULL
                AND (NEW.id, NEW.shop_id, NEW.name, NEW.started_by, NEW.started_at)
                    = (OLD.id, OLD.shop_id, OLD.name, OLD.started_by, OLD.started_at) THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION '{REMOVAL_REFUSED}';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER change_refused BEFORE UPDATE OR DELETE ON shop_removal "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change_of_removal()"
    )


def replace_function(exception: str) -> None:
    """Replace the trigger function of the events by one with this exception, as a statement of PL/pgSQL."""
    op.execute(
        f"""
        CREATE OR REPLACE FUNCTION refuse_change_of_event() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'event' AND EXISTS (
                SELECT 1 FROM event_archive kept WHERE kept.tenant_id = OLD.tenant_id AND kept.id = OLD.id
            ) THEN
                RETURN OLD;
            END IF;
            {exception}
            RAISE EXCEPTION '{REFUSED}';
        END $$
        """
    )
