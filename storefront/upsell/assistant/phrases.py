"""What no sentence beside a product may be: a way out of the shop, a push, or the words of the prompt.

Lines are read as in `words`.
"""

import re

from storefront.upsell.assistant.prompt import INSTRUCTIONS
from storefront.upsell.assistant.text import fold
from storefront.upsell.assistant.words import any_of

PROMPT = any_of(r"""
    system[\W_]?(prompt|message|nachricht)\w*
    prompts?
    instructions?
    instruct(ed|s)?
    anweisung*
    інструкц*
    инструкц*
    instruccion*
    as an (ai|llm|assistant)
    i (was|am) (told|asked|ordered|made) to
    i('m| am) an? (\w+ )?(ai|bot|assistant|model|chatbot)
    (ai|artificial) (model|assistant|intelligence)
    *language[\W_]?models?
    *sprachmodell*
    modèle de langage
    (мовна|языковая) модель
    chat ?gpt
    openai
    gpt[\W_]?\d*
    llms?
    json
    product[\W_]?ids?
    candidates?
    kandidat*
    candidats?
    кандидат*
    candidatos?
    untrusted
    jailbr(eak|oken)\w*
    developer mode
    (ignore|disregard|forget) (\w+ ){0,3}(previous|earlier|prior|above|rules?)
    ignor(ez|iere|ieren|a) (\w+ ){0,3}(regeln|vorherige\w*|alle\w*|toutes?|todas?)
    (system|assistant|user)\s*:
    (hacked|pwned|gehackt|piraté|взломан\w*|зламан\w*)
    プロンプト
    指示
    候補
    (?:言語モデル|言语模型|语言模型|語言模型)
    (?:提示词|提示詞|指令)
    تعليمات
    (?:निर्देश|निर्देशों)
""")

PRESSURE = any_of(r"""
    (buy|order|act|shop|purchase) (it )?(now|today|immediately|right now|before)
    (?<!no\s)(?<!without\s)(?<!a\s)hurry
    (only|just) (for )?today
    today only
    last chance
    last few (left|pieces|items|ones)
    (only|just) (\w+ )?(\w+ )?left
    limited (time|stock|offer|quantit\w+|supply)
    while (stocks?|supplies) lasts?
    selling (fast|out)
    (almost|nearly) (sold out|gone)
    don'?t (miss|wait)
    you (must|have to) (buy|order|take)
    jetzt (kaufen|bestellen|zugreifen|sichern)
    (kaufen|bestellen|sichern) sie (\w+ )?(jetzt|sofort)
    kauf jetzt
    (nur|bloß) heute
    nur noch (\d+|heute|wenige|drei|zwei)
    letzte chance
    solange (der )?vorrat
    greif(en sie)? zu
    beeil*
    (achetez|commandez|profitez)( en)? (maintenant|vite|tout de suite|aujourd'hui)
    (dépêche|hâte)\w*
    (seulement|uniquement) aujourd'hui
    aujourd'hui (seulement|uniquement)
    dernière chance
    ne manquez pas
    купу(й|йте) (\w+ )?(зараз|негайно)
    замовля(й|йте) (\w+ )?(зараз|негайно)
    (тільки|лише) (сьогодні|зараз)
    поспіша*
    останній шанс
    не проґав*
    куп(и|ите) (\w+ )?(сейчас|сегодня)
    только сегодня
    (срочно|спешите)
    (compra|compre) (ya|ahora|hoy)
    (solo|sólo) hoy
    última oportunidad
    今すぐ
    今だけ
    (?:本日|今日)(?:限り|だけ)
    残りわずか
    お急ぎ
    (?:数量|期間|時間)限定
    (?:立即|马上|立刻|赶快)(?:购买|购|下单|買)
    (?:限时|限時|抢购|搶購|仅限今天|最后机会)
    (?:اشتر|اطلب) الآن
    اليوم فقط
    अभी (?:खरीद|ऑर्डर)
    (?:केवल|सिर्फ) आज
""")

TOP = "com|net|org|io|dev|shop|info|biz|co|example|test|de|uk|eu|app|xyz|top|site|online|store|fr|ua|jp|ru|cn|рф|укр"
LINK = re.compile(
    rf"//\w|://|hxxp|https?|(?<!\w)(?:www|ftp|javascript|href)\s*[:.=]|(?<!\w)(?:tel|data|mailto):\w|(?:%[0-9a-f]{{2}}){{2}}|(?<!\w)\w*www\w*"
    rf"|[^\W_][.。．｡․](?:{TOP})(?!\w)|[^\W_],(?:com|net|org)(?!\w)|\s[.。]\s*(?:{TOP})(?!\w)|[.]\s+(?:com|org|xyz|biz)(?!\w)"
    rf"|(?<!\w)(?:dot|punkt|punto|крапка|точка)[\W_]*(?:{TOP})(?!\w)"
    r"|(?<!\w)point[\W_]+(?:com|net|org|info|fr)(?!\w)|ドット\s*(?:com|net|jp|コム)|(?<=[a-z])[点點](?:com|cn|net)"
    r"|(?<!\d)\d{1,3}(?:\.\d{1,3}){3}(?!\d)|(?:[0-9a-f]{1,4}:){3,}|::[0-9a-f]"
)
DOMAIN = re.compile(r"[^\W_](?<!p)[.․]((?!ex\b)[^\W\d_A-ZА-ЯЁІЇЄҐ\u3040-\u9fff]{2,})")
"""A stop with no blank and a small letter after it. Honest models forget the blank, but write the next word large."""
OUTSIDE = any_of(r"""
    click (here|on|below|this|the link|now)
    klick(en)? (sie )?hier
    cliquez
    (visit|check) (\w+ ){0,2}(sites?|links?|pages?|store)
    web ?sites?
    web ?seite*
    urls?
    hyperlinks?
    qr[\W_]?codes?
    (whatsapp|telegram|wechat|instagram|facebook|tiktok|discord|paypal|bit ly)\w*
    ウェブサイト
    クリックして
    (?:网站|網站|点击|點擊|微信)
    сайт*
""")
MAIL = re.compile(r"\S\s*@\s*\S+\s*\.|[\w.]@\w")
WRITE = any_of(r"""
    e-mails?
    e-mail(en|adresse)?
    emails? (\w+ )?(me|us|to|at|address\w*|your|an|adresse)
    emailed
    mailto
    courriels?
    (електронн|электронн)\w+ (пошт|почт)\w*
    メール
    (?:邮箱|郵箱|邮件)
    correo electr*
    [\w.]+ (at|ät|arobase|chez|собака|эт) [\w\s]{2,30} (dot|punkt|point|punto) (com|net|org|io|info|shop|de|eu|example)
    [\w.]+ (at|ät|arobase|chez|собака|эт) [\w\s]{2,30} (dot|крапка|точка|ком) (ua|ru|uk|fr|jp|укр|ком|ру)
    アットマーク
    (call|phone|text) (us|me|now)
""")
UNBROKEN = any_of(r"""
    *discount*
    *kostenlos*
    *systemprompt*
    *languagemodel*
    *bitcoin*
""")
"""Words that are found even where blanks were put into them."""
RUN = 6
"""So many words of the prompt in a row are not chance."""


def runs_of(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[^\W_]+", fold(text))
    return {tuple(words[i : i + RUN]) for i in range(len(words) - RUN + 1)}


PROMPT_RUNS = runs_of(INSTRUCTIONS)
