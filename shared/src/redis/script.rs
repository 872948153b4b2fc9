//! Scripts, which a node knows by their hash once it has run them.

use super::{AskError, Cluster};
use fred::{
    types::{FromValue, Value},
    util::sha1_hash,
};

/// A script for one key.
#[derive(Debug)]
pub struct Script {
    text: &'static str,
    sha1: Value,
}

impl Script {
    /// With its hash.
    #[must_use]
    pub fn new(text: &'static str) -> Self {
        Self { text, sha1: sha1_hash(text).into() }
    }

    /// Runs it at the node that has the key; one that was restarted or promoted is told the script.
    ///
    /// # Errors
    /// As [`Cluster::ask`].
    pub async fn run<R: FromValue>(
        &self,
        cluster: &Cluster,
        key: &str,
        arguments: impl IntoIterator<Item = Value>,
    ) -> Result<R, AskError> {
        let head = [self.sha1.clone(), 1.into(), key.into()];
        let mut arguments: Vec<_> = head.into_iter().chain(arguments).collect();
        match cluster.ask(key, "EVALSHA", &arguments).await {
            Err(AskError::Redis(error)) if error.details().starts_with("NOSCRIPT") => {
                arguments[0] = Value::from_static_str(self.text);
                cluster.ask(key, "EVAL", &arguments).await
            }
            answer => answer,
        }
    }
}
