"""Made-up customers: their names, addresses at example.com, and the language that each of them reads."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from storefront.i18n.negotiation import SOURCE_LANGUAGE


@dataclass(frozen=True)
class Customer:
    """`shopper` is the id that a browser's carts have in common."""

    shopper: str
    name: str
    email: str
    language: str


@dataclass(frozen=True)
class Names:
    """Given and family names, each as it is written and as it stands in an e-mail address."""

    given: Sequence[tuple[str, str]]
    family: Sequence[tuple[str, str]]
    family_first: bool = False


def pairs(words: str) -> list[tuple[str, str]]:
    """ "Zoë/zoe Max" are two names, of which the second is written alike in an address but for its case."""
    found = [word.partition("/") for word in words.split()]
    return [(written, mail or written.lower()) for written, _, mail in found]


NAMES: Mapping[str, Names] = {
    "en": Names(
        pairs(
            "Alice Ben Clara Daniel Emma Finn Grace Henry Isla Jack Kate Liam Maeve Noah Olivia Rose Sam Tara Zoë/zoe"
        ),
        pairs(
            "Byrne Carter Doyle Evans Foster Gallagher Hughes Kelly Lynch Morgan Nolan Porter Quinn Reid Turner Walsh"
        ),
    ),
    "de": Names(
        pairs("Anna Bernd Clara David Eva Felix Greta Hannes Ida Jonas Katrin Lukas Mia Nils Paula Rolf Sabine Tim"),
        pairs("Albrecht Becker Fischer Groß/gross Hahn Jäger/jaeger Keller Lange Möller/moeller Neumann Vogel Winter"),
    ),
    "fr": Names(
        pairs("Alice Benoît/benoit Camille Émile/emile Fanny Gaëlle/gaelle Hugo Inès/ines Jules Léa/lea Marc Simone"),
        pairs("Bernard Chevalier Dubois Fontaine Garnier Lambert Moreau Petit Roussel Simon Vidal"),
    ),
    "uk": Names(
        pairs("Андрій/andrii Богдана/bohdana Ганна/hanna Денис/denys Ірина/iryna Максим/maksym Олена/olena"),
        pairs("Бондаренко/bondarenko Гончар/honchar Коваль/koval Мельник/melnyk Савченко/savchenko Шевчук/shevchuk"),
    ),
    "ja": Names(
        pairs("葵/aoi 陽翔/haruto 結衣/yui 蓮/ren 美咲/misaki 翔太/shota 直樹/naoki 彩/aya 健/ken 真理子/mariko"),
        pairs("佐藤/sato 鈴木/suzuki 高橋/takahashi 田中/tanaka 伊藤/ito 渡辺/watanabe 山本/yamamoto 小林/kobayashi"),
        family_first=True,
    ),
}


class Customers:
    """The customers of one shop. Most carts belong to new customers, the others to returning ones."""

    RETURNING = 0.35

    def __init__(self, languages: Sequence[str], rng: Random) -> None:
        """`languages` are those that the shop's texts are in, its own first."""
        self.languages, self.rng = languages, rng
        self.known: list[Customer] = []

    def next(self) -> Customer:
        if self.known and self.rng.random() < self.RETURNING:
            return self.rng.choice(self.known)
        self.known.append(self._new())
        return self.known[-1]

    def _new(self) -> Customer:
        own, *others = self.languages
        language = self.rng.choice(others) if others and self.rng.random() < 0.2 else own
        names = NAMES.get(language, NAMES[SOURCE_LANGUAGE])
        given, family = self.rng.choice(names.given), self.rng.choice(names.family)
        name = f"{family[0]} {given[0]}" if names.family_first else f"{given[0]} {family[0]}"
        email = f"{given[1]}.{family[1]}{len(self.known) + 1}@example.com"
        return Customer(f"seed{self.rng.getrandbits(72):018x}", name, email, language)
