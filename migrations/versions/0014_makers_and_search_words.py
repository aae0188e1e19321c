"""who made a link or a key, by id; events can't be truncated; the words of products, for the back office's search

An invitation is withdrawn with its maker, and the list of keys says whose maker is gone. Of older ones only the name is
known.

The words are an ordinary index for PostgreSQL, because row-level security keeps it from using a full-text index, whose
operators it doesn't trust with other tenants' rows. A trigger keeps them, as others keep SQLite's full-text index.
"""

from collections.abc import Iterator

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MADE_TABLES = ("one_time_link", "api_key")
KEPT_TABLES = ("event", "event_archive", "shop_removal")
"""SQLite has no TRUNCATE: a DELETE without a condition fires the triggers of rows."""
WORDS = "SELECT DISTINCT {0}.tenant_id, left(word, 100), {0}.position FROM {1} word WHERE word <> ''"


def upgrade() -> None:
    for table in MADE_TABLES:
        op.add_column(table, sa.Column("created_by_id", sa.String(length=32), nullable=True))
    if is_postgresql():
        refuse_truncation()
        create_search_words()


def downgrade() -> None:
    if is_postgresql():
        op.execute("DROP TRIGGER search_words_kept ON product")
        op.execute("DROP FUNCTION keep_search_words()")
        op.drop_table("product_search_word")
        for table in KEPT_TABLES:
            op.execute(f"DROP TRIGGER truncation_refused ON {table}")
        op.execute("DROP FUNCTION refuse_truncation()")
    for table in MADE_TABLES:
        op.drop_column(table, "created_by_id")


def is_postgresql() -> bool:
    return op.get_bind().dialect.name == "postgresql"


def refuse_truncation() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_truncation() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only and can''t be truncated', TG_TABLE_NAME;
        END $$
        """
    )
    for table in KEPT_TABLES:
        op.execute(
            f"CREATE TRIGGER truncation_refused BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_truncation()"
        )


def create_search_words() -> None:
    """The key finds the products of a word, in their order; the other index, whether a product has a word. The indexes
    are created behind the rows, which is faster."""
    op.create_table(
        "product_search_word",
        sa.Column("tenant_id", sa.String(length=63), nullable=False),
        sa.Column("word", sa.String(length=100, collation="C"), nullable=False),
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
    )
    for _ in tenants():
        words = WORDS.format("product", "product, unnest(string_to_array(search_text, ' '))")
        op.execute(f"INSERT INTO product_search_word (tenant_id, word, position) {words}")
    op.create_primary_key("pk_product_search_word", "product_search_word", ["tenant_id", "word", "position"])
    op.create_index(
        "ix_product_search_word_tenant_id_position_word", "product_search_word", ["tenant_id", "position", "word"]
    )
    mine = "tenant_id = current_setting('storefront.tenant_id', true)"
    op.execute("ALTER TABLE product_search_word ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE product_search_word FORCE ROW LEVEL SECURITY")
    op.execute(f"CREATE POLICY only_this_tenant ON product_search_word USING ({mine}) WITH CHECK ({mine})")
    words = WORDS.format("NEW", "unnest(string_to_array(NEW.search_text, ' '))")
    op.execute(
        f"""
        CREATE FUNCTION keep_search_words() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_OP <> 'INSERT' THEN
                DELETE FROM product_search_word WHERE tenant_id = OLD.tenant_id AND position = OLD.position;
            END IF;
            IF TG_OP <> 'DELETE' THEN
                INSERT INTO product_search_word (tenant_id, word, position) {words};
            END IF;
            RETURN NULL;
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER search_words_kept AFTER INSERT OR DELETE OR UPDATE OF search_text, position ON product "
        "FOR EACH ROW EXECUTE FUNCTION keep_search_words()"
    )


def tenants() -> Iterator[str]:
    """Each tenant's id, while row-level security shows this migration its rows."""
    connection = op.get_bind()
    for tenant_id in connection.scalars(sa.text("SELECT id FROM tenant ORDER BY id")).all():
        connection.execute(sa.text("SELECT set_config('storefront.tenant_id', :id, true)"), {"id": tenant_id})
        yield tenant_id
