//! A defect of ours that one piece of work brings out costs that piece alone.

use crate::error::{Error, Result};
use futures::FutureExt;
use std::{future::Future, panic::AssertUnwindSafe};

/// Does a piece of work; a panic in it is an error that trying again would only repeat.
pub(super) async fn isolated<T>(doing: &'static str, work: impl Future<Output = T>) -> Result<T> {
    let done = AssertUnwindSafe(work).catch_unwind().await;
    done.map_err(|_| Error::task(doing)("it panicked"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::future::join_all;

    #[tokio::test]
    async fn a_panic_in_one_call_costs_that_call_and_no_other() {
        let calls = (0..3).map(|i| {
            isolated("asking an agent", async move {
                tokio::task::yield_now().await;
                assert!(i != 1, "what one agent said meets a defect of ours");
                i
            })
        });
        let ended = join_all(calls).await;
        assert!(matches!(ended.as_slice(), [Ok(0), Err(error), Ok(2)] if error.is_defect()), "{ended:?}");
    }
}
