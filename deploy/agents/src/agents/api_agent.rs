//! api-agent: calls one HTTP API and shows what it answers.

use std::fmt::Write as _;
use std::sync::LazyLock;

use async_trait::async_trait;
use regex::Regex;
use reqwest::Method;
use serde_json::Value;

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::reading::addresses::link;
use crate::reading::fetch::{FetchError, Fetched, Fetcher};
use crate::reading::words::excerpt;
use crate::server::Reporter;

const PROFILE: Profile = Profile {
    id: "api-agent",
    name: "API Agent",
    description: "Calls one HTTP API endpoint that you describe (GET or HEAD, or POST with a JSON body) and shows status, the telling headers and a tidy excerpt of the JSON. It keeps no credentials, changes nothing with PUT or DELETE and refuses private network addresses.",
    reads: READS_TEXT,
    skills: &[
        Skill {
            id: "api_integration",
            name: "Call an API",
            description: "Sends one request and shows the answer.",
            tags: &["effect", "api", "rest", "http", "json", "endpoint"],
            examples: &[
                "Call the API at https://api.example.com/v1/status and show me the JSON",
                "GET https://api.example.org/users/1 – what status code comes back?",
                "Send a HEAD request to https://api.example.com/health and list the headers",
                "Rufe die Schnittstelle https://api.example.com/kurse auf und zeig das JSON",
                "Appelle l'API https://api.example.net/meteo et montre la réponse",
                "调用接口 https://api.example.com/items 并显示返回结果",
                "Haz una llamada GET a la API https://api.example.com/productos",
            ],
        },
        Skill {
            id: "webhooks",
            name: "Post JSON",
            description: "Posts a JSON body to an endpoint, such as a webhook.",
            tags: &["effect", "post", "webhook", "json body"],
            examples: &[
                "POST to https://hooks.example.com/build with body {\"ok\": true}",
                "Test my webhook https://hooks.example.org/in by posting {\"event\":\"ping\"}",
                "Sende per POST {\"name\":\"Ada\"} an https://api.example.com/users",
                "https://hooks.example.com に {\"text\":\"こんにちは\"} をPOSTして",
            ],
        },
    ],
};

const MOST_SHOWN: usize = 3_000;
const TELLING: &[&str] = &[
    "content-type",
    "content-length",
    "date",
    "server",
    "location",
    "etag",
    "cache-control",
    "retry-after",
    "ratelimit",
    "ratelimit-policy",
    "x-ratelimit-remaining",
    "allow",
];

static METHOD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(GET|HEAD|POST|PUT|PATCH|DELETE)\b|(?i:\b(post|posting|put|patch|delete)\b)")
        .expect("a constant pattern")
});

/// The agent.
pub(super) struct ApiAgent {
    fetcher: Fetcher,
}

impl ApiAgent {
    pub(super) fn new(fetcher: Fetcher) -> Self {
        Self { fetcher }
    }
}

#[async_trait]
impl Agent for ApiAgent {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        // An address within the JSON is data, and not where it is to be sent.
        let (around, body) = without_json(&request.text);
        let Some(address) = link(&around) else {
            return Outcome::AskedBack(
                "Which endpoint? Please give its address, beginning with http:// or https://.".to_owned(),
            );
        };
        let method = match method(&around.replace(address, " ")).as_deref() {
            Some("POST" | "POSTING") => match body {
                Some(_) => Method::POST,
                None => {
                    return Outcome::AskedBack(
                        "What shall I post? Please give the JSON body, for example {\"ok\": true}."
                            .to_owned(),
                    );
                }
            },
            Some("HEAD") => Method::HEAD,
            Some(other @ ("PUT" | "PATCH" | "DELETE")) => {
                return Outcome::Refused(format!(
                    "I do not send {other}: only GET and HEAD, and POST with a JSON body."
                ));
            }
            _ => Method::GET,
        };
        reporter.progress(format!("Calling {method} {address}."));
        let body = body.filter(|_| method == Method::POST);
        match self.fetcher.send(method.clone(), address, body).await {
            Ok(fetched) => Outcome::Answered(report(&method, &fetched)),
            Err(error @ FetchError::Guarded(_)) => Outcome::Refused(format!("Refused: {error}.")),
            Err(error) => Outcome::Failed(format!("The call to {address} failed: {error}.")),
        }
    }
}

fn method(text: &str) -> Option<String> {
    METHOD.find(text).map(|found| found.as_str().to_uppercase())
}

/// The text without the first whole JSON object or list in it, and that.
fn without_json(text: &str) -> (String, Option<String>) {
    let found = text.match_indices(['{', '[']).find_map(|(start, _)| {
        let mut values = serde_json::Deserializer::from_str(&text[start..]).into_iter::<Value>();
        let value = values.next().and_then(Result::ok)?;
        Some((start, start + values.byte_offset(), value))
    });
    match found {
        Some((start, end, value)) => {
            (format!("{} {}", &text[..start], &text[end..]), Some(value.to_string()))
        }
        None => (text.to_owned(), None),
    }
}

fn report(method: &Method, fetched: &Fetched) -> String {
    let mut text = format!("{method} {} answered **{}**.\n\n", fetched.url, fetched.status);
    for name in TELLING {
        if let Some(value) = fetched.headers.get(*name).and_then(|value| value.to_str().ok()) {
            writeln!(text, "- {name}: {}", excerpt(value, 200)).ok();
        }
    }
    if fetched.body.is_empty() {
        text.push_str("\nThere was no body.\n");
        return text;
    }
    let (language, shown) = match serde_json::from_slice::<Value>(&fetched.body) {
        Ok(value) => ("json", serde_json::to_string_pretty(&value).unwrap_or_default()),
        Err(_) => ("", String::from_utf8_lossy(&fetched.body).into_owned()),
    };
    write!(text, "\n```{language}\n{}\n```\n", excerpt(shown.trim(), MOST_SHOWN)).ok();
    if fetched.cut {
        text.push_str("The body was longer than I read; the rest was left out.\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{method, without_json};

    #[test]
    fn method_and_body_are_read() {
        assert_eq!(method("POST to with body {\"ok\": true}").as_deref(), Some("POST"));
        assert_eq!(method("please call"), None);
        let (around, body) = without_json("POST {\"ok\": true} to https://a.example");
        assert_eq!(
            (around.as_str(), body.as_deref()),
            ("POST   to https://a.example", Some("{\"ok\":true}"))
        );
        let (around, _) = without_json("Is this valid? {\"url\": \"https://a.example/del\"}");
        assert!(!around.contains("https"), "an address in the JSON is data");
    }
}
