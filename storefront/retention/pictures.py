"""Removes uploaded pictures that nothing shows any more."""

import logging
import os
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import select

from storefront.catalog.models import Product, Variant
from storefront.clock import now
from storefront.db.base import db
from storefront.db.tenant_context import current_tenant_id
from storefront.orders.models import OrderLine
from storefront.tenants.models import Tenant
from storefront.web.media import PREFIX, folder_of, picture_name

MIN_AGE = timedelta(days=1)
"""A picture is stored before the product that shows it, so younger files are left alone."""
log = logging.getLogger("storefront.retention")


def remove_unused_pictures() -> int:
    """Delete the current shop's pictures that no product, variant or order and not its theme refers to, and what
    interrupted uploads have left. Return the number of deleted files."""
    try:
        files = old_files(folder_of(current_tenant_id()))
        unused = {name: paths for name, paths in files.items() if name not in names_in_catalog()} if files else {}
        ordered = names_in_orders(unused) if unused else set()
        for name in ordered:
            for path in unused.pop(name):
                os.utime(path)  # so that all order lines are searched for it once a day only
        return sum(delete(path) for paths in unused.values() for path in paths)
    except OSError as fault:
        log.warning("could not remove unused pictures: %s", fault)
        return 0


def old_files(folder: Path) -> dict[str, list[Path]]:
    """Return the files older than `MIN_AGE` by the name of their picture; unfinished uploads under an empty one."""
    limit = (now() - MIN_AGE).timestamp()
    found: dict[str, list[Path]] = {}
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.stat().st_mtime < limit:
            name = picture_name(path.name.rpartition("-")[0]) if path.suffix == ".webp" else ""
            found.setdefault(name, []).append(path)
    return found


def names_in_catalog() -> set[str]:
    """Return the uploaded pictures of products, variants and the shop's theme."""
    found = set()
    for column in (Product.image, Variant.image):
        found |= set(db.session.scalars(select(column).where(column.startswith(PREFIX)).distinct()))
    theme = db.session.get_one(Tenant, current_tenant_id()).theme
    shown = [theme.get("emblem"), *((theme.get("hero") or {}).get("images") or ())]
    return found | {image for image in shown if image}


def names_in_orders(names: Iterable[str]) -> set[str]:
    """Return those of the pictures that confirmations of orders show."""
    return set(db.session.scalars(select(OrderLine.image).where(OrderLine.image.in_(list(names))).distinct()))


def delete(path: Path) -> int:
    """Delete the file unless it was stored again meanwhile. Return whether it was deleted."""
    if path.stat().st_mtime >= (now() - MIN_AGE).timestamp():
        return 0
    path.unlink(missing_ok=True)
    return 1
