"""Pictures that staff uploads: checked, turned upright, stripped of metadata and stored as WebP in three widths.

A file's name is the hash of its content, so it never changes and browsers keep it for ever."""

import os
import struct
import warnings
import zlib
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from threading import Lock, get_native_id

from PIL import Image, ImageCms, ImageOps

from storefront.errors import FieldError, Invalid
from storefront.i18n.gettext import _
from storefront.web.media import CUT_OUT, WIDTHS, file_name, folder_of, picture_name

MAX_BYTES = 10 * 1024 * 1024
MAX_PIXELS = 40_000_000
"""Of the decoded picture, which takes four bytes each at worst."""
FORMATS = ("JPEG", "PNG", "WEBP")
DAMAGED = (
    *(OSError, SyntaxError, ValueError, EOFError, LookupError, TypeError, ArithmeticError),
    *(struct.error, zlib.error),
)
"""What Pillow raises for damaged files, beside `DecompressionBombError`: its readers take a file at its word, and trip
over an offset or a length that isn't there."""
QUALITY = 82
OPAQUE = 255
"""In a picture's alpha channel."""
FIELD = "picture"
_decoding = Lock()
"""One picture is decoded at a time in a process: it takes up to 160 MB."""


def store_picture(tenant_id: str, content: bytes) -> str:
    """Store a picture. Return its name for `Product.image`. Raises `Invalid` with a sentence for what is none."""
    if len(content) > MAX_BYTES:
        raise too_large()
    with _decoding:
        sizes, is_cut_out = encode(content)
    digest = sha256(sizes[max(WIDTHS)]).hexdigest()[:32] + (CUT_OUT if is_cut_out else "")
    folder = folder_of(tenant_id)
    folder.mkdir(parents=True, exist_ok=True)
    for width, encoded in sizes.items():
        write_file(folder / file_name(digest, width), encoded)
    return picture_name(digest)


def write_file(path: Path, content: bytes) -> None:
    """Write a file that others see as a whole or not at all."""
    unfinished = path.with_suffix(f".{os.getpid()}-{get_native_id()}.part")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def encode(content: bytes) -> tuple[dict[int, bytes], bool]:
    """Return the picture as WebP by width, and whether it has transparent parts; a smaller one isn't enlarged. Raises
    `Invalid`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # `check_size` refuses earlier
        try:
            picture = upright(content)
            return {width: webp(picture, width) for width in sorted(WIDTHS, reverse=True)}, is_transparent(picture)
        except Image.DecompressionBombError:
            raise too_many_pixels() from None
        except DAMAGED:
            raise damaged() from None


def upright(content: bytes) -> Image.Image:
    """Return the decoded picture in sRGB, turned as its metadata says."""
    with Image.open(BytesIO(content), formats=FORMATS) as probe:
        check_size(probe)
        probe.verify()  # of a PNG, the check sums
    with Image.open(BytesIO(content), formats=FORMATS) as picture:
        check_size(picture)
        picture.draft("RGB", (max(WIDTHS), max(WIDTHS)))  # a large JPEG is decoded at a fraction of its size
        picture.load()
        transparent = picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info
        turned = ImageOps.exif_transpose(picture)
        return in_srgb(turned, picture.info.get("icc_profile"), "RGBA" if transparent else "RGB")


def is_transparent(picture: Image.Image) -> bool:
    """Whether a decoded picture has transparent parts; an alpha channel alone doesn't say so."""
    return picture.mode == "RGBA" and picture.getchannel("A").getextrema() != (OPAQUE, OPAQUE)


def in_srgb(picture: Image.Image, profile: bytes | None, mode: str) -> Image.Image:
    """Convert from the colour profile, which is removed with the other metadata; a broken one is ignored."""
    if profile and picture.mode in ("RGB", "RGBA", "CMYK"):
        try:
            source = ImageCms.ImageCmsProfile(BytesIO(profile))
            target = ImageCms.createProfile("sRGB")
            converted = ImageCms.profileToProfile(picture, source, target, outputMode=mode)
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            return picture.convert(mode)
    return picture.convert(mode)


def webp(picture: Image.Image, width: int) -> bytes:
    """Encode the picture, at most this wide and as high, without metadata."""
    smaller = picture.copy()
    smaller.thumbnail((width, width), Image.Resampling.LANCZOS)
    smaller.info.clear()
    encoded = BytesIO()
    smaller.save(encoded, "WEBP", quality=QUALITY, method=4)
    return encoded.getvalue()


def check_size(picture: Image.Image) -> None:
    if picture.width * picture.height > MAX_PIXELS:
        raise too_many_pixels()


def too_large() -> Invalid:
    most = MAX_BYTES // 1024 // 1024
    return Invalid(
        FieldError(FIELD, _("This file is larger than %(most)s MB. Please choose a smaller one.", most=most))
    )


def too_many_pixels() -> Invalid:
    most = MAX_PIXELS // 1_000_000
    message = _("This picture has more than %(most)s megapixels. Please choose a smaller one.", most=most)
    return Invalid(FieldError(FIELD, message))


def damaged() -> Invalid:
    message = _("This isn't a complete JPEG, PNG or WebP picture. Please choose another file.")
    return Invalid(FieldError(FIELD, message))
