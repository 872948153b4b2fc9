//! notification-agent: an outbox that is honest about being only an outbox.

use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::sync::{LazyLock, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::Utc;
use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::reading::colleagues;
use crate::reading::quotes::every_quoted;
use crate::reading::sandbox::{Sandbox, SandboxError};
use crate::reading::subject::split;
use crate::reading::words::{counted, excerpt, has_any};
use crate::server::Reporter;

const PROFILE: Profile = Profile {
    id: "notification-agent",
    name: "Notification Agent",
    description: "Writes notifications (recipient, channel, text) into an outbox and lists them. Nothing leaves the outbox: it sends no e-mail, no SMS and no chat message by itself.",
    reads: READS_TEXT,
    skills: &[
        Skill {
            id: "notifications",
            name: "Queue a notification",
            description: "Writes one notification into the outbox.",
            tags: &["effect", "notify", "message", "email", "sms", "slack", "tell someone"],
            examples: &[
                "Notify maria@example.com: the report is ready",
                "Send a message to #ops saying \"deploy starts at 5\"",
                "Tell Tom that the meeting moved to Friday",
                "Remind me to call Ada tomorrow morning",
                "Erinnere Jonas an den Termin um neun",
                "Rappelle à Luc de payer la facture",
                "Recuérdale a Eva la cita del lunes",
                "提醒小王明天下午开会",
                "Benachrichtige anna@example.org: Der Server ist wieder da",
                "Préviens Paul que la livraison arrive demain",
                "Avisa a carlos@example.com: la factura está lista",
                "通知 li@example.com：会议改到三点",
                "أرسل إشعارا إلى sara@example.com: تم الانتهاء من التقرير",
            ],
        },
        Skill {
            id: "messaging",
            name: "Show the outbox",
            description: "Lists the latest notifications written.",
            tags: &["outbox", "list", "sent"],
            examples: &[
                "What is in the outbox?",
                "Show me the notifications you have written today",
                "Zeig mir die letzten Benachrichtigungen",
                "送信箱の通知を一覧にして",
            ],
        },
    ],
};

/// Notifications kept; beyond it writing is refused.
const MOST_KEPT: usize = 2_000;
const MOST_TEXT: usize = 2_000;
const SHOWN: usize = 10;
const OUTBOX: &str = "outbox.jsonl";

static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+|#[\p{L}\p{N}_-]+|@[\p{L}\p{N}_.-]+|\+\d[\d ()-]{6,}\d")
        .expect("a constant pattern")
});
static NAME: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:\b(?i:to|notify|tell|inform|alert|remind|message|an|benachrichtige|informiere|sag|préviens|avertis|dis à|à|avisa a|avisa|notifica a|dile a|para)\s+)(?:(?i:the|die|der|den|das|le|la|les|el|los)\s+)?((?:\p{Lu}[\p{L}'-]+)(?:\s+\p{Lu}[\p{L}'-]+)?|team|ops|everyone|all|équipe|equipo)")
        .expect("a constant pattern")
});
static THAT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?is)\b(?:that|saying|dass|que|with the text)\s+(.+)$").expect("a constant pattern")
});

/// One line of the outbox.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct Notification {
    at: String,
    to: String,
    channel: String,
    text: String,
}

/// The agent.
pub(super) struct NotificationAgent {
    sandbox: Sandbox,
    /// One writer at a time, so that lines stay whole.
    writing: Mutex<()>,
}

impl NotificationAgent {
    pub(super) fn new(sandbox: Sandbox) -> Self {
        Self { sandbox, writing: Mutex::new(()) }
    }
}

#[async_trait]
impl Agent for NotificationAgent {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, _: &Reporter) -> Outcome {
        let text = words(&request.text);
        // Who is only spoken of in the words is not the one they are for.
        let around =
            text.as_deref().map_or(request.text.clone(), |words| request.text.replacen(words, " ", 1));
        let to = recipient(&around);
        let done = match (to, text) {
            (None, _) if asks_for_list(&request.text) => self.list(),
            (Some(to), Some(text)) => self.write(&to, &text, &request.text),
            (Some(to), None) => {
                return Outcome::AskedBack(format!(
                    "What shall I write to {to}? Please give the text after a colon or in quotes."
                ));
            }
            (None, _) => {
                return match colleagues::referral(PROFILE.id, &request.text) {
                    Some(referral) => Outcome::Refused(referral),
                    None => Outcome::AskedBack("To whom? Please give a name, an e-mail address, a phone number or a #channel, for example: to maria@example.com.".to_owned()),
                };
            }
        };
        done.map_or_else(
            |error| Outcome::Failed(format!("The outbox could not be used: {error}.")),
            Outcome::Answered,
        )
    }
}

