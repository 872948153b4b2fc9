//! `[page]`: where the web page may connect to.

use serde::Deserialize;
use switchboard_shared::config::Faults;
use url::Url;

/// `[page]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs, reason = "deploy/core.toml says what each key means, and is what users read")]
pub struct PageConfig {
    pub edges: Vec<Url>,
}

impl PageConfig {
    /// Checks that each is an origin, which is all that a policy can name.
    pub(super) fn check(&self, faults: &mut Faults) {
        for (index, edge) in self.edges.iter().enumerate() {
            let is_web = matches!(edge.scheme(), "http" | "https");
            if !is_web || edge.path() != "/" || edge.query().is_some() || edge.fragment().is_some() {
                faults
                    .add(&format!("page.edges[{index}]"), "must be an origin, such as https://chat.example");
            }
        }
    }
}
