//! Where an OpenAI-compatible endpoint is asked for something.

use url::Url;

/// What lies under `base` by this path; a query stays behind it, and a base that names the path already is taken as it
/// is.
pub(crate) fn under(base: &Url, path: &str) -> Url {
    let mut url = base.clone();
    url.set_fragment(None);
    let begin = url.path().trim_end_matches('/').to_owned();
    let is_there = begin.strip_suffix(path).is_some_and(|before| before.ends_with('/'));
    url.set_path(&if is_there { begin } else { format!("{begin}/{path}") });
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_goes_under_a_base_and_before_its_query() {
        for (base, expected) in [
            ("http://a", "http://a/chat/completions"),
            ("http://a/v1", "http://a/v1/chat/completions"),
            ("http://a/v1/", "http://a/v1/chat/completions"),
            ("http://a/v1//?x=1&y=%2F", "http://a/v1/chat/completions?x=1&y=%2F"),
            (
                "https://u.example/openai/deployments/gpt%204?api-version=2024-10-21#x",
                "https://u.example/openai/deployments/gpt%204/chat/completions?api-version=2024-10-21",
            ),
            ("http://a/v1/chat/completions", "http://a/v1/chat/completions"),
            ("http://a/v1/chat/completions/?k=v", "http://a/v1/chat/completions?k=v"),
        ] {
            assert_eq!(under(&base.parse().unwrap(), "chat/completions").as_str(), expected, "{base}");
        }
    }
}
