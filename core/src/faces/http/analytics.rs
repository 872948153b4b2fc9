//! What happens, in figures: as JSON, and as a stream that says them anew.

use super::{
    super::outgoing::{Outgoing, stream_to_client},
    extract::{Caller, Json, Params},
};
use crate::{
    access::{Permission, permit},
    analytics::{self, Window},
    clock,
    core::Core,
    error::{Error, Result},
    outside,
    store::PartKind,
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};
use switchboard_shared::{
    api::{AnalyticsPage, DrillReport, FiguresOf, Step},
    identity::{EXPIRY_GRACE_S, Identity},
    problem::ProblemKind,
};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    from: Option<DateTime<Utc>>,
    to: Option<DateTime<Utc>>,
    #[serde(default)]
    step: Step,
}

/// How the tenant uses the house.
pub(crate) async fn product(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Params(asked): Params<Asked>,
) -> Result<impl IntoResponse> {
    let window = admit(&core, &me, &asked)?;
    Ok(axum::Json(analytics::product(&core, &me.tenant, window).await?))
}

/// What goes wrong, how fast it is, and how each part is.
pub(crate) async fn running(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Params(asked): Params<Asked>,
) -> Result<impl IntoResponse> {
    let window = admit(&core, &me, &asked)?;
    Ok(axum::Json(analytics::running(&core, &me.tenant, window).await?))
}

/// How much there is to do, and how much more would fit.
pub(crate) async fn capacity(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Params(asked): Params<Asked>,
) -> Result<impl IntoResponse> {
    let window = admit(&core, &me, &asked)?;
    Ok(axum::Json(analytics::capacity(&core, &me.tenant, window).await?))
}

/// The most characters of a drill's name, ...
const MOST_NAME_CHARS: usize = 100;
/// ... and of what it found.
const MOST_SUMMARY_CHARS: usize = 500;

/// What a drill of this house found; the last one is shown.
pub(crate) async fn note_drill(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Json(said): Json<DrillReport>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::SeeAnalytics)?;
    if analytics::whose(&core, &me.tenant) != FiguresOf::House {
        let detail = "It needs a tenant of analytics.house_tenants.";
        return Err(Error::public(ProblemKind::Forbidden, detail));
    }
    let (name, summary) = (said.name.chars().count(), said.summary.chars().count());
    if !(1..=MOST_NAME_CHARS).contains(&name) || summary > MOST_SUMMARY_CHARS {
        let detail = format!(
            "A drill has a name of 1 to {MOST_NAME_CHARS} characters, and a summary of at most {MOST_SUMMARY_CHARS}."
        );
        return Err(Error::public(ProblemKind::BadRequest, detail));
    }
    core.figures.spend(&me)?;
    let report = DrillReport {
        name: outside::line(&said.name, MOST_NAME_CHARS),
        summary: outside::line(&said.summary, MOST_SUMMARY_CHARS),
        ..said
    };
    core.store.note_part(PartKind::Drill, "last", &report).await?;
    Ok(axum::Json(report))
}

fn admit(core: &Core, me: &Identity, asked: &Asked) -> Result<Window> {
    permit(me, Permission::SeeAnalytics)?;
    let window = Window::new(asked.from, asked.to, asked.step, clock::now())?;
    core.figures.spend(me)?;
    Ok(window)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Watched {
    page: Option<AnalyticsPage>,
    #[serde(default)]
    step: Step,
}

/// The figures of the last hour in minutes, or of two days in hours, again and again.
pub(crate) async fn stream(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    Params(watched): Params<Watched>,
) -> Result<Response> {
    permit(&me, Permission::SeeAnalytics)?;
    let place = core.streams.take(&me).map_err(Error::Public)?;
    let (outgoing, response) = stream_to_client(&core);
    let watching = Arc::clone(&core);
    core.shutdown.tasks.spawn(async move {
        let _place = place;
        watch(&watching, &me, &watched, &outgoing).await;
    });
    Ok(response)
}

/// Tells until nobody listens, the token is over, or this core goes: then it is attached again.
async fn watch(core: &Core, me: &Identity, watched: &Watched, outgoing: &Outgoing) {
    let every = core.config.analytics.stream;
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let left = me.expires_at + EXPIRY_GRACE_S - clock::now().timestamp();
    let expiry = Instant::now() + Duration::from_secs(u64::try_from(left).unwrap_or(0));
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = sleep_until(expiry) => return,
            () = outgoing.gone() => return,
            () = core.shutdown.token.cancelled() => return,
        }
        for page in AnalyticsPage::ALL.into_iter().filter(|page| watched.page.is_none_or(|one| one == *page))
        {
            let frame = match told(core, me, page, watched.step, every).await {
                Ok(json) => {
                    let head = format!("event: {}\ndata: ", page.name());
                    [head.as_bytes(), &json[..], &b"\n\n"[..]].concat()
                }
                Err(error) => {
                    tracing::warn!(%error, "figures could not be read; trying again");
                    b": not now\n\n".to_vec()
                }
            };
            if outgoing.put(frame).await.is_err() {
                return;
            }
        }
    }
}

/// A page, read anew unless somebody else has just been told it.
async fn told(core: &Core, me: &Identity, page: AnalyticsPage, step: Step, every: Duration) -> Result<Bytes> {
    let key = (me.tenant.clone(), page, step);
    if let Some(json) = core.told.within(&key, every.mul_f64(0.8)) {
        return Ok(json);
    }
    let window = Window::new(None, None, step, clock::now())?;
    let json = match page {
        AnalyticsPage::Running => json(&analytics::running(core, &me.tenant, window).await?)?,
        AnalyticsPage::Capacity => json(&analytics::capacity(core, &me.tenant, window).await?)?,
        AnalyticsPage::Product => json(&analytics::product(core, &me.tenant, window).await?)?,
    };
    core.told.keep(key, json.clone());
    Ok(json)
}

fn json(value: &impl Serialize) -> Result<Bytes> {
    Ok(serde_json::to_vec(value).map_err(Error::writing("page of figures"))?.into())
}
