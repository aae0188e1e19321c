"""Renders a mail as text and HTML, in its language and the shop's look."""

from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from flask import g, render_template

from storefront.i18n.locale import override_locale
from storefront.i18n.price_steps import included_taxes, price_steps
from storefront.mail.contents import ORDER_KINDS, content_of
from storefront.mail.kinds import WITH_SECRET_LINK, WITH_WITHDRAWAL_LINK
from storefront.mail.models import OutboxMail
from storefront.mail.sealed_links import unseal
from storefront.tenants import theme
from storefront.tenants.colours import dark_colours, light_colours

if TYPE_CHECKING:
    from css_inline import CSSInliner

FONTS = {"fraunces": "Georgia, 'Times New Roman', serif"}
"""Of headings, by the shop's display font: mail programs load no fonts."""
DEFAULT_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


class RenderedMail(NamedTuple):
    subject: str
    text: str
    html: str


def render_mail(mail: OutboxMail, with_secrets: bool = True) -> RenderedMail:
    """Render a mail of the context's shop. Without `with_secrets`, as for a preview, a link that only the recipient may
    see is left out. Raises `NotFound` if its order is gone."""
    language = mail.language or g.tenant.default_language
    with override_locale(language, (language, g.tenant.default_language)):
        content = content_of(mail.kind, mail.order_id, mail.data)
        context = {"content": content, "link": link_of(mail, with_secrets), "lang": language}
        context |= {"withdrawal_link": withdrawal_link(mail)}
        context |= {"price_steps": price_steps, "included_taxes": included_taxes}
        html = render_template("mail/mail.html", **context, **look())
        return RenderedMail(content.subject, render_template("mail/mail.txt", **context), inliner().inline(html))


def link_of(mail: OutboxMail, with_secrets: bool) -> str:
    """Return the address of the mail's link; empty where the installation doesn't know its own address."""
    root = mail.data.get("root")
    if not root:
        return ""
    if mail.kind in WITH_SECRET_LINK:
        sealed = mail.data.get("sealed_link")
        return f"{root}{unseal(sealed)}" if sealed and with_secrets else ""
    return f"{root}/orders/{mail.order_id}" if mail.kind in ORDER_KINDS else f"{root}/"


def withdrawal_link(mail: OutboxMail) -> str:
    """Return the address at which the buyer of an EU shop withdraws from the contract; empty in mails that say that
    there is no contract any more."""
    root = mail.data.get("root")
    has_link = g.tenant.is_in_eu and mail.kind in WITH_WITHDRAWAL_LINK
    return f"{root}/orders/{mail.order_id}/withdraw" if root and has_link else ""


def look() -> dict[str, object]:
    shop = g.tenant.theme
    font = FONTS.get(theme.display_font(shop), DEFAULT_FONT)
    return {"light": light_colours(shop), "dark": dark_colours(shop), "display": font, "body_font": DEFAULT_FONT}


@cache
def inliner() -> "CSSInliner":
    """Mail programs ignore most rules that aren't in an element's own style; those with @media stay for the others."""
    from css_inline import CSSInliner  # noqa: PLC0415 - 10 MB, which a process without mail needn't have

    return CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
