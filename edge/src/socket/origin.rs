//! The origins whose pages may connect: of the web, and of the shells that apps are made with, whose schemes are their
//! own. Whatever no browser or shell could ever send is refused when the configuration is read.

use http::HeaderValue;
use serde::{Deserialize, Deserializer, de::Error as _};
use std::str::FromStr;
use url::Url;

/// An origin, or all that differ in one label of their host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Byte by byte: `https://chat.example`, `capacitor://localhost`, `file://`, `null`.
    Exact(String),
    /// Any one label between these: `https://*.chat.example`, `vscode-webview://*`.
    AnyLabel {
        /// What comes before it, which ends with `://`.
        before: String,
        /// What comes after it.
        after: String,
    },
}

impl Origin {
    /// Whether it is the one that was sent.
    #[must_use]
    pub fn is(&self, sent: &HeaderValue) -> bool {
        let Ok(sent) = sent.to_str() else { return false };
        match self {
            Self::Exact(origin) => origin == sent,
            Self::AnyLabel { before, after } => sent
                .strip_prefix(before.as_str())
                .and_then(|rest| rest.strip_suffix(after.as_str()))
                .is_some_and(is_label),
        }
    }
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

impl FromStr for Origin {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "null" {
            return Ok(Self::Exact(text.to_owned()));
        }
        let form =
            "must be an origin as it is sent, such as https://chat.example, capacitor://localhost or null";
        let (scheme, host) = text.split_once("://").ok_or(form)?;
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_lowercase())
            && scheme.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b));
        let is_host = host.bytes().all(|b| b.is_ascii_graphic() && !b"/\\?#@".contains(&b));
        let (before, after) = match host.split_once('*') {
            None => (host, None),
            Some((before, after)) => (before, Some(after)),
        };
        let is_one_label = after.is_none_or(|after| {
            before.is_empty() && !after.contains('*') && (after.is_empty() || after.starts_with(['.', ':']))
        });
        if !(is_scheme && is_host && is_one_label) {
            return Err(format!("{form}; a * stands for one whole label, the first of the host"));
        }
        match scheme {
            "http" | "https" => of_the_web(text)?,
            "ws" | "wss" => return Err("must be the origin of the page, with http or https".to_owned()),
            "data" | "blob" | "about" | "javascript" => return Err(format!("pages of {scheme} send null")),
            _ => {}
        }
        Ok(match after {
            None => Self::Exact(text.to_owned()),
            Some(after) => Self::AnyLabel { before: format!("{scheme}://"), after: after.to_owned() },
        })
    }
}

/// Browsers write hosts in small letters and Punycode, and leave out a port that is the scheme's own.
fn of_the_web(text: &str) -> Result<(), String> {
    const STAND_IN: &str = "any-label.";
    let (written, with) = match text.contains("*.") {
        true => (text.replacen("*.", STAND_IN, 1), "*."),
        false => (text.to_owned(), STAND_IN),
    };
    if written.contains('*') {
        return Err("must name a domain behind the *, such as https://*.chat.example".to_owned());
    }
    let sent = Url::parse(&written).map_err(|error| format!("is no origin: {error}"))?;
    let sent = sent.origin().ascii_serialization();
    if sent == written { Ok(()) } else { Err(format!("is sent as {}", sent.replacen(STAND_IN, with, 1))) }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_taken_for_itself_and_a_star_for_one_label() {
        for (listed, sent, same) in [
            ("https://chat.example", "https://chat.example", true),
            ("https://chat.example", "https://chat.example.evil", false),
            ("https://chat.example:8443", "https://chat.example:8443", true),
            ("http://localhost:3000", "http://localhost:3000", true),
            ("http://[::1]:3000", "http://[::1]:3000", true),
            ("null", "null", true),
            ("file://", "file://", true),
            ("file://", "null", false),
            ("app://.", "app://.", true),
            ("app://obsidian.md", "app://obsidian.md", true),
            ("capacitor://localhost", "capacitor://localhost", true),
            ("ionic://localhost", "capacitor://localhost", false),
            ("tauri://localhost", "tauri://localhost", true),
            ("http://tauri.localhost", "http://tauri.localhost", true),
            ("chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop", true),
            ("vscode-webview://*", "vscode-webview://0f8e2-11ab", true),
            ("vscode-webview://*", "vscode-webview://a.b", false),
            ("moz-extension://*", "chrome-extension://abc", false),
            ("https://*.example", "https://chat.example", true),
            ("https://*.chat.example", "https://eu.chat.example", true),
            ("https://*.chat.example", "https://a.b.chat.example", false),
            ("https://*.chat.example", "https://.chat.example", false),
            ("https://*.chat.example", "https://chat.example", false),
            ("https://*.chat.example", "https://evil/.chat.example", false),
            ("https://*.chat.example", "https://evil:1.chat.example", false),
            ("https://*.chat.example", "http://eu.chat.example", false),
            ("https://*.chat.example:8443", "https://eu.chat.example:8443", true),
            ("https://*.chat.example:8443", "https://eu.chat.example", false),
        ] {
            let origin: Origin = listed.parse().unwrap_or_else(|error| panic!("{listed}: {error}"));
            assert_eq!(origin.is(&HeaderValue::from_static(sent)), same, "{listed} for {sent}");
        }
    }

    #[test]
    fn what_is_never_sent_is_refused_and_told_what_is() {
        for (never, why) in [
            ("", "as it is sent"),
            ("*", "as it is sent"),
            ("chat.example", "as it is sent"),
            ("https://chat.example/", "one whole label"),
            ("https://chat.example/app", "one whole label"),
            ("https://ann@chat.example", "one whole label"),
            ("HTTPS://chat.example", "one whole label"),
            ("https://a*.chat.example", "one whole label"),
            ("https://eu.*.example", "one whole label"),
            ("https://*.*.example", "one whole label"),
            ("app:// x", "one whole label"),
            ("https://*", "must name a domain"),
            ("https://*:8443", "must name a domain"),
            ("https://", "is no origin"),
            ("https://Chat.example", "is sent as https://chat.example"),
            ("https://chat.example:443", "is sent as https://chat.example"),
            ("https://*.Chat.example", "is sent as https://*.chat.example"),
            ("wss://chat.example", "the origin of the page"),
            ("data://x", "send null"),
        ] {
            let refused = never.parse::<Origin>().unwrap_err();
            assert!(refused.contains(why), "{never}: {refused}");
        }
    }
}
