//! What can be found in pasted text.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::reading::words::{counted, excerpt};

const MOST_LINES: usize = 20_000;
const MOST_SHOWN: usize = 30;
/// Failed logins from one address that count as guessing.
const MANY_FAILURES: usize = 3;

struct Known {
    pattern: Regex,
    name: &'static str,
}

fn known(list: &[(&str, &'static str)]) -> Vec<Known> {
    list.iter()
        .map(|(pattern, name)| Known { pattern: Regex::new(pattern).expect("a constant pattern"), name })
        .collect()
}

static SECRETS: LazyLock<Vec<Known>> = LazyLock::new(|| {
    known(&[
        (r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b", "AWS access key"),
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----", "private key"),
        (r"\bgh[pousr]_[A-Za-z0-9]{30,}\b|\bgithub_pat_\w{30,}\b", "GitHub token"),
        (r"\bglpat-[\w-]{20,}", "GitLab token"),
        (r"\bxox[abprs]-[\w-]{10,}", "Slack token"),
        (r"\bsk-[A-Za-z0-9_-]{20,}", "API key of a model provider"),
        (r"\b[sr]k_live_[A-Za-z0-9]{16,}", "Stripe key"),
        (r"\bAIza[\w-]{35}", "Google API key"),
        (r"\beyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}", "JSON web token"),
        (r"\b[a-z][a-z0-9+]*://[^\s:/@]+:[^\s:/@]{3,}@", "password in an address"),
        (
            r#"(?i)\b\w*(?:password|passwd|secret|api_?key|auth_?token|access_?token)\w*["']?\s*[=:]\s*["']?[^\s"',;]{6,}"#,
            "password or key in a setting",
        ),
    ])
});

static ATTACKS: LazyLock<Vec<Known>> = LazyLock::new(|| {
    known(&[
        (
            r"(?i)union(?:\s|%20|\+)+(?:all(?:\s|%20|\+)+)?select|'(?:\s|%20)*or(?:\s|%20)+'?1'?(?:\s|%20)*=|;\s*drop\s+table|sleep\(\d+\)",
            "SQL injection attempt",
        ),
        (
            r"\.\./\.\./|(?i:%2e%2e%2f|/etc/passwd|/\.env\b|/\.git/config|wp-login\.php|/phpmyadmin)",
            "probing for files that should not be reachable",
        ),
        (r"(?i)<script|%3cscript|onerror\s*=|javascript:", "script injection attempt"),
        (r"(?i)\$\{jndi:", "Log4Shell attempt"),
        (r"(?i)(?:;|\||&&|`|\$\()\s*(?:wget|curl|nc|bash|sh)\s", "command injection attempt"),
        (r"(?i)\b(?:sqlmap|nikto|nmap|masscan|gobuster|dirbuster|hydra)\b", "attack tool"),
        (r"(?i)sudo:.*(?:authentication failure|incorrect password|NOT in sudoers)", "failed sudo"),
    ])
});

static FAILED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"(?i)failed password|authentication failure|invalid user|login failed|failed login|" 401 "#)
        .expect("a constant pattern")
});
static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b\d{1,3}(?:\.\d{1,3}){3}\b").expect("a constant pattern"));
static HASH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\$(?:2[aby]|argon2(?:id|i|d)|6|5|1|y|scrypt)\$\S{8,}|\b[0-9a-fA-F]{32,128}\b")
        .expect("a constant pattern")
});

/// Secrets, masked, with their lines.
pub(super) fn secrets(text: &str) -> Option<String> {
    let mut found = Vec::new();
    for (number, line) in text.lines().take(MOST_LINES).enumerate() {
        let hit =
            SECRETS.iter().find_map(|known| known.pattern.find(line).map(|hit| (known.name, hit.as_str())));
        found.extend(hit.map(|(name, secret)| format!("- line {}: {name} ({})", number + 1, mask(secret))));
    }
    section("leaked secret", &found, "Treat them as known to others: revoke them and make new ones.")
}

