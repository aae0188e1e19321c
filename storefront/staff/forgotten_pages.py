"""Pages to ask for a new password by mail. They are there only where mail is set up."""

from flask import request
from werkzeug.wrappers import Response

from storefront.errors import NotFound
from storefront.i18n.gettext import _
from storefront.staff.access import public
from storefront.staff.account import mail_password_link
from storefront.staff.account_limit import limit_password_mails
from storefront.staff.blueprints import pages
from storefront.staff.forms import render_form
from storefront.staff.link_mails import can_mail_links
from storefront.web.rate_limits import limit_forgotten


@pages.get("/forgot-password")
@public
def forgotten() -> Response:
    check_available()
    return render_form("staff/forgotten.html", is_sent=False)


@pages.post("/forgot-password")
@public
@limit_forgotten
@limit_password_mails
def send_forgotten() -> Response:
    """Mail the link. The answer is the same for every address."""
    check_available()
    mail_password_link(request.form.get("email", ""))
    return render_form("staff/forgotten.html", is_sent=True)


def check_available() -> None:
    """Raises `NotFound`."""
    if not can_mail_links():
        raise NotFound(_("We couldn't find this page."))
