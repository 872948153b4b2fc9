//! Asks each core, again and again, whether it is well. Its name is resolved each time, so a core that moved is found.

use super::{Core, Cores};
use crate::config::CoresConfig;
use futures::future::join_all;
use std::{sync::Arc, time::Duration};
use switchboard_shared::shutdown::Shutdown;

/// Checks every core once and then keeps checking in the background.
///
/// # Errors
/// When the HTTP client cannot be built.
pub async fn watch(cores: &Cores, config: &CoresConfig, shutdown: &Shutdown) -> Result<(), reqwest::Error> {
    let timeout = Duration::from_millis(config.health_timeout_ms);
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(timeout)
        .pool_max_idle_per_host(1)
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    join_all(cores.all().iter().map(|core| check(core, &client))).await;
    for core in cores.all() {
        let (core, client, token) = (core.clone(), client.clone(), shutdown.token.clone());
        let interval = Duration::from_millis(config.health_interval_ms);
        shutdown.tasks.spawn(async move {
            token.run_until_cancelled(check_forever(&core, &client, interval)).await;
        });
    }
    Ok(())
}

async fn check_forever(core: &Arc<Core>, client: &reqwest::Client, interval: Duration) {
    loop {
        // A little jitter keeps many edges from asking in step.
        tokio::time::sleep(interval.mul_f64(0.9 + 0.2 * fastrand::f64())).await;
        check(core, client).await;
    }
}

async fn check(core: &Core, client: &reqwest::Client) {
    let address = match tokio::net::lookup_host(&core.authority).await {
        Ok(mut addresses) => addresses.next(),
        Err(_) => None,
    };
    let Some(address) = address else { return core.mark_down("its name is not resolved") };
    let Ok(url) = core.url.join("/healthz") else { return core.mark_down("its URL cannot be used") };
    match client.get(url).send().await {
        Ok(answer) if answer.status() == 200 => core.mark_up(address),
        Ok(_) => core.mark_down("it does not call itself healthy"),
        Err(_) => core.mark_down("it does not answer its health check"),
    }
}
