//! security-agent: passwords, hashes, leaked secrets and suspicious log lines.

mod findings;

use std::fmt::Write as _;
use std::sync::LazyLock;

use async_trait::async_trait;
use regex::Regex;
use sha2::{Digest, Sha256};

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::reading::colleagues;
use crate::reading::quotes::quoted;
use crate::reading::subject::{split, subject};
use crate::reading::words::has_any;
use crate::server::Reporter;

const PROFILE: Profile = Profile {
    id: "security-agent",
    name: "Security Agent",
    description: "Checks how strong a password is (without repeating it), tells what kind of hash a text looks like, calculates SHA-256, and finds leaked secrets and suspicious log lines in pasted text. It watches no systems, cracks nothing and looks nothing up on the internet.",
    reads: READS_TEXT,
    skills: &[
        Skill {
            id: "security",
            name: "Passwords and hashes",
            description: "Strength of a password, kind of a hash, SHA-256 of a text.",
            tags: &["password", "strength", "hash", "sha256", "md5"],
            examples: &[
                "How strong is the password \"correct horse battery staple\"?",
                "What kind of hash is 5f4dcc3b5aa765d61d8327deb882cf99?",
                "Give me the SHA-256 of the text \"hello world\"",
                "Ist das Passwort „Sommer2024!“ sicher?",
                "Ce mot de passe est-il assez solide : azerty123 ?",
                "¿Es segura la contraseña \"hola1234\"?",
                "这个密码安全吗：qwerty2020",
                "هل كلمة المرور هذه قوية: Qahwa-2020",
            ],
        },
        Skill {
            id: "threat_detection",
            name: "Suspicious log lines",
            description: "Finds failed logins by address, injection attempts and path traversal in pasted log lines.",
            tags: &["logs", "brute force", "failed login", "attack"],
            examples: &[
                "Is anything suspicious in these access log lines?",
                "Somebody may be brute-forcing our SSH, here is the auth.log",
                "Schau bitte, ob in diesem Log ein Angriff zu sehen ist",
                "このログに不審なアクセスはありますか？",
            ],
        },
        Skill {
            id: "monitoring",
            name: "Leaked secrets",
            description: "Finds keys, tokens and passwords in pasted text, and shows them masked.",
            tags: &["leak", "api key", "token", "credentials"],
            examples: &[
                "Did I leak any secrets in this config file?",
                "Check this text for API keys before I publish it",
                "¿Hay credenciales filtradas en este texto?",
                "Y a-t-il des clés ou des mots de passe dans ce fichier ?",
            ],
        },
    ],
};

static PASSWORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)(?:password|passphrase|passwort|kennwort|mot de passe|contraseña|parola|senha)\s+(?:is\s+|ist\s+|est\s+|es\s+)?(\S{4,})").expect("a constant pattern")
});
const ABOUT_PASSWORDS: &[&str] = &[
    "password*",
    "passphrase*",
    "passwort*",
    "kennwort*",
    "mot de passe",
    "mots de passe",
    "contraseña*",
    "密码",
    "パスワード",
    "كلمة المرور",
    "كلمة السر",
];

/// The agent.
pub(super) struct SecurityAgent;

#[async_trait]
impl Agent for SecurityAgent {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, _: &Reporter) -> Outcome {
        let text = &request.text;
        if has_any(text, &["sha256", "sha-256", "sha 256"])
            && !has_any(text, &["what kind", "identify", "which hash"])
        {
            return match subject(text) {
                Some(subject) => Outcome::Answered(sha256(subject)),
                None => Outcome::AskedBack("The SHA-256 of what? Please put the text in quotes.".to_owned()),
            };
        }
        let found = [findings::secrets(text), findings::suspicious_lines(text), findings::hashes(text)];
        let mut answer: Vec<String> = found.into_iter().flatten().collect();
        // One line about a password is a question about that password; more lines are pasted material.
        if has_any(text, ABOUT_PASSWORDS) && text.lines().count() <= 3 {
            match password(text) {
                Some(password) => answer = vec![strength(password)],
                None if answer.is_empty() => {
                    return Outcome::AskedBack("Which password? Please put it in quotes; I do not repeat or keep it beyond this task. Better try one that you do not use anywhere.".to_owned());
                }
                None => {}
            }
        }
        if !answer.is_empty() {
            return Outcome::Answered(answer.join("\n"));
        }
        let pasted = text.lines().count() > 1 || split(text).is_some();
        match colleagues::referral(PROFILE.id, text) {
            Some(referral) => Outcome::Refused(referral),
            None if pasted => Outcome::Answered("I found no leaked secret, no hash and no suspicious line in this text. I only know common patterns.\n".to_owned()),
            None => Outcome::AskedBack("What shall I check? Please paste a password in quotes, a hash, log lines or the text that may hold secrets.".to_owned()),
        }
    }
}

fn password(text: &str) -> Option<&str> {
    let after_word = || {
        let found = PASSWORD
            .captures(text)
            .and_then(|found| found.get(1))?
            .as_str()
            .trim_end_matches(['?', '.', ',', ':']);
        (found.chars().any(|letter| !letter.is_lowercase())).then_some(found)
    };
    let after_colon = || split(text).map(|(_, password)| password.trim_end_matches(['?', '？', '؟']).trim());
    quoted(text).or_else(after_colon).or_else(after_word).filter(|password| !password.is_empty())
}

/// Says how strong it is; neither the password nor what its weakness consists of may stand in the answer.
fn strength(password: &str) -> String {
    let found = zxcvbn::zxcvbn(password, &[]);
    let score = u8::from(found.score());
    let word = ["very weak", "weak", "fair", "strong", "very strong"]
        .get(usize::from(score))
        .copied()
        .unwrap_or("strong");
    let mut text = format!("The password is **{word}** (score {score} of 4).\n\n");
    writeln!(text, "- length: {} characters", password.chars().count()).ok();
    writeln!(text, "- guesses needed: about 10^{:.1}", found.guesses_log10()).ok();
    writeln!(
        text,
        "- offline attack on a slow hash: {}",
        found.crack_times().offline_slow_hashing_1e4_per_second()
    )
    .ok();
    writeln!(
        text,
        "- online attack without limits: {}",
        found.crack_times().online_no_throttling_10_per_second()
    )
    .ok();
    if let Some(feedback) = found.feedback() {
        let warning = feedback.warning().map(|warning| warning.to_string());
        let advice = feedback.suggestions().iter().map(ToString::to_string);
        for words in warning.into_iter().chain(advice) {
            writeln!(text, "- {words}").ok();
        }
    }
    text.push_str(
        "\nI do not repeat it. It has passed through this conversation, so use another one in earnest.\n",
    );
    text
}

fn sha256(text: &str) -> String {
    let hash: String = Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("SHA-256 of the {} bytes of text (UTF-8):\n\n`{hash}`\n", text.len())
}

#[cfg(test)]
mod tests {
    use super::{password, strength};

    #[test]
    fn a_password_is_read_and_never_repeated() {
        assert_eq!(password("How strong is \"tr0ub4dor\"?"), Some("tr0ub4dor"));
        assert_eq!(password("How strong is the password `hunter2`?"), Some("hunter2"));
        assert_eq!(password("这个密码安全吗：qwerty2020"), Some("qwerty2020"));
        assert_eq!(password("Is my password strong?"), None);
        assert!(strength("qwerty2020").contains("weak") && !strength("qwerty2020").contains("qwerty"));
    }
}
