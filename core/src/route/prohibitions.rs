//! Requests that forbid something. The local model knows words and no negation: to it "do not delete it" is like
//! "delete it", so that what is forbidden is not its to decide.

/// What a request that forbids may begin with, and what a complaint does: "no puedo …", "не работает".
const MAYBE: &[&str] = &[
    // en
    "no need to",
    "stop",
    // de, nl, af
    "nicht",
    "niemals",
    "niet",
    "nooit",
    "moenie",
    // fr
    "ne",
    "n'",
    "n’",
    // es, pt, gl, it, ca, ro
    "no",
    "nunca",
    "não",
    "nao",
    "non",
    "nu",
    "mai",
    "jamais",
    // Slavic, Baltic ("ne" is above)
    "не",
    "nie",
    "nikdy",
    "nigdy",
    "никогда",
    "ніколи",
    "nav",
    // sv, da, nb, is
    "inte",
    "ikke",
    "aldrig",
    "ekki",
    // cy, ga, eu, mt
    "paid",
    "ná",
    "ez",
    // ar, fa, ur, he
    "لا",
    "ولا",
    "نکن",
    "مت",
    // id, ms, tl, sw, vi
    "usi",
    "không được",
];
/// What begins nothing but an order not to do something. "I cannot …" and "it does not …" are ordinary questions.
const ORDERS: &[&str] = &[
    "do not",
    "don't",
    "don’t",
    "dont",
    "never",
    "must not",
    "you must not",
    "bitte nicht",
    "bitte kein",
    "bitte keine",
    "bitte keinen",
    "bitte keines",
    "auf keinen fall",
    "keinesfalls",
    "surtout pas",
    "ne fais pas",
    "ne faites pas",
    "ne supprime pas",
    "ne supprimez pas",
    "n'envoie pas",
    "n'envoyez pas",
    "n'efface pas",
    "no hagas",
    "no haga",
    "no hagan",
    "no borres",
    "no elimines",
    "no envíes",
    "no mandes",
    "no toques",
    "no uses",
    "no cambies",
    "não faça",
    "não faças",
    "não apague",
    "não exclua",
    "não envie",
    "não mande",
    "não use",
    "não mude",
    "non fare",
    "non fate",
    "non cancellare",
    "non eliminare",
    "non inviare",
    "non mandare",
    "non toccare",
    "non usare",
    "non cambiare",
    "nemoj",
    "nemojte",
    "немој",
    "немојте",
    "недей",
    "älä",
    "älkää",
    "ära",
    "ärge",
    "μη",
    "μην",
    "mos",
    "peidiwch",
    "jangan",
    "huwag",
    "đừng",
    "मत",
    "אל",
];
/// At the beginning of a whole message these are orders as well.
const AVOIDS: &[&str] = &["avoid", "por favor no", "por favor não"];
/// And the same at their end.
const ENDINGS: &[&str] = &["मत करो", "मत करना", "ないでください", "ないで", "지 마", "지 마세요", "지마"];
/// Of languages that put no space after them.
const UNSPACED_LEADS: &[&str] =
    &["不要", "不用", "不必", "别", "別", "请勿", "請勿", "勿", "禁止", "อย่า", "កុំ"];
/// Of languages where it stands behind the verb; in a question it is an ordinary one.
const WITHIN: &[&str] = &[
    "nicht",
    "niemals",
    "keine",
    "keinen",
    "kein",
    "niet",
    "geen",
    "nooit",
    "pas",
    "jamais",
    "inte",
    "ikke",
    "ekki",
    "nie",
    "मत",
    "ना",
    "नका",
    "না",
    "نہ",
    "مت",
    "نکنید",
    "نکن",
];
const UNSPACED_WITHIN: &[&str] =
    &["ないで", "するな", "しないよう", "지 마", "지마", "말아", "말고", "不要", "别"];
const POLITE: &[&str] = &[
    "please",
    "but",
    "and",
    "so",
    "just",
    "kindly",
    "bitte",
    "aber",
    "por favor",
    "pero",
    "mas",
    "ma",
    "per favore",
    "s'il te plaît",
    "s'il vous plaît",
    "mais",
    "maar",
    "пожалуйста",
    "но",
    "请",
    "請",
];