fn asks_for_list(text: &str) -> bool {
    has_any(
        text,
        &[
            "outbox",
            "list",
            "show",
            "which notifications",
            "what notifications",
            "zeig*",
            "welche",
            "montre",
            "liste",
            "muestra",
            "列出",
            "显示",
            "一覧",
            "送信箱",
            "اعرض",
        ],
    )
}

fn recipient(text: &str) -> Option<String> {
    let address = ADDRESS.find(text).map(|found| found.as_str());
    let name = || NAME.captures(text).and_then(|found| found.get(1)).map(|found| found.as_str());
    address.or_else(name).map(|to| to.trim_end_matches(['.', ',']).to_owned())
}

fn words(text: &str) -> Option<String> {
    let is_address = |words: &str| ADDRESS.find(words).is_some_and(|found| found.as_str() == words);
    let quoted = every_quoted(text).find(|words| !is_address(words));
    let after_colon = || split(text).map(|(_, words)| words);
    let after_that = || THAT.captures(text).and_then(|found| found.get(1)).map(|found| found.as_str().trim());
    let words = quoted.or_else(after_colon).or_else(after_that)?;
    (!words.is_empty() && !is_address(words)).then(|| excerpt(words, MOST_TEXT))
}

fn channel(to: &str, text: &str) -> &'static str {
    match to {
        to if to.starts_with('#') => "chat",
        to if to.starts_with('+') || has_any(text, &["sms", "text message", "短信"]) => "sms",
        to if to.contains('@') && !to.starts_with('@') => "email",
        _ => "unspecified",
    }
}

impl NotificationAgent {
    fn write(&self, to: &str, text: &str, request: &str) -> Result<String, SandboxError> {
        let _writing = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if self.kept()?.len() >= MOST_KEPT {
            return Ok(format!("The outbox is full ({MOST_KEPT} notifications); I wrote nothing.\n"));
        }
        let channel = channel(to, request);
        let notification = Notification {
            at: Utc::now().to_rfc3339(),
            to: to.to_owned(),
            channel: channel.to_owned(),
            text: text.to_owned(),
        };
        let line = serde_json::to_string(&notification).map_err(io::Error::from)?;
        let mut file = OpenOptions::new().create(true).append(true).open(self.sandbox.path(OUTBOX)?)?;
        file.write_all(format!("{line}\n").as_bytes())?;
        file.sync_data()?;
        Ok(format!(
            "Written to the outbox:\n\n- to: {to}\n- channel: {channel}\n- text: {text}\n\nIt is only in my outbox; I deliver nothing further.\n"
        ))
    }

    fn list(&self) -> Result<String, SandboxError> {
        let kept = self.kept()?;
        let mut text = format!("The outbox holds {}.\n\n", counted(kept.len(), "notification"));
        for notification in kept.iter().rev().take(SHOWN) {
            let Notification { at, to, channel, text: words } = notification;
            writeln!(text, "- {at} to {to} ({channel}): {}", excerpt(words, 200)).ok();
        }
        text.push_str("\nNone of them was delivered further; I only keep them.\n");
        Ok(text)
    }

    fn kept(&self) -> Result<Vec<Notification>, SandboxError> {
        match fs::read_to_string(self.sandbox.path(OUTBOX)?) {
            Ok(lines) => Ok(lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{recipient, words};

    #[test]
    fn recipient_and_text_are_read() {
        for (said, to, text) in [
            ("Notify maria@example.com: the report is ready", "maria@example.com", "the report is ready"),
            ("Send a message to #ops saying \"deploy at 5\"", "#ops", "deploy at 5"),
            ("Tell Tom that the meeting moved", "Tom", "the meeting moved"),
            ("Préviens Paul que la livraison arrive demain", "Paul", "la livraison arrive demain"),
            ("通知 li@example.com：会议改到三点", "li@example.com", "会议改到三点"),
            ("Notify `#ops` “deploy at 5”", "#ops", "deploy at 5"),
        ] {
            assert_eq!(
                (recipient(said).as_deref(), words(said).as_deref()),
                (Some(to), Some(text)),
                "{said}"
            );
        }
        assert_eq!(words("notify Tom"), None);
    }
}
