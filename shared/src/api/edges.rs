//! Which edges there are.

use serde::{Deserialize, Serialize};

/// `GET /.well-known/switchboard/edges`, and the same in `welcome`: the edges that clients may choose from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EdgeList {
    /// The URL of the edge that answers, if it has a public one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub edge: Option<String>,
    /// Every live edge with a public URL, this one among them; those that drain last.
    #[serde(default)]
    pub edges: Vec<EdgeView>,
}

/// One edge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EdgeView {
    /// Where clients reach it: scheme, host and port, without a last slash.
    pub url: String,
    /// Where it stands, in its operator's word; absent when none was given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub region: String,
    /// The share of its client connections that are taken, from 0 to 1.
    pub load: f64,
    /// Whether it is about to end: begin nothing there.
    pub draining: bool,
}
