"""Adapter of the shop's recommender for an evaluation protocol: `build(history, items)`, then `recommend(cart, k)`.

The items become the catalogue of a shop in a database (SQLite in a temporary folder, or DATABASE_URL), the history is
learned by the training code, and each cart is evaluated from the database, as at checkout. The product types of the
data are the shop's categories, written "category > type".
"""

import atexit
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from flask import g
from sqlalchemy import text

from storefront import Settings, create_app
from storefront.catalog.importer import import_catalog
from storefront.db.base import db
from storefront.db.tenancy import execute
from storefront.db.transactions import release_reader
from storefront.server.bootstrap import prepare
from storefront.tenants.registry import registry
from storefront.upsell.recommender.candidates import _rank, find_candidates_by_id
from storefront.upsell.recommender.cooccurrence_update import BasketItem
from storefront.upsell.recommender.queries import SELECT_AFFINITIES
from storefront.upsell.recommender.stats_cache import current_stats
from storefront.upsell.recommender.training import item_indexes, replace_rows, train_rows
from storefront.upsell.selection import select_top

SHOP = "bench"
BATCH_SIZE = 300
T = TypeVar("T")
Recommend = Callable[[list[int], int], list[int]]


def build(history: list[list[int]], items: dict[int, dict[str, str]]) -> Recommend:
    """Return the recommender alone: the best candidates, in any category."""
    numbers = open_shop(history, items)
    ids = {number: product_id for product_id, number in numbers.items()}

    def recommend(cart: list[int], k: int) -> list[int]:
        rows = execute(SELECT_AFFINITIES, {"ids": [str(product_id) for product_id in cart]}).all()
        found = [ids[number] for number in _rank(current_stats(), rows)[:k]]
        release_reader()
        return found

    return recommend


def build_whole(history: list[list[int]], items: dict[int, dict[str, str]]) -> Recommend:
    """Return what the shop would show: at most one per category, in stock, with explanations."""
    open_shop(history, items)
    tenant = registry().all()[SHOP]

    def recommend(cart: list[int], k: int) -> list[int]:
        candidates = find_candidates_by_id(tenant, [str(product_id) for product_id in cart]).candidates
        found = [int(one.product_id) for one in select_top(candidates, tenant.upsell)[:k]]
        release_reader()
        return found

    return recommend


def open_shop(history: list[list[int]], items: dict[int, dict[str, str]]) -> dict[int, int]:
    """Import the items, train on the history, and stay in the shop's context. Return the products' numbers by id."""
    folder = Path(tempfile.mkdtemp(prefix="storefront-bench-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "catalog.json").write_text(json.dumps({"tenants": [shop({})]}))
    environment = {
        "DATA_DIR": str(folder),
        "CATALOG": str(folder / "catalog.json"),
        "SECRET_KEY": "for measurements only, of the required length",
    }
    environment |= {name: os.environ[name] for name in ("DATABASE_URL",) if name in os.environ}
    app = create_app(Settings.from_environ(environment))
    prepare(app)
    app.app_context().push()
    import_catalog(json.dumps({"tenants": [shop(items)]}).encode())
    app.app_context().push()
    g.tenant_id = SHOP
    known = {item: bought for batch in batches_of(list(items)) for item, bought in basket_items(batch)}
    batches = ([(1, [known[item] for item in basket]) for basket in batch] for batch in batches_of(history))
    replace_rows(*train_rows(batches), event=1, orders=len(history))
    report_size()
    return {item: bought.number for item, bought in known.items()}


def basket_items(items: Sequence[int]) -> list[tuple[int, BasketItem]]:
    found = item_indexes([str(item) for item in items])
    return [(item, found[str(item)]) for item in items]


def batches_of(whole: Sequence[T]) -> Iterable[Sequence[T]]:
    return (whole[start : start + BATCH_SIZE] for start in range(0, len(whole), BATCH_SIZE))


def shop(items: dict[int, dict[str, str]]) -> dict[str, Any]:
    products = [
        {
            "id": str(id),
            "name": " ".join(f"{item['brand']} {item['size']}".split()) or "-",
            "category": category_of(item),
            "tags": [item["department"]] if item["department"] else [],
            "price": "1",
            "stock": 1_000_000,
        }
        for id, item in items.items()
    ]
    return {"id": SHOP, "name": "Bench", "currency": "EUR", "products": products}


def category_of(item: dict[str, str]) -> str:
    return f"{item['category'][:36].strip()} > {item['type'][:40].strip()}"


def report_size() -> None:
    """Print the size of the recommender's tables with indexes, in megabytes."""
    tables = ("product_affinity", "category_affinity")
    with db.engine.connect() as connection:
        if connection.dialect.name == "postgresql":
            size = sum(connection.scalar(text(f"SELECT pg_total_relation_size('{table}')")) for table in tables)
        else:
            named = " OR ".join(f"name LIKE '%{table}%'" for table in tables)
            size = connection.scalar(text(f"SELECT sum(pgsize) FROM dbstat WHERE {named}"))
    print(f"# the recommender's tables take {size / 1e6:.1f} MB")
