//! The edges that a client knows, and which of them is the best. Pure: clocks and chance come in as arguments.

use crate::rules::{AVOIDED, MEASURED, is_nearer};
use std::{collections::HashSet, time::Duration};
use switchboard_shared::api::EdgeList;
use tokio::time::Instant;
use url::Url;

/// The edges that a client knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Edges {
    known: Vec<Edge>,
}

#[derive(Clone, Debug)]
struct Edge {
    url: Url,
    /// It was given, and not learned from a list.
    is_given: bool,
    draining: bool,
    load: f64,
    rtt: Option<Duration>,
    avoided_until: Option<Instant>,
}

impl Edges {
    /// Adds those that somebody named; they stay, whatever a list says.
    pub(crate) fn give(&mut self, urls: impl IntoIterator<Item = Url>) {
        for url in urls.into_iter().map(|url| at_root(&url)) {
            match self.find(&url) {
                Some(edge) => edge.is_given = true,
                None => self.known.push(Edge { is_given: true, ..Edge::new(url) }),
            }
        }
    }

    /// Takes a list that an edge gave. Those that it does not name are forgotten, unless they were given. A token goes
    /// to these places, so one that is less private than what was given is left out.
    pub(crate) fn list(&mut self, list: &EdgeList) {
        if list.edges.is_empty() {
            return;
        }
        let mut named = HashSet::new();
        for view in &list.edges {
            let Some(url) = self.name(&view.url) else { continue };
            if let Some(edge) = self.find(&url) {
                (edge.draining, edge.load) = (view.draining, view.load);
            }
            named.insert(url);
        }
        self.known.retain(|edge| edge.is_given || named.contains(&edge.url));
    }

    /// Takes an edge that another one named, unless it is less private than what was given.
    pub(crate) fn name(&mut self, url: &str) -> Option<Url> {
        let url = at_root(&Url::parse(url).ok()?);
        let is_open = url.scheme() == "http" && self.known.iter().any(|edge| edge.url.scheme() == "http");
        if url.scheme() != "https" && !is_open {
            return None;
        }
        if self.find(&url).is_none() {
            self.known.push(Edge::new(url.clone()));
        }
        Some(url)
    }

    /// Notes how far an edge was, or that it did not answer.
    pub(crate) fn measured(&mut self, url: &Url, rtt: Option<Duration>) {
        if let Some(edge) = self.find(url) {
            edge.rtt = rtt;
            if rtt.is_some() {
                edge.avoided_until = None;
            }
        }
    }

    /// Notes that an edge was lost: for a while it is tried last.
    pub(crate) fn avoid(&mut self, url: &Url, now: Instant) {
        if let Some(edge) = self.find(url) {
            edge.avoided_until = Some(now + AVOIDED);
        }
    }

    /// Which ones to measure: the nearest that are known, then those that were never measured, as chance has it.
    pub(crate) fn candidates(&self, draw: impl Fn(usize) -> usize) -> Vec<Url> {
        let mut edges: Vec<_> = self.known.iter().filter(|edge| !edge.draining).collect();
        for index in (1..edges.len()).rev() {
            edges.swap(index, draw(index + 1));
        }
        edges.sort_by_key(|edge| (!edge.is_given, edge.rtt.unwrap_or(Duration::MAX)));
        edges.into_iter().take(MEASURED).map(|edge| edge.url.clone()).collect()
    }

    /// Where to go: of those that answer, do not drain and are not avoided, the nearest. Several that are about as near
    /// share the clients between them: of two that are drawn it is the one with less to do.
    pub(crate) fn best(&self, now: Instant, draw: impl Fn(usize) -> usize) -> Option<Url> {
        let fine = |edge: &&Edge| !edge.draining && edge.avoided_until.is_none_or(|until| until <= now);
        let fine: Vec<_> = self.known.iter().filter(fine).collect();
        let Some(nearest) = fine.iter().map(|edge| edge.distance()).min() else {
            // Nothing is left but what was lost; the longest ago may be back.
            let last = self.known.iter().min_by_key(|edge| (edge.avoided_until, edge.draining))?;
            return Some(last.url.clone());
        };
        let near: Vec<_> = fine.into_iter().filter(|edge| !is_nearer(nearest, edge.distance())).collect();
        let (one, other) = (near[draw(near.len())], near[draw(near.len())]);
        Some(if other.load < one.load { other } else { one }.url.clone())
    }

    /// Where to go from `here`: away at once from one that drains, and from a far one to one that is clearly nearer.
    pub(crate) fn better_than(&self, here: &Url, now: Instant, draw: impl Fn(usize) -> usize) -> Option<Url> {
        let edge = |url: &Url| self.known.iter().find(|edge| edge.url == *url);
        let best = self.best(now, draw).filter(|best| best != here)?;
        let (Some(own), Some(other)) = (edge(here), edge(&best)) else { return None };
        let is_nearer =
            other.rtt.is_some() && own.rtt.is_some() && is_nearer(other.distance(), own.distance());
        (!other.draining && (own.draining || is_nearer)).then_some(best)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.known.len()
    }

