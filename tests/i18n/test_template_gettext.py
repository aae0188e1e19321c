"""`_` and `ngettext` in templates."""

import pytest
from flask import Flask, render_template_string

from storefront.db.tenant_context import tenant_context

ARABIC = "\u0642\u0647\u0648\u0629"
TEMPLATES = {
    "without values": ('{{ _("A & B") }}', "A & B"),
    "with an unused value": ('{{ _("A & B", name="x") }}', "A & B"),
    "a literal percent sign": ('{{ _("100%% sure") }}', "100% sure"),
    "a value and a percent sign": ('{{ _("%(name)s is 100%% sure", name="Ada") }}', "Ada is 100% sure"),
    "an escaped value": ('{{ _("Hi %(name)s", name="<b>") }}', "Hi &lt;b&gt;"),
    "a value of markup": ('{{ _("Hi %(name)s", name="<b>"|safe) }}', "Hi <b>"),
    "no escaping": ('{% autoescape false %}{{ _("Hi %(name)s", name="<b>") }}{% endautoescape %}', "Hi <b>"),
    "right-to-left text": (f'{{{{ gettext("%(name)s!", name="{ARABIC}") }}}}', f"\u2068{ARABIC}\u2069!"),
    "one": ('{{ ngettext("%(num)s cup", "%(num)s cups", 1) }}', "1 cup"),
    "several": ('{{ ngettext("%(num)s %(of)s", "%(num)s %(of)ss", 2, of="<b>") }}', "2 &lt;b&gt;s"),
    "an own number": ('{{ ngettext("%(num)s cup", "%(num)s cups", 1000, num="1,000") }}', "1,000 cups"),
}  # fmt: skip


@pytest.mark.parametrize("case", TEMPLATES)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_message_is_formatted_with(app: Flask, case: str) -> None:
    template, expected = TEMPLATES[case]
    with app.test_request_context("/t/north/"), tenant_context("north"):
        assert render_template_string(template) == expected
