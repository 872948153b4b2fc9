//! How far each edge is: the round trip of a question that every edge answers from memory, and which has the list of
//! edges as its answer.

use crate::{
    edges::Edges,
    rules::{MEASURE_WITHIN, SAMPLES},
};
use futures::future::join_all;
use reqwest::Client;
use std::time::Duration;
use switchboard_shared::api::EdgeList;
use tokio::time::{Instant, timeout};
use url::Url;

/// Where an edge says which edges there are.
pub(crate) const LIST: &str = "/.well-known/switchboard/edges";

/// What was learned about an edge.
#[derive(Debug)]
pub(crate) struct Measured {
    edge: Url,
    rtt: Option<Duration>,
    list: Option<EdgeList>,
}

/// Measures the known edges, and then those that these name. One that is alone is asked once: there is nothing to choose.
pub(crate) async fn look(http: Client, mut edges: Edges) -> Vec<Measured> {
    let mut known = edges.candidates(draw);
    let samples = if known.len() > 1 { SAMPLES } else { 1 };
    let mut found = measure_all(&http, known.clone(), samples).await;
    note(&mut edges, &found);
    let all = edges.candidates(draw);
    if samples < SAMPLES && all.len() > 1 {
        known.clear();
    }
    let others = all.into_iter().filter(|edge| !known.contains(edge)).collect();
    found.extend(measure_all(&http, others, SAMPLES).await);
    found
}

/// Takes what was learned.
pub(crate) fn note(edges: &mut Edges, found: &[Measured]) {
    // Two edges may know different ones for a moment: what any of them names is there.
    let lists = found.iter().filter_map(|found| found.list.as_ref());
    let all = EdgeList { edge: None, edges: lists.flat_map(|list| list.edges.clone()).collect() };
    edges.list(&all);
    for Measured { edge, rtt, .. } in found {
        edges.measured(edge, *rtt);
    }
}

/// A number below `count`.
pub(crate) fn draw(count: usize) -> usize {
    fastrand::usize(..count)
}

async fn measure_all(http: &Client, edges: Vec<Url>, samples: usize) -> Vec<Measured> {
    join_all(edges.into_iter().map(|edge| measure(http, edge, samples))).await
}

async fn measure(http: &Client, edge: Url, samples: usize) -> Measured {
    let mut found = Measured { edge, rtt: None, list: None };
    let asking = async {
        for _ in 0..samples {
            let since = Instant::now();
            let Some(list) = ask(http, &found.edge).await else { return };
            let took = since.elapsed();
            found.rtt = Some(found.rtt.map_or(took, |shortest| shortest.min(took)));
            found.list = Some(list);
        }
    };
    // Fewer samples are as good as they are.
    drop(timeout(MEASURE_WITHIN, asking).await);
    found
}

async fn ask(http: &Client, edge: &Url) -> Option<EdgeList> {
    let url = edge.join(LIST).ok()?;
    let answer = http.get(url).timeout(MEASURE_WITHIN).send().await.ok()?.error_for_status().ok()?;
    answer.json().await.ok()
}
