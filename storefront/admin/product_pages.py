"""The back office's pages of one product: create it, change its details and its picture."""

from collections.abc import Mapping

from flask import flash, redirect, request, url_for
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.product_forms import details_and_base, new_product
from storefront.admin.product_view import back, common_context, errors_of, show_product
from storefront.catalog import actions, pictures
from storefront.catalog.models import ProductStatus
from storefront.catalog.product_input import product_entry
from storefront.catalog.refusals import EditConflict
from storefront.catalog.staff_queries import find_product
from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.staff.access import requires
from storefront.staff.permissions import Permission
from storefront.tenants.context import current_tenant
from storefront.web.htmx import no_store, render_page

MAX_UPLOAD_BYTES = pictures.MAX_BYTES + 64 * 1024
"""Of a form with a picture; others have the app's lower limit."""


def allow_upload() -> None:
    """Let this request's form have a picture. Raises `Invalid` for a larger one, without reading it."""
    request.max_content_length = MAX_UPLOAD_BYTES
    if (request.content_length or 0) > MAX_UPLOAD_BYTES:
        raise pictures.too_large()


def uploaded_picture() -> str:
    """Store the picture of this request's form, and return its name; empty without one. Raises `Invalid`."""
    sent = request.files.get(pictures.FIELD)
    if sent is None or not sent.filename:
        return ""
    return pictures.store_picture(current_tenant().id, sent.read(pictures.MAX_BYTES + 1))


@pages.get("/products/new")
@requires(Permission.CATALOG_WRITE)
def new_product_page() -> Response:
    return show_new_product()


def show_new_product(refusal: Invalid | None = None, values: Mapping[str, str] | None = None) -> Response:
    errors = errors_of(refusal)
    # A form that is too large isn't read, so it has no values. Browsers don't choose a file again by themselves.
    if refusal and values is not None and request.files.get(pictures.FIELD):
        errors.setdefault(pictures.FIELD, _("Please choose the picture again."))
    return no_store(
        render_page(
            "admin/product_new.html",
            http_status=refusal.status if refusal else 200,
            errors=errors,
            values=values or {"status": ProductStatus.ACTIVE.value},
            **common_context(),
        )
    )


@pages.post("/products/new")
@requires(Permission.CATALOG_WRITE)
def create_product() -> Response:
    tenant = current_tenant()
    try:
        allow_upload()
    except Invalid as refusal:
        return show_new_product(refusal)
    try:
        sent = new_product(tenant, request.form)
        entry = product_entry(tenant, sent)
        if image := uploaded_picture():
            entry = entry.model_copy(update={"image": image})
        actions.create_product(tenant, entry, sent.status)
    except Invalid as refusal:
        return show_new_product(refusal, request.form)
    flash(_("%(name)s has been created.", name=request.form["name"]), "success")
    if not any(one.stock for one in sent.variants or ()) and not sent.stock:
        flash(_("It is sold out until you add stock."), "notice")
    return redirect(url_for("admin.product", product_id=entry.id), 303)


@pages.get("/products/<product_id>")
@requires(Permission.CATALOG_READ)
def product(product_id: str) -> Response:
    return show_product(product_id)


@pages.post("/products/<product_id>")
@requires(Permission.CATALOG_WRITE)
def change_product(product_id: str) -> Response:
    """Change texts, price and status."""
    tenant = current_tenant()
    find_product(product_id)
    try:
        changes, base = details_and_base(tenant, request.form)
        actions.change_product(tenant, product_id, changes, base=base)
    except (Invalid, EditConflict) as refusal:
        return show_product(product_id, refusal, "details")
    return back(product_id)


@pages.post("/products/<product_id>/picture")
@requires(Permission.CATALOG_WRITE)
def change_picture(product_id: str) -> Response:
    """Take another picture, or none."""
    find_product(product_id)
    try:
        allow_upload()
        image = "" if request.form.get("remove") else uploaded_picture()
        if not image and not request.form.get("remove"):
            raise Invalid(FieldError(pictures.FIELD, _("Choose a picture first.")))
    except Invalid as refusal:
        return show_product(product_id, refusal, "picture")
    actions.change_product(current_tenant(), product_id, {"image": image})
    return back(product_id, "picture")