/// Whether a message is an order not to do something, and nothing else: less than `forbids`, since most messages that
/// say "not" alone are complaints.
pub(super) fn is_order(message: &str) -> bool {
    let message = message.trim().to_lowercase();
    let rest = politely(&message);
    let end = message.trim_end_matches(['!', '.', '。', '！', ' ']);
    let begins = |words: &&str| after(rest, words).or_else(|| after(&message, words)).is_some();
    let leads = leads_unspaced(rest) || ORDERS.iter().chain(AVOIDS).any(begins);
    let ends = ENDINGS.iter().any(|words| end.ends_with(words));
    !asks(&message) && (leads || ends)
}

fn leads_unspaced(text: &str) -> bool {
    UNSPACED_LEADS.iter().any(|words| text.starts_with(words))
}

fn asks(text: &str) -> bool {
    text.ends_with(['?', '？', '؟'])
}

/// What is left of a text without the polite words that it begins with.
fn politely(text: &str) -> &str {
    let mut rest = text;
    while let Some(after) = POLITE.iter().find_map(|word| after(rest, word)) {
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || ",，".contains(c));
    }
    rest
}

/// Whether a request forbids what it speaks of.
pub(super) fn forbids(request: &str) -> bool {
    let request = request.trim().to_lowercase();
    let rest = politely(&request);
    let begins = |words: &&str| after(rest, words).is_some();
    let leads = leads_unspaced(rest) || ORDERS.iter().chain(MAYBE).any(begins);
    let within = || {
        let mut words = rest.split(|c: char| c.is_whitespace() || ",.!".contains(c));
        words.any(|word| WITHIN.contains(&word)) || UNSPACED_WITHIN.iter().any(|words| rest.contains(words))
    };
    !asks(&request) && (leads || within())
}

/// What comes after some words at the beginning.
fn after<'a>(text: &'a str, words: &str) -> Option<&'a str> {
    let rest = text.strip_prefix(words)?;
    let is_whole = !rest.starts_with(char::is_alphanumeric) || words.ends_with(['\'', '’', '请', '請']);
    is_whole.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_not_to_do_something_is_no_complaint() {
        for text in [
            "Do not back up anything.",
            "don't back up the folder",
            "Please do not run any backup today",
            "never send a notification",
            "Please avoid making a backup",
            "Bitte nicht sichern",
            "不要备份",
            "バックアップしないでください",
        ] {
            assert!(is_order(text), "{text}");
        }
        for text in
            ["No puedo entrar", "не работает", "My card does not work", "Meine Karte geht nicht", "why not?"]
        {
            assert!(!is_order(text), "{text}");
        }
    }

    #[test]
    fn what_is_forbidden_is_known_in_many_languages() {
        for text in [
            "Do not back up my files.",
            "please don't send it to Ann",
            "Never delete this",
            "Bitte nicht sichern.",
            "Sichere meine Dateien nicht.",
            "Maak geen back-up.",
            "No borres el archivo.",
            "Ne supprime pas le fichier.",
            "N'envoie rien à Paul.",
            "Não envies nada",
            "Не удаляй файл.",
            "Nie usuwaj pliku",
            "Radera inte filen",
            "不要备份我的文件。",
            "请不要备份",
            "ファイルを消さないで",
            "파일을 지우지 마",
            "لا ترسل الرسالة.",
            "फ़ाइल मत हटाओ",
            "Jangan kirim pesan",
            "Đừng gửi tin nhắn",
        ] {
            assert!(forbids(text), "{text}");
        }
    }

    #[test]
    fn ordinary_questions_forbid_nothing() {
        for text in [
            "I can't log in",
            "my card doesn't work",
            "why is my transfer not there",
            "Warum ist meine Überweisung nicht da?",
            "Don't I need an umbrella?",
            "¿No va a llover mañana?",
            "Normal weather in Rome",
            "notify Ann",
            "Nunavut weather",
            "",
        ] {
            assert!(!forbids(text), "{text}");
        }
    }
}
