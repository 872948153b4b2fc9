//! `GET /v1/models`: `auto`, which asks whom a message concerns, and each agent that the caller may use.

use super::super::http::Caller;
use crate::{
    access::{Permission, Reach, permit},
    agents::Agent,
    core::Core,
    error::{Error, Result},
};
use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::IntoResponse,
};
use serde::Serialize;
use std::sync::Arc;
use switchboard_shared::{identity::Identity, ids::AgentId, problem::ProblemKind};

/// The model that is no agent.
const AUTO: &str = "auto";

#[derive(Serialize)]
struct Model {
    id: String,
    object: &'static str,
    /// It is not known since when an agent is there.
    created: u64,
    owned_by: &'static str,
    name: String,
    description: String,
}

#[derive(Serialize)]
struct Models {
    object: &'static str,
    data: Vec<Model>,
}

pub(crate) async fn list(State(core): State<Arc<Core>>, Caller(me): Caller) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let agents = usable(&core, &me).await?;
    let agents = agents.iter().filter(|agent| agent.id.as_str() != AUTO).map(|agent| of(agent));
    Ok(axum::Json(Models { object: "list", data: [auto()].into_iter().chain(agents).collect() }))
}

pub(crate) async fn get(
    State(core): State<Arc<Core>>,
    Caller(me): Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse> {
    permit(&me, Permission::Converse)?;
    let Path(id) = id.map_err(|_| unknown(""))?;
    let model = match chosen(&core, &me, &id).await? {
        None => auto(),
        Some(agent) => of(&agent),
    };
    Ok(axum::Json(model))
}

/// The agent that a model is; none where the router is to choose.
pub(super) async fn chosen(core: &Core, me: &Identity, model: &str) -> Result<Option<Arc<Agent>>> {
    if model == AUTO {
        return Ok(None);
    }
    let id: AgentId = model.parse().map_err(|_| unknown(model))?;
    let found = usable(core, me).await?.into_iter().find(|agent| agent.id == id);
    found.map(Some).ok_or_else(|| unknown(model))
}

fn unknown(model: &str) -> Error {
    let shown: String = model.chars().take(64).collect();
    let detail = format!(
        "The model `{shown}` does not exist or you do not have access to it; GET /v1/models lists those that you have."
    );
    Error::public(ProblemKind::ModelNotFound, detail)
}

async fn usable(core: &Core, me: &Identity) -> Result<Vec<Arc<Agent>>> {
    Ok(core.registry.all(&core.store, &me.tenant).await?.usable(&Reach::from(me)))
}

fn auto() -> Model {
    Model {
        id: AUTO.to_owned(),
        object: "model",
        created: 0,
        owned_by: "switchboard",
        name: "Switchboard".to_owned(),
        description: "Asks the agents that a message concerns.".to_owned(),
    }
}

fn of(agent: &Agent) -> Model {
    Model {
        id: agent.id.to_string(),
        object: "model",
        created: 0,
        owned_by: "switchboard",
        name: agent.name.clone(),
        description: agent.description.clone(),
    }
}