/// Lines that look like an attack, and addresses that guess passwords.
pub(super) fn suspicious_lines(text: &str) -> Option<String> {
    let mut found = Vec::new();
    let mut failures: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, line) in text.lines().take(MOST_LINES).enumerate() {
        if FAILED.is_match(line) {
            let address = ADDRESS.find(line).map_or("an unknown address", |found| found.as_str());
            *failures.entry(address).or_default() += 1;
        }
        if let Some(known) = ATTACKS.iter().find(|known| known.pattern.is_match(line)) {
            found.push(format!(
                "- line {}: {}: `{}`",
                number + 1,
                known.name,
                excerpt(line.trim(), 100).replace('`', "'")
            ));
        }
    }
    for (address, count) in failures {
        let word = if count >= MANY_FAILURES { "looks like password guessing" } else { "failed login" };
        found.push(format!("- {address}: {}, {word}", counted(count, "failed login")));
    }
    section("suspicious line", &found, "An attempt in a log is no proof that it succeeded.")
}

/// What kind of hash a text may be, by its shape.
pub(super) fn hashes(text: &str) -> Option<String> {
    let found: Vec<String> = HASH
        .find_iter(text)
        .filter_map(|hash| {
            kind(hash.as_str()).map(|kind| format!("- {}: {kind}", excerpt(hash.as_str(), 16)))
        })
        .collect();
    section("possible hash kind", &found, "A hash is told by its shape only; I cannot turn it back.")
}

fn kind(hash: &str) -> Option<&'static str> {
    let marked = [
        ("$2", "bcrypt, made for passwords"),
        ("$argon2", "Argon2, made for passwords"),
        ("$6$", "SHA-512 crypt"),
        ("$5$", "SHA-256 crypt"),
        ("$1$", "MD5 crypt, broken"),
        ("$y$", "yescrypt, made for passwords"),
        ("$scrypt", "scrypt, made for passwords"),
    ];
    if let Some((_, kind)) = marked.iter().find(|(mark, _)| hash.starts_with(mark)) {
        return Some(kind);
    }
    match hash.len() {
        32 => Some("MD5 or NTLM (128 bits); MD5 is broken"),
        40 => Some("SHA-1 (160 bits); broken for signatures, or a git commit"),
        56 => Some("SHA-224 or SHA3-224"),
        64 => Some("SHA-256 or SHA3-256 or BLAKE2s"),
        96 => Some("SHA-384 or SHA3-384"),
        128 => Some("SHA-512 or SHA3-512 or BLAKE2b"),
        _ => None,
    }
}

fn section(title: &str, found: &[String], advice: &str) -> Option<String> {
    let shown = found.iter().take(MOST_SHOWN).cloned().collect::<Vec<_>>().join("\n");
    let more = if found.len() > MOST_SHOWN {
        format!("\n- and {} more", found.len() - MOST_SHOWN)
    } else {
        String::new()
    };
    (!found.is_empty())
        .then(|| format!("Found {}:\n\n{shown}{more}\n\n{advice}\n", counted(found.len(), title)))
}

/// The first four characters, so that its owner can tell which it is.
fn mask(secret: &str) -> String {
    let shown: String = secret.chars().take(4).collect();
    format!("{shown}…, {} characters", secret.chars().count())
}

#[cfg(test)]
mod tests {
    use super::{hashes, secrets, suspicious_lines};

    #[test]
    fn secrets_are_found_and_masked() {
        let text = secrets("a\naws_key = AKIAABCDEFGHIJKLMNOP\nDB_PASSWORD=hunter2222\n").unwrap();
        assert!(text.contains("line 2") && text.contains("line 3") && !text.contains("hunter2222"), "{text}");
        assert!(secrets("nothing here").is_none());
    }

    #[test]
    fn guessing_and_injection_are_seen() {
        let log = "sshd: Failed password for root from 203.0.113.9\n".repeat(4)
            + "GET /?id=1 UNION SELECT * HTTP/1.1\n";
        let text = suspicious_lines(&log).unwrap();
        assert!(
            text.contains("203.0.113.9: 4 failed logins, looks like password guessing")
                && text.contains("SQL injection"),
            "{text}"
        );
        assert!(hashes("5f4dcc3b5aa765d61d8327deb882cf99").unwrap().contains("MD5"));
    }
}
