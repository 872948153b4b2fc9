//! web-scraper: fetches one page and takes out what it says.

use std::fmt::Write as _;

use async_trait::async_trait;
use reqwest::Method;
use reqwest::header::CONTENT_TYPE;
use scraper::{Html, Selector};
use url::Url;

use crate::agent::{Agent, Outcome, Profile, READS_TEXT, Request, Skill};
use crate::reading::addresses::link;
use crate::reading::fetch::{FetchError, Fetched, Fetcher};
use crate::reading::words::excerpt;
use crate::server::Reporter;

const PROFILE: Profile = Profile {
    id: "web-scraper",
    name: "Web Scraper",
    description: "Fetches one web page and extracts its title, headings, links and main text. It runs no JavaScript, follows no links by itself, does not search the web and refuses private network addresses.",
    reads: READS_TEXT,
    skills: &[
        Skill {
            id: "scraping",
            name: "Read a web page",
            description: "Fetches a page by its address and gives its title and main text.",
            tags: &["web page", "fetch", "url", "main text"],
            examples: &[
                "What does https://example.org say?",
                "Fetch this page and give me the main text: https://example.com/news",
                "Lies bitte die Seite https://example.org und fasse die Überschriften auf",
                "Récupère le texte de la page https://example.net/article",
                "抓取 https://example.com 的正文",
            ],
        },
        Skill {
            id: "data_extraction",
            name: "Headings and links",
            description: "Lists the headings and links of a page.",
            tags: &["links", "headings", "title", "html"],
            examples: &[
                "List all links on https://example.com/index.html",
                "Which headings does the page https://example.org/docs have?",
                "Extrae los enlaces de https://example.com",
                "https://example.org のリンクと見出しを抜き出して",
                "استخرج العناوين والروابط من https://example.com",
            ],
        },
    ],
};

const MOST_TEXT: usize = 3_000;
const MOST_LINKS: usize = 25;
const MOST_HEADINGS: usize = 25;

/// The agent.
pub(super) struct WebScraper {
    fetcher: Fetcher,
}

impl WebScraper {
    pub(super) fn new(fetcher: Fetcher) -> Self {
        Self { fetcher }
    }
}

#[async_trait]
impl Agent for WebScraper {
    fn profile(&self) -> &'static Profile {
        &PROFILE
    }

    async fn run(&self, request: &Request, reporter: &Reporter) -> Outcome {
        let Some(address) = link(&request.text).or(request.links.first().map(String::as_str)) else {
            return Outcome::AskedBack(
                "Which page? Please give its address, beginning with http:// or https://.".to_owned(),
            );
        };
        reporter.progress(format!("Fetching {address}."));
        match self.fetcher.send(Method::GET, address, None).await {
            Ok(page) => {
                reporter.progress(format!("Reading {} bytes.", page.body.len()));
                Outcome::Answered(report(&page))
            }
            Err(error @ FetchError::Guarded(_)) => Outcome::Refused(format!("Refused: {error}.")),
            Err(error) => Outcome::Failed(format!("I could not fetch {address}: {error}.")),
        }
    }
}

fn report(page: &Fetched) -> String {
    let kind = page.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("unknown type");
    let mut text = format!("{} answered {} ({kind}, {} bytes).\n", page.url, page.status, page.body.len());
    if page.cut {
        text.push_str("The page was longer than I read; the rest was left out.\n");
    }
    let body = String::from_utf8_lossy(&page.body);
    if kind.contains("html") || body.trim_start().starts_with('<') {
        describe(&Html::parse_document(&body), &page.url, &mut text);
    } else if kind.starts_with("text/") || kind.contains("json") {
        write!(text, "\n```\n{}\n```\n", excerpt(body.trim(), MOST_TEXT)).ok();
    } else {
        text.push_str("\nThis is not a text or a web page, so there is nothing I can extract.\n");
    }
    text
}

fn describe(page: &Html, base: &Url, text: &mut String) {
    let title = texts(page, "title").into_iter().next().unwrap_or_else(|| "none".to_owned());
    write!(text, "\n**Title:** {title}\n").ok();
    let headings: Vec<String> = texts(page, "h1, h2, h3").into_iter().take(MOST_HEADINGS).collect();
    if !headings.is_empty() {
        write!(text, "\n**Headings:**\n- {}\n", headings.join("\n- ")).ok();
    }
    let links = links(page, base);
    if !links.is_empty() {
        let shown: Vec<&str> = links.iter().take(MOST_LINKS).map(String::as_str).collect();
        write!(text, "\n**Links ({}):**\n- {}\n", links.len(), shown.join("\n- ")).ok();
    }
    let main = ["main p, main li, article p, article li", "p, li", "body"];
    let words =
        main.iter().map(|selector| texts(page, selector).join("\n")).find(|words| !words.trim().is_empty());
    write!(text, "\n**Text:**\n{}\n", excerpt(words.unwrap_or_else(|| "none".to_owned()).trim(), MOST_TEXT))
        .ok();
}

fn texts(page: &Html, selector: &str) -> Vec<String> {
    let selector = Selector::parse(selector).expect("a constant selector");
    let text = |element: scraper::ElementRef<'_>| {
        let mut words = String::new();
        for node in element.descendants() {
            let hidden = node
                .ancestors()
                .filter_map(|parent| parent.value().as_element())
                .any(|parent| matches!(parent.name(), "script" | "style" | "noscript" | "template"));
            if let (Some(piece), false) = (node.value().as_text(), hidden) {
                words.push_str(piece);
            }
        }
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    page.select(&selector).map(text).filter(|words| !words.is_empty()).collect()
}

fn links(page: &Html, base: &Url) -> Vec<String> {
    let selector = Selector::parse("a[href]").expect("a constant selector");
    let mut links = Vec::new();
    for element in page.select(&selector) {
        let joined = element.value().attr("href").and_then(|target| base.join(target).ok());
        if let Some(link) = joined.filter(|link| matches!(link.scheme(), "http" | "https")).map(String::from)
            && !links.contains(&link)
        {
            links.push(link);
        }
    }
    links
}