    fn find(&mut self, url: &Url) -> Option<&mut Edge> {
        self.known.iter_mut().find(|edge| edge.url == *url)
    }
}

impl Edge {
    fn new(url: Url) -> Self {
        Self { url, is_given: false, draining: false, load: 0.0, rtt: None, avoided_until: None }
    }

    /// One that was not measured is farther than any that was.
    fn distance(&self) -> Duration {
        self.rtt.unwrap_or(Duration::from_secs(3600))
    }
}

/// The same place without a path, so that it is known again.
fn at_root(url: &Url) -> Url {
    url.join("/").unwrap_or_else(|_| url.clone())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use switchboard_shared::api::EdgeView;

    fn url(name: &str) -> Url {
        format!("https://{name}.example").parse().unwrap()
    }

    fn list(edges: &[(&str, f64, bool)]) -> EdgeList {
        let view = |(name, load, draining): &(&str, f64, bool)| EdgeView {
            url: format!("https://{name}.example"),
            region: String::new(),
            load: *load,
            draining: *draining,
        };
        EdgeList { edge: None, edges: edges.iter().map(view).collect() }
    }

    fn edges(measured: &[(&str, f64, u64)]) -> Edges {
        let mut edges = Edges::default();
        edges.list(&list(&measured.iter().map(|(name, load, _)| (*name, *load, false)).collect::<Vec<_>>()));
        for (name, _, ms) in measured {
            edges.measured(&url(name), Some(Duration::from_millis(*ms)));
        }
        edges
    }

    fn name(url: Option<Url>) -> String {
        url.map(|url| url.host_str().unwrap_or_default().trim_end_matches(".example").to_owned())
            .unwrap_or_default()
    }

    #[tokio::test(start_paused = true)]
    async fn the_nearest_is_taken_and_of_those_as_near_one_with_less_to_do() {
        let now = Instant::now();
        let known = edges(&[("far", 0.0, 200), ("near", 0.9, 10), ("beside", 0.1, 12)]);
        let turn = std::cell::Cell::new(0);
        let each = |count: usize| turn.replace(turn.get() + 1) % count;
        assert_eq!(name(known.best(now, each)), "beside");
        assert_eq!(name(known.best(now, |_| 0)), "near", "when chance draws it twice");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_lost_comes_last_until_it_answers_or_its_time_is_over() {
        let mut known = edges(&[("far", 0.0, 200), ("near", 0.0, 10)]);
        known.avoid(&url("near"), Instant::now());
        assert_eq!(name(known.best(Instant::now(), |_| 0)), "far");
        known.avoid(&url("far"), Instant::now() + Duration::from_secs(1));
        assert_eq!(name(known.best(Instant::now(), |_| 0)), "near", "lost the longest ago");
        known.measured(&url("near"), Some(Duration::from_millis(10)));
        assert_eq!(name(known.best(Instant::now(), |_| 0)), "near");
        known.avoid(&url("near"), Instant::now());
        tokio::time::advance(AVOIDED).await;
        assert_eq!(name(known.best(Instant::now(), |_| 0)), "near");
    }

    #[tokio::test(start_paused = true)]
    async fn one_moves_to_what_is_clearly_nearer_and_away_from_what_drains() {
        let now = Instant::now();
        let mut known = edges(&[("far", 0.0, 200), ("near", 0.0, 10), ("beside", 0.0, 25)]);
        assert_eq!(name(known.better_than(&url("far"), now, |_| 0)), "near");
        assert_eq!(known.better_than(&url("beside"), now, |_| 0), None, "as near");
        known.list(&list(&[("far", 0.0, false), ("near", 0.0, true)]));
        assert_eq!(name(known.better_than(&url("near"), now, |_| 0)), "far", "it drains");
        assert_eq!(known.better_than(&url("far"), now, |_| 0), None);
        known.list(&list(&[("far", 0.0, true), ("near", 0.0, true)]));
        assert_eq!(known.better_than(&url("near"), now, |_| 0), None, "all drain");
    }

    #[test]
    fn a_list_replaces_what_was_learned_and_never_leads_to_where_a_token_can_be_read() {
        let mut known = Edges::default();
        known.give([url("given")]);
        known.list(&list(&[("one", 0.0, false), ("two", 0.0, false)]));
        let mut open = list(&[("two", 0.0, false)]);
        open.edges[0].url = "http://two.example".to_owned();
        known.list(&open);
        known.list(&EdgeList::default());
        assert_eq!(known.candidates(|_| 0), [url("given")]);
        assert_eq!(known.name("http://two.example"), None);
        assert_eq!(known.name("https://two.example/path"), Some(url("two")));
        assert_eq!(known.count(), 2);
    }

    #[test]
    fn a_bounded_number_is_measured_the_nearest_first() {
        let names: Vec<String> = (0..20).map(|number| format!("e{number}")).collect();
        let measured: Vec<_> =
            names.iter().zip(0..).map(|(name, ms)| (name.as_str(), 0.0, 100 - ms)).collect();
        let candidates = edges(&measured).candidates(|count| count - 1);
        assert_eq!(candidates.len(), MEASURED);
        assert_eq!(candidates[0], url("e19"));
    }
}
