"""The back office's pages of mails: the outbox as a list, one mail with its text, sending it again, and a test mail."""

from typing import Any

from flask import Response as PlainResponse
from flask import flash, g, redirect, request, url_for
from werkzeug.wrappers import Response

from storefront.admin.blueprints import pages
from storefront.admin.mail_words import STATUS_NAMES, state_of_mail
from storefront.admin.numbers import parse_position, position
from storefront.errors import WrongState
from storefront.i18n.gettext import _
from storefront.i18n.locale import shopper_language
from storefront.i18n.unicode_text import cut, single_line
from storefront.ids import new_id
from storefront.mail.actions import send_again, send_test_mail
from storefront.mail.kinds import KIND_NAMES
from storefront.mail.models import OutboxMail
from storefront.mail.queries import MailQuery, list_mails, load_mail, outbox_state
from storefront.mail.rendering import render_mail
from storefront.orders.queries import find_order_id
from storefront.staff.access import requires
from storefront.staff.forms import render_form
from storefront.staff.permissions import Permission
from storefront.staff.refusals import Forbidden
from storefront.staff.sessions import signed_in
from storefront.state import current_state
from storefront.web.htmx import html_response, no_store, render_page

MAILS_PER_PAGE = 50
MAX_QUERY_LENGTH = 200
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'self'; base-uri 'none'"
"""Of a mail's own HTML in a frame: nothing is loaded and nothing runs. Its styles stand in its elements."""


@pages.get("/mail")
@requires(Permission.ORDERS_READ)
def mails() -> Response:
    return no_store(render_page("admin/mails.html", extra_partials=("messages",), **list_context()))


def list_context() -> dict[str, Any]:
    query = mail_query()
    page = list_mails(query, MAILS_PER_PAGE)
    opened = request.args.get("open", "")
    return {
        "query": query,
        "page": page,
        "chips": [(value, word, url_of(query, status=value)) for value, word in chip_names().items()],
        "newer": url_of(query, after=page.mails[0].id) if page.has_newer and page.mails else "",
        "older": url_of(query, before=page.mails[-1].id) if page.has_older else "",
        "here": url_of(query, before=query.before, after=query.after),
        "opened": opened,
        "may_test": signed_in().may(Permission.SETTINGS_WRITE),
        **words(),
        **(detail_of(opened) if opened else {"mail": None}),
    }


def mail_query() -> MailQuery:
    """Read the filters of the query string. What isn't valid is left out."""
    q = cut(single_line(request.args.get("q", "")), MAX_QUERY_LENGTH).replace("\0", "")
    status = request.args.get("status", "")
    return MailQuery(
        q=q,
        status=status if status in STATUS_NAMES else "",
        order_id=find_order_id(q) if q else None,
        by_recipient=sees_recipients(),
        before=position("before"),
        after=position("after"),
    )


def sees_recipients() -> bool:
    return signed_in().may(Permission.CUSTOMERS_READ)


def url_of(query: MailQuery, **more: Any) -> str:
    given = {"q": query.q, "status": query.status, **more}
    return url_for("admin.mails", **{name: value for name, value in given.items() if value not in (None, "")})


def chip_names() -> dict[str, str]:
    return {"": _("All"), **{status: _(name) for status, name in STATUS_NAMES.items()}}


def words() -> dict[str, Any]:
    return {
        "kind_names": KIND_NAMES,
        "state_of_mail": state_of_mail,
        "sees_recipients": sees_recipients(),
        "may_send": signed_in().may(Permission.ORDERS_WRITE),
        "is_set_up": current_state().settings.mail_server is not None,
        "outbox_state": outbox_state,
    }


def detail_of(mail_id: str) -> dict[str, Any]:
    """Return what the detail of a mail shows; its text only to who sees recipients. Raises `NotFound`."""
    mail = mail_of(mail_id)
    rendered = render_mail(mail, with_secrets=False) if sees_recipients() else None
    return {"mail": mail, "rendered": rendered, "message": "", "copy_id": new_id()}


def mail_of(mail_id: str) -> OutboxMail:
    found = parse_position(mail_id)
    return load_mail(found if found is not None else -1)


@pages.get("/mail/<mail_id>")
@requires(Permission.ORDERS_READ)
def mail(mail_id: str) -> Response:
    return no_store(render_page("admin/mail.html", extra_partials=("messages",), **words(), **detail_of(mail_id)))


@pages.get("/mail/<mail_id>/html")
@requires(Permission.CUSTOMERS_READ)
def mail_html(mail_id: str) -> Response:
    """The mail as its recipient sees it, without its secrets. Shown in a frame of the mail's page."""
    if not signed_in().may(Permission.ORDERS_READ):
        raise Forbidden(Permission.ORDERS_READ)
    g.own_policy = MAIL_POLICY
    return no_store(html_response(render_mail(mail_of(mail_id), with_secrets=False).html))


@pages.post("/mail/<mail_id>/send")
@requires(Permission.ORDERS_WRITE)
def send_mail_again(mail_id: str) -> Response:
    try:
        copy_id = parse_position(request.form.get("copy_id", ""))
        to_show = send_again(mail_of(mail_id).id, request.form.get("shown_status"), copy_id)
    except WrongState as refusal:
        context = {**words(), **detail_of(mail_id)}
        del context["message"]
        return render_form("admin/mail.html", refusal, **context)
    flash(_("The email is on its way."), "notice")
    return redirect(url_for("admin.mail", mail_id=to_show), 303)


@pages.post("/mail/test")
@requires(Permission.SETTINGS_WRITE)
def send_test() -> Response:
    """Send a mail to the person who asks for it, and show what becomes of it."""
    try:
        mail_id = send_test_mail(signed_in().person.email, shopper_language())
    except WrongState as refusal:
        flash(refusal.detail, "error")
        return redirect(url_for("admin.mails"), 303)
    flash(_("We're sending you a test email."), "notice")
    return redirect(url_for("admin.mail", mail_id=mail_id), 303)


@pages.get("/mail/state")
@requires(Permission.ORDERS_READ)
def latest_mail() -> Response:
    """A text that changes when a mail is queued, sent, or has failed: open pages then reload their lists."""
    return no_store(PlainResponse(outbox_state(), mimetype="text/plain"))
