//! How etcd and Patroni are asked.

use crate::error::{Error, Result};
use std::time::Duration;

/// How long a part may take to say how it is.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

pub(super) fn http() -> Result<reqwest::Client> {
    let built = reqwest::Client::builder().no_proxy().timeout(ANSWER_WITHIN).build();
    built.map_err(|error| Error::Failed(format!("no HTTP client: {error}")))
}
