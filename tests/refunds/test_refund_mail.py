"""The mail about a refund says what was refunded, not what was ordered."""

from storefront.mail.kinds import MailKind
from storefront.mail.rendering import RenderedMail, render_mail
from tests.factories import import_tenants, product, tenant
from tests.mail.outbox import InShop, mails
from tests.payments.conftest import METHODS, Buyer
from tests.refunds.test_refunds import ask, paid_order

POST = {"id": "post", "name": "Post", "price": "4.90", "pickup": True, "default": True}


def refund_mail(buyer: Buyer) -> RenderedMail:
    with InShop(buyer.app, "till"):
        return render_mail([mail for mail in mails(buyer.app, "till") if mail.kind == MailKind.ORDER_REFUNDED][-1])


def test_the_mail_lists_what_was_refunded_with_reason_and_credit_note(ada: Buyer) -> None:
    order_id = paid_order(ada, 3)
    refund = ask(ada, order_id, items=[{"product_id": "tea", "quantity": 2}], reason="Broken <cups>").json
    mail = refund_mail(ada)
    assert "2 × Tea: €25.00\nRefund: €25.00\n" in mail.text
    assert "Reason: Broken <cups>" in mail.text
    assert f"Credit note: {refund['number']}" in mail.text
    for text in (mail.text, mail.html):
        assert "€37.50" not in text, "the order's total"
        assert refund["number"] in text
    assert "2 × Tea" in mail.html
    assert "Broken &lt;cups&gt;" in mail.html


def test_another_amount_than_the_items_cost_is_named(ada: Buyer) -> None:
    order_id = paid_order(ada, 3)
    ask(ada, order_id, items=[{"product_id": "tea", "quantity": 1}], amount=1000)
    assert "1 × Tea: €12.50\nDeduction: −€2.50\nRefund: €10.00\n" in refund_mail(ada).text
    ask(ada, order_id, amount=300)
    assert "\nOther amount: €3.00\nRefund: €3.00\n" in refund_mail(ada).text


def test_refunded_shipping_is_named(ada: Buyer) -> None:
    import_tenants(ada.app, tenant("till", product("tea", "12.50", 10), payment=METHODS, shipping=[POST]), refresh=True)
    ask(ada, paid_order(ada, 1), shipping=490)
    assert "\nShipping: €4.90\nRefund: €4.90\n" in refund_mail(ada).text
