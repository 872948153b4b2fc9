//! The list of edges: what is read of the registry, in which order it is shown, and where a socket is sent. Pure.

use crate::config::is_public_url;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use switchboard_shared::{
    api::EdgeView,
    keys::{Purpose, SigningKeys},
};

/// How far the clocks of two edges may differ, in seconds.
const SKEW_S: i64 = 60;

/// What an edge writes about itself. It is sealed, since clients take their tokens to where the list sends them; and it
/// has its time, so that what somebody has kept cannot be shown again later.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    at: i64,
    edge: EdgeView,
}

/// The sealed entry of an edge.
#[must_use]
pub fn write(keys: &SigningKeys, place: &str, edge: EdgeView, now: i64) -> String {
    let text = serde_json::to_string(&Entry { at: now, edge }).unwrap_or_default();
    keys.seal(Purpose::Edge, place, &text)
}

/// The edges among sealed entries. What no edge of ours wrote, or wrote too long ago, is left out.
#[must_use]
pub fn read(keys: &SigningKeys, place: &str, sealed: &[String], now: i64, lease_s: i64) -> Vec<EdgeView> {
    let entries = sealed.iter().filter_map(|sealed| {
        let entry: Entry = serde_json::from_str(keys.unseal(Purpose::Edge, place, sealed)?).ok()?;
        let fresh = (now - entry.at).abs() <= lease_s + SKEW_S;
        (fresh && is_public_url(&entry.edge.url)).then_some(entry.edge)
    });
    ordered(entries)
}

/// One entry for each URL, those that drain last. Of several processes behind one URL the one that goes on speaks for it.
pub fn ordered(edges: impl IntoIterator<Item = EdgeView>) -> Vec<EdgeView> {
    let mut by_url: BTreeMap<String, EdgeView> = BTreeMap::new();
    for edge in edges {
        match by_url.get(&edge.url) {
            Some(known) if (known.draining, known.load) <= (edge.draining, edge.load) => {}
            _ => drop(by_url.insert(edge.url.clone(), edge)),
        }
    }
    let mut edges: Vec<_> = by_url.into_values().collect();
    edges.sort_by_key(|edge| edge.draining);
    edges
}

/// Where a socket of the edge at `own` is sent: to its own region if there is an edge, and of two that are drawn to the
/// one with less to do, since all of them would else be sent to the same (Mitzenmacher, "The power of two choices").
#[must_use]
pub fn better(edges: &[EdgeView], own: &str, region: &str, draw: impl Fn(usize) -> usize) -> Option<String> {
    let goes_on: Vec<_> = edges.iter().filter(|edge| !edge.draining && edge.url != own).collect();
    let near: Vec<_> = goes_on.iter().copied().filter(|edge| edge.region == region).collect();
    let among = if near.is_empty() { goes_on } else { near };
    if among.is_empty() {
        return None;
    }
    let (one, other) = (among[draw(among.len())], among[draw(among.len())]);
    Some(if other.load < one.load { other } else { one }.url.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(url: &str, region: &str, load: f64, draining: bool) -> EdgeView {
        EdgeView { url: format!("https://{url}"), region: region.into(), load, draining }
    }

    #[test]
    fn what_no_edge_of_ours_wrote_or_wrote_long_ago_is_left_out() {
        let (ours, theirs) = (SigningKeys::new("ours", []), SigningKeys::new("theirs", []));
        let sealed = [
            write(&ours, "k", edge("a", "", 0.5, false), 1_000),
            write(&theirs, "k", edge("b", "", 0.0, false), 1_000),
            write(&ours, "other", edge("c", "", 0.0, false), 1_000),
            write(&ours, "k", edge("d", "", 0.0, false), 900),
            write(&ours, "k", edge("e/path", "", 0.0, false), 1_000),
            "garbage".to_owned(),
        ];
        let urls: Vec<_> = read(&ours, "k", &sealed, 1_005, 8).into_iter().map(|edge| edge.url).collect();
        assert_eq!(urls, ["https://a"]);
    }

    #[test]
    fn a_url_stands_once_and_those_that_drain_stand_last() {
        let shown = ordered([
            edge("a", "", 0.1, true),
            edge("b", "", 0.2, true),
            edge("b", "", 0.9, false),
            edge("c", "", 0.3, false),
        ]);
        let shown: Vec<_> = shown.iter().map(|edge| (edge.url.as_str(), edge.draining)).collect();
        assert_eq!(shown, [("https://b", false), ("https://c", false), ("https://a", true)]);
    }

    #[test]
    fn a_socket_is_sent_to_its_region_then_to_the_emptier_one_and_never_to_one_that_drains() {
        let edges = [
            edge("a", "eu", 0.1, false),
            edge("b", "eu", 0.9, false),
            edge("c", "us", 0.0, false),
            edge("d", "eu", 0.0, true),
        ];
        let last = |count: usize| count - 1;
        assert_eq!(better(&edges, "https://a", "eu", last).as_deref(), Some("https://b"));
        assert_eq!(better(&edges, "https://c", "us", last).as_deref(), Some("https://b"), "another region");
        let turn = std::cell::Cell::new(0);
        let each = |count: usize| turn.replace(turn.get() + 1) % count;
        assert_eq!(better(&edges, "https://x", "eu", each).as_deref(), Some("https://a"));
        assert_eq!(better(&edges[3..], "https://x", "eu", last), None);
    }
}
