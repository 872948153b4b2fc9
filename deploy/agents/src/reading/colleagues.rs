//! Who else could be meant: the plain words by which each of the sixteen is known.

use super::words;

/// An id and the words that point to it; a word ending in `*` may go on.
const KNOWN_BY: &[(&str, &[&str])] = &[
    (
        "web-scraper",
        &[
            "scrape*",
            "web page",
            "webpage",
            "website",
            "headings of",
            "webseite",
            "page web",
            "página web",
            "网页",
            "ウェブページ",
            "http://",
            "https://",
        ],
    ),
    ("api-agent", &["api call", "call the api", "endpoint", "status code", "api-aufruf", "接口"]),
    (
        "database-agent",
        &[
            "sql",
            "select * from",
            "database",
            "customers",
            "orders",
            "datenbank",
            "base de données",
            "base de datos",
            "数据库",
            "データベース",
            "قاعدة البيانات",
        ],
    ),
    (
        "code-reviewer",
        &[
            "review this code",
            "code review",
            "bugs in this code",
            "snippet",
            "codereview",
            "revue de code",
            "代码",
            "コードレビュー",
        ],
    ),
    (
        "crypto-trader",
        &[
            "btc",
            "bitcoin",
            "eth",
            "ethereum",
            "crypto",
            "portfolio",
            "krypto*",
            "比特币",
            "ビットコイン",
            "بيتكوين",
        ],
    ),
    ("image-processor", &["picture", "image", "photo", "bild", "imagen", "图片", "画像", "صورة"]),
    (
        "security-agent",
        &[
            "password",
            "hash",
            "sha256",
            "leaked",
            "secrets",
            "passwort",
            "mot de passe",
            "contraseña",
            "密码",
            "パスワード",
            "كلمة المرور",
        ],
    ),
    (
        "scheduler-agent",
        &[
            "cron",
            "schedule*",
            "every weekday",
            "every day",
            "jeden tag",
            "tous les jours",
            "cada día",
            "每天",
            "毎日",
            "كل يوم",
        ],
    ),
    (
        "notification-agent",
        &[
            "notify",
            "send a message",
            "notification",
            "remind",
            "benachrichtig*",
            "notifie*",
            "avisa",
            "通知",
            "أرسل",
        ],
    ),
    (
        "backup-agent",
        &[
            "backup*",
            "back up",
            "back them up",
            "back it up",
            "restore",
            "sicher*",
            "sauvegarde*",
            "copia de seguridad",
            "备份",
            "バックアップ",
            "نسخة احتياطية",
        ],
    ),
    (
        "ml-agent",
        &[
            "regression",
            "cluster*",
            "k-means",
            "kmeans",
            "train",
            "predict from",
            "回归",
            "聚类",
            "回帰",
            "クラスタ",
        ],
    ),
    (
        "analytics-agent",
        &[
            "trend*",
            "forecast*",
            "growth",
            "moving average",
            "prognose",
            "tendance",
            "prévision",
            "tendencia",
            "pronóstico",
            "趋势",
            "预测",
            "予測",
            "اتجاه",
            "توقع",
        ],
    ),
    (
        "nlp-agent",
        &[
            "sentiment",
            "keywords",
            "language",
            "word count",
            "count the words",
            "words",
            "stimmung",
            "sprache",
            "schlüsselwörter",
            "mots-clés",
            "sentimiento",
            "palabras",
            "情感",
            "关键词",
            "感情",
            "キーワード",
            "مشاعر",
        ],
    ),
    (
        "file-manager",
        &["file", "files", "folder", "datei*", "ordner", "fichier*", "archivo*", "文件", "ファイル", "ملف"],
    ),
    (
        "data-processor",
        &[
            "statistics",
            "statistic*",
            "statistik*",
            "mean",
            "average",
            "median",
            "standard deviation",
            "summarise",
            "summarize",
            "describe",
            "duplicates",
            "missing values",
            "mittelwert",
            "kennzahl*",
            "moyenne",
            "statistiques",
            "promedio",
            "media",
            "统计",
            "平均",
            "統計",
            "متوسط",
            "إحصاء",
        ],
    ),
];

/// The agent the text points to most: by its id, else by its words.
pub(crate) fn meant(text: &str) -> Option<&'static str> {
    let lower = text.to_lowercase();
    let named = KNOWN_BY.iter().map(|(id, _)| *id).chain(["workflow-agent"]);
    if let Some(id) = named.clone().find(|id| lower.contains(id) || lower.contains(&id.replace('-', " "))) {
        return Some(id);
    }
    let score = |known: &[&str]| known.iter().filter(|word| words::find(&lower, word).is_some()).count();
    let best = KNOWN_BY.iter().map(|(id, known)| (score(known), *id)).filter(|(score, _)| *score > 0);
    // The first of equals: the table stands from the particular to the general.
    best.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, id)| id)
}

/// A sentence that sends the user on, when the text points to another agent and not to `own`.
pub(crate) fn referral(own: &str, text: &str) -> Option<String> {
    let known = KNOWN_BY.iter().find(|(id, _)| *id == own).map_or(&[][..], |(_, known)| *known);
    let other = meant(text).filter(|id| *id != own && !words::has_any(text, known))?;
    Some(format!("This is not my work: I am {own}. {other} is the one to ask."))
}

#[cfg(test)]
mod tests {
    use super::{meant, referral};

    #[test]
    fn the_right_colleague_is_meant() {
        assert_eq!(meant("compute the statistics"), Some("data-processor"));
        assert_eq!(meant("dann die Prognose"), Some("analytics-agent"));
        assert_eq!(meant("ask nlp-agent about my files"), Some("nlp-agent"));
        assert_eq!(meant("hello"), None);
        assert!(referral("data-processor", "What is the sentiment of this?").is_some());
        assert!(referral("data-processor", "the mean sentiment").is_none());
    }
}
