"""What no sentence beside a product may claim that it does for one's health. Lines are read as in `words`."""

from storefront.upsell.assistant.words import any_of

HEALTH = any_of(r"""
    cures?
    curing
    curative
    heal(s|ing|ed|er)?
    health(?!y[\W_]+(amount|dose|measure|portion|helping|slice|splash|pinch|dollop|respect))\w*
    (treats?|prevents?|preventing|fights?|against|stops?) ([\w']+ ){0,2}(ailments?|aches?|colds|flu|coughs?|age?ing)
    (treats?|prevents?|preventing|fights?|against|stops?) ([\w']+ ){0,2}(sickness|virus|viruses|pain|stress|cramps?)
    kills (\w+ )?(germs|bacteria|viruses)
    sore throats?
    (reliev\w+|reduc\w+|ease|eases|easing|sooth\w+) (\w+ )?(\w+ )?(pains?|aches?|stress|cramps?|symptoms?|sore\w*)
    pain[\W_]?(relie\w+|killer\w*|free)
    painless*
    (joint|back|muscle|chronic) pains?
    treatments?
    therap*
    medic(al|inal|ine|ines|ation|ally)
    medicin*
    remed(y|ies)
    diseas*
    illness*
    cancer*
    diabet*
    arthrit*
    depress(ion|ed)
    anxiet*
    insomni*
    migrain*
    headach*
    hangovers?
    covid\w*
    cholesterol*
    (auto)?immun*
    detox*
    toxins?
    antioxid*
    anti[\W_]?inflam*
    inflammation
    metabol*
    blood (pressure|sugar|flow|circulation)
    weight[\W_]?loss
    (lose|losing|shed) (\w+ )?(weight|pounds|kilos|fat)
    slimming
    (burns?|burning) (\w+ )?fat
    fat[\W_]?burn*
    calorie*
    anti[\W_]?age?ing
    well[\W_]?being
    wellness
    superfoods?
    clinical*
    doctors?
    probiotic*
    vitamin*
    digestion
    (boosts?|boosting|improves?|increases?) (\w+ )?(energy|mood|focus|brain|memory|sleep|libido|circulation)
    (sleep better|better sleep)
    good for (you|your (heart|skin|body|gut|back|eyes|brain|mind|liver|bones|joints))
    *gesund*
    *heil(t|en|end|ende|ung|kraft|sam|same|mittel)
    linder(t|n|ung|nd)
    gegen (\w+ )?(husten|erkältung\w*|schnupfen|grippe|falten|müdigkeit|stress)
    beugt (\w+ ){0,4}vor
    *vorbeug*
    *krankheit*
    *krebs
    *schmerz*
    entgift*
    entschlack*
    (beim|zum) abnehmen
    gewicht\w* (verlieren|abnehmen|reduzier\w*)
    *gewichtsverlust
    macht schlank
    fettverbrenn*
    *blutdruck*
    *blutzucker*
    *cholesterin*
    *stoffwechsel*
    *entzündung*
    *medizin*
    arznei*
    *verdauung*
    guéri(t|r|s|ssent|son|e)?
    soigne(nt|r)? (le|la|les|l'|vos|votre|tous|toutes)\w*
    santé
    maladi*
    saine?s?
    maigrir
    amaigriss*
    minceur
    (perdre|perte) (du|de) poids
    brûle\w* (\w+ )?(graisses?|calories?)
    (tension|pression) artérielle
    cholestérol
    médic(al|ale|ament|aments|inal|inale|aux)
    anti[\W_]?(douleur|stress)
    douleurs?
    remèdes?
    bienfaits?
    contre (la |le |les )?(toux|rhume|grippe|fatigue|stress|rides)
    aide à (dormir|digérer|mincir)
    лікує
    лікуют*
    лікуван*
    лікувал*
    ліки
    вилік*
    зціл*
    цілющ*
    *здоров*
    імун*
    іммун*
    (артеріальн|кров)\w* тиск*
    знижу\w+ тиск*
    схуд*
    детокс*
    захвор*
    хвороб*
    профілакт*
    діабет*
    холестерин*
    біль
    болю
    знебол*
    терап*
    медич*
    вітамін*
    (від|проти|от|против) (кашл|застуд|грип|простуд|нежит)\w*
    лечит
    лечат
    лечебн*
    вылеч*
    исцел*
    похуд*
    иммун*
    болезн*
    (артериальн|кровян)\w* давлен*
    健康
    治[すしっる療癒り]
    癒
    風邪
    血行
    に効[くき]
    病
    予防
    免疫
    (?:血圧|血糖)
    ダイエット
    [痩瘦]せ
    デトックス
    解毒
    (?:効能|薬効|医薬|漢方)
    [体身][にへ](?:良|よ|い)い
    からだに(?:良|よ|い)い
    美容
    アンチエイジング
    癌
    糖尿
    (?:医療|医学|医師)
    栄養
    [安快不]眠
    頭痛
    疲労
    抗酸化
    cura(r|n)?
    salud*
    adelgaz*
    enfermedad*
    inmun*
    presion arterial
    (?:治疗|治療|治愈|治癒|治好|疾病|减肥|減肥|血压|血壓|养生)
    يشفي
    يعالج
    علاج
    صح[ةي]
    स्वास्थ्य
    इलाज
    रोग
    वजन
    बीमार
""")
