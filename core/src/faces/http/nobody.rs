//! The messages that are for no agent: shown and replaced.

use super::{
    examples::sound,
    extract::{Caller, Json},
};
use crate::{
    accept::Envelope,
    access::{Permission, permit},
    core::Core,
    error::{Error, Result},
    learn::{Lesson, MAX_NOBODY},
    promotion::{Promotion, promote},
    store::{View, reading, retrying},
};
use axum::{extract::State, response::IntoResponse};
use serde_json::json;
use std::sync::Arc;
use switchboard_shared::{
    api::{Example, NobodyExamples, SetExamples},
    identity::Identity,
    problem::ProblemKind,
};

pub(crate) async fn get(State(core): State<Arc<Core>>, Caller(me): Caller) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    Ok(axum::Json(NobodyExamples { examples: read(&core, &me).await?, trial: None }))
}

pub(crate) async fn replace(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    envelope: Envelope,
    Json(new): Json<SetExamples>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::ManageAgents)?;
    if new.examples.len() > MAX_NOBODY {
        let detail = format!("There are at most {MAX_NOBODY} messages for nobody.");
        return Err(Error::public(ProblemKind::TooLarge, detail));
    }
    let examples = sound(new.examples)?;
    core.budgets.spend(&me)?;
    let promotion = Promotion {
        detail: json!({"examples": examples.len()}),
        lesson: Lesson::Nobody(examples),
        force: new.force,
        settles: None,
        action: "nobody.replaced",
        subject: "nobody",
    };
    let trial = retrying!(envelope.patience, promote(&core, &me, &promotion))?;
    Ok(axum::Json(NobodyExamples { examples: read(&core, &me).await?, trial }))
}

async fn read(core: &Core, me: &Identity) -> Result<Vec<Example>> {
    reading!(&core.store, &me.tenant, View::Own, tx, tx.nobody(&me.tenant))
}
