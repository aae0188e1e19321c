"""Texts without what can't be seen, and the forms under which a word may hide from who looks for it."""

import codecs
import re
import unicodedata
from itertools import groupby

UNSEEN = ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp")
BLANK = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x180B, 0x180C, 0x180D, 0x180F, 0x2800, 0x3164, 0xFFA0}
"""Signs that Unicode calls letters, marks or symbols, and that no font shows."""
MOST_MARKS = 2
"""Marks on one letter. More is a flood; Hindi, Thai and Vietnamese (composed) get along with these."""
KANA_MARKS = "\u3099\u309a"
WIDTHS = ("<wide>", "<narrow>", "<font>", "<circle>", "<square>")


def visible(sign: str) -> bool:
    """Whether a reader can see it, or sees a blank where it is."""
    code = ord(sign)
    if code in BLANK or 0xFE00 <= code <= 0xFE0F or 0xE0000 <= code <= 0xE0FFF:
        return False
    return sign.isspace() or unicodedata.category(sign) not in UNSEEN


def plain(text: str) -> str:
    """The text as it can be seen: no invisible or directing characters, no floods of marks, on one line, in NFC.

    For the catalogue's words wherever the shop repeats them. An emoji that others were joined to falls apart into them.
    """
    seen = "".join(" " if sign.isspace() else sign for sign in text if sign.isspace() or visible(sign))
    composed = unicodedata.normalize("NFC", seen)
    return " ".join("".join(without_flood(composed)).split())


def without_flood(text: str) -> list[str]:
    """The text in runs of marks and of other signs, the former cut, and no mark that encloses a letter."""
    runs = [(is_mark, list(run)) for is_mark, run in groupby(text, lambda sign: unicodedata.category(sign)[0] == "M")]
    kept = [[sign for sign in run if unicodedata.category(sign) != "Me"][:MOST_MARKS] if is_mark else run
            for is_mark, run in runs]  # fmt: skip
    return ["".join(run) for run in kept]


def floods(text: str) -> bool:
    """Whether letters drown in marks."""
    return "".join(without_flood(composed := unicodedata.normalize("NFC", text))) != composed


def usual(text: str) -> str:
    """Wide, narrow, styled and circled letters as the usual ones. What else NFKC would fold, such as ½ or ™, stays."""
    folded = "".join(
        unicodedata.normalize("NFKC", sign) if unicodedata.decomposition(sign).startswith(WIDTHS) else sign
        for sign in text
    )
    return unicodedata.normalize("NFC", folded)


def fold(text: str) -> str:
    """Without case, width, style and accents (but kana keep their marks: ドル isn't トル), apostrophes all alike."""
    parts = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(sign for sign in parts if sign in KANA_MARKS or not unicodedata.combining(sign))
    return unicodedata.normalize("NFC", bare).translate(APOSTROPHES)


APOSTROPHES = str.maketrans("’‘ʼ´`′＇", "'" * 7)
LOOK_ALIKES = str.maketrans(
    "авсеєнікморѕтухјԁԛԝһӏпгьѵ" + "αβεηικνορτυχγω" + "ոօսհցյ" + "ᎠᎡᎢᎥᎪᎫᎬᎳᎷᎻᎽᏀᏃᏎᏔᏙᏚᏞᏟᏢᏦᏴ"
    "ɑɡıɩøłđħŧʀɴᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍᴏᴘꜱᴛᴜᴠᴡʏᴢ" + "ǝɐɔɟɹʇʌʍʎɥᴉɯʞ",
    "abceehikmopstyxjdqwhlnrbv" + "abenikvoptuxyw" + "nouhgj" + "drtiajewmhygzswvslcpkb"
    "agiioldhtrnabcdefghijklmopstuvwyz" + "eacfrtvwyhimk",
)
LOOK_ALIKES |= {start + i: ord("a") + i for start in (0x1F150, 0x1F170, 0x1F1E6) for i in range(26)}
LEET = [str.maketrans("0134578", "oieastb"), str.maketrans("0134578", "oleastb")]
LEET_WORD = re.compile(r"\b(?=\w*\d)(?=\w*[a-z])\w+\b")
SPELT = re.compile(r"(?<!\w)(?:\w[\s.\-_*·•,/+~:;|]{1,3}){2,}\w(?!\w)")
HYPHENS = re.compile(r"(?<=[^\W\d])[-‐‑–_·•.'*~]+(?=[^\W\d])")
_CJK = "[\u3040-\u30ff\u3400-\u9fff]"
PARTED = re.compile(f"(?<={_CJK})[\\s・·•.\\-_*]+(?={_CJK})")


def forms(text: str) -> list[str]:
    """The folded text and all that it could be read as: by look-alikes, spelt out, hyphenated, in leet."""
    folded = PARTED.sub("", fold(text))
    latin = folded.translate(LOOK_ALIKES)
    spelt = SPELT.sub(lambda run: re.sub(r"[\W_]+", "", run[0]), latin)
    dotted = SPELT.sub(lambda run: re.sub(r"[^\w.]+|_", "", run[0]), latin)
    found = [folded, latin, spelt, dotted, HYPHENS.sub("", latin)]
    for table in LEET:
        found.append(LEET_WORD.sub(lambda word, table=table: word[0].translate(table), spelt))  # type: ignore[misc]
    return list(dict.fromkeys(found))


def ciphers(text: str) -> list[str]:
    """The text backwards, and in rot13: what a model could be made to say, and a reader be told to undo."""
    latin = fold(text).translate(LOOK_ALIKES)
    return [latin[::-1], codecs.encode(latin, "rot13")]
