"""The shop's colours for PDF, which knows none of CSS. The same values as in static/css/tokens.css.

Matrices: Björn Ottosson, "A perceptual color space for image processing" (2020)."""

from math import cos, radians, sin
from typing import Any, NamedTuple

from storefront.tenants.theme import hues_and_chroma

Rgb = tuple[int, int, int]


class DocumentColours(NamedTuple):
    """Channels are from 0 to 255."""

    ink: Rgb
    soft: Rgb
    line: Rgb
    accent: Rgb


def document_colours(theme: dict[str, Any]) -> DocumentColours:
    hue, _other, chroma = hues_and_chroma(theme)
    return DocumentColours(
        ink=rgb(0.24, 0.02, hue),
        soft=rgb(0.46, 0.022, hue),
        line=rgb(0.9, 0.012, hue),
        accent=rgb(0.43, chroma, hue),
    )


def rgb(lightness: float, chroma: float, hue: float) -> Rgb:
    """Return a colour of OKLCH (lightness 0 to 1, hue in degrees). What sRGB doesn't have is cut off."""
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        channel(4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short),
        channel(-1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short),
        channel(-0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short),
    )


def channel(light: float) -> int:
    """Convert a channel of linear light (0 to 1) to sRGB."""
    light = min(max(light, 0.0), 1.0)
    return round(255 * (12.92 * light if light <= 0.0031308 else 1.055 * light ** (1 / 2.4) - 0.055))
