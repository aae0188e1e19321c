"""Bar charts as inline SVG, drawn by pygal. Its own styles and scripts are taken out, because the pages' Content
Security Policy refuses them: `static/css/admin/reports.css` styles the classes that it gives."""

import sys
from collections.abc import Callable, Sequence
from functools import lru_cache
from xml.etree.ElementTree import Element, tostring

import pygal
from markupsafe import Markup

from storefront.i18n.formatting import format_integer, format_money
from storefront.money import minor_unit_digits

sys.meta_path[:] = [finder for finder in sys.meta_path if type(finder).__module__ != pygal.__name__]
"""Without pygal's finder of its maps, which aren't used: it has no `find_spec`, so that Python warns at each import
that fails."""
WIDTH, HEIGHT = 560, 200
MAX_GRID_LINES = 6
SVG = "{http://www.w3.org/2000/svg}"
UNWANTED = {"style", "script", "defs", "title", "desc"}
"""Of what pygal draws. Titles would be read out one by one, beside the table that has the same numbers."""


def money_chart(title: str, labels: Sequence[str], amounts: Sequence[int], locale: str, currency: str) -> Markup:
    """Draw amounts in minor units, with grid lines at whole units of the currency."""
    unit = 10 ** minor_unit_digits(currency)
    return bar_chart(title, tuple(labels), tuple(amounts), format_money, (locale, currency), unit)


def number_chart(title: str, labels: Sequence[str], numbers: Sequence[int], locale: str) -> Markup:
    return bar_chart(title, tuple(labels), tuple(numbers), format_integer, (locale,))


@lru_cache(maxsize=128)
def bar_chart(
    title: str,
    labels: tuple[str, ...],
    values: tuple[int, ...],
    formatter: Callable[[int], str],
    _key: tuple[str, ...],
    unit: int = 1,
) -> Markup:
    """Draw a chart with a label for the first, the middle and the last value. `_key` is what the formatter depends on
    besides, `unit` the smallest distance of grid lines."""
    chart = pygal.Bar(
        css=[],
        js=[],
        width=WIDTH,
        height=HEIGHT,
        margin=8,
        show_legend=False,
        show_minor_x_labels=False,
        max_scale=MAX_GRID_LINES,
        include_x_axis=True,
        value_formatter=lambda value: formatter(round(value)),
        truncate_label=-1,
    )
    chart.x_labels = labels
    chart.x_labels_major = [labels[0], labels[len(labels) // 2], labels[-1]]
    chart.y_labels = y_labels(max(values, default=0), unit)
    chart.add(title, values)
    drawn = chart.render_tree()
    clean(drawn)
    for name in ("id", "class"):
        drawn.attrib.pop(name, None)
    drawn.attrib |= {"class": "chart", "role": "img", "aria-label": title}
    return Markup(tostring(drawn, encoding="unicode"))  # noqa: S704 - made of numbers, and escaped by ElementTree


def y_labels(highest: int, unit: int) -> list[int]:
    """Return five round numbers from 0 to `highest` or above, multiples of `unit`."""
    step, factors = unit, (2, 2.5, 2)
    for number in range(60):
        if step * 4 >= highest:
            break
        step = round(step * factors[number % 3])
    return [step * number for number in range(5)]


def clean(element: Element) -> None:
    """Remove what the policy refuses, and what no class styles, from an element and all inside it."""
    for child in list(element):
        is_tag = isinstance(child.tag, str)  # that of a comment is a function
        if not is_tag or child.tag.removeprefix(SVG) in UNWANTED or "overlay" in child.get("class", ""):
            element.remove(child)
        else:
            child.attrib.pop("style", None)
            clean(child)
