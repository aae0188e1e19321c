"""What no sentence beside a product may claim, ask for or give away, as words of the shoppers' languages.

A line is one alternative, a regular expression of whole words; `*` at either end leaves the word open there, a blank
stands for whatever parts two words. English, German, French, Ukrainian and Japanese in earnest; the plainest words of
Spanish, Russian, Chinese, Arabic, Hindi and others too. What is honest and looks alike is left out by the line itself:
a stool is free-standing, hands are free, and a saucepan has its Preiselbeeren.
"""

import re

from storefront.upsell.assistant.text import fold

SPACED = re.compile(r"[a-zͰ-ӿ]")


def any_of(lines: str) -> re.Pattern[str]:
    """One expression for all lines, folded as the texts are that it is held against."""
    at_start, anywhere = ["(?!)"], ["(?!)"]
    for line in filter(None, map(str.strip, lines.splitlines())):
        source, is_word = alternative(line)
        (at_start if is_word else anywhere).append(source)
    return re.compile(rf"(?<!\w)(?:{'|'.join(at_start)})|{'|'.join(anywhere)}")


def alternative(line: str) -> tuple[str, bool]:
    """The expression of a line, and whether it holds only where a word starts."""
    parts = re.split(r"(\\.)", line.removesuffix(r"\w*").strip("*"))
    folded = "".join(part if part.startswith("\\") else fold(part) for part in parts)
    if not SPACED.search(re.sub(r"\\.", "", folded)):
        return folded, False
    end = "" if line.endswith("*") else r"(?!\w)"
    return folded.replace(" ?", r"[\W_]*").replace(" ", r"[\W_]+") + end, not line.startswith("*")


PERCENTAGE = any_of(r"""
    per ?cents?
    percentages?
    \d* ?pct
    *prozent*
    pour ?cent
    por ?ciento
    per ?mille?
    відсот*
    процент*
    パーセント
    [\d一二三四五六七八九]\s*割
    百分
    بالم[ئا]
    في المئة
    प्रतिशत
    half[\W_]+(the )?(price|off|cost)
    halbe[rnm]? preis*
    zum halben
    moitie prix
    à moitié
    (пів|половин\w+) ціни
    mitad de precio
    полцены
    半額
    半价
    半價
""")

PRICE = any_of(r"""
    \d[\d.,]* ?(eur|usd|gbp|jpy|chf|uah|cad|aud|cny|rmb|inr|rub|btc|pln|sek|nok|dkk)
    (eur|usd|gbp|jpy|chf|uah|cad|aud|cny|rmb|inr|rub|btc|pln|sek|nok|dkk) ?\d*
    euros?
    dollars?
    bucks
    quid
    pence
    (\d+|one|two|five|ten|single|few) cents?
    (\d+|five|ten) pounds? sterling
    yens?
    *franken
    rappen
    rupees?
    bitcoins?
    hryvn*
    грн
    гривен*
    гривн*
    копій*
    копе(ек|йк\w*)
    рубл*
    євро
    евро
    [\d一二三四五六七八九十百千万]\s*(円|ドル|ユーロ|元|圆|塊|块)
    [\d०-९]\s*(रुपय|रुपए)
    (?<!-)(?<!(hand|acid|lint|dust|feel)\s)(?<!hands\s)(?<!sugar\s)(?<!caffeine\s)free(?![\w-]|[\W_]+(of|from)(?!\w))
    free of (charge|cost)
    freebies?
    giveaways?
    on the house
    complimentary
    (use|enter|with) (the )?code
    at (the )?checkout
    gratis
    *kosten(los|frei)*
    umsonst
    geschenkt
    *gratuit*
    offerte?s?
    без(коштовн|платн)*
    задарма
    бесплатн*
    даром
    無料
    (?:免费|免費)
    مجان
    मुफ़?्?त
    discount*
    *rabatt*
    remises?
    réductions?
    soldes?
    (зниж|скид)(к|ок)*
    (?:割引|割安|値引|値下)
    descuent*
    rebajas?
    descont[oi]*
    scont[oi]
    korting
    折扣
    打折
    [\d一二三四五六七八九]折
    (?:优惠|優惠)
    خصم
    تخفيض
    छूट
    (\d+|money|something|half|ten|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety) off
    (\d+) (rabais|weniger|less)
    rabais
    on sale
    for sale
    clearance (sale|price)s?
    bargains?
    (special|best|hot) (offers?|deals?)
    *angebot*
    promos?
    promo codes?
    promotion(s|al)?
    werbeaktion*
    coupons?
    vouchers?
    gutschein*
    クーポン
    セール
    お得
    (?:特価|格安|激安|最安|定価|安価)
    価格
    値段
    (?:价格|價格|特价|特價)
    prices?
    priced
    priceless
    pricing
    *preis(e|en|es)?
    preis(wert|günstig|nachlass)\w*
    billig*
    prix
    цін(а|и|і|у|ою|ах)
    цен(а|ы|у|е|ой)
    precios?
    سعر
    darmow*
    zniżk*
    zdarma
    slev[ay]
    ücretsiz
    indirim*
    miễn phí
    giảm giá
    ilmai(nen|seksi)
    δωρεάν
    έκπτωση
    (?:무료|할인)
    (?:ฟรี|ลดราคา)
    (?:חינם|הנחה)
    (?:कीमत|दाम)
    cheap*
    inexpensive
    affordab*
    cost(s|less)?
    at no charge
    pay (nothing|less|only|just|no|half)
    sav(e|es|ing|ings) (money|\d+|big)
    worth \d+
    refund*
    cash ?back
    money ?back
    buy one
    bogo
    geld zurück
    remboursé*
""")
