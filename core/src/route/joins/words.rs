//! The lists of joining words.

use whatlang::Lang;

/// Words that are another word in other languages, and the languages in which they join, order or begin.
pub(super) const ELSEWHERE: &[(&str, &[Lang])] = &[
    // "so" in German
    ("also", &[Lang::Eng]),
    // "more" in French, a sign in many
    ("plus", &[Lang::Eng]),
    // the article in Welsh, "there" in French, a letter in formulas
    ("y", &[Lang::Spa]),
    // the article in Albanian, "is" in Romanian chats, a letter
    ("e", &[Lang::Ita, Lang::Por, Lang::Spa]),
    // the article in Danish and Norwegian, "that" in Estonian
    ("et", &[Lang::Fra]),
    // a name in English
    ("ed", &[Lang::Ita]),
    // "in" in Spanish, French and Catalan, the article in Swedish, Danish and Norwegian, "most" in Turkish
    ("en", &[Lang::Nld, Lang::Afr]),
    // "yes" in German, Dutch and the Scandinavian languages, "I" in Slavic ones
    ("ja", &[Lang::Fin, Lang::Est]),
    // "is" in Catalan
    ("és", &[Lang::Hun]),
    // "go", "see" in Spanish, "in" in Czech
    ("ve", &[Lang::Tur]),
    // "then", "than" in Dutch, "day" in Slovene and Croatian, a name
    ("dan", &[Lang::Ind]),
    // a short form in English
    ("ac", &[Lang::Cym]),
    // "jointly" in German
    ("samt", &[Lang::Swe, Lang::Dan, Lang::Nob]),
    // the article in Macedonian and Bulgarian
    ("та", &[Lang::Ukr]),
    // "wave" in Spanish, Italian and Portuguese
    ("onda", &[Lang::Hrv]),
    // "for" in spoken Spanish and Portuguese, "bread" in Catalan, "what" in Welsh
    ("pa", &[Lang::Hrv, Lang::Slv]),
    // "take" in Dutch
    ("pak", &[Lang::Ces]),
    // "after" in Russian, before a noun
    ("после", &[Lang::Bul]),
    // "after" in Arabic, before a noun
    ("بعد", &[Lang::Pes]),
    // "great" in German and Dutch
    ("prima", &[Lang::Ita]),
    // "the first" in Spanish
    ("primer", &[Lang::Cat]),
];
/// Words that join two requests.
pub(super) const JOINS: &[&[&str]] = &[
    // en
    &["and", "also", "plus"],
    // de
    &["und", "sowie", "außerdem"],
    // es, pt
    &["y", "e", "además", "también", "também"],
    // fr
    &["et", "aussi"],
    // it
    &["ed", "inoltre"],
    // nl
    &["en", "ook"],
    // pl
    &["oraz"],
    // cs, sk
    &["a také", "a taktiež"],
    // ru, uk, be, bg, sr, mk
    &["и", "і", "й", "та", "а также", "а також", "а таксама"],
    // sv, da, nb
    &["och", "og", "samt"],
    // fi, et
    &["ja", "sekä", "ning"],
    // hu
    &["és", "valamint"],
    // ro
    &["și", "precum și"],
    // tr, az
    &["ve", "və", "ayrıca"],
    // el
    &["και", "επίσης"],
    // ca
    &["i també"],
    // eu
    &["eta"],
    // sq
    &["dhe"],
    // ar, fa, ur
    &["و", "وأيضا", "وكذلك", "همچنین", "اور"],
    // he
    &["וגם"],
    // hi, mr, ne
    &["और", "तथा", "आणि", "र"],
    // bn
    &["এবং", "আর", "ও"],
    // gu
    &["અને"],
    // pa
    &["ਅਤੇ"],
    // ta
    &["மற்றும்"],
    // te
    &["మరియు"],
    // kn
    &["ಮತ್ತು"],
    // ml
    &["കൂടാതെ"],
    // si
    &["සහ"],
    // id, ms
    &["dan", "serta"],
    // vi
    &["và", "đồng thời"],
    // kk, uz
    &["және", "hamda"],
    // ka
    &["და"],
    // hy
    &["և", "ու"],
    // ko
    &["그리고"],
    // th, my, km
    &["และ", "နှင့်", "និង"],
    // cy, ga
    &["ac", "agus"],
    // am
    &["እና"],
];
/// Words that put a request after the one before.
pub(super) const ORDERS: &[&[&str]] = &[
    // en
    &["then", "and then", "after that", "afterwards", "finally"],
    // de
    &["dann", "und dann", "danach", "anschließend", "zum schluss"],
    // es
    &["luego", "y luego", "después", "y después", "entonces", "por último", "finalmente"],
    // fr
    &["ensuite", "et ensuite", "puis", "et puis", "enfin", "après cela"],
    // it
    &["poi", "e poi", "dopo di che", "infine"],
    // pt, gl
    &["depois", "e depois", "em seguida", "por fim", "despois", "e despois"],
    // ca
    &["després", "i després", "a continuació", "finalment"],
    // ro
    &["apoi", "și apoi", "după aceea", "iar apoi", "la final"],
    // nl, af
    &["daarna", "en dan", "en daarna", "vervolgens", "ten slotte"],
    // sv
    &["och sedan", "därefter", "till sist", "slutligen"],
    // da
    &["derefter", "og derefter", "bagefter", "til sidst"],
    // nb, nn
    &["deretter", "og deretter", "etterpå", "til slutt"],
    // is
    &["síðan", "og síðan", "að lokum"],
    // fi
    &["sitten", "ja sitten", "sen jälkeen", "lopuksi"],
    // et
    &["seejärel", "ja siis", "pärast seda", "lõpuks"],
    // hu
    &["majd", "aztán", "utána", "azután", "végül"],
    // pl
    &["potem", "a potem", "następnie", "a następnie", "na koniec"],
    // cs
    &["pak", "a pak", "potom", "a potom", "poté", "nakonec"],
    // sk
    &["následne", "nakoniec"],
    // sl
    &["in nato", "na koncu"],
    // hr, bs
    &["zatim", "a zatim", "onda", "i onda", "pa onda", "nakon toga", "pa"],
    // sr, mk
    &["онда", "и онда", "па", "након тога", "потоа", "на крају"],
    // ru
    &["потом", "затем", "а потом", "а затем", "после этого", "наконец"],
    // uk
    &["потім", "а потім", "після цього", "далі", "нарешті"],
    // be
    &["потым", "а потым", "пасля"],
    // bg
    &["след това", "после", "и после", "накрая"],
    // lt
    &["tada", "po to", "paskui", "galiausiai"],
    // lv
    &["pēc tam", "un tad", "visbeidzot"],
    // el
    &["μετά", "και μετά", "έπειτα", "στη συνέχεια", "τέλος"],
    // tr
    &["sonra", "ve sonra", "ardından", "daha sonra", "son olarak"],
    // az
    &["sonra da", "ardınca"],
    // kk
    &["содан кейін", "сосын", "кейін"],
    // uz
    &["keyin", "so'ng", "va keyin"],
    // sq
    &["pastaj", "më pas"],
    // eu
    &["gero", "ondoren", "eta gero"],
    // cy, ga
    &["wedyn", "ac yna", "ansin"],
    // ka
    &["შემდეგ", "მერე", "და შემდეგ"],
    // hy
    &["հետո", "ապա", "և հետո"],
    // ar
    &["ثم", "وبعد ذلك", "بعد ذلك", "ومن ثم", "وأخيرا", "وأخيرًا"],
    // fa
    &["سپس", "و سپس", "بعد", "و بعد", "بعد از آن", "در پایان"],
    // ur
    &["پھر", "اور پھر", "اس کے بعد"],
    // he
    &["ואז", "אחר כך", "ואחר כך", "לאחר מכן", "ולבסוף"],
    // hi
    &["फिर", "और फिर", "उसके बाद", "इसके बाद"],
    // mr, ne
    &["मग", "आणि मग", "नंतर", "त्यानंतर", "अनि", "त्यसपछि"],
    // bn
    &["তারপর", "এরপর", "এবং তারপর"],
    // gu, pa
    &["પછી", "અને પછી", "ਫਿਰ", "ਅਤੇ ਫਿਰ", "ਉਸ ਤੋਂ ਬਾਅਦ"],
    // ta, te
    &["பிறகு", "பின்னர்", "அதன் பிறகு", "తర్వాత", "ఆ తర్వాత"],
    // kn, ml
    &["ನಂತರ", "ಆಮೇಲೆ", "പിന്നെ", "ശേഷം", "അതിനുശേഷം"],
    // si
    &["පසුව", "ඊට පස්සේ"],
    // id, ms
    &["lalu", "kemudian", "setelah itu", "selepas itu", "akhirnya"],
    // tl
    &["tapos", "pagkatapos", "at pagkatapos"],
    // sw
    &["kisha", "halafu", "baada ya hapo"],
    // vi
    &["rồi", "sau đó", "cuối cùng"],
    // ko
    &["그런 다음", "그 다음", "그다음", "그리고 나서", "마지막으로"],
    // th, km
    &["แล้ว", "จากนั้น", "แล้วก็", "បន្ទាប់មក"],
    // am
    &["ከዚያ", "ከዚያም"],
];
/// Words that begin an order: the adverbs, not "the first one". They stand at the beginning or after a verb.
pub(super) const FIRSTS: &[&[&str]] = &[
    // en, de, nl, af
    &["first", "firstly", "first of all", "zuerst", "zunächst", "erst", "eerst", "eers"],
    // es, fr, it, pt, gl, ca, ro, eo
    &["primero", "d'abord", "d’abord", "prima", "dapprima", "primeiro", "primer", "întâi", "unue"],
    // sv, da, nb, is, fi, et, hu
    &["först", "først", "fyrst", "ensin", "ensiksi", "esmalt", "kõigepealt", "először", "előbb"],
    // pl, cs, sk, sl, hr, sr, mk
    &[
        "najpierw",
        "nejprve",
        "nejdřív",
        "najprv",
        "najskôr",
        "najprej",
        "prvo",
        "najprije",
        "прво",
        "најпрво",
    ],
    // ru, uk, be, bg
    &["сначала", "сперва", "спочатку", "спачатку", "първо", "най-напред"],
    // lt, lv, el, sq, eu, cy, ga, mt
    &["pirmiausia", "vispirms", "πρώτα", "fillimisht", "së pari", "lehenik", "lehenengo", "yn gyntaf"],
    &["ar dtús", "l-ewwel"],
    // tr, az, kk, uz, mn, ka, hy
    &["önce", "ilk önce", "əvvəlcə", "алдымен", "avval", "эхлээд", "ჯერ", "თავდაპირველად", "նախ"],
    // ar, fa, ur, he
    &["أولا", "أولاً", "ابتدا", "اول", "پہلے", "קודם", "ראשית", "תחילה"],
    // hi, mr, ne, bn, gu, pa
    &["पहले", "आधी", "प्रथम", "पहिला", "প্রথমে", "પહેલા", "પહેલાં", "પ્રથમ", "ਪਹਿਲਾਂ"],
    // ta, te, kn, ml, si
    &["முதலில்", "ముందుగా", "మొదట", "ಮೊದಲು", "ആദ്യം", "පළමුව", "මුලින්"],
    // id, ms, tl, sw, vi, ko, am
    &["pertama", "mula-mula", "muna", "kwanza", "trước tiên", "đầu tiên", "먼저", "우선", "መጀመሪያ"],
];
/// Of languages that put no space after them.
pub(super) const UNSPACED_JOINS: &[&str] =
    &["并且", "並且", "并", "而且", "以及", "还有", "同时", "そして", "また", "และ"];
pub(super) const UNSPACED_ORDERS: &[&str] = &[
    "然后",
    "然後",
    "接着",
    "接著",
    "最后",
    "最後に",
    "再",
    "之后",
    "それから",
    "次に",
    "その後",
    "そのあと",
    "จากนั้น",
    "แล้วก็",
];
pub(super) const UNSPACED_FIRSTS: &[&str] = &["首先", "先", "まず", "最初に", "はじめに", "ก่อนอื่น", "ជាដំបូង"];
